# Makes, lists and removes networks by networks.ps1 and network.cs, on the Windows API as Wine has it,
# and writes what came of it. What the runner gives is here in its place.
param([string]$Scripts, [string]$Wanted, [string]$Results)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$base = 'C:\wincnode'
$Request = [pscustomobject]@{ scripts = [pscustomobject]@{} }
$Folder = $base
function Get-WnScript([string]$Name) { [IO.File]::ReadAllText("$Scripts\$Name") }
. ([scriptblock]::Create((Get-WnScript 'networks')))
function Get-WnNameList { @(foreach ($row in @(Get-WnNetworkDocument)) { $row.Name }) }
$lines = New-Object -TypeName 'Collections.Generic.List[string]'
$rows = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($Wanted))
foreach ($row in $rows) {
    try {
        $made = New-WnNetworkDocument -Document (ConvertTo-Json -InputObject $row -Compress -Depth 20)
        $id = $made.ID
        $end = Read-WnHcn ([Wincnode.Network]::Create('endpoint', $id, '', '{"SchemaVersion":{"Major":2,"Minor":0}}', 20000))
        $space = Read-WnHcn ([Wincnode.Network]::Create('namespace', '', '', '{"SchemaVersion":{"Major":2,"Minor":0}}', 20000))
        $add = '{"ResourceType":"Endpoint","RequestType":"Add","Settings":{"EndpointId":"' + $end.ID + '"}}'
        $null = Read-WnHcn ([Wincnode.Network]::Modify('namespace', $space.ID, $add, 20000))
        $in = @(Get-WnHcnDocument 'namespace' '' ([DateTime]::MaxValue))[-1].Resources.Count
        $null = Read-WnHcn ([Wincnode.Network]::Delete('namespace', $space.ID, 20000))
        $there = Get-WnNameList
        Remove-WnNetworkDocument -Id $id
        New-WnNetworkDocument -Document $made | Out-Null
        $again = @(Get-WnNetworkDocument | Where-Object -FilterScript { $_.ID -eq $id }).Count
        Remove-WnNetworkDocument -Id $id
        $lines.Add("$there, $in, $again, $(Get-WnNameList)")
    } catch { $lines.Add("$($_.FullyQualifiedErrorId): $($_.Exception.Message)") }
}
$version = Read-WnHcn ([Wincnode.Network]::Version(20000))
$lines.Add("$($version.Output.Major).$($version.Output.Minor)")
[IO.File]::WriteAllLines($Results, $lines)
