<#
.SYNOPSIS
A drive has a page file of the wanted kind, or none; a reboot ends the change.
.DESCRIPTION
PagingFiles lists files, each with its smallest and largest size in MB: 0 0 leaves them to Windows, and drive ? leaves it all to Windows.
.NOTES
Source: what the boot reads, blogs.technet.microsoft.com/askperf/2007/12/14/what-is-the-page-file-for-anyway
Source: drive ?, github.com/SecretLUL/WinMedic tests/fixtures/README.md (reg_query_memory_management.bin)
Source: written where CIM fails, github.com/ansible-collections/community.windows plugins/modules/win_pagefile.ps1
Source: AllocatedBaseSize lies between the sizes that held at the boot, learn.microsoft.com/windows/win32/cimwin32prov/win32-pagefileusage
#>
function Get-WnPagefile {
    param([hashtable]$Key, [hashtable]$Want)
    $drive = $Key['drive'].Substring(0, 1)
    $values = @{ mode = 'none'; initial_mb = 0; maximum_mb = 0 }
    $item = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management')
    foreach ($text in @($item.GetValue('PagingFiles', @()))) {
        if ($text -notmatch '^([?a-z]):\\.*?(?:\s+(\d+)\s+(\d+))?\s*$') { continue }
        if ($Matches[1] -eq '?') { $values['mode'] = 'automatic' }
        elseif ($Matches[1] -eq $drive) {
            $values = @{ mode = 'system'; initial_mb = [int]$Matches[2]; maximum_mb = [int]$Matches[3] }
            if ($values['initial_mb']) { $values['mode'] = 'fixed' }
        }
    }
    $item.Dispose()
    $size = 0
    foreach ($file in @(Get-CimInstance -ClassName Win32_PageFileUsage -Property @('Name', 'AllocatedBaseSize'))) {
        if ($values['mode'] -eq 'automatic' -or $file.Name.Substring(0, 1) -eq $drive) { $size = $file.AllocatedBaseSize }
    }
    switch ($values['mode']) {
        'none' { $booted = $size -eq 0 }
        'fixed' { $booted = $size -ge $values['initial_mb'] -and $size -le $values['maximum_mb'] }
        default { $booted = $size -gt 0 }
    }
    @{ state = @('needs_reboot', 'settled')[[int]$booted]; values = $values }
}
function Set-WnPagefile {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $drive = $Key['drive'].Substring(0, 1)
    $system = $env:SystemDrive.Substring(0, 1)
    $item = [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey('SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management')
    try {
        $files = @(foreach ($text in @($item.GetValue('PagingFiles', @())) -ne '') {
                # Where Windows no longer cares for all drives, its own keeps its file.
                if ($text[0] -eq '?') { if ($drive -ne $system) { "${system}:\pagefile.sys 0 0" } }
                elseif ([string]$text[0] -ne $drive) { $text }
            })
        switch ($Want['mode']) {
            'automatic' { $files = @('?:\pagefile.sys') }
            'system' { $files += "${drive}:\pagefile.sys 0 0" }
            'fixed' { $files += '{0}:\pagefile.sys {1} {2}' -f $drive, $Want['initial_mb'], $Want['maximum_mb'] }
        }
        $item.SetValue('PagingFiles', [string[]]$files, [Microsoft.Win32.RegistryValueKind]'MultiString')
    } finally { $item.Dispose() }
}
