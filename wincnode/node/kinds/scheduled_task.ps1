<#
.SYNOPSIS
A task starts a program at startup or each day, or is absent. One that somebody disabled is put back.
.NOTES
Source: the definition and its order, learn.microsoft.com/windows/win32/taskschd/daily-trigger-example--xml-
Source: on batteries a task neither starts nor goes on by default, learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
#>
function Get-WnTaskName([string]$Name) { $at = $Name.LastIndexOf('\') + 1; $Name.Substring(0, $at); $Name.Substring($at) }
function Get-WnScheduledTask {
    param([hashtable]$Key, [hashtable]$Want)
    $folder, $name = Get-WnTaskName $Key['name']
    $text = Export-ScheduledTask -TaskPath $folder -TaskName $name -ErrorAction SilentlyContinue
    if (-not $text) { return @{ state = 'settled'; values = @{ state = 'absent' } } }
    $task = [xml][string]$text
    $spaces = New-Object -TypeName Xml.XmlNamespaceManager -ArgumentList $task.NameTable
    $spaces.AddNamespace('t', 'http://schemas.microsoft.com/windows/2004/02/mit/task')
    $read = { param($Path) $node = $task.SelectSingleNode("/t:Task/$Path", $spaces); if ($null -ne $node) { $node.InnerText } else { '' } }
    $values = @{ state = 'present'; command = (& $read 't:Actions/t:Exec/t:Command'); arguments = (& $read 't:Actions/t:Exec/t:Arguments'); at = ''; repeat_minutes = 0 }
    if ((& $read 't:Settings/t:Enabled') -eq 'false') { $values['state'] = 'disabled' }
    $account = & $read 't:Principals/t:Principal/t:UserId'
    $values['account'] = @{ 'S-1-5-18' = 'SYSTEM'; 'S-1-5-19' = 'LOCAL SERVICE'; 'S-1-5-20' = 'NETWORK SERVICE' }[$account]
    if (-not $values['account']) { $values['account'] = $account }
    $kinds = @(foreach ($node in $task.SelectNodes('/t:Task/t:Triggers/*', $spaces)) { $node.LocalName }) -join ', '
    $values['trigger'] = $kinds -replace '^BootTrigger$', 'startup'
    if ($kinds -eq 'CalendarTrigger' -and (& $read 't:Triggers/*/t:ScheduleByDay/t:DaysInterval') -eq '1') {
        $values['trigger'] = 'daily'
        $values['at'] = (& $read 't:Triggers/*/t:StartBoundary').Substring(11, 5)
    }
    $every = & $read 't:Triggers/*/t:Repetition/t:Interval'
    if ($every) { $values['repeat_minutes'] = [int][Xml.XmlConvert]::ToTimeSpan($every).TotalMinutes }
    @{ state = 'settled'; values = $values }
}
function Set-WnScheduledTask {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $folder, $name = Get-WnTaskName $Key['name']
    if ($Want['state'] -eq 'absent') { Unregister-ScheduledTask -TaskPath $folder -TaskName $name -Confirm:$false; return }
    $safe = { param($Text) [Security.SecurityElement]::Escape($Text) }
    $repeat = ''
    if ($Want['repeat_minutes']) { $repeat = "<Repetition><Interval>PT$($Want['repeat_minutes'])M</Interval></Repetition>" }
    $trigger = "<BootTrigger>$repeat</BootTrigger>"
    if ($Want['trigger'] -eq 'daily') { $trigger = "<CalendarTrigger><StartBoundary>2000-01-01T$($Want['at']):00</StartBoundary>$repeat<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>" }
    $account = @{ 'SYSTEM' = 'S-1-5-18'; 'LOCAL SERVICE' = 'S-1-5-19'; 'NETWORK SERVICE' = 'S-1-5-20' }[$Want['account']]
    $text = '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">' +
    "<Triggers>$trigger</Triggers><Principals><Principal id=`"Author`"><UserId>$account</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>" +
    '<Settings><DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries><StopIfGoingOnBatteries>false</StopIfGoingOnBatteries></Settings>' +
    "<Actions Context=`"Author`"><Exec><Command>$(& $safe $Want['command'])</Command><Arguments>$(& $safe $Want['arguments'])</Arguments></Exec></Actions></Task>"
    $null = Register-ScheduledTask -TaskPath $folder -TaskName $name -Xml $text -Force
}
