<#
.SYNOPSIS
Tells what the Host Network Service has, and changes nothing.
.NOTES
Source: the version, github.com/microsoft/hcsshim internal/hns/hnsglobals.go
#>
. ([scriptblock]::Create((Get-WnScript 'networks')))
$until = [DateTime]::UtcNow.AddSeconds($Step.timeout_s - 0.5)
function Get-WnPlain([object]$Document, [string[]]$Names) {
    $plain = [ordered]@{}
    foreach ($p in $Document.PSObject.Properties) { if ($Names -contains $p.Name) { $plain[$p.Name] = $p.Value } }
    $plain
}
function Get-WnHnsFacts {
    param([hashtable]$Key, [hashtable]$Want)
    @{ state = 'settled'; values = @{} }
}
function Invoke-WnHnsFacts {
    param([hashtable]$Key, [hashtable]$Want)
    $told = [ordered]@{ version = $null; networks = @(); endpoints = @(); namespaces = @(); owned = @(); error = '' }
    try {
        $told.networks = [object[]]@(foreach ($row in @(Get-WnNetworkDocument -Until $until)) { Get-WnPlain $row @('ID', 'Name', 'Owner', 'Type', 'Policies', 'MacPool', 'Dns', 'Ipams', 'Flags', 'SchemaVersion') })
        # A line of the journal has its limit; a node has some hundred pods.
        $told.endpoints = [object[]]@(foreach ($row in @(Get-WnHcnDocument 'endpoint' '' $until | Select-Object -First 1000)) { Get-WnPlain $row @('ID', 'Name', 'Owner', 'HostComputeNetwork', 'IpConfigurations') })
        $told.namespaces = [object[]]@(foreach ($row in @(Get-WnHcnDocument 'namespace' '' $until | Select-Object -First 1000)) { Get-WnPlain $row @('ID', 'Type') })
        $version = Read-WnHcn ([Wincnode.Network]::Version((Get-WnLimit 20 $until)))
        $output = Get-WnPart $version 'Output'
        if ($output) { $told.version = @{ major = [int](Get-WnPart $output 'Major'); minor = [int](Get-WnPart $output 'Minor') } }
    } catch { $told.error = $_.Exception.Message }
    $path = Join-Path -Path $base -ChildPath 'manifest.json'
    if ([IO.File]::Exists($path)) {
        $told.owned = [object[]]@(foreach ($row in (ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($path))).entries) { if ($row.kind -eq 'hns_network' -and $row.before.state -eq 'absent') { $row.key.name } })
    }
    Write-WnEvent 'program_finished' ([ordered]@{ step = $Step.id; program = 'hns'; result = $told })
}
