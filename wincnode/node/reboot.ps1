<#
.SYNOPSIS
Starts the node anew, unless a run holds it. Loaded by the launcher for this alone.
.NOTES
Source: shutdown.exe and its reason p:2:4, learn.microsoft.com/windows-server/administration/windows-commands/shutdown
Source: 1190 is ERROR_SHUTDOWN_IS_SCHEDULED, 1115 ERROR_SHUTDOWN_IN_PROGRESS, 5 ERROR_ACCESS_DENIED, [MS-ERREF] 2.2
Source: a WinRM session may lack the right to shut down where SYSTEM has it, Mirantis launchpad (pkg/configurer/windows)
#>
function Start-WnShutdownTask([string[]]$Words) {
    $name = 'wincnode-' + $Request.run
    $action = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\shutdown.exe" -Argument ($Words -join ' ')
    $principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
    $null = Register-ScheduledTask -TaskPath '\wincnode\' -TaskName $name -Action $action -Principal $principal
    Start-ScheduledTask -TaskPath '\wincnode\' -TaskName $name
    [Threading.Thread]::Sleep(2000)
    Unregister-ScheduledTask -TaskPath '\wincnode\' -TaskName $name -Confirm:$false -ErrorAction SilentlyContinue
}
function Restart-WnNode {
    $holder = Get-WnHolder
    if ($holder) { Write-WnRefusal 'locked' 'Another run holds this node.' $holder; return }
    # Seconds, so that this reply still leaves.
    $words = @('/r', '/f', '/t', '5', '/d', 'p:2:4', '/c', 'wincnode')
    $null = & "$env:SystemRoot\System32\shutdown.exe" $words
    $code = $LASTEXITCODE
    if (@(0, 1115, 1190) -contains $code) { Write-WnEvent 'log' ([ordered]@{ level = 'info'; text = 'The node reboots.' }); return }
    if ($code -ne 5) { Write-WnRefusal 'reboot' "shutdown.exe ended with $code." $null; return }
    Start-WnShutdownTask $words
    Write-WnEvent 'log' ([ordered]@{ level = 'info'; text = 'The node reboots, by a task of SYSTEM.' })
}
