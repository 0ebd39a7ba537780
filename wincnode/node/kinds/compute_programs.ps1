<#
.SYNOPSIS
Runs programs of calls to the Host Compute Service, and tells each one's result when it is there.
.DESCRIPTION
The calls are platform.cs's, compiled once; here is their order, what ends a program, and what is
taken down whatever happened. Verbs, references and leftovers are in files of their own, which the
kind brings. The form of programs is in docs/hcs.md.
#>
function Invoke-WnCall([hashtable]$Run, [object]$Call) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $row = [ordered]@{ id = $Call['id']; do = $Call['do']; status = 'ok'; ms = 0 }
    try {
        $arguments = [ordered]@{}
        foreach ($name in @($Call['args'].Keys)) { $arguments[$name] = Resolve-WnReference $Run $Call['args'][$name] }
        $result = Invoke-WnVerb $Run $Call['do'] $arguments ([int](1000 * $Call['limit_s']))
        $Run.results[$Call['id']] = $result
        if ($result -is [Collections.IDictionary] -and $result.Contains('$open')) {
            $shown = [ordered]@{}
            foreach ($name in @($result.Keys)) { if ($name -ne '$open') { $shown[$name] = $result[$name] } }
            $row['result'] = $shown
        } elseif ($null -ne $result) { $row['result'] = $result }
    } catch {
        $words = Get-WnWordsOf $_.Exception
        $accepted = @(if ($Call.Contains('accept')) { foreach ($code in $Call['accept']) { Get-WnSameCode $code } })
        if ($accepted -notcontains (Get-WnSameCode $words.code)) {
            $row.status = 'failed'
            if (@('0x80370118', '0x800705b4') -contains (Get-WnSameCode $words.code)) { $row.status = 'timeout' }
            $row['hresult'] = $words.code
            $row['message'] = $words.message
            if ($null -ne $words.detail) { $row['error'] = $words.detail }
        }
    }
    $row.ms = $watch.ElapsedMilliseconds
    $Run.status[$Call['id']] = $row.status
    $row
}
function Get-WnSkipped([hashtable]$Run, [object]$Call) {
    $Run.status[$Call['id']] = 'skipped'
    [ordered]@{ id = $Call['id']; do = $Call['do']; status = 'skipped'; ms = 0 }
}
function Invoke-WnProgram([object]$Program, [string]$Refused) {
    $run = @{ results = @{}; status = @{}; open = @(); attached = @{}; stays = @{} }
    $result = [ordered]@{ version = 1; leftovers = @(); calls = @(); finally = @() }
    if ($Refused -ne '') {
        $result.calls = @(foreach ($call in $Program['calls']) { Get-WnSkipped $run $call })
        $result.finally = @(foreach ($call in $Program['finally']) { Get-WnSkipped $run $call })
        $result['refused'] = $Refused
        return $result
    }
    try {
        if ($Program['owner'] -eq 'wincnode') { $result.leftovers = @(Remove-WnLeftover $run) }
        $going = $true
        try {
            $result.calls = @(foreach ($call in $Program['calls']) {
                    if ($going) { $row = Invoke-WnCall $run $call } else { $row = Get-WnSkipped $run $call }
                    $going = $going -and $row.status -eq 'ok'
                    $row
                })
        } finally {
            # Whatever stopped the calls, what they made is taken down.
            $result.finally = @(foreach ($call in $Program['finally']) {
                    $missing = @(Get-WnNamed $call['args'] | Where-Object -FilterScript { $run.status[$_] -ne 'ok' }).Count
                    if ($call.Contains('undoes') -and (-not $run.status.ContainsKey($call['undoes']) -or $run.status[$call['undoes']] -eq 'skipped')) { $missing++ }
                    if ($missing) { Get-WnSkipped $run $call } else { Invoke-WnCall $run $call }
                })
        }
    } finally {
        for ($at = $run.open.Count - 1; $at -ge 0; $at--) { Close-WnOpen $run.open[$at] }
    }
    $result
}
function Get-WnComputePrograms {
    param([hashtable]$Key, [hashtable]$Want)
    # Programs leave nothing that could be compared.
    @{ state = 'settled'; values = @{} }
}
function Invoke-WnComputePrograms {
    param([hashtable]$Key, [hashtable]$Want)
    foreach ($name in 'runs', 'compile', 'compute/answers', 'compute/folders', 'compute/images', 'compute/references', 'compute/systems', 'compute/verbs', 'compute/leftovers') {
        . ([scriptblock]::Create((Get-WnScript $name)))
    }
    $scratchRoot = Join-Path -Path $env:ProgramData -ChildPath 'wincnode\scratch'
    $refused = Import-WnLibrary @('calls.cs', 'compute/exports.cs', 'compute/pipes.cs', 'compute/processes.cs', 'compute/layers.cs', 'compute/volumes.cs', 'compute/rights.cs', 'platform.cs') 'Wincnode.Platform'
    $good = @{}
    foreach ($row in $Want['programs']) {
        $missing = @($row['needs'] | Where-Object -FilterScript { -not $good.ContainsKey($_) })
        $told = [ordered]@{ step = $Step.id; program = $row['id']; result = $null }
        if ($missing.Count) { $told['missing'] = $missing }
        else {
            $told.result = Invoke-WnProgram $row['program'] $refused
            if (@($told.result.calls | Where-Object -FilterScript { $_.status -ne 'ok' }).Count -eq 0) { $good[$row['id']] = $true }
        }
        Write-WnEvent 'program_finished' $told
    }
}
