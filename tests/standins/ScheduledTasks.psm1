# Stand-in for Windows' ScheduledTasks: a task is a file, starting it starts its process.
# With TASKS_FAIL set no task can be registered, as where policy forbids it.
# TASKS_FIRST names a script that a started process runs first.
Set-StrictMode -Version 2
$folder = 'C:\Windows\Tasks'

function New-ScheduledTaskAction {
    param([string]$Execute, [string]$Argument, [string]$WorkingDirectory)
    @{ Execute = $Execute; Argument = $Argument; WorkingDirectory = $WorkingDirectory }
}
function New-ScheduledTaskPrincipal {
    param([string]$UserId, [string]$LogonType, [string]$RunLevel)
    @{ UserId = $UserId; LogonType = $LogonType; RunLevel = $RunLevel }
}
function New-ScheduledTaskSettingsSet {
    param(
        [int]$Priority = 7, [switch]$AllowStartIfOnBatteries, [switch]$DontStopIfGoingOnBatteries,
        [TimeSpan]$ExecutionTimeLimit = '72:00:00'
    )
    @{
        Priority = $Priority; AllowStartIfOnBatteries = [bool]$AllowStartIfOnBatteries
        DontStopIfGoingOnBatteries = [bool]$DontStopIfGoingOnBatteries
        ExecutionTimeLimit = $ExecutionTimeLimit.ToString()
    }
}
function Register-ScheduledTask {
    param([string]$TaskPath, [string]$TaskName, $Action, $Principal, $Settings)
    if ($env:TASKS_FAIL) { throw 'Access is denied.' }
    $task = @{ Path = $TaskPath; Name = $TaskName; Action = $Action; Principal = $Principal; Settings = $Settings }
    $null = [IO.Directory]::CreateDirectory($folder)
    [IO.File]::WriteAllText("$folder\$TaskName.json", (ConvertTo-Json -InputObject $task -Depth 5))
    [IO.File]::WriteAllText("$folder\registered.log", (ConvertTo-Json -InputObject $task -Depth 5))
}
function Start-ScheduledTask {
    param([string]$TaskPath, [string]$TaskName)
    $task = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$folder\$TaskName.json"))
    # The engine of the tests starts every process in System32, so the command sets its folder.
    $switches, $code = $task.Action.Argument -split ' -EncodedCommand '
    $text = [Text.Encoding]::Unicode.GetString([Convert]::FromBase64String($code))
    if ($env:TASKS_FIRST) { $text = [IO.File]::ReadAllText($env:TASKS_FIRST) + $text }
    $text = "[Environment]::CurrentDirectory = '$($task.Action.WorkingDirectory)'; $text"
    $code = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($text))
    $start = New-Object -TypeName Diagnostics.ProcessStartInfo
    $start.FileName = $task.Action.Execute
    $start.Arguments = "$switches -EncodedCommand $code"
    $start.UseShellExecute = $false
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $process = [Diagnostics.Process]::Start($start)
    $process.StandardInput.Close()
}
function Unregister-ScheduledTask {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param([string]$TaskPath, [string]$TaskName)
    [IO.File]::Delete("$folder\$TaskName.json")
}
Export-ModuleMember -Function *
