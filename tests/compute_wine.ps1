# Runs programs of a file by compute_programs.ps1 and platform.cs, on the Windows API as Wine has it,
# and writes their results to another. What the runner gives is here in its place.
param([string]$Scripts, [string]$Programs, [string]$Results)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$plan = [pscustomobject]@{ run = '0' }
$base = 'C:\wincnode'
$Request = [pscustomobject]@{ scripts = [pscustomobject]@{} }
$Folder = $base
$Step = [pscustomobject]@{ id = '1' }
$lines = New-Object -TypeName 'Collections.Generic.List[string]'
function Get-WnScript([string]$Name) {
    if ([IO.File]::Exists("$Scripts\$Name")) { return [IO.File]::ReadAllText("$Scripts\$Name") }
    # Wine has neither owners that differ nor rights that matter.
    'function Test-WnForeign([string]$Path) { $false } function Restore-WnAccess([string]$Path) { } function Test-WnLink([string]$Path) { $false }'
}
function Write-WnEvent([string]$Type, [Collections.IDictionary]$Fields) {
    $lines.Add((ConvertTo-Json -InputObject $Fields['result'] -Compress -Depth 40))
}
function Resolve-WnValue([object]$Value) {
    if ($Value -is [Management.Automation.PSCustomObject]) {
        $table = @{}
        foreach ($p in $Value.PSObject.Properties) { $table[$p.Name] = Resolve-WnValue $p.Value }
        return $table
    }
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Resolve-WnValue $item }) }
    $Value
}
$null = [IO.Directory]::CreateDirectory("$env:ProgramData\wincnode\scratch")
. ([scriptblock]::Create([IO.File]::ReadAllText("$Scripts\compute_programs.ps1")))
$rows = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($Programs)) 
Invoke-WnComputePrograms -Key @{} -Want @{ programs = (Resolve-WnValue @($rows)) }
[IO.File]::WriteAllLines($Results, $lines)
