# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
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
