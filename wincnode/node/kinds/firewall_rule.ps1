<#
.SYNOPSIS
A rule of Windows Defender Firewall is as wanted, or absent.
.DESCRIPTION
Read from the registry: a cold Get-NetFirewallRule took 48 s with 1,091 rules.
.NOTES
Source: PS2-Servers issue 83 (48 s for two names among 1,091 rules)
Source: the fields of a rule's text, learn.microsoft.com/openspecs/windows_protocols/ms-gpfas (2.2.2)
#>
function Get-WnFirewallRule {
    param([hashtable]$Key, [hashtable]$Want)
    $values = @{ state = 'absent' }
    $state = 'settled'
    $root = [Microsoft.Win32.Registry]::LocalMachine
    $item = $root.OpenSubKey('SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules')
    $text = $null
    if ($null -ne $item) { $text = $item.GetValue($Key['name']); $item.Dispose() }
    if ($null -ne $text) {
        $values = @{ state = 'present'; enabled = $false; protocol = 'Any'; profile = @(); local_port = @(); remote_address = @() }
        foreach ($part in ([string]$text).Split('|')) {
            $name, $value = $part.Split([char[]]'=', 2)
            switch -CaseSensitive ($name) {
                'Name' { $values['display_name'] = $value }
                'Active' { $values['enabled'] = $value -eq 'TRUE' }
                'Dir' { $values['direction'] = @{ In = 'Inbound'; Out = 'Outbound' }[$value] }
                'Action' { $values['action'] = $value }
                'Protocol' { $values['protocol'] = $value -replace '^6$', 'TCP' -replace '^17$', 'UDP' }
                'Profile' { $values['profile'] += $value }
                { $_ -ceq 'LPort' -or $_ -ceq 'LPort2_10' } { $values['local_port'] += $value }
                { $_ -ceq 'RA4' -or $_ -ceq 'RA6' } {
                    # A network is stored as address/mask; the mask's set bits are the prefix.
                    $address, $mask = $value.Split('/')
                    if ($mask -and $mask.Contains('.')) {
                        $bits = (@(([Net.IPAddress]::Parse($mask)).GetAddressBytes() | ForEach-Object -Process { [Convert]::ToString($_, 2) }) -join '').Replace('0', '').Length
                        $value = "$address/$bits" -replace '/32$', ''
                    }
                    $values['remote_address'] += $value
                }
            }
        }
        foreach ($list in @('profile', 'local_port', 'remote_address')) { if ($values[$list].Count -eq 0) { $values[$list] = @('Any') } }
    }
    # Where group policy forbids to merge local rules, a local rule counts for nothing.
    foreach ($name in @('DomainProfile', 'PrivateProfile', 'PublicProfile')) {
        $policy = $root.OpenSubKey('SOFTWARE\Policies\Microsoft\WindowsFirewall\' + $name)
        if ($null -ne $policy) { if ($policy.GetValue('AllowLocalPolicyMerge', 1) -eq 0) { $state = 'policy_owned' }; $policy.Dispose() }
    }
    @{ state = $state; values = $values }
}
function Set-WnFirewallRule {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Have.values['state'] -eq 'present') { Remove-NetFirewallRule -Name $Key['name'] }
    if ($Want['state'] -eq 'absent') { return }
    $or = { param($Value, $Else) if ($Value) { $Value } else { $Else } }
    $enabled = @('False', 'True')[[int][bool]$Want['enabled']]
    $null = New-NetFirewallRule -Name $Key['name'] -DisplayName (& $or $Want['display_name'] $Key['name']) -Enabled $enabled -Direction $Want['direction'] -Action $Want['action'] -Protocol $Want['protocol'] -LocalPort (& $or $Want['local_port'] 'Any') -RemoteAddress (& $or $Want['remote_address'] 'Any') -Profile (& $or $Want['profile'] 'Any')
}
