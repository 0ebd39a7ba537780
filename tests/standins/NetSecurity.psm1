# Stand-in for Windows' NetSecurity: rules are kept where Windows keeps them, in its form.
Set-StrictMode -Version 2
$path = 'SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules'

function New-NetFirewallRule {
    param(
        [string]$Name, [string]$DisplayName, [string]$Enabled, [string]$Direction, [string]$Action,
        [string]$Protocol, [string[]]$LocalPort, [string[]]$RemoteAddress, [string[]]$Profile
    )
    $number = @{ TCP = 6; UDP = 17 }[$Protocol]
    $text = "v2.30|Action=$Action|Active=$($Enabled.ToUpperInvariant())|Dir=$($Direction.Replace('bound', ''))|Protocol=$number|"
    foreach ($row in $LocalPort) { if ($row -ne 'Any') { $text += "LPort=$row|" } }
    foreach ($row in $RemoteAddress) { if ($row -ne 'Any') { $text += "RA4=$($row.Replace('/8', '/255.0.0.0'))|" } }
    foreach ($row in $Profile) { if ($row -ne 'Any') { $text += "Profile=$row|" } }
    $item = [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey($path)
    $item.SetValue($Name, $text + "Name=$DisplayName|")
    $item.Dispose()
}
function Remove-NetFirewallRule {
    param([string]$Name)
    $item = [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey($path)
    $item.DeleteValue($Name)
    $item.Dispose()
}
