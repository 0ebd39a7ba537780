<#
.SYNOPSIS
Reads facts and takes the steps of one plan; the only script that compares and reports.
.DESCRIPTION
Attached: events go to stdout and nothing is written unless the mode is apply. Detached: events
go to journal.jsonl in the run folder, each flushed. The lock is a file held open with no sharing.
.NOTES
Source: MachineGuid and BootId as read by the kubelet,
github.com/kubernetes/kubernetes pkg/kubelet/winstats/perfcounter_nodestats_windows.go
#>
param([Parameter(Mandatory = $true)][object]$Request, [object]$Secrets, [string]$Folder)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$plan = $Request.plan
$base = Join-Path -Path $env:ProgramFiles -ChildPath 'wincnode'
$out = @{ seq = 0; journal = $null; lines = (New-Object -TypeName Text.StringBuilder)
    flushes = 0; last = [Diagnostics.Stopwatch]::StartNew(); pauses = @($Request.flush_s) }
$known = @{}
if ($null -ne $Secrets) { foreach ($p in $Secrets.PSObject.Properties) { $known[$p.Name] = [string]$p.Value } }

function ConvertTo-WnLine([object]$Value) {
    $json = ConvertTo-Json -InputObject $Value -Compress -Depth 12
    [regex]::Replace($json, '[^\x20-\x7e]', { param($m) '\u{0:x4}' -f [int][char]$m.Value })
}
function Write-WnFlush {
    if ($out.lines.Length -eq 0) { return }
    [Console]::Out.Write($out.lines.ToString())
    [Console]::Out.Flush()
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
    foreach ($value in $known.Values) { if ($value -ne '') { $Text = $Text.Replace($value, '***') } }
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
function Invoke-WnFacts([object]$Section) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $fact = [ordered]@{ section = $Section.section; status = 'unknown'; data = $null; error = $null; elapsed_ms = 0 }
    $guard = $null
    try {
        $text = Get-WnScript ('facts/' + $Section.section)
        $work = [powershell]::Create('CurrentRunspace')
        $null = $work.AddScript($text + "`nGet-WnFacts" + (ConvertTo-WnPascal $Section.section))
        # The watchdog's runspace has no cmdlets: it only calls .NET.
        $shared = [hashtable]::Synchronized(@{ work = $work; left_ms = 1000 * $Section.timeout_s; done = $false })
        $space = [runspacefactory]::CreateRunspace([initialsessionstate]::Create())
        $space.Open()
        $space.SessionStateProxy.LanguageMode = 'FullLanguage'
        $space.SessionStateProxy.SetVariable('shared', $shared)
        $guard = [powershell]::Create()
        $guard.Runspace = $space
        $null = $guard.AddScript('while (-not $shared.done) { [Threading.Thread]::Sleep(50); $shared.left_ms -= 50; if ($shared.left_ms -le 0) { $shared.done = $true; $null = $shared.work.BeginStop($null, $null) } }')
        $null = $guard.BeginInvoke()
        $found = @($work.Invoke())
        $shared.done = $true
        if ("$($work.InvocationStateInfo.State)" -eq 'Stopped') { $fact.error = 'deadline' }
        elseif ($found.Count -eq 0) { $fact.error = 'the section gave nothing' }
        else { $fact.data = $found[-1]; $fact.status = 'ok' }
    } catch {
        $fact.error = Hide-WnSecret ($_.Exception.GetBaseException().Message)
    } finally {
        if ($null -ne $guard) { $shared.done = $true; $null = $guard.BeginStop($null, $null) }
    }
    $fact.elapsed_ms = $watch.ElapsedMilliseconds
    Write-WnEvent 'facts' $fact
}

$lock = $null
try {
    if ($Folder) { $out.journal = [IO.File]::Open("$Folder\journal.jsonl", 'CreateNew', 'Write', 'Read') }
    if ($plan.mode -eq 'apply') {
        # A launcher that asks whether the node is free holds the file for a moment.
        for ($try = 0; $null -eq $lock -and $try -lt 20; $try++) {
            try { $lock = [IO.File]::Open("$base\lock", 'OpenOrCreate', 'ReadWrite', 'None') } catch [IO.IOException] { [Threading.Thread]::Sleep(50) }
        }
        if ($null -eq $lock) {
            $holder = $null
            if ([IO.File]::Exists("$base\holder.json")) { $holder = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$base\holder.json")) }
            Write-WnEvent 'refused' ([ordered]@{ code = 'locked'; message = 'Another run holds this node.'; holder = $holder })
            return
        }
        [IO.File]::WriteAllText("$base\holder.json", (ConvertTo-WnLine ([ordered]@{ run = $plan.run; who = $plan.who })))
    }
    Write-WnHello
    foreach ($section in @($plan.facts)) { Invoke-WnFacts $section }
    if (@($plan.steps).Count) { . ([scriptblock]::Create((Get-WnScript 'steps'))) }
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
                $result = Invoke-WnStep $step
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
    Write-WnEvent 'finished' ([ordered]@{ outcome = $end; counts = $counts })
} catch {
    Write-WnEvent 'log' ([ordered]@{ level = 'error'; text = (Hide-WnSecret ($_.Exception.GetBaseException().Message)) })
    Write-WnEvent 'finished' ([ordered]@{ outcome = 'failed'; counts = @{} })
} finally {
    if ($null -ne $out.journal) { $out.journal.Dispose() }
    if ($null -ne $lock) { $lock.Dispose() }
}
