# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Add-MpPreference {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [string[]]$AttackSurfaceReductionOnlyExclusions,
        [object[]]$AttackSurfaceReductionRules_Actions,
        [string[]]$AttackSurfaceReductionRules_Ids,
        [Alias('Session')] [object[]]$CimSession,
        [string[]]$ControlledFolderAccessAllowedApplications,
        [string[]]$ControlledFolderAccessProtectedFolders,
        [string[]]$ExclusionExtension,
        [string[]]$ExclusionIpAddress,
        [string[]]$ExclusionPath,
        [string[]]$ExclusionProcess,
        [switch]$Force,
        [Alias('tiddefaca')] [ValidateSet('Clean', 'Quarantine', 'Remove', 'Allow', 'UserDefined', 'NoAction', 'Block')] [string[]]$ThreatIDDefaultAction_Actions,
        [Alias('tiddefaci')] [object[]]$ThreatIDDefaultAction_Ids,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Add-MpPreference' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Remove-MpPreference {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [string[]]$AttackSurfaceReductionOnlyExclusions,
        [Alias('Session')] [object[]]$CimSession,
        [string[]]$ExclusionExtension,
        [string[]]$ExclusionPath,
        [string[]]$ExclusionProcess,
        [switch]$Force,
        [Alias('htdefac')] [switch]$HighThreatDefaultAction,
        [Alias('ltdefac')] [switch]$LowThreatDefaultAction,
        [Alias('mtdefac')] [switch]$ModerateThreatDefaultAction,
        [Alias('stdefac')] [switch]$SevereThreatDefaultAction,
        [Alias('tiddefaci')] [object[]]$ThreatIDDefaultAction_Ids,
        [int]$ThrottleLimit,
        [Alias('unktdefac')] [switch]$UnknownThreatDefaultAction
    )
    Invoke-WnLab -Cmdlet 'Remove-MpPreference' -Bound $PSBoundParameters -Caller $PSCmdlet
}
