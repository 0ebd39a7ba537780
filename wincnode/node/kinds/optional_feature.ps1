<#
.SYNOPSIS
Optional features of Windows are on, some of their parts are not, or one is off.
.NOTES
Source: learn.microsoft.com/powershell/module/dism/enable-windowsoptionalfeature
Source: the states, learn.microsoft.com/windows-hardware/manufacture/desktop/dism/dismpackagefeaturestate-enumeration
Source: a part is switched off before the reboot, kubernetes-sigs/image-builder images/capi/ansible/windows/roles/systemprep/tasks/main.yml
Source: 800f081f and others say that the payload was not found, learn.microsoft.com/troubleshoot/windows-client/application-management/dotnet-framework-35-installation-error
#>
function Get-WnOptionalFeature {
    param([hashtable]$Key, [hashtable]$Want)
    $state = 'settled'
    $names = @($Key['name']; foreach ($name in $Want['with']) { $name })
    $on = @(foreach ($name in @($names; foreach ($name in $Want['without']) { $name })) {
            $feature = Get-WindowsOptionalFeature -Online -FeatureName $name
            if ($null -eq $feature) {
                if ($names -contains $name -and $Want['state'] -eq 'enabled') { throw "This Windows has no optional feature $name." }
                continue
            }
            if ([string]$feature.State -match 'Pending') { $state = 'needs_reboot' }
            # What is pending holds after the boot.
            if (@('Enabled', 'EnablePending') -contains [string]$feature.State) { $name }
        })
    $values = @{ state = @('disabled', 'enabled')[$on -contains $Key['name']]
        with = @(foreach ($name in $Want['with']) { if ($on -contains $name) { $name } })
        without = @(foreach ($name in $Want['without']) { if ($on -notcontains $name) { $name } }) }
    if ($Want['source']) { $values['source'] = $Want['source'] }
    @{ state = $state; values = $values }
}
function Set-WnOptionalFeature {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Want['state'] -eq 'disabled') { $null = Disable-WindowsOptionalFeature -Online -FeatureName $Key['name'] -NoRestart; return }
    $names = @($Key['name']; foreach ($name in $Want['with']) { $name })
    try {
        if ($Want['source']) { $null = Enable-WindowsOptionalFeature -Online -FeatureName $names -All -NoRestart -LimitAccess -Source $Want['source'] }
        else { $null = Enable-WindowsOptionalFeature -Online -FeatureName $names -All -NoRestart }
    } catch {
        if (('{0:x8} {1}' -f $_.Exception.HResult, $_.Exception.Message) -notmatch '800f(081f|09(06|07|50))') { throw }
        throw "$($_.Exception.Message) The node lacks the files of the feature: give their place as source."
    }
    # Enabling a feature brings its parts, so they are looked at anew.
    foreach ($name in $Want['without']) {
        $feature = Get-WindowsOptionalFeature -Online -FeatureName $name
        if ($null -ne $feature -and @('Enabled', 'EnablePending') -contains [string]$feature.State) { $null = Disable-WindowsOptionalFeature -Online -FeatureName $name -NoRestart }
    }
}
