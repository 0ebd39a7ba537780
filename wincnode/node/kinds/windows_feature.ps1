<#
.SYNOPSIS
Roles and features of Windows Server are installed, or one is not.
.NOTES
Source: learn.microsoft.com/powershell/module/servermanager/install-windowsfeature
Source: the states, learn.microsoft.com/previous-versions/windows/desktop/mgmtprovider/msft-serverfeature
Source: 800f081f and others say that the payload was not found, learn.microsoft.com/troubleshoot/windows-client/application-management/dotnet-framework-35-installation-error
#>
function Get-WnWindowsFeature {
    param([hashtable]$Key, [hashtable]$Want)
    if (-not (Get-Command -Name Get-WindowsFeature -ErrorAction SilentlyContinue)) { throw 'This Windows has no Server Manager; take a step of kind optional_feature.' }
    $names = @($Key['name']; foreach ($name in $Want['with']) { $name })
    $states = @{}
    foreach ($feature in @(Get-WindowsFeature -Name $names)) { $states[[string]$feature.Name] = [string]$feature.InstallState }
    $state = 'settled'
    $there = @(foreach ($name in $names) {
            if (-not $states.ContainsKey($name) -and $Want['state'] -eq 'present') { throw "This Windows has no feature $name." }
            if ($states[$name] -match 'Pending') { $state = 'needs_reboot' }
            # What is pending holds after the boot.
            if (@('Installed', 'InstallPending') -contains $states[$name]) { $name }
        })
    $values = @{ state = @('absent', 'present')[$there -contains $Key['name']]; with = @(foreach ($name in $Want['with']) { if ($there -contains $name) { $name } }) }
    if ($Want['source']) { $values['source'] = $Want['source'] }
    @{ state = $state; values = $values }
}
function Set-WnWindowsFeature {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Want['state'] -eq 'absent') { $null = Uninstall-WindowsFeature -Name $Key['name']; return }
    $names = @($Key['name']; foreach ($name in $Want['with']) { $name })
    try {
        if ($Want['source']) { $null = Install-WindowsFeature -Name $names -Source $Want['source'] } else { $null = Install-WindowsFeature -Name $names }
    } catch {
        if (('{0:x8} {1}' -f $_.Exception.HResult, $_.Exception.Message) -notmatch '800f(081f|09(06|07|50))') { throw }
        throw "$($_.Exception.Message) The node lacks the files of the feature: give their place as source."
    }
}
