<#
.SYNOPSIS
Guards a change of the node's network: what was there is noted first, and put back by the node
itself unless a client comes back over the changed network and confirms.
.DESCRIPTION
Loaded by the runner of a plan with a guard, by the task wincnode-guard (restore.ps1, takeover.ps1),
which takes over where the runner died or the node was started anew, and by the launcher for a client
that confirms. guard\ holds the note (before.json) and the request; in the run's folder `guarded` says
that there is something to put back, `waiting` that a client may confirm, and `verdict` what was
decided: whoever writes it first decides.
.NOTES
Source: a new vEthernet begins as Public, github.com/PlagueHO/LabBuilder/issues/222; there WinRM's rules let in the local
subnet alone, learn.microsoft.com/powershell/module/microsoft.powershell.core/enable-psremoting
Source: settings of tasks, learn.microsoft.com/powershell/module/scheduledtasks/new-scheduledtasktrigger
Source: a folder that is a process's current one cannot be removed, devblogs.microsoft.com/oldnewthing/20101109-00
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
function Test-WnHns {
    # Whether HNS answers; of one that is off nobody knows what networks it keeps.
    try { $null = Get-WnNetworkDocument -Until ([DateTime]::UtcNow.AddSeconds(30)); $true } catch { $false }
}
function Restore-WnNetworks {
    # Of all networks those alone that the plan's steps are about. Gives what failed.
    $names = @(foreach ($step in @($plan.steps)) { if ($step.kind -eq 'hns_network') { $step.key.name } })
    if ($names.Count -eq 0) { return }
    try {
        if (-not (Test-WnHns)) {
            if (-not $note.hns) { return }
            # Early in a boot it may be off, and its networks are there all the same.
            foreach ($service in @(Get-CimInstance -ClassName Win32_Service -Filter "Name='hns'")) {
                if ($service.State -eq 'Running') { continue }
                $null = Invoke-CimMethod -InputObject $service -MethodName StartService
                for ($try = 0; $try -lt 20 -and -not (Test-WnHns); $try++) { [Threading.Thread]::Sleep(500) }
            }
        }
        $now = @(Get-WnNetworkDocument -Until ([DateTime]::UtcNow.AddSeconds(30)))
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
function Write-WnDurable([string]$Path, [string]$Text) {
    # On the disk itself before anything relies on it: what is in a cache goes with the power.
    $stream = [IO.File]::Open($Path, 'Create', 'Write', 'None')
    try {
        $bytes = [Text.Encoding]::ASCII.GetBytes($Text)
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Flush($true)
    } finally { $stream.Dispose() }
}
function Write-WnTold([string]$Type, [Collections.IDictionary]$Fields) {
    # Where the disk takes nothing, the network matters more than what is told of it.
    try { Write-WnEvent $Type $Fields } catch { $null = $_ }
}
function Set-WnVerdict([string]$Word) {
    # A file gets its name with its text in it, or not at all; gives the word that holds.
    $mine = "$Folder\verdict.$PID"
    try {
        Write-WnDurable $mine $Word
        [IO.File]::Move($mine, "$Folder\verdict")
    } catch {
        if ([IO.File]::Exists($mine)) { [IO.File]::Delete($mine) }
        if (-not [IO.File]::Exists("$Folder\verdict")) {
            # A disk that takes nothing keeps nobody from going back; then nothing waits to be confirmed.
            if ($Word -ne 'reverted') { throw }
            if ([IO.Directory]::Exists($Folder)) { [IO.File]::Delete("$Folder\waiting") }
            return $Word
        }
    }
    [IO.File]::ReadAllText("$Folder\verdict")
}
function Register-WnRestore([bool]$EachMinute) {
    # The task as SYSTEM that puts back when nobody else does: at each start, and each minute.
    $code = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes((Get-WnScript 'restore')))
    $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument ('-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ' + $code) -WorkingDirectory "$base\guard"
    $triggers = @(New-ScheduledTaskTrigger -AtStartup)
    if ($EachMinute) { $triggers += New-ScheduledTaskTrigger -Once -At ([DateTime]::Now.AddMinutes(1)) -RepetitionInterval (New-TimeSpan -Minutes 1) -RepetitionDuration (New-TimeSpan -Days 30) }
    $principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
    $settings = New-ScheduledTaskSettingsSet -Priority 4 -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -ExecutionTimeLimit (New-TimeSpan -Minutes 10)
    $null = Register-ScheduledTask -TaskPath '\wincnode\' -TaskName 'wincnode-guard' -Action $action -Trigger $triggers -Principal $principal -Settings $settings -Force -ErrorAction Stop
}
function Remove-WnNote {
    # A task that is just starting has the folder for its current one; then it stays, empty.
    try { [IO.Directory]::Delete("$base\guard", $true) } catch [IO.IOException] { $null = $_ }
}
function Clear-WnNetworkGuard {
    # In this order, as from the mark's end on there is nothing to put back.
    if ([IO.Directory]::Exists($Folder)) { [IO.File]::Delete("$Folder\guarded") }
    Unregister-ScheduledTask -TaskPath '\wincnode\' -TaskName 'wincnode-guard' -Confirm:$false -ErrorAction SilentlyContinue
    Remove-WnNote
}
function Start-WnNetworkGuard {
    # Nothing of the network is changed before all of this is done; gives the note.
    $earlier = "$base\guard\run"
    if ([IO.File]::Exists($earlier)) {
        $run = [IO.File]::ReadAllText($earlier)
        $mark = New-Object -TypeName IO.FileInfo -ArgumentList "$base\runs\$run\guarded"
        if ($mark.Exists -and $mark.Length -lt 10) {
            # Its task may be gone, and with it who puts back.
            Register-WnRestore $true
            throw "Run $run changed the network and nobody has confirmed it; the node is about to put it back."
        }
        # What ten attempts could not put back, and people neither, is what this one begins with.
        if ($mark.Exists) { $mark.Delete() }
    }
    $clients = @($plan.guard.clients)
    # No rule takes the scope of a link-local address.
    foreach ($row in @(Get-NetTCPConnection -State Established -LocalPort $plan.guard.port -ErrorAction SilentlyContinue)) { $clients += ([string]$row.RemoteAddress).Split('%')[0] }
    $clients = @($clients | Where-Object -FilterScript { $_ } | Sort-Object -Unique)
    if ($clients.Count -eq 0) { throw 'The guard knows no client that could come back.' }
    $line = ConvertTo-WnLine ([ordered]@{ clients = $clients; adapters = @(Get-WnAdapter); networks = @(Get-WnNetworks); hns = [bool](Get-Command -Name 'Get-WnNetworkDocument' -ErrorAction SilentlyContinue) -and (Test-WnHns) })
    $note = ConvertFrom-Json -InputObject $line
    Remove-WnNote
    $null = [IO.Directory]::CreateDirectory("$base\guard")
    Write-WnDurable "$base\guard\before.json" $line
    Write-WnDurable "$base\guard\payload.json" (ConvertTo-WnLine ([ordered]@{ scripts = $Request.scripts; plan = $plan; flush_s = @() }))
    Write-WnDurable $earlier $plan.run
    try {
        Register-WnRestore $true
        New-WnDoor 'wincnode-guard'
    } catch {
        $why = $_.Exception.GetBaseException().Message
        Clear-WnNetworkGuard
        throw "The network is left as it is, as nothing could guard it: $why"
    }
    Write-WnDurable "$Folder\guarded" ''
    $note
}
function Save-WnDoor {
    # A network that is Public now and was not keeps a door, which the manifest has; so does one
    # that Windows has yet to identify, as it may call it Public then.
    $now = @(Read-WnAdapters)
    $shut = @(foreach ($was in $note.adapters) {
            $heir = Find-WnHeir $was $now
            $is = if ($null -eq $heir) { @{ name = $was.name; category = '' } } else { $heir }
            $known = @('Private', 'DomainAuthenticated') -contains $was.category
            if (($known -and $is.category -eq '') -or ($is.category -eq 'Public' -and $was.category -ne 'Public')) { $is.name }
        })
    if ($shut.Count -eq 0) { return }
    New-WnDoor 'wincnode-winrm'
    if (Get-Command -Name 'Add-WnManifest' -ErrorAction SilentlyContinue) {
        $step = ConvertFrom-Json -InputObject '{"kind": "firewall_rule", "key": {"name": "wincnode-winrm"}, "want": {}}'
        Add-WnManifest $step @{ values = @{ state = 'absent' } }
    }
    Write-WnTold 'log' ([ordered]@{ level = 'warning'; text = "The network of $($shut -join ', ') is Public now, or is not identified yet. The firewall rule wincnode-winrm lets $(@($note.clients) -join ', ') in." })
}
function Stop-WnNetworkGuard {
    # The change stays.
    Save-WnDoor
    Remove-NetFirewallRule -Name 'wincnode-guard' -ErrorAction SilentlyContinue
    Clear-WnNetworkGuard
}
function Restore-WnNetwork([string]$Why) {
    # Gives what could not be put back; then the task stays, and tries again.
    $left = @(
        # Asked first: what has moved is seen while its port is there.
        try { $touched = @(Get-WnTouched) } catch { $touched = @('') }
        Restore-WnNetworks
        try { Set-WnAdapters 45 $true $touched } catch { "adapters: $($_.Exception.GetBaseException().Message)" }
    )
    # A domain's network may be Public yet: Windows alone can make it the domain's again.
    if ($left.Count -eq 0) { try { Save-WnDoor } catch { $left = @("firewall: $($_.Exception.GetBaseException().Message)") } }
    if ($left.Count -eq 0) {
        Remove-NetFirewallRule -Name 'wincnode-guard' -ErrorAction SilentlyContinue
        Clear-WnNetworkGuard
    }
    Write-WnTold 'guard_reverted' ([ordered]@{ reason = $Why; after = @(Get-WnShownAdapters); left = $left })
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
function Test-WnUnchanged {
    (ConvertTo-WnLine @(Read-WnAdapters)) -eq (ConvertTo-WnLine @($note.adapters)) -and (ConvertTo-WnLine @(Get-WnNetworks)) -eq (ConvertTo-WnLine @($note.networks))
}
function Step-WnNetwork([object]$Ended) {
    # After the steps: what Windows did not take along is brought over, then a client has to confirm. Gives why not.
    if ($Ended.outcome -eq 'failed') { return 'A step failed.' }
    if ($Ended.outcome -eq 'cancelled') { return 'The run was cancelled.' }
    # What hangs here would hold the lock, and the node's task back.
    if ((Invoke-WnBounded 90 'Test-WnUnchanged') -and -not $Ended.counts['changed']) { return '' }
    foreach ($text in @(Invoke-WnBounded 90 '@(Set-WnAdapters 30 $false @(Get-WnTouched))')) {
        Write-WnEvent 'log' ([ordered]@{ level = 'warning'; text = "Not brought over: $text" })
        if ($text -match ': (address|route|DNS|DHCP|adapter)') { return "What the node had did not come along: $text" }
    }
    $after = @(Invoke-WnBounded 60 '@(Read-WnAdapters)')
    Write-WnDurable "$Folder\waiting" (ConvertTo-WnLine $Ended)
    Write-WnEvent 'guard_waiting' ([ordered]@{ deadline = [DateTime]::UtcNow.AddSeconds($plan.guard.confirm_within_s).ToString('o'); within_s = $plan.guard.confirm_within_s; before = @($note.adapters); after = $after })
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
