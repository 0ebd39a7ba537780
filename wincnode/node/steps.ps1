<#
.SYNOPSIS
Takes the steps of a plan: compares with what is there, sets, and asks again. Loaded by the runner
where a plan has steps.
.NOTES
Source: a running program's file is renamed and replaced, github.com/inconshreveable/go-update apply.go
Source: a secret is a value that no cmdlet may get, as module logging records it (event 4103),
github.com/PowerShell/PowerShell src/System.Management.Automation/engine/MshCommandRuntime.cs
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
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Resolve-WnValue $item }) }
    $Value
}
function Test-WnEqual([object]$Have, [object]$Want) {
    if ($null -eq $Have -or $null -eq $Want) { return $null -eq $Have -and $null -eq $Want }
    if ($Want -is [string] -or $Have -is [string]) { return $Have -is [string] -and $Want -is [string] -and [string]::Equals($Have, $Want) }
    if ($Want -is [Collections.IDictionary]) {
        if ($Have -isnot [Collections.IDictionary] -or $Have.Count -ne $Want.Count) { return $false }
        foreach ($name in $Want.Keys) { if (-not $Have.Contains($name) -or -not (Test-WnEqual $Have[$name] $Want[$name])) { return $false } }
        return $true
    }
    if ($Want -is [array] -or $Have -is [array]) {
        if ($Have -isnot [array] -or $Want -isnot [array] -or $Have.Count -ne $Want.Count) { return $false }
        for ($n = 0; $n -lt $Want.Count; $n++) { if (-not (Test-WnEqual $Have[$n] $Want[$n])) { return $false } }
        return $true
    }
    # True is no number.
    if (($Want -is [bool]) -ne ($Have -is [bool])) { return $false }
    $Have -eq $Want
}
function Test-WnSame([object]$Have, [object]$Want, [string]$How) {
    # How something is made is no state of it.
    if ($How -eq 'never') { return $true }
    if ($null -eq $Have) { return $false }
    switch ($How) {
        'text' { return [string]::Equals([string]$Have, [string]$Want, 'OrdinalIgnoreCase') }
        'path' { return [string]::Equals(([string]$Have).Replace('/', '\').TrimEnd('\'), ([string]$Want).Replace('/', '\').TrimEnd('\'), 'OrdinalIgnoreCase') }
        'set' {
            $there = New-Object -TypeName 'Collections.Generic.HashSet[string]' -ArgumentList ([StringComparer]::OrdinalIgnoreCase)
            foreach ($item in @($Have)) { $null = $there.Add([string]$item) }
            return $there.SetEquals([string[]]@($Want))
        }
    }
    Test-WnEqual $Have $Want
}
function Get-WnHash([string]$Path) {
    $stream = [IO.File]::OpenRead($Path)
    try {
        $sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
        [BitConverter]::ToString($sha.ComputeHash($stream)).Replace('-', '').ToLowerInvariant()
    } finally { $stream.Dispose() }
}
function Get-WnUser([string]$Path) {
    $found = @(foreach ($process in @(Get-CimInstance -ClassName Win32_Process)) {
            if ($process.CommandLine -and ([string]$process.CommandLine).Replace('"', '') -like ([Management.Automation.WildcardPattern]::Escape($Path) + '*')) { "process $($process.ProcessId) ($($process.CommandLine))" }
        })
    if ($found.Count) { "It runs as $($found -join ', ')." } else { 'Which program holds it is not known; an anti-virus may.' }
}
function Move-WnInPlace([string]$New, [string]$Path) {
    foreach ($old in [IO.Directory]::GetFiles([IO.Path]::GetDirectoryName($Path), [IO.Path]::GetFileName($Path) + '.old-*')) {
        # It may run still.
        try { [IO.File]::Delete($old) } catch [IO.IOException], [UnauthorizedAccessException] { continue }
    }
    if (-not [IO.File]::Exists($Path)) { [IO.File]::Move($New, $Path); return }
    try { [IO.File]::Replace($New, $Path, [NullString]::Value) } catch [IO.IOException], [UnauthorizedAccessException] {
        # The file of a program that runs cannot be replaced, but renamed.
        $old = "$Path.old-" + [guid]::NewGuid().ToString('N')
        # Who reads it without leave to rename it, as a scanner may, mostly lets go of it soon.
        $moved = $false
        while (-not $moved) {
            try {
                [IO.File]::Move($Path, $old)
                $moved = $true
            } catch [IO.IOException], [UnauthorizedAccessException] {
                if ($watch.Elapsed.TotalSeconds -ge [Math]::Min(60, 0.8 * $Step.timeout_s)) { throw "$Path cannot be replaced: $($_.Exception.GetBaseException().Message.Trim()) $(Get-WnUser $Path)" }
                [Threading.Thread]::Sleep(500) # until it is let go
            }
        }
        try { [IO.File]::Move($New, $Path) } catch { [IO.File]::Move($old, $Path); throw }
    }
}
function Get-WnJoin([string]$Server) {
    # What a kind gives: a machine with a kubelet's certificate is a node of the cluster in kubelet.conf.
    $found = ''
    if ([IO.File]::Exists('C:\etc\kubernetes\kubelet.conf') -and [IO.File]::Exists('C:\var\lib\kubelet\pki\kubelet-client-current.pem')) {
        foreach ($line in [IO.File]::ReadAllLines('C:\etc\kubernetes\kubelet.conf')) {
            if ($line -match '^\s*(?:- )?server:\s*["'']?([^"''\s]+)') { $found = $Matches[1] }
        }
    }
    $state = 'absent'
    if ($found -eq $Server) { $state = 'joined' } elseif ($found -ne '') { $state = "joined to $found" }
    @{ state = 'settled'; values = @{ state = $state } }
}
function Test-WnSecret([object]$Value) {
    if ($Value -is [array]) { foreach ($item in $Value) { if (Test-WnSecret $item) { return $true } } }
    if ($Value -is [Management.Automation.PSCustomObject]) {
        foreach ($p in $Value.PSObject.Properties) { if ($p.Name -eq '$secret' -or (Test-WnSecret $p.Value)) { return $true } }
    }
    $false
}
function Hide-WnValue([object]$Value) {
    # What is there may hold a secret that this step does not want; then none of it is shown, so
    # that nobody takes a text with stars in it for what was there.
    if ($Value -is [string] -and (Hide-WnSecret $Value) -cne $Value) { return '***' }
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Hide-WnValue $item }) }
    $Value
}
function Get-WnShown([object]$Step, [string]$Field, [object]$Value) {
    # A value that goes into the journal or the manifest: a secret field shows only that it has one.
    $wanted = $Step.want.PSObject.Properties[$Field]
    if ($null -ne $wanted -and $null -ne $Value -and (Test-WnSecret $wanted.Value)) { return '***' }
    Hide-WnValue $Value
}
function Get-WnCut([object]$Value) {
    # The client reads lines of at most 1 MiB, of which a character may take six bytes.
    if ($Value -is [string] -and $Value.Length -gt 65536) { return $Value.Substring(0, 65536) + "... ($($Value.Length) characters)" }
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Get-WnCut $item }) }
    $Value
}
function Compare-WnStep([object]$Step, [hashtable]$Want, [hashtable]$Have) {
    $how = $plan.kinds.($Step.kind).compare
    $fields = @($Want.Keys | Sort-Object)
    foreach ($field in $fields) {
        if ($null -eq $Want[$field]) { continue }
        $rule = $how.PSObject.Properties[$field]
        $name = 'exact'
        if ($null -ne $rule) { $name = $rule.Value }
        if (Test-WnSame $Have.values[$field] $Want[$field] $name) { continue }
        [ordered]@{ field = $field; have = (Get-WnCut (Get-WnShown $Step $field $Have.values[$field])); want = (Get-WnCut (Get-WnShown $Step $field $Want[$field])) }
    }
}
function Add-WnManifest([object]$Step, [hashtable]$Have) {
    $path = Join-Path -Path $base -ChildPath 'manifest.json'
    $rows = @()
    if ([IO.File]::Exists($path)) { $rows = @((ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($path))).entries) }
    $id = ConvertTo-WnLine ([ordered]@{ kind = $Step.kind; key = $Step.key })
    # The first entry of a thing holds what was there before wincnode.
    foreach ($row in $rows) {
        if ((ConvertTo-WnLine ([ordered]@{ kind = $row.kind; key = $row.key })) -cne $id) { continue }
        # Entries of a list come in several runs.
        $known = $row.before.PSObject.Properties['missing']
        if ($null -eq $known -or @(foreach ($entry in $Have.values['missing']) { if ($known.Value -notcontains $entry) { $entry } }).Count -eq 0) { return }
    }
    $before = @{}
    foreach ($name in $Have.values.Keys) { $before[$name] = Get-WnShown $Step $name $Have.values[$name] }
    $rows += [ordered]@{ kind = $Step.kind; key = $Step.key; before = $before; run = $plan.run }
    [IO.File]::WriteAllText("$path.new", (ConvertTo-WnLine @{ entries = $rows }))
    if ([IO.File]::Exists($path)) { [IO.File]::Replace("$path.new", $path, [NullString]::Value) } else { [IO.File]::Move("$path.new", $path) }
}
function Invoke-WnStep([object]$Step) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    if (Test-WnSecret $Step.key) { throw 'A key names an object, so it cannot be a secret.' }
    $key = Resolve-WnValue $Step.key
    $want = Resolve-WnValue $Step.want
    if ($plan.kinds.($Step.kind).detached_only -and -not $Folder -and $plan.mode -eq 'apply') { throw "A step of kind $($Step.kind) needs a detached run." }
    . ([scriptblock]::Create((Get-WnScript ('kinds/' + $Step.kind))))
    $name = ConvertTo-WnPascal $Step.kind
    $have = @(& "Get-Wn$name" -Key $key -Want $want)[-1]
    $first = @(Compare-WnStep $Step $want $have)
    $result = @{ outcome = 'ok'; diff = $first }
    if ($first.Count -eq 0 -and $have.state -eq 'needs_reboot') { $result.outcome = 'needs_reboot' }
    # What a kind runs leaves nothing different, so there is nothing to compare.
    if ($plan.mode -eq 'apply' -and (Test-Path -LiteralPath "function:Invoke-Wn$name")) { $null = & "Invoke-Wn$name" -Key $key -Want $want }
    if ($first.Count -eq 0) { return $result }
    if ($have.state -eq 'policy_owned') { $result.outcome = 'policy_owned'; return $result }
    if ($plan.mode -ne 'apply') { $result.outcome = 'would_change'; return $result }
    # A kind without Set only waits.
    if (Test-Path -LiteralPath "function:Set-Wn$name") {
        # Who takes back what earlier runs did makes nothing his own.
        if ($null -eq $plan.PSObject.Properties['undo']) { Add-WnManifest $Step $have }
        $null = & "Set-Wn$name" -Key $key -Want $want -Have $have
        $result.outcome = 'changed'
    }
    while ($true) {
        $have = @(& "Get-Wn$name" -Key $key -Want $want)[-1]
        $rest = @(Compare-WnStep $Step $want $have)
        if ($have.state -eq 'needs_reboot' -or $have.state -eq 'policy_owned') { $result.outcome = $have.state; return $result }
        if ($have.state -eq 'settled' -and $rest.Count -eq 0) { return $result }
        $fields = @(foreach ($row in $rest) { $row.field }) -join ', '
        if ($have.state -eq 'settled') { throw "Still different after it was set: $fields." }
        if ($watch.Elapsed.TotalSeconds -ge $Step.timeout_s) { throw "Not settled after $($Step.timeout_s) s: $fields." }
        [Threading.Thread]::Sleep(500)
    }
}
function Invoke-WnStepWithin([object]$Step) {
    # The step itself gives up when it does not settle in time; this ends one that hangs.
    $box = @{ result = $null; problem = $null }
    $inTime = Invoke-WnWithin ($Step.timeout_s + 2) 'try { $box.result = Invoke-WnStep $Step } catch { $box.problem = $_ }'
    if (-not $inTime) { throw "The step took longer than $($Step.timeout_s) s." }
    if ($null -ne $box.problem) { throw $box.problem }
    $box.result
}
function Invoke-WnPlan {
    $counts = @{}
    $end = 'ok'
    $index = 0
    foreach ($step in @($plan.steps)) {
        $index++
        if ($end -eq 'ok' -and $Folder -and [IO.File]::Exists("$Folder\cancel")) { $end = 'cancelled' }
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $done = [ordered]@{ step = $step.id; outcome = 'skipped'; diff = @(); error = $null; elapsed_ms = 0 }
        if ($end -eq 'ok') {
            Write-WnEvent 'step_started' ([ordered]@{ step = $step.id; index = $index; total = @($plan.steps).Count })
            try {
                $result = Invoke-WnStepWithin $step
                $done.outcome = $result.outcome
                $done.diff = @($result.diff)
            } catch {
                $done.outcome = 'failed'
                $done.error = @{ message = (Hide-WnSecret ($_.Exception.GetBaseException().Message)); id = (Hide-WnSecret $_.FullyQualifiedErrorId) }
            }
        }
        $done.elapsed_ms = $watch.ElapsedMilliseconds
        Write-WnEvent 'step_finished' $done
        $counts[$done.outcome] = 1 + [int]$counts[$done.outcome]
        if ($plan.mode -eq 'apply' -and $done.outcome -eq 'needs_reboot') { $end = 'needs_reboot' }
        if ($plan.mode -eq 'apply' -and $done.outcome -eq 'failed') { $end = 'failed' }
    }
    if ($counts.ContainsKey('failed')) { $end = 'failed' }
    @{ outcome = $end; counts = $counts }
}
