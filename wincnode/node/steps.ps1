<#
.SYNOPSIS
Compares a step with what is there, sets it, and asks again; loaded by the runner where a plan has steps.
.NOTES
Source: module logging records the arguments of cmdlets (event 4103), PowerShell-Docs about_Logging_Windows
#>
function Resolve-WnValue([object]$Value) {
    if ($Value -is [Management.Automation.PSCustomObject]) {
        $secret = $Value.PSObject.Properties['$secret']
        if ($null -ne $secret) {
            if (-not $known.ContainsKey([string]$secret.Value)) { throw "The request has no secret $($secret.Value)." }
            return $known[[string]$secret.Value]
        }
        $table = @{}
        foreach ($p in $Value.PSObject.Properties) { $table[$p.Name] = Resolve-WnValue $p.Value }
        return $table
    }
    if ($Value -is [array]) { return , @($Value | ForEach-Object -Process { Resolve-WnValue $_ }) }
    $Value
}
function Test-WnSame([object]$Have, [object]$Want, [string]$How) {
    if ($null -eq $Have) { return $false }
    # Secrets are texts; no cmdlet gets them, as module logging records its arguments.
    if ($How -eq 'exact' -and $Have -is [string] -and $Want -is [string]) { return [string]::Equals($Have, $Want) }
    switch ($How) {
        'text' { return [string]::Equals([string]$Have, [string]$Want, 'OrdinalIgnoreCase') }
        'path' {
            $pair = @($Have, $Want) | ForEach-Object -Process { ([string]$_).Replace('/', '\').TrimEnd('\') }
            return [string]::Equals($pair[0], $pair[1], 'OrdinalIgnoreCase')
        }
        'set' {
            $pair = @($Have, $Want) | ForEach-Object -Process { (@($_ | ForEach-Object -Process { ([string]$_).ToLowerInvariant() } | Sort-Object -Unique)) -join "`n" }
            return $pair[0] -ceq $pair[1]
        }
    }
    (ConvertTo-Json -InputObject $Have -Compress -Depth 12) -ceq (ConvertTo-Json -InputObject $Want -Compress -Depth 12)
}
function Compare-WnStep([object]$Step, [hashtable]$Want, [hashtable]$Have) {
    $how = $plan.kinds.($Step.kind).compare
    $fields = @($Want.Keys | Where-Object -FilterScript { $null -ne $Want[$_] } | Sort-Object)
    foreach ($field in $fields) {
        $rule = $how.PSObject.Properties[$field]
        $name = 'exact'
        if ($null -ne $rule) { $name = $rule.Value }
        if (Test-WnSame $Have.values[$field] $Want[$field] $name) { continue }
        $row = [ordered]@{ field = $field; have = $Have.values[$field]; want = $Want[$field] }
        if ((ConvertTo-Json -InputObject $Step.want.$field -Compress -Depth 12).Contains('"$secret"')) { $row.have = '***'; $row.want = '***' }
        $row
    }
}
function Add-WnManifest([object]$Step, [object[]]$Diff, [hashtable]$Have) {
    $path = Join-Path -Path $base -ChildPath 'manifest.json'
    $rows = @()
    if ([IO.File]::Exists($path)) { $rows = @((ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($path))).entries) }
    $id = ConvertTo-WnLine ([ordered]@{ kind = $Step.kind; key = $Step.key })
    # The first entry of a thing holds what was there before wincnode.
    foreach ($row in $rows) { if ((ConvertTo-WnLine ([ordered]@{ kind = $row.kind; key = $row.key })) -ceq $id) { return } }
    $before = @{}
    foreach ($name in $Have.values.Keys) { $before[$name] = $Have.values[$name] }
    foreach ($row in $Diff) { $before[$row.field] = $row.have }
    $rows += [ordered]@{ kind = $Step.kind; key = $Step.key; before = $before; run = $plan.run }
    [IO.File]::WriteAllText("$path.new", (ConvertTo-WnLine @{ entries = $rows }))
    if ([IO.File]::Exists($path)) { [IO.File]::Replace("$path.new", $path, [NullString]::Value) } else { [IO.File]::Move("$path.new", $path) }
}
function Invoke-WnStep([object]$Step) {
    $key = Resolve-WnValue $Step.key
    $want = Resolve-WnValue $Step.want
    if ($plan.kinds.($Step.kind).detached_only -and -not $Folder -and $plan.mode -eq 'apply') { throw "A step of kind $($Step.kind) needs a detached run." }
    . ([scriptblock]::Create((Get-WnScript ('kinds/' + $Step.kind))))
    $name = ConvertTo-WnPascal $Step.kind
    $have = @(& "Get-Wn$name" -Key $key -Want $want)[-1]
    $first = @(Compare-WnStep $Step $want $have)
    $result = @{ outcome = 'ok'; diff = $first }
    if ($first.Count -eq 0 -and $have.state -eq 'needs_reboot') { $result.outcome = 'needs_reboot' }
    if ($first.Count -eq 0) { return $result }
    if ($have.state -eq 'policy_owned') { $result.outcome = 'policy_owned'; return $result }
    if ($plan.mode -ne 'apply') { $result.outcome = 'would_change'; return $result }
    $watch = [Diagnostics.Stopwatch]::StartNew()
    Add-WnManifest $Step $first $have
    $null = & "Set-Wn$name" -Key $key -Want $want -Have $have
    while ($true) {
        $have = @(& "Get-Wn$name" -Key $key -Want $want)[-1]
        $rest = @(Compare-WnStep $Step $want $have)
        if ($have.state -eq 'needs_reboot' -or $have.state -eq 'policy_owned') { $result.outcome = $have.state; return $result }
        if ($have.state -eq 'settled' -and $rest.Count -eq 0) { $result.outcome = 'changed'; return $result }
        $fields = (@($rest | ForEach-Object -Process { $_.field })) -join ', '
        if ($have.state -eq 'settled') { throw "Still different after it was set: $fields." }
        if ($watch.Elapsed.TotalSeconds -ge $Step.timeout_s) { throw "Not settled after $($Step.timeout_s) s: $fields." }
        [Threading.Thread]::Sleep(500)
    }
}
