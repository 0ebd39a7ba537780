<#
.SYNOPSIS
A machine environment variable has the wanted value, or holds the wanted entries of a list and not the
unwanted ones.
.DESCRIPTION
Written to the registry with the kind kept: setx cuts at 1024 characters and
Environment.SetEnvironmentVariable turns an expandable Path into a plain one.
.NOTES
Source: learn.microsoft.com/windows-server/administration/windows-commands/setx (1024)
Source: learn.microsoft.com/windows/win32/procthread/environment-variables (the key)
#>
function New-WnEntries([string[]]$List) {
    # PowerShell's own operators compare by a language, for which some characters are nothing.
    $entries = New-Object -TypeName 'Collections.Generic.HashSet[string]' -ArgumentList ([StringComparer]::OrdinalIgnoreCase)
    foreach ($entry in $List) { $null = $entries.Add($entry.TrimEnd('\')) }
    , $entries
}
function Get-WnEnvironment {
    param([hashtable]$Key, [hashtable]$Want)
    $values = @{ state = 'absent' }
    $item = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\CurrentControlSet\Control\Session Manager\Environment')
    $have = $null
    if ($null -ne $item) {
        # Unexpanded: %SystemRoot% in Path must not become what it stands for.
        $have = $item.GetValue($Key['name'], $null, 'DoNotExpandEnvironmentNames')
        $item.Dispose()
    }
    if ($null -ne $have) {
        $values['state'] = 'present'
        $values['value'] = [string]$have
    }
    # The list's other entries are not ours, so they are not reported.
    $there = New-WnEntries (([string]$have).Split(';'))
    if ($Want.ContainsKey('entries')) {
        $values['entries'] = @(foreach ($entry in $Want['entries']) { if ($there.Contains($entry.TrimEnd('\'))) { $entry } })
        $values['missing'] = @(foreach ($entry in $Want['entries']) { if (-not $there.Contains($entry.TrimEnd('\'))) { $entry } })
    }
    if ($Want.ContainsKey('without')) { $values['without'] = @(foreach ($entry in $Want['without']) { if (-not $there.Contains($entry.TrimEnd('\'))) { $entry } }) }
    @{ state = 'settled'; values = $values }
}
function Set-WnEnvironment {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $item = [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey('SYSTEM\CurrentControlSet\Control\Session Manager\Environment')
    try {
        $name = $Key['name']
        if ($Want['state'] -eq 'absent') { $item.DeleteValue($name, $false); return }
        $old = $item.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
        $text = [string]$old
        if ($Want.ContainsKey('value')) { $text = [string]$Want['value'] }
        $list = $text.Split([char[]]';', [StringSplitOptions]::RemoveEmptyEntries)
        foreach ($entry in @($Want['entries'])) {
            if ($entry -and -not (New-WnEntries $list).Contains($entry.TrimEnd('\'))) { $list += $entry }
        }
        $gone = New-WnEntries $Want['without']
        $list = @(foreach ($there in $list) { if (-not $gone.Contains($there.TrimEnd('\'))) { $there } })
        if (-not $Want.ContainsKey('value')) { $text = $list -join ';' }
        $type = [Microsoft.Win32.RegistryValueKind]'String'
        if ($null -ne $old) { $type = $item.GetValueKind($name) }
        if ($text -match '%\w+%') { $type = [Microsoft.Win32.RegistryValueKind]'ExpandString' }
        $item.SetValue($name, $text, $type)
    } finally { $item.Dispose() }
}
