<#
.SYNOPSIS
The runs that outlive a connection: their folders, journals and tasks; loaded by the launcher
for all but an attached run that changes nothing.
.NOTES
Source: task defaults (priority 7, batteries, 72 h) are stated at
learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
Source: users may create folders in ProgramData, GHSA-7h8m-pvw3-5gh4; hence Program Files.
#>
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
function Test-WnLink([string]$Path) {
    try { [bool]([IO.File]::GetAttributes($Path) -band [IO.FileAttributes]::ReparsePoint) } catch [IO.FileNotFoundException] { $false }
}
function Restore-WnAccess([string]$Path) {
    # Made beforehand, it may let others write though its owner is right.
    $want = 'D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)'
    $item = New-Object -TypeName IO.DirectoryInfo -ArgumentList $Path
    # AI only says that inheritance ran; Windows sets it by itself.
    $have = $item.GetAccessControl().GetSecurityDescriptorSddlForm('Access') -replace '^D:(P?)A[IR]+', 'D:$1'
    if ($have -ceq $want) { return }
    $access = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $access.SetSecurityDescriptorSddlForm($want, 'Access')
    $item.SetAccessControl($access)
}
function Initialize-WnFolder {
    $security = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $security.SetSecurityDescriptorSddlForm('O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    foreach ($path in @($base, "$base\runs", $folder)) {
        if ([IO.File]::Exists($path)) { return $path }
        if (-not [IO.Directory]::Exists($path)) { $null = [IO.Directory]::CreateDirectory($path, $security) }
        if (Test-WnForeign $path) { return $path }
        Restore-WnAccess $path
    }
    foreach ($name in @('lock', 'holder.json', 'manifest.json', 'manifest.json.new')) {
        if (Test-WnLink "$base\$name") { return "$base\$name" }
    }
}
function Get-WnHolder {
    # Who has just taken the lock needs a moment to leave a name; who has just let go is no holder.
    for ($try = 0; $try -lt 40; $try++) {
        try {
            [IO.File]::Open("$base\lock", 'Open', 'ReadWrite', 'None').Dispose()
            return
        } catch [IO.FileNotFoundException], [IO.DirectoryNotFoundException] {
            return
        } catch [IO.IOException] {
            try {
                $stream = [IO.File]::Open("$base\holder.json", 'Open', 'Read', 'ReadWrite')
                try { return ConvertFrom-Json -InputObject ((New-Object -TypeName IO.StreamReader -ArgumentList $stream).ReadToEnd()) } finally { $stream.Dispose() }
            } catch { [Threading.Thread]::Sleep(25) }
        }
    }
    @{ run = '' }
}
function Read-WnJournal([string]$Path, [long]$From) {
    # A probe of another follower may hold the file for a moment. Windows denies access to a file
    # that is being removed: stackoverflow.com/questions/6680491
    for ($try = 0; $try -lt 50; $try++) {
        try { $stream = [IO.File]::Open($Path, 'Open', 'Read', 'ReadWrite'); break } catch [UnauthorizedAccessException] { return '' } catch [IO.IOException] {
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
    # The runner shares its journal with readers only, so a writer is refused while it lives. A file
    # that is gone, or being removed, is held by nobody. What guard.ps1 has not ended yet, its task will.
    if ([IO.File]::Exists($Path.Replace('journal.jsonl', 'guarded'))) { return $true }
    try { [IO.File]::Open($Path, 'Open', 'Write', 'None').Dispose(); $false } catch [IO.FileNotFoundException], [IO.DirectoryNotFoundException], [UnauthorizedAccessException] { $false } catch [IO.IOException] { $true }
}
function Get-WnState([string]$Path) {
    if (-not [IO.File]::Exists("$Path\journal.jsonl")) { return 'starting' }
    # Held is asked before reading: what a dead runner wrote is read to its end.
    $held = Test-WnHeld "$Path\journal.jsonl"
    if ((Read-WnJournal "$Path\journal.jsonl" 0) -match '"type":"(finished|refused)"') { return $Matches[1] }
    if (-not $held) { 'died' } elseif ([IO.File]::Exists("$Path\waiting")) { 'waiting' } else { 'running' }
}
function Get-WnRun {
    # The newest first. What is not ours is not a run.
    $runs = @(foreach ($item in @(Get-ChildItem -LiteralPath "$base\runs" -Directory -ErrorAction SilentlyContinue)) {
            $path = $item.FullName
            # Another launcher may be writing the claim or removing the run at this moment.
            try {
                if (-not [IO.File]::Exists("$path\claim.json") -or (Test-WnForeign $path)) { continue }
                $claim = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$path\claim.json"))
            } catch { continue }
            @{ path = $path; claim = $claim }
        })
    $runs | Sort-Object -Property { $_.claim.started } -Descending
}
function Remove-WnOldRun {
    # The newest 20 that have ended stay, and those whose change of the network is still to be put
    # back. Directory.Delete removes links and never follows them:
    # learn.microsoft.com/dotnet/api/system.io.directory.delete
    $runs = @(Get-WnRun)
    if ($runs.Count -le 20) { return }
    $ended = 0
    foreach ($run in $runs) {
        if (@('starting', 'running', 'waiting') -contains (Get-WnState $run.path) -or [IO.File]::Exists($run.path + '\guarded')) { continue }
        $ended++
        if ($ended -le 20) { continue }
        try {
            # Somebody may be reading the journal, or removing it too; then a later run removes it all.
            [IO.File]::Delete($run.path + '\journal.jsonl')
            [IO.Directory]::Delete($run.path, $true)
        } catch [IO.IOException], [UnauthorizedAccessException] { continue }
    }
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
        # Until its first line is there, the runner is about to start.
        $held = $read -eq 0
        if ($held -and $start.Elapsed.TotalSeconds -gt 60) { $final = 'died'; $why = 'The task did not start the runner within 60 s.' }
        # Held is asked before reading: what a dead runner wrote is read to its end.
        if (-not $held) { $held = Test-WnHeld $path }
        if ($final -eq '' -and [IO.File]::Exists($path)) {
            $text = Read-WnJournal $path $read
            $read += $text.Length
            foreach ($line in $text.Split([char[]]"`n", [StringSplitOptions]::RemoveEmptyEntries)) {
                if ($line -match '"seq":(\d+),' -and [long]$Matches[1] -gt $Since) { $null = $buffer.Append($line + "`n") }
                if ($line -match '"type":"(finished|refused)"') { $final = $Matches[1] }
                # A client has little time to confirm.
                if ($line.Contains('"type":"guard_')) { $flushes = 0 }
            }
        }
        if ($final -eq '' -and -not $held) { $final = 'died'; $why = 'The runner ended without a last event.' }
        $pause = 0
        if ($pauses.Count) { $pause = $pauses[[Math]::Min($flushes, $pauses.Count - 1)] }
        if ($buffer.Length -and ($final -ne '' -or $last.Elapsed.TotalSeconds -ge $pause)) {
            Write-WnOut $buffer.ToString()
            $null = $buffer.Clear()
            $flushes++
            $last.Restart()
        }
        if ($final -eq '') { [Threading.Thread]::Sleep(100) }
    }
    if ($final -ne 'died') { return }
    if ([IO.File]::Exists("$folder\secrets")) { [IO.File]::Delete("$folder\secrets") }
    Unregister-ScheduledTask -TaskPath '\wincnode\' -TaskName ('wincnode-' + $Request.run) -Confirm:$false -ErrorAction SilentlyContinue
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
    Remove-WnOldRun
    $claim = [ordered]@{ run = $Request.run; node = $Request.plan.node; who = $Request.plan.who; started = [DateTime]::UtcNow.ToString('o') }
    try { Write-WnFile "$folder\claim.json" (ConvertTo-WnLine $claim) } catch [IO.IOException] { Watch-WnJournal $Request.since; return }
    try {
        Write-WnFile "$folder\payload.json" (ConvertTo-WnLine ([ordered]@{ scripts = $Request.scripts; plan = $Request.plan; flush_s = @() }))
        if ($Secrets -ne '') { Write-WnFile "$folder\secrets" $Secrets }
        Start-WnTask
    } catch {
        [IO.Directory]::Delete($folder, $true)
        Write-WnRefusal 'task' $_.Exception.Message $null
        return
    }
    Watch-WnJournal $Request.since
}
function Write-WnRun {
    foreach ($run in @(Get-WnRun)) {
        $claim = $run.claim
        Write-WnEvent 'run_listed' ([ordered]@{ id = $claim.run; state = (Get-WnState $run.path); node = $claim.node; who = $claim.who; started = $claim.started })
    }
}
