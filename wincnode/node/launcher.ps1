<#
.SYNOPSIS
Starts, follows, lists or cancels a run on this node.
.DESCRIPTION
attached runs the runner in this process. detached claims a run folder, starts the runner as
SYSTEM from a one-shot task, and follows its journal. follow only reads.
.NOTES
Source: task defaults (priority 7, batteries, 72 h) are stated at
learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
Source: users may create folders in ProgramData, GHSA-7h8m-pvw3-5gh4; hence Program Files.
#>
param([Parameter(Mandatory = $true)][object]$Request)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$base = Join-Path -Path $env:ProgramFiles -ChildPath 'wincnode'
$folder = $base + '\runs\' + $Request.run

function ConvertTo-WnLine([object]$Value) {
    $json = ConvertTo-Json -InputObject $Value -Compress -Depth 12
    [regex]::Replace($json, '[^\x20-\x7e]', { param($m) '\u{0:x4}' -f [int][char]$m.Value })
}
function Write-WnEvent([string]$Type, [Collections.IDictionary]$Fields) {
    $at = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffZ', [cultureinfo]::InvariantCulture)
    $wire = [ordered]@{ run = $Request.run; seq = 0; at = $at; type = $Type }
    foreach ($name in $Fields.Keys) { $wire[$name] = $Fields[$name] }
    [Console]::Out.Write((ConvertTo-WnLine $wire) + "`n")
    [Console]::Out.Flush()
}
function Write-WnRefusal([string]$Code, [string]$Message, [object]$Holder) {
    Write-WnEvent 'refused' ([ordered]@{ code = $Code; message = $Message; holder = $Holder })
}
function Test-WnScript([object]$Script) {
    $sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
    $hash = $sha.ComputeHash([Text.Encoding]::ASCII.GetBytes($Script.text))
    [BitConverter]::ToString($hash).Replace('-', '') -eq $Script.sha256
}
function Write-WnFile([string]$Path, [string]$Text) {
    # CreateNew never follows what somebody else put there.
    $stream = [IO.File]::Open($Path, 'CreateNew', 'Write', 'None')
    try {
        $bytes = [Text.Encoding]::ASCII.GetBytes($Text)
        $stream.Write($bytes, 0, $bytes.Length)
    } finally { $stream.Dispose() }
}
function Test-WnForeign([string]$Path) {
    # The folder is another's if it is a link, or owned by neither SYSTEM nor Administrators.
    $item = New-Object -TypeName IO.DirectoryInfo -ArgumentList $Path
    if ($item.Attributes -band [IO.FileAttributes]::ReparsePoint) { return $true }
    $owner = $item.GetAccessControl().GetOwner([Security.Principal.SecurityIdentifier]).Value
    @('S-1-5-18', 'S-1-5-32-544') -notcontains $owner
}
function Initialize-WnFolder {
    $security = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $security.SetSecurityDescriptorSddlForm('O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    foreach ($path in @($base, "$base\runs", $folder)) {
        if ([IO.File]::Exists($path)) { return $path }
        if (-not [IO.Directory]::Exists($path)) { $null = [IO.Directory]::CreateDirectory($path, $security) }
        if (Test-WnForeign $path) { return $path }
    }
}
function Get-WnHolder {
    try {
        [IO.File]::Open("$base\lock", 'Open', 'ReadWrite', 'None').Dispose()
    } catch [IO.FileNotFoundException] {
        return
    } catch [IO.IOException] {
        if (-not [IO.File]::Exists("$base\holder.json")) { return @{ run = '' } }
        ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$base\holder.json"))
    }
}
function Read-WnJournal([string]$Path, [long]$From) {
    # A probe of another follower may hold the file for a moment.
    for ($try = 0; $try -lt 50; $try++) {
        try { $stream = [IO.File]::Open($Path, 'Open', 'Read', 'ReadWrite'); break } catch [IO.IOException] {
            if (-not [IO.File]::Exists($Path)) { return '' }
            [Threading.Thread]::Sleep(20)
        }
    }
    try {
        $null = $stream.Seek($From, 'Begin')
        $text = (New-Object -TypeName IO.StreamReader -ArgumentList $stream).ReadToEnd()
        # Half a line stays for the next time.
        $text.Substring(0, $text.LastIndexOf("`n") + 1)
    } finally { $stream.Dispose() }
}
function Test-WnHeld([string]$Path) {
    # The runner shares its journal with readers only, so a writer is refused while it lives.
    try { [IO.File]::Open($Path, 'Open', 'Write', 'None').Dispose(); $false } catch [IO.IOException] { $true }
}
function Watch-WnJournal([long]$Since) {
    $path = "$folder\journal.jsonl"
    $pauses = @($Request.flush_s)
    $buffer = New-Object -TypeName Text.StringBuilder
    $last = [Diagnostics.Stopwatch]::StartNew()
    $start = [Diagnostics.Stopwatch]::StartNew()
    $flushes = 0
    $read = 0
    $final = ''
    while ($final -eq '') {
        $held = -not [IO.File]::Exists($path)
        if ($held -and $start.Elapsed.TotalSeconds -gt 60) { $final = 'died'; $why = 'The task did not start the runner within 60 s.' }
        # Held is asked before reading: what a dead runner wrote is read to its end.
        if (-not $held) { $held = Test-WnHeld $path }
        if ($final -eq '' -and [IO.File]::Exists($path)) {
            $text = Read-WnJournal $path $read
            $read += $text.Length
            foreach ($line in $text.Split([char[]]"`n", [StringSplitOptions]::RemoveEmptyEntries)) {
                if ($line -match '"seq":(\d+),' -and [long]$Matches[1] -gt $Since) { $null = $buffer.Append($line + "`n") }
                if ($line -match '"type":"(finished|refused)"') { $final = $Matches[1] }
            }
        }
        if ($final -eq '' -and -not $held) { $final = 'died'; $why = 'The runner ended without a last event.' }
        $pause = 0
        if ($pauses.Count) { $pause = $pauses[[Math]::Min($flushes, $pauses.Count - 1)] }
        if ($buffer.Length -and ($final -ne '' -or $last.Elapsed.TotalSeconds -ge $pause)) {
            [Console]::Out.Write($buffer.ToString())
            [Console]::Out.Flush()
            $null = $buffer.Clear()
            $flushes++
            $last.Restart()
        }
        if ($final -eq '') { [Threading.Thread]::Sleep(100) }
    }
    if ($final -ne 'died') { return }
    if ([IO.File]::Exists("$folder\secrets.json")) { [IO.File]::Delete("$folder\secrets.json") }
    Write-WnEvent 'died' @{ message = $why }
}
function Start-WnTask {
    $name = 'wincnode-' + $Request.run
    $code = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($Request.scripts.worker.text))
    $words = '-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ' + $code
    $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $words -WorkingDirectory $folder
    $principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
    $settings = New-ScheduledTaskSettingsSet -Priority 4 -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -ExecutionTimeLimit (New-TimeSpan -Hours 6)
    $null = Register-ScheduledTask -TaskPath '\wincnode\' -TaskName $name -Action $action -Principal $principal -Settings $settings
    Start-ScheduledTask -TaskPath '\wincnode\' -TaskName $name
    Write-WnEvent 'launched' ([ordered]@{ folder = $folder; task = '\wincnode\' + $name })
}
function Start-WnDetached {
    $foreign = Initialize-WnFolder
    if ($foreign) { Write-WnRefusal 'foreign_folder' "$foreign is a link or belongs to another account." $null; return }
    # A claim that exists is this run after a lost connection: follow it.
    if ([IO.File]::Exists("$folder\claim.json")) { Watch-WnJournal $Request.since; return }
    $holder = Get-WnHolder
    if ($holder) { Write-WnRefusal 'locked' 'Another run holds this node.' $holder; return }
    $claim = [ordered]@{ run = $Request.run; node = $Request.plan.node; who = $Request.plan.who; started = [DateTime]::UtcNow.ToString('o') }
    try { Write-WnFile "$folder\claim.json" (ConvertTo-WnLine $claim) } catch [IO.IOException] { Watch-WnJournal $Request.since; return }
    try {
        Write-WnFile "$folder\payload.json" (ConvertTo-WnLine ([ordered]@{ scripts = $Request.scripts; plan = $Request.plan; flush_s = @() }))
        if (@($Request.secrets.PSObject.Properties).Count) { Write-WnFile "$folder\secrets.json" (ConvertTo-WnLine $Request.secrets) }
        Start-WnTask
    } catch {
        [IO.Directory]::Delete($folder, $true)
        Write-WnRefusal 'task' $_.Exception.Message $null
        return
    }
    Watch-WnJournal $Request.since
}
function Write-WnRun {
    foreach ($item in @(Get-ChildItem -LiteralPath "$base\runs" -Directory -ErrorAction SilentlyContinue)) {
        $path = $item.FullName
        if (-not [IO.File]::Exists("$path\claim.json")) { continue }
        $claim = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$path\claim.json"))
        $state = 'starting'
        if ([IO.File]::Exists("$path\journal.jsonl")) {
            $state = 'died'
            if (Test-WnHeld "$path\journal.jsonl") { $state = 'running' }
            elseif ((Read-WnJournal "$path\journal.jsonl" 0) -match '"type":"(finished|refused)"') { $state = $Matches[1] }
        }
        Write-WnEvent 'run_listed' ([ordered]@{ id = $claim.run; state = $state; node = $claim.node; who = $claim.who; started = $claim.started })
    }
}

switch ($Request.verb) {
    'attached' {
        $foreign = $null
        if ($Request.plan.mode -eq 'apply') { $folder = $base; $foreign = Initialize-WnFolder }
        if ($foreign) { Write-WnRefusal 'foreign_folder' "$foreign is a link or belongs to another account." $null }
        elseif (-not (Test-WnScript $Request.scripts.runner)) { Write-WnRefusal 'truncated' 'The runner differs from its hash.' $null }
        else { & ([scriptblock]::Create($Request.scripts.runner.text)) $Request $Request.secrets '' }
    }
    'detached' {
        if (-not (Test-WnScript $Request.scripts.runner) -or -not (Test-WnScript $Request.scripts.worker)) {
            Write-WnRefusal 'truncated' 'A script differs from its hash.' $null
        } else { Start-WnDetached }
    }
    'follow' {
        if ([IO.File]::Exists("$folder\claim.json")) { Watch-WnJournal $Request.since }
        else { Write-WnEvent 'died' @{ message = 'This node knows no such run.' } }
    }
    'runs' { Write-WnRun }
    'cancel' {
        if ([IO.Directory]::Exists($folder)) { [IO.File]::WriteAllText("$folder\cancel", '') }
        Write-WnEvent 'log' ([ordered]@{ level = 'info'; text = 'The run stops before its next step.' })
    }
}
