<#
.SYNOPSIS
Microsoft Defender Antivirus leaves a path, a program's files or an extension alone, or does not.
.DESCRIPTION
Read from the registry, where each exclusion is the name of a value. Policy owns exclusions where it does not merge local ones, or protects all from tampering.
.NOTES
Source: learn.microsoft.com/powershell/module/defender/add-mppreference
Source: the local lists, github.com/SigmaHQ/sigma rules/windows/registry/registry_set/registry_set_defender_exclusions.yml
Source: the lists of policy, learn.microsoft.com/windows/client-management/mdm/policy-csp-admx-microsoftdefenderantivirus (Exclusions_Paths, DisableLocalAdminMerge)
Source: TPExclusions, github.com/MicrosoftDocs/defender-docs defender-endpoint/manage-tamper-protection-intune.md
Source: only where it runs, github.com/openshift/windows-machine-config-operator pkg/internal/windows-defender-exclusion.ps1
#>
function Get-WnDefenderExclusion {
    param([hashtable]$Key, [hashtable]$Want)
    $service = Get-CimInstance -ClassName Win32_Service -Filter "Name='WinDefend'"
    if ($null -eq $service -or $service.State -ne 'Running') { return @{ state = 'settled'; values = @{ state = $Want['state'] } } }
    $open = { param([string]$Path) [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SOFTWARE\' + $Path) }
    $policies = 'Policies\Microsoft\Windows Defender'
    $list = '\Exclusions\' + @{ path = 'Paths'; process = 'Processes'; extension = 'Extensions' }[$Key['type']]
    $owned = $false
    foreach ($flag in @(@($policies, 'DisableLocalAdminMerge'), @('Microsoft\Windows Defender\Features', 'TPExclusions'))) {
        $item = & $open $flag[0]
        if ($null -ne $item) { $owned = $owned -or $item.GetValue($flag[1]) -eq 1; $item.Dispose() }
    }
    $there = 'absent'
    foreach ($root in @('Microsoft\Windows Defender', $policies)) {
        $item = & $open ($root + $list)
        if ($null -eq $item) { continue }
        $has = @(foreach ($name in $item.GetValueNames()) { if ([string]::Equals($name.TrimStart('.'), $Key['value'].TrimStart('.'), 'OrdinalIgnoreCase')) { $name } })
        $item.Dispose()
        if ($has.Count -eq 0) { continue }
        if ($root -eq $policies) { $owned = $true }
        if ($root -eq $policies -or -not $owned) { $there = 'present' }
    }
    # Defender writes the list after the cmdlet has returned.
    $state = @('settling', 'settled')[[int]($there -eq $Want['state'])]
    if ($owned) { $state = 'policy_owned' }
    @{ state = $state; values = @{ state = $there } }
}
function Set-WnDefenderExclusion {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $value = $Key['value']
    switch ($Key['type'] + ' ' + $Want['state']) {
        'path present' { Add-MpPreference -ExclusionPath $value }
        'path absent' { Remove-MpPreference -ExclusionPath $value }
        'process present' { Add-MpPreference -ExclusionProcess $value }
        'process absent' { Remove-MpPreference -ExclusionProcess $value }
        'extension present' { Add-MpPreference -ExclusionExtension $value }
        'extension absent' { Remove-MpPreference -ExclusionExtension $value }
    }
}
