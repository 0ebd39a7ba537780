<#
.SYNOPSIS
Reads what the domain name system says of this machine, and the suffixes that names get.
.DESCRIPTION
Only servers of DNS are asked: no hosts file, no multicast. An error is told by its id, which is never localized.
.NOTES
Source: learn.microsoft.com/powershell/module/dnsclient/resolve-dnsname
Source: learn.microsoft.com/troubleshoot/windows-server/networking/configure-domain-suffix-search-list-domain-name-system-clients
#>
function Get-WnFactsNames {
    param()
    $tcpip = 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters'
    $read = { param([string]$key, [string]$name) [string][Microsoft.Win32.Registry]::GetValue($key, $name, '') }
    $domain = & $read $tcpip 'Domain'
    if ($domain -eq '') { $domain = & $read $tcpip 'DhcpDomain' }
    $name = (& $read $tcpip 'Hostname')
    if ($domain -ne '') { $name = "$name.$domain" }
    $ask = {
        param([string]$name, [string]$type, [string]$field)
        $said = @{ found = [object[]]@(); error = '' }
        try { $said.found = [object[]]@(Resolve-DnsName -Name $name -Type $type -DnsOnly -NoHostsFile -QuickTimeout -ErrorAction Stop | Where-Object -FilterScript { $_.Type.ToString() -eq $type } | ForEach-Object -Process { [string]$_.$field }) }
        catch { $said.error = ([string]$_.FullyQualifiedErrorId).Split(',')[0] }
        $said
    }
    $forward = & $ask $name 'A' 'IPAddress'
    $back = @{ found = [object[]]@(); error = '' }
    if ($forward.found.Count) { $back = & $ask $forward.found[0] 'PTR' 'NameHost' }
    $suffixes = & $read 'HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient' 'SearchList'
    if ($suffixes -eq '') { $suffixes = & $read $tcpip 'SearchList' }
    if ($suffixes -eq '') { $suffixes = $domain }
    @{ name = $name; forward = $forward; back = $back; suffixes = [object[]]@($suffixes.Split([char[]]', ', [StringSplitOptions]::RemoveEmptyEntries)) }
}
