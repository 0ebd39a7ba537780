<#
.SYNOPSIS
Guards a change of the node's network: what was there is noted first, and put back by the node
itself unless a client comes back over the changed network and confirms.
.DESCRIPTION
Loaded by the runner of a plan with a guard, by the task wincnode-guard (restore.ps1), which takes
over where the runner died or the node was started anew, and by the launcher for a client that
confirms. guard\ holds the note (before.json) and the request; in the run's folder `guarded` says
that there is something to put back, `waiting` that a client may confirm, and `verdict` what was
decided: whoever writes it first decides.
.NOTES
Source: a new vEthernet begins as Public, github.com/PlagueHO/LabBuilder/issues/222; there WinRM's rules let in the local
subnet alone, learn.microsoft.com/powershell/module/microsoft.powershell.core/enable-psremoting
Source: settings of tasks, learn.microsoft.com/powershell/module/scheduledtasks/new-scheduledtasktrigger
#>
function Import-WnNetworks {
    # What the plan's kinds bring along besides code of C#, such as the calls of HNS.
    foreach ($kind in @($plan.kinds.PSObject.Properties)) {
        $brings = $kind.Value.PSObject.Properties['brings']
        if ($null -eq $brings) { continue }
        foreach ($name in @($brings.Value)) { if ($name -notlike '*.cs') { Get-WnScript $name } }
    }
}
function Get-WnNetworks {
    if (-not (Get-Command -Name 'Get-WnNetworkDocument' -ErrorAction SilentlyContinue)) { return }
    # A node without HNS, or whose HNS is off, has no network.
    try { @(Get-WnNetworkDocument -Until ([DateTime]::UtcNow.AddSeconds(60))) } catch { if (@('0x8007007e', '0x800706d9') -notcontains $_.FullyQualifiedErrorId) { throw } }
}
function Restore-WnNetworks {
    # Of all networks those alone that the plan's steps are about. Gives what failed.
    $names = @(foreach ($step in @($plan.steps)) { if ($step.kind -eq 'hns_network') { $step.key.name } })
    try {
        $now = @(Get-WnNetworks)
        $had = @(foreach ($row in $note.networks) { $row.ID })
        foreach ($row in $now) {
            if ($names -notcontains $row.Name -or $had -contains $row.ID) { continue }
            try { $null = Remove-WnNetworkDocument -Id $row.ID -Until ([DateTime]::UtcNow.AddSeconds(60)) } catch { "network $($row.Name): $($_.Exception.GetBaseException().Message)" }
        }
        $have = @(foreach ($row in $now) { $row.ID })
        foreach ($row in $note.networks) {
            if ($names -notcontains $row.Name -or $have -contains $row.ID) { continue }
            try { $null = New-WnNetworkDocument -Document $row -Until ([DateTime]::UtcNow.AddSeconds(60)) } catch { "network $($row.Name): $($_.Exception.GetBaseException().Message)" }
        }
    } catch { "networks: $($_.Exception.GetBaseException().Message)" }
}
function New-WnDoor([string]$Name) {
    # Lets the clients in whatever the network is taken for.
    try { Remove-NetFirewallRule -Name $Name -ErrorAction Stop } catch { $null = $_ }
    $null = New-NetFirewallRule -Name $Name -DisplayName "wincnode: WinRM for who changes the network ($Name)" -Enabled True -Direction Inbound -Action Allow -Protocol TCP -LocalPort ([string]$plan.guard.port) -RemoteAddress @($note.clients) -Profile Any -ErrorAction Stop
}
function Set-WnVerdict([string]$Word) {
    # A file gets its name with its text in it, or not at all; gives the word that holds.
    $mine = "$Folder\verdict.$PID"
    [IO.File]::WriteAllText($mine, $Word)
    try { [IO.File]::Move($mine, "$Folder\verdict") } catch [IO.IOException] { [IO.File]::Delete($mine) }
    [IO.File]::ReadAllText("$Folder\verdict")
}
function Register-WnRestore {
    # The task as SYSTEM that puts back when nobody else does: at each start, and each minute.
    $code = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes((Get-WnScript 'restore')))
    $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument ('-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ' + $code) -WorkingDirectory "$base\guard"
    $triggers = @((New-ScheduledTaskTrigger -AtStartup), (New-ScheduledTaskTrigger -Once -At ([DateTime]::Now.AddMinutes(1)) -RepetitionInterval (New-TimeSpan -Minutes 1) -RepetitionDuration (New-TimeSpan -Days 30)))
    $principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
    $settings = New-ScheduledTaskSettingsSet -Priority 4 -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -ExecutionTimeLimit (New-TimeSpan -Minutes 10)
    $null = Register-ScheduledTask -TaskPath '\wincnode\' -TaskName 'wincnode-guard' -Action $action -Trigger $triggers -Principal $principal -Settings $settings -Force -ErrorAction Stop
}
function Clear-WnNetworkGuard {
    # In this order, as from the mark's end on there is nothing to put back.
    [IO.File]::Delete("$Folder\guarded")
    Unregister-ScheduledTask -TaskPath '\wincnode\' -TaskName 'wincnode-guard' -Confirm:$false -ErrorAction SilentlyContinue
    if ([IO.Directory]::Exists("$base\guard")) { [IO.Directory]::Delete("$base\guard", $true) }
}
function Start-WnNetworkGuard {
    # Nothing of the network is changed before all of this is done; gives the note.
    $earlier = "$base\guard\run"
    if ([IO.File]::Exists($earlier)) {
        $run = [IO.File]::ReadAllText($earlier)
        if ([IO.File]::Exists("$base\runs\$run\guarded")) { throw "Run $run changed the network and nobody has confirmed it; the node is about to put it back." }
    }
    $clients = @($plan.guard.clients)
    foreach ($row in @(Get-NetTCPConnection -State Established -LocalPort $plan.guard.port -ErrorAction SilentlyContinue)) { $clients += [string]$row.RemoteAddress }
    $clients = @($clients | Where-Object -FilterScript { $_ } | Sort-Object -Unique)
    if ($clients.Count -eq 0) { throw 'The guard knows no client that could come back.' }
    $line = ConvertTo-WnLine ([ordered]@{ clients = $clients; adapters = @(Get-WnAdapter); networks = @(Get-WnNetworks) })
    $note = ConvertFrom-Json -InputObject $line
    if ([IO.Directory]::Exists("$base\guard")) { [IO.Directory]::Delete("$base\guard", $true) }
    $null = [IO.Directory]::CreateDirectory("$base\guard")
    [IO.File]::WriteAllText("$base\guard\before.json", $line)
    [IO.File]::WriteAllText("$base\guard\payload.json", (ConvertTo-WnLine ([ordered]@{ scripts = $Request.scripts; plan = $plan; flush_s = @() })))
    [IO.File]::WriteAllText($earlier, $plan.run)
    try {
        Register-WnRestore
        New-WnDoor 'wincnode-guard'
    } catch {
        $why = $_.Exception.GetBaseException().Message
        Clear-WnNetworkGuard
        throw "The network is left as it is, as nothing could guard it: $why"
    }
    [IO.File]::WriteAllText("$Folder\guarded", '')
    $note
}
function Stop-WnNetworkGuard {
    # The change stays. A network that is Public now and was not keeps its door.
    $now = @(Read-WnAdapters)
    $shut = @(foreach ($was in $note.adapters) { $heir = Find-WnHeir $was $now; if ($null -ne $heir -and $heir.category -eq 'Public' -and $was.category -ne 'Public') { $heir.name } })
    if ($shut.Count) {
        New-WnDoor 'wincnode-winrm'
        if (Get-Command -Name 'Add-WnManifest' -ErrorAction SilentlyContinue) {
            $step = ConvertFrom-Json -InputObject '{"kind": "firewall_rule", "key": {"name": "wincnode-winrm"}, "want": {}}'
            Add-WnManifest $step @{ values = @{ state = 'absent' } }
        }
        Write-WnEvent 'log' ([ordered]@{ level = 'warning'; text = "The network of $($shut -join ', ') is Public now. The firewall rule wincnode-winrm lets $(@($note.clients) -join ', ') in." })
    }
    Remove-NetFirewallRule -Name 'wincnode-guard' -ErrorAction SilentlyContinue
    Clear-WnNetworkGuard
}
function Restore-WnNetwork([string]$Why) {
    # Gives what could not be put back; then the task stays, and tries again.
    $left = @(Restore-WnNetworks) + @(Set-WnAdapters 45 $true)
    if ($left.Count -eq 0) {
        Remove-NetFirewallRule -Name 'wincnode-guard' -ErrorAction SilentlyContinue
        Clear-WnNetworkGuard
    }
    Write-WnEvent 'guard_reverted' ([ordered]@{ reason = $Why; after = @(Get-WnShownAdapters); left = $left })
}
function Get-WnShownAdapters {
    try { Read-WnAdapters } catch { $null = $_ }
}
function Invoke-WnBounded([double]$Seconds, [string]$Call) {
    $box = @{ value = $null; problem = $null }
    $inTime = Invoke-WnWithin $Seconds ('try { $box.value = ' + $Call + ' } catch { $box.problem = $_ }')
    if (-not $inTime) { throw "The guard's work took longer than $Seconds s." }
    if ($null -ne $box.problem) { throw $box.problem }
    $box.value
}
function Wait-WnVerdict {
    # '' once it is confirmed, else why it is put back. Who confirms at the last moment was first, or was not.
    $watch = [Diagnostics.Stopwatch]::StartNew()
    while ($watch.Elapsed.TotalSeconds -lt $plan.guard.confirm_within_s) {
        if ([IO.File]::Exists("$Folder\verdict")) { break }
        if ([IO.File]::Exists("$Folder\cancel") -and (Set-WnVerdict 'reverted') -eq 'reverted') {
            # Seconds, so that the reply to who cancels still leaves.
            [Threading.Thread]::Sleep(3000)
            return 'The run was cancelled.'
        }
        [Threading.Thread]::Sleep(100)
    }
    if ((Set-WnVerdict 'reverted') -eq 'reverted') { "No client came back and confirmed within $($plan.guard.confirm_within_s) s." } else { '' }
}
function Step-WnNetwork([object]$Ended) {
    # After the steps: what Windows did not take along is brought over, then a client has to confirm. Gives why not.
    if ($Ended.outcome -eq 'failed') { return 'A step failed.' }
    if ($Ended.outcome -eq 'cancelled') { return 'The run was cancelled.' }
    $same = (ConvertTo-WnLine @(Read-WnAdapters)) -eq (ConvertTo-WnLine @($note.adapters)) -and (ConvertTo-WnLine @(Get-WnNetworks)) -eq (ConvertTo-WnLine @($note.networks))
    if ($same -and -not $Ended.counts['changed']) { return '' }
    foreach ($text in @(Invoke-WnBounded 90 '@(Set-WnAdapters 30 $false)')) {
        Write-WnEvent 'log' ([ordered]@{ level = 'warning'; text = "Not brought over: $text" })
        if ($text -match ': (address|route|DNS|DHCP|adapter)') { return "What the node had did not come along: $text" }
    }
    [IO.File]::WriteAllText("$Folder\waiting", (ConvertTo-WnLine $Ended))
    Write-WnEvent 'guard_waiting' ([ordered]@{ deadline = [DateTime]::UtcNow.AddSeconds($plan.guard.confirm_within_s).ToString('o'); within_s = $plan.guard.confirm_within_s; before = @($note.adapters); after = @(Read-WnAdapters) })
    $why = Wait-WnVerdict
    if ($why -eq '') { Write-WnEvent 'guard_confirmed' @{} }
    $why
}
function Invoke-WnGuardedPlan {
    if (-not $Folder) { throw 'A plan with a guard needs a detached run.' }
    foreach ($text in @(Import-WnNetworks)) { . ([scriptblock]::Create($text)) }
    $note = Invoke-WnBounded 120 'Start-WnNetworkGuard'
    $ended = @{ outcome = 'failed'; counts = @{} }
    try {
        $ended = Invoke-WnPlan
        $why = Step-WnNetwork $ended
    } catch { $why = Hide-WnSecret ($_.Exception.GetBaseException().Message) }
    if ($why -ne '' -and (Set-WnVerdict 'reverted') -eq 'reverted') {
        $null = Invoke-WnBounded 180 'Restore-WnNetwork $why'
        if ($ended.outcome -ne 'cancelled' -and $why -ne 'The run was cancelled.') { $ended.outcome = 'failed' }
        else { $ended.outcome = 'cancelled' }
        return $ended
    }
    $null = Invoke-WnBounded 120 'Stop-WnNetworkGuard'
    $ended
}
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
        $ended = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$Folder\waiting"))
        $outcome = $ended.outcome
        $counts = $ended.counts
        Write-WnEvent 'guard_confirmed' @{}
        Stop-WnNetworkGuard
    } else { Restore-WnNetwork 'The run ended before a client confirmed.' }
    Write-WnEvent 'finished' ([ordered]@{ outcome = $outcome; counts = $counts })
}
function Invoke-WnRestore {
    # What the task does; whoever holds the lock is alive, and sees to it.
    try { $out.lock = [IO.File]::Open("$base\lock", 'OpenOrCreate', 'ReadWrite', 'None') } catch [IO.IOException] { return }
    try {
        if (-not [IO.File]::Exists("$Folder\guarded")) { Clear-WnNetworkGuard; return }
        Write-WnHolder (ConvertTo-WnLine ([ordered]@{ run = $plan.run; who = $plan.who }))
        Open-WnJournal
        Start-WnGuard
        [IO.File]::AppendAllText("$Folder\guarded", '.')
        $note = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$base\guard\before.json"))
        foreach ($text in @(Import-WnNetworks)) { . ([scriptblock]::Create($text)) }
        $null = Invoke-WnBounded 300 'Restore-WnAfterDeath'
        # What ten attempts could not put back is left to people; the door stays open for them.
        if ([IO.File]::Exists("$Folder\guarded") -and [IO.File]::ReadAllText("$Folder\guarded").Length -ge 10) { Clear-WnNetworkGuard }
        # A runner that died left its task.
        Unregister-ScheduledTask -TaskPath '\wincnode\' -TaskName ('wincnode-' + $plan.run) -Confirm:$false -ErrorAction SilentlyContinue
    } finally {
        $guard.done = $true
        if ($null -ne $out.journal) { $out.journal.Dispose() }
        Close-WnLock
    }
}
function Confirm-WnNetwork {
    # What a client asks for that is back: of its run, or of whatever waits here.
    $run = [string]$Request.plan.run
    if ($run -eq '' -and [IO.File]::Exists("$base\guard\run")) { $run = [IO.File]::ReadAllText("$base\guard\run") }
    $Folder = "$base\runs\$run"
    $waits = $run -match '^[0-9a-f]{32}$' -and [IO.File]::Exists("$Folder\waiting")
    if (-not $waits) { Write-WnEvent 'died' @{ message = 'No change of the network waits here to be confirmed.' } }
    elseif ((Set-WnVerdict 'confirmed') -eq 'confirmed') { Write-WnEvent 'log' ([ordered]@{ level = 'info'; text = "The change of the network is confirmed, run $run." }) }
    else { Write-WnEvent 'died' @{ message = 'It is too late: the node puts its network back, or has done so.' } }
}
