<#
.SYNOPSIS
A value of a registry key has the wanted type and data, or is absent.
.NOTES
Source: learn.microsoft.com/dotnet/api/microsoft.win32.registryvaluekind (names of the types)
#>
function Get-WnRegistryHive {
    param([string]$Path)
    $hive, $rest = $Path.Split([char[]]'\', 2)
    $name = @{ HKLM = 'LocalMachine'; HKU = 'Users'; HKCR = 'ClassesRoot' }[$hive.TrimEnd(':')]
    [Microsoft.Win32.RegistryKey]::OpenBaseKey([Microsoft.Win32.RegistryHive]$name, [Microsoft.Win32.RegistryView]'Registry64')
    $rest
}
function Get-WnRegistryValue {
    param([hashtable]$Key, [hashtable]$Want)
    $values = @{ state = 'absent' }
    $hive, $path = Get-WnRegistryHive $Key['path']
    $item = $hive.OpenSubKey($path)
    if ($null -ne $item) {
        try {
            # Unexpanded, so that a %variable% is compared as it is stored.
            $data = $item.GetValue($Key['name'], $null, 'DoNotExpandEnvironmentNames')
            if ($null -ne $data) {
                $values['state'] = 'present'
                $values['type'] = [string]$item.GetValueKind($Key['name'])
                # .NET reads a DWord as a signed number.
                if ($values['type'] -eq 'DWord') { $data = [BitConverter]::ToUInt32([BitConverter]::GetBytes([int]$data), 0) }
                $values['value'] = @(foreach ($part in $data) { [string]$part })
            }
        } finally { $item.Dispose() }
    }
    @{ state = 'settled'; values = $values }
}
function Set-WnRegistryValue {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $hive, $path = Get-WnRegistryHive $Key['path']
    $item = $hive.CreateSubKey($path)
    try {
        if ($Want['state'] -eq 'absent') { $item.DeleteValue($Key['name'], $false); return }
        $data = [string]@($Want['value'])[0]
        switch ($Want['type']) {
            'DWord' { $data = [BitConverter]::ToInt32([BitConverter]::GetBytes([uint32]$data), 0) }
            'QWord' { $data = [long]$data }
            'MultiString' { $data = [string[]]@($Want['value']) }
        }
        $item.SetValue($Key['name'], $data, [Microsoft.Win32.RegistryValueKind]$Want['type'])
    } finally { $item.Dispose() }
}
