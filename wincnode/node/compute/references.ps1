<#
.SYNOPSIS
Puts results in the place of references to them.
#>
function Get-WnFound([hashtable]$Run, [string]$Name) {
    $call, $member = $Name.Split([char[]]'.', 2)
    $result = $Run.results[$call]
    if (-not $member) { return , $result }
    if ($result -is [Collections.IDictionary] -and $result.Contains($member)) { return , $result[$member] }
    if ($result -is [Management.Automation.PSCustomObject] -and $result.PSObject.Properties[$member]) { return , $result.$member }
    Stop-WnCall '0x80070490' "${Name}: the result has no such field" $null
}
function Resolve-WnReference([hashtable]$Run, [object]$Value) {
    # Results in the place of references.
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Resolve-WnReference $Run $item }) }
    if ($Value -isnot [Collections.IDictionary]) { return $Value }
    if ($Value.Count -eq 1) {
        switch (@($Value.Keys)[0]) {
            '$ref' { return , (Get-WnFound $Run $Value['$ref']) }
            '$join' {
                $parts = foreach ($item in $Value['$join']) {
                    $part = Resolve-WnReference $Run $item
                    if ($part -isnot [string] -and $part -isnot [int] -and $part -isnot [long]) { Stop-WnCall '0x80070057' 'Only texts and numbers can be joined.' $null }
                    $part
                }
                return @($parts) -join ''
            }
            { $_ -eq '$layers' -or $_ -eq '$layers_v1' } {
                $id = 'Id'
                if ($_ -eq '$layers_v1') { $id = 'ID' }
                $folders = Resolve-WnReference $Run $Value[$_]
                return , @(foreach ($path in $folders) { [ordered]@{ $id = (Get-WnAnswer ([Wincnode.Platform]::LayerId($path))).Text; Path = $path } })
            }
        }
    }
    $table = [ordered]@{}
    foreach ($name in @($Value.Keys)) { $table[$name] = Resolve-WnReference $Run $Value[$name] }
    $table
}
function Get-WnNamed([object]$Value) {
    # The calls that a value refers to.
    if ($Value -is [array]) { foreach ($item in $Value) { Get-WnNamed $item } }
    if ($Value -isnot [Collections.IDictionary]) { return }
    foreach ($name in @($Value.Keys)) {
        if ($name -eq '$ref') { ([string]$Value[$name]).Split('.')[0] } else { Get-WnNamed $Value[$name] }
    }
}
