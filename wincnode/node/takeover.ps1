<#
.SYNOPSIS
Takes over from a runner that died under its guard, or that a start of the node has ended.
.DESCRIPTION
Loaded by restore.ps1 behind guard.ps1. Nothing of it needs the run's folder or a disk with room.
#>
function Open-WnJournal {
    # Goes on behind the last whole line of a run that has not told its end.
    $text = [IO.File]::ReadAllText("$Folder\journal.jsonl")
    $whole = $text.Substring(0, $text.LastIndexOf("`n") + 1)
    if ($whole -match '"type":"(finished|refused)"') {
        $out.journal = [IO.File]::Open("$Folder\restore.jsonl", 'Append', 'Write', 'Read')
        return
    }
    $out.journal = [IO.File]::Open("$Folder\journal.jsonl", 'Open', 'ReadWrite', 'Read')
    $out.journal.SetLength($whole.Length)
    $null = $out.journal.Seek(0, 'End')
    $out.seq = $whole.Split("`n").Count - 1
}
function Restore-WnAfterDeath {
    $outcome = 'failed'
    $counts = @{}
    if ((Set-WnVerdict 'reverted') -eq 'confirmed') {
        # It was confirmed, and its steps were done by then.
        $outcome = 'ok'
        try {
            $ended = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$Folder\waiting"))
            $outcome = $ended.outcome
            $counts = $ended.counts
        } catch { $null = $_ }
        Write-WnTold 'guard_confirmed' @{}
        Stop-WnNetworkGuard
    } else {
        $why = 'The run ended before a client confirmed.'
        if (@($note.adapters).Count -eq 0) { $why += ' What was there before cannot be read: its networks are removed, the rest is left to Windows.' }
        Restore-WnNetwork $why
    }
    Write-WnTold 'finished' ([ordered]@{ outcome = $outcome; counts = $counts })
}
function Invoke-WnRestore {
    # What the task does; whoever holds the lock is alive, and sees to it.
    try { $out.lock = [IO.File]::Open("$base\lock", 'OpenOrCreate', 'ReadWrite', 'None') } catch [IO.IOException] { return }
    try {
        # A runner that died left its task.
        Unregister-ScheduledTask -TaskPath '\wincnode\' -TaskName ('wincnode-' + $plan.run) -Confirm:$false -ErrorAction SilentlyContinue
        $mark = New-Object -TypeName IO.FileInfo -ArgumentList "$Folder\guarded"
        # A run's folder that somebody has removed says nothing of the network.
        if ([IO.Directory]::Exists($Folder) -and -not $mark.Exists) {
            Remove-NetFirewallRule -Name 'wincnode-guard' -ErrorAction SilentlyContinue
            Clear-WnNetworkGuard
            return
        }
        # For a day each start of the node tries what ten attempts could not, as HNS may need one. Then it is left
        # to people, who may have mended it: for them the note is kept, and the door stays open.
        $tried = -not $mark.Exists -or $mark.Length -ge 10
        if ($tried -and ([DateTime]::UtcNow - [IO.File]::GetLastWriteTimeUtc("$base\guard\run")).TotalDays -ge 1) {
            if ($mark.Exists) { [IO.File]::Copy("$base\guard\before.json", "$Folder\before.json", $true) }
            Clear-WnNetworkGuard
            return
        }
        Start-WnGuard
        try { $note = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$base\guard\before.json")) } catch {
            # A disk may lose it in spite of all.
            $note = ConvertFrom-Json -InputObject '{"clients": [], "adapters": [], "networks": [], "hns": true}'
        }
        foreach ($text in @(Import-WnNetworks)) { . ([scriptblock]::Create($text)) }
        # A disk that is full is no reason to stay cut off.
        try {
            Write-WnHolder (ConvertTo-WnLine ([ordered]@{ run = $plan.run; who = $plan.who }))
            [IO.File]::AppendAllText("$Folder\guarded", '.')
            Open-WnJournal
        } catch { $null = $_ }
        $null = Invoke-WnBounded 300 'Restore-WnAfterDeath'
        $mark.Refresh()
        if ($mark.Exists -and $mark.Length -ge 10) { Register-WnRestore $false }
    } finally {
        $guard.done = $true
        if ($null -ne $out.journal) { $out.journal.Dispose() }
        Close-WnLock
    }
}
