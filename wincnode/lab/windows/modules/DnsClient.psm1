# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-DnsClientServerAddress {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Alias('Family')] [ValidateSet('IPv4', 'IPv6')] [string[]]$AddressFamily,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string[]]$InterfaceAlias,
        [uint32[]]$InterfaceIndex,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-DnsClientServerAddress' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Resolve-DnsName {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$CacheOnly,
        [switch]$DnsOnly,
        [switch]$DnssecCd,
        [switch]$DnssecOk,
        [switch]$LlmnrFallback,
        [switch]$LlmnrNetbiosOnly,
        [switch]$LlmnrOnly,
        [string]$Name,
        [switch]$NetbiosFallback,
        [switch]$NoHostsFile,
        [switch]$NoIdn,
        [switch]$NoRecursion,
        [switch]$QuickTimeout,
        [string[]]$Server,
        [switch]$TcpOnly,
        [ValidateSet('UNKNOWN', 'A_AAAA', 'A', 'NS', 'MD', 'MF', 'CNAME', 'SOA', 'MB', 'MG', 'MR', 'NULL', 'WKS', 'PTR', 'HINFO', 'MINFO', 'MX', 'TXT', 'RP', 'AFSDB', 'X25', 'ISDN', 'RT', 'AAAA', 'SRV', 'DNAME', 'OPT', 'DS', 'RRSIG', 'NSEC', 'DNSKEY', 'DHCID', 'NSEC3', 'NSEC3PARAM', 'ANY', 'ALL', 'WINS')] [string]$Type
    )
    Invoke-WnLab -Cmdlet 'Resolve-DnsName' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Set-DnsClientServerAddress {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [object[]]$InputObject,
        [string[]]$InterfaceAlias,
        [uint32[]]$InterfaceIndex,
        [switch]$PassThru,
        [Alias('ResetAddresses')] [switch]$ResetServerAddresses,
        [Alias('Addresses')] [string[]]$ServerAddresses,
        [int]$ThrottleLimit,
        [switch]$Validate
    )
    Invoke-WnLab -Cmdlet 'Set-DnsClientServerAddress' -Bound $PSBoundParameters -Caller $PSCmdlet
}
