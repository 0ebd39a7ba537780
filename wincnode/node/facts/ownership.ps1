<#
.SYNOPSIS
Reads wincnode's own manifest: what its runs have changed on this machine, and what was there before.
.DESCRIPTION
A value that is too long for the reader of these lines is left out and named.
#>
function Get-WnFactsOwnership {
    param()
    $path = Join-Path -Path $env:ProgramFiles -ChildPath 'wincnode\manifest.json'
    $rows = @()
    if ([IO.File]::Exists($path)) { $rows = @((ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($path))).entries) }
    $room = 524288
    $entries = foreach ($row in $rows) {
        $before = @{}
        $long = @(foreach ($p in $row.before.PSObject.Properties) {
                $length = 0
                if ($null -ne $p.Value) { $length = (ConvertTo-Json -InputObject $p.Value -Compress -Depth 12).Length }
                if ($length -gt 32768 -or $length -gt $room) { $p.Name; continue }
                $room -= $length
                $before[$p.Name] = $p.Value
            })
        @{ kind = $row.kind; key = $row.key; before = $before; too_long = $long }
    }
    @{ path = $path; entries = [object[]]@($entries) }
}
