<#
.SYNOPSIS
The machine has the wanted name; a reboot ends the change.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/rename-method-in-class-win32-computersystem
Source: the values that a change writes, and those that stay until the boot, github.com/reactos/reactos modules/rostests/apitests/kernel32/SetComputerNameExW.c
#>
function Get-WnHostname {
    param([hashtable]$Key, [hashtable]$Want)
    $read = {
        param([string]$Path, [string]$Name)
        $item = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\CurrentControlSet\' + $Path)
        if ($null -ne $item) { [string]$item.GetValue($Name); $item.Dispose() }
    }
    $next = & $read 'Control\ComputerName\ComputerName' 'ComputerName'
    $now = & $read 'Control\ComputerName\ActiveComputerName' 'ComputerName'
    # The host name may be longer than its first 15 characters, which are the computer's name.
    $hostNext = & $read 'Services\Tcpip\Parameters' 'NV Hostname'
    $hostNow = & $read 'Services\Tcpip\Parameters' 'Hostname'
    $state = 'settled'
    if ($next -ne $now -or ($hostNext -and $hostNext -ne $hostNow)) { $state = 'needs_reboot' }
    if (-not $hostNext) { $hostNext = $next }
    @{ state = $state; values = @{ name = $hostNext } }
}
function Set-WnHostname {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $computer = Get-CimInstance -ClassName Win32_ComputerSystem
    $result = Invoke-CimMethod -InputObject $computer -MethodName Rename -Arguments @{ Name = $Want['name'] }
    if ($result.ReturnValue -ne 0) { throw "Win32_ComputerSystem.Rename returned $($result.ReturnValue)." }
}
