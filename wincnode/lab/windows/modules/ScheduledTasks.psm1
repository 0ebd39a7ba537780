# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Export-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [object]$InputObject,
        [string]$TaskName,
        [string]$TaskPath,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Export-ScheduledTask' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function New-ScheduledTaskAction {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [string]$Argument,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string]$Execute,
        [string]$Id,
        [int]$ThrottleLimit,
        [string]$WorkingDirectory
    )
    Invoke-WnLab -Cmdlet 'New-ScheduledTaskAction' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function New-ScheduledTaskPrincipal {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string]$GroupId,
        [string]$Id,
        [ValidateSet('None', 'Password', 'S4U', 'Interactive', 'Group', 'ServiceAccount', 'InteractiveOrPassword')] [string]$LogonType,
        [ValidateSet('None', 'Unrestricted', 'Default')] [string]$ProcessTokenSidType,
        [string[]]$RequiredPrivilege,
        [ValidateSet('Limited', 'Highest')] [string]$RunLevel,
        [int]$ThrottleLimit,
        [string]$UserId
    )
    Invoke-WnLab -Cmdlet 'New-ScheduledTaskPrincipal' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function New-ScheduledTaskSettingsSet {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AllowStartIfOnBatteries,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [ValidateSet('At', 'V1', 'Vista', 'Win7', 'Win8')] [string]$Compatibility,
        [TimeSpan]$DeleteExpiredTaskAfter,
        [switch]$Disable,
        [switch]$DisallowDemandStart,
        [switch]$DisallowHardTerminate,
        [switch]$DisallowStartOnRemoteAppSession,
        [switch]$DontStopIfGoingOnBatteries,
        [switch]$DontStopOnIdleEnd,
        [TimeSpan]$ExecutionTimeLimit,
        [switch]$Hidden,
        [TimeSpan]$IdleDuration,
        [TimeSpan]$IdleWaitTimeout,
        [TimeSpan]$MaintenanceDeadline,
        [switch]$MaintenanceExclusive,
        [TimeSpan]$MaintenancePeriod,
        [ValidateSet('Parallel', 'Queue', 'IgnoreNew')] [string]$MultipleInstances,
        [string]$NetworkId,
        [string]$NetworkName,
        [int]$Priority,
        [int]$RestartCount,
        [TimeSpan]$RestartInterval,
        [switch]$RestartOnIdle,
        [switch]$RunOnlyIfIdle,
        [switch]$RunOnlyIfNetworkAvailable,
        [switch]$StartWhenAvailable,
        [int]$ThrottleLimit,
        [switch]$WakeToRun
    )
    Invoke-WnLab -Cmdlet 'New-ScheduledTaskSettingsSet' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function New-ScheduledTaskTrigger {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [DateTime]$At,
        [switch]$AtLogOn,
        [switch]$AtStartup,
        [Alias('Session')] [object[]]$CimSession,
        [switch]$Daily,
        [uint32]$DaysInterval,
        [ValidateSet('Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday')] [string[]]$DaysOfWeek,
        [switch]$Once,
        [TimeSpan]$RandomDelay,
        [TimeSpan]$RepetitionDuration,
        [TimeSpan]$RepetitionInterval,
        [int]$ThrottleLimit,
        [string]$User,
        [switch]$Weekly,
        [uint32]$WeeksInterval
    )
    Invoke-WnLab -Cmdlet 'New-ScheduledTaskTrigger' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Register-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [object[]]$Action,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string]$Description,
        [switch]$Force,
        [object]$InputObject,
        [string]$Password,
        [object]$Principal,
        [ValidateSet('Limited', 'Highest')] [string]$RunLevel,
        [object]$Settings,
        [string]$TaskName,
        [string]$TaskPath,
        [int]$ThrottleLimit,
        [object[]]$Trigger,
        [string]$User,
        [string]$Xml
    )
    Invoke-WnLab -Cmdlet 'Register-ScheduledTask' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Start-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [object]$InputObject,
        [string]$TaskName,
        [string]$TaskPath,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Start-ScheduledTask' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Unregister-ScheduledTask {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [object[]]$InputObject,
        [switch]$PassThru,
        [string[]]$TaskName,
        [string[]]$TaskPath,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Unregister-ScheduledTask' -Bound $PSBoundParameters -Caller $PSCmdlet
}
