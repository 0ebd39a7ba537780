<#
.SYNOPSIS
Reads the facts and takes the steps of one plan, and reports each.
.DESCRIPTION
Attached: events go to stdout and nothing is written unless the mode is apply. Detached: events
go to journal.jsonl in the run folder, each flushed. The lock is a file held open with no sharing.
.NOTES
Source: MachineGuid and BootId as read by the kubelet,
github.com/kubernetes/kubernetes pkg/kubelet/winstats/perfcounter_nodestats_windows.go
#>
param([Parameter(Mandatory = $true)][object]$Request, [string]$Secrets, [string]$Folder)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$plan = $Request.plan
$base = Join-Path -Path $env:ProgramFiles -ChildPath 'wincnode'
$out = @{ seq = 0; journal = $null; lock = $null; lines = (New-Object -TypeName Text.StringBuilder)
    flushes = 0; last = [Diagnostics.Stopwatch]::StartNew(); pauses = @($Request.flush_s) }
$guard = [hashtable]::Synchronized(@{ job = $null; done = $false; grace_ms = 60000 })
$known = @{}
$masked = New-Object -TypeName 'Collections.Generic.List[string]'
# Pairs of name=BASE64, read with .NET alone: module logging records what cmdlets get.
foreach ($pair in $Secrets.Split([char[]]' ', [StringSplitOptions]::RemoveEmptyEntries)) {
    $name, $code = $pair.Split([char[]]'=', 2)
    $value = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($code))
    $known[$name] = $value
    $masked.AddRange([string[]]@($value, $code, [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($value))))
    # What is quoted of a text of several lines may be one of them, without the spaces around it.
    foreach ($line in $value.Split([char[]]"`r`n")) { if ($line.Trim().Length -ge 8) { $masked.Add($line.Trim()) } }
}
# The longest first, or what is left of it behind a shorter one would be shown.
$masked.Sort([Comparison[string]]{ param($A, $B) $B.Length - $A.Length })

function ConvertTo-WnLine([object]$Value) {
    $json = ConvertTo-Json -InputObject $Value -Compress -Depth 40
    [regex]::Replace($json, '[^\x20-\x7e]', { param($m) '\u{0:x4}' -f [int][char]$m.Value })
}
function Write-WnFlush {
    Write-WnOut $out.lines.ToString()
    $null = $out.lines.Clear()
    $out.flushes++
    $out.last.Restart()
}
function Write-WnEvent([string]$Type, [Collections.IDictionary]$Fields) {
    $out.seq++
    $at = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffZ', [cultureinfo]::InvariantCulture)
    $wire = [ordered]@{ run = $plan.run; seq = $out.seq; at = $at; type = $Type }
    foreach ($name in $Fields.Keys) { $wire[$name] = $Fields[$name] }
    $line = (ConvertTo-WnLine $wire) + "`n"
    if ($null -ne $out.journal) {
        $bytes = [Text.Encoding]::ASCII.GetBytes($line)
        $out.journal.Write($bytes, 0, $bytes.Length)
        $out.journal.Flush($true)
        return
    }
    $null = $out.lines.Append($line)
    $pause = 0
    if ($out.pauses.Count) { $pause = $out.pauses[[Math]::Min($out.flushes, $out.pauses.Count - 1)] }
    if ($out.last.Elapsed.TotalSeconds -ge $pause -or $Type -eq 'finished' -or $Type -eq 'refused') { Write-WnFlush }
}
function Hide-WnSecret([string]$Text) {
    foreach ($form in $masked) { if ($form -ne '') { $Text = $Text.Replace($form, '***') } }
    $Text
}
function Get-WnScript([string]$Name) {
    $script = $Request.scripts.PSObject.Properties[$Name]
    if ($null -eq $script) { throw "The request has no script $Name." }
    $sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
    $hash = $sha.ComputeHash([Text.Encoding]::ASCII.GetBytes($script.Value.text))
    if ([BitConverter]::ToString($hash).Replace('-', '') -ne $script.Value.sha256) { throw "Script $Name differs from its hash." }
    $script.Value.text
}
function ConvertTo-WnPascal([string]$Name) {
    (@($Name -split '[_/-]') | ForEach-Object -Process { $_.Substring(0, 1).ToUpperInvariant() + $_.Substring(1) }) -join ''
}
function Read-WnHolder {
    try {
        $stream = [IO.File]::Open("$base\holder.json", 'Open', 'Read', 'ReadWrite')
        try { ConvertFrom-Json -InputObject ((New-Object -TypeName IO.StreamReader -ArgumentList $stream).ReadToEnd()) } finally { $stream.Dispose() }
    } catch { $null }
}
function Write-WnHolder([string]$Text) {
    # Shared, as somebody who is refused may be reading it.
    $bytes = [Text.Encoding]::ASCII.GetBytes($Text)
    $stream = [IO.File]::Open("$base\holder.json", 'Create', 'Write', 'ReadWrite')
    try { $stream.Write($bytes, 0, $bytes.Length) } finally { $stream.Dispose() }
}
function Close-WnLock {
    if ($null -eq $out.lock) { return }
    Write-WnHolder ''
    $out.lock.Dispose()
    $out.lock = $null
}
function Write-WnHello {
    $crypto = Get-ItemProperty -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Cryptography' -ErrorAction SilentlyContinue
    $boots = Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters' -ErrorAction SilentlyContinue
    $machine = ''
    if ($crypto -and $crypto.PSObject.Properties['MachineGuid']) { $machine = [string]$crypto.MachineGuid }
    $boot = ''
    if ($boots -and $boots.PSObject.Properties['BootId']) { $boot = [string]$boots.BootId }
    if ($boot -eq '') {
        try { $boot = (Get-CimInstance -ClassName Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o') } catch { $boot = '' }
    }
    $user = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object -TypeName Security.Principal.WindowsPrincipal -ArgumentList $user
    $mode = 'attached'
    if ($Folder) { $mode = 'detached' }
    Write-WnEvent 'hello' ([ordered]@{ protocol = 1; powershell = [string]$PSVersionTable.PSVersion
            build = [Environment]::OSVersion.Version.Build; computer = $env:COMPUTERNAME
            machine_id = $machine; user = $user.Name
            elevated = $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
            language_mode = [string]$ExecutionContext.SessionState.LanguageMode; mode = $mode; pid = $PID; boot = $boot })
}
function Start-WnGuard {
    # The guard's runspace has no cmdlets: it only calls .NET. What .NET itself blocks cannot be
    # stopped; then the process ends, so that nothing holds the lock for ever.
    $space = [runspacefactory]::CreateRunspace([initialsessionstate]::Create())
    $space.Open()
    $space.SessionStateProxy.LanguageMode = 'FullLanguage'
    $space.SessionStateProxy.SetVariable('guard', $guard)
    $watcher = [powershell]::Create()
    $watcher.Runspace = $space
    $null = $watcher.AddScript('
        while (-not $guard.done) {
            [Threading.Thread]::Sleep(50)
            $job = $guard.job
            if ($null -eq $job) { continue }
            $over = $job.watch.ElapsedMilliseconds - $job.limit_ms
            if ($over -gt 0 -and -not $job.stopped) { $job.stopped = $true; $null = $job.work.BeginStop($null, $null) }
            if ($over -gt $guard.grace_ms) { [Diagnostics.Process]::GetCurrentProcess().Kill() }
        }')
    $null = $watcher.BeginInvoke()
}
function Invoke-WnWithin([double]$Seconds, [string]$Text) {
    # The script sees the caller's variables. What it puts out is dropped: transcription would
    # write it down. False says that its time ran out.
    $work = [powershell]::Create('CurrentRunspace')
    $null = $work.AddScript($Text)
    $job = [hashtable]::Synchronized(@{ work = $work; watch = [Diagnostics.Stopwatch]::StartNew(); limit_ms = 1000 * $Seconds; stopped = $false })
    $guard.job = $job
    try { $null = $work.Invoke() } finally { $guard.job = $null }
    -not $job.stopped
}
function Invoke-WnFacts([object]$Section) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $fact = [ordered]@{ section = $Section.section; status = 'unknown'; data = $null; error = $null; elapsed_ms = 0 }
    $box = @{ found = @() }
    try {
        $text = Get-WnScript ('facts/' + $Section.section)
        $text += "`n" + '$box.found = @(Get-WnFacts' + (ConvertTo-WnPascal $Section.section) + ')'
        if (-not (Invoke-WnWithin $Section.timeout_s $text)) { $fact.error = 'deadline' }
        elseif ($box.found.Count -eq 0) { $fact.error = 'the section gave nothing' }
        else { $fact.data = $box.found[-1]; $fact.status = 'ok' }
    } catch {
        $fact.error = Hide-WnSecret ($_.Exception.GetBaseException().Message)
    }
    $fact.elapsed_ms = $watch.ElapsedMilliseconds
    Write-WnEvent 'facts' $fact
}

try {
    if ($Folder) { $out.journal = [IO.File]::Open("$Folder\journal.jsonl", 'CreateNew', 'Write', 'Read') }
    if ($plan.mode -eq 'apply') {
        # A launcher that asks whether the node is free holds the file for a moment, and who has
        # just taken it needs one to leave a name.
        $holder = $null
        for ($try = 0; $null -eq $out.lock -and ($try -lt 20 -or ($null -eq $holder -and $try -lt 40)); $try++) {
            try { $out.lock = [IO.File]::Open("$base\lock", 'OpenOrCreate', 'ReadWrite', 'None') } catch [IO.IOException] {
                $holder = Read-WnHolder
                [Threading.Thread]::Sleep(50)
            }
        }
        if ($null -eq $out.lock) {
            Write-WnEvent 'refused' ([ordered]@{ code = 'locked'; message = 'Another run holds this node.'; holder = $holder })
            return
        }
        Write-WnHolder (ConvertTo-WnLine ([ordered]@{ run = $plan.run; who = $plan.who }))
    }
    Write-WnHello
    Start-WnGuard
    foreach ($section in @($plan.facts)) { Invoke-WnFacts $section }
    $ended = @{ outcome = 'ok'; counts = @{} }
    if (@($plan.steps).Count) {
        . ([scriptblock]::Create((Get-WnScript 'steps')))
        if ($null -eq $plan.PSObject.Properties['guard']) { $ended = Invoke-WnPlan } else {
            foreach ($name in @('adapters', 'guard')) { . ([scriptblock]::Create((Get-WnScript $name))) }
            $ended = Invoke-WnGuardedPlan
        }
    }
    # Who reads that the run has finished may start the next one at once.
    Close-WnLock
    Write-WnEvent 'finished' ([ordered]@{ outcome = $ended.outcome; counts = $ended.counts })
} catch {
    Write-WnEvent 'log' ([ordered]@{ level = 'error'; text = (Hide-WnSecret ($_.Exception.GetBaseException().Message)) })
    Close-WnLock
    Write-WnEvent 'finished' ([ordered]@{ outcome = 'failed'; counts = @{} })
} finally {
    $guard.done = $true
    if ($null -ne $out.journal) { $out.journal.Dispose() }
    Close-WnLock
}
