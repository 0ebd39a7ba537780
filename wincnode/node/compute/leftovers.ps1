<#
.SYNOPSIS
Ends and removes what an earlier program has left.
#>
function Remove-WnSystem([hashtable]$Run, [string]$Id) {
    $opened = [Wincnode.Platform]::Open($Id)
    # A container ends with the machine that hosts it, which may have been ended before it.
    if ((Get-WnSameCode ('0x{0:x8}' -f $opened.Code)) -eq '0x8037010e') { return }
    $handle = (Get-WnAnswer $opened).Handle
    try {
        $ended = [Wincnode.Platform]::Terminate($Id, 30000)
        # HCS_E_SYSTEM_ALREADY_STOPPED, HCS_E_SYSTEM_NOT_FOUND
        if (@('0x80370110', '0x8037010e') -notcontains (Get-WnSameCode ('0x{0:x8}' -f $ended.Code))) { $null = Get-WnAnswer $ended }
        $null = Wait-WnExit $handle 30000
    } finally { [Wincnode.Platform]::CloseSystem($handle) }
}
function Get-WnLayerBelow([string]$Path, [int]$Depth) {
    # Layers hold no layers.
    if ($Depth -eq 0 -or -not [IO.Directory]::Exists($Path)) { return }
    if ([IO.File]::Exists("$Path\sandbox.vhdx") -or [IO.File]::Exists("$Path\blank.vhdx")) { return $Path }
    foreach ($below in [IO.Directory]::GetDirectories($Path)) { if (-not (Test-WnJunction $below)) { Get-WnLayerBelow $below ($Depth - 1) } }
}
function Remove-WnScratch([string]$Name) {
    $full = Get-WnBelow $Name
    foreach ($layer in @(Get-WnLayerBelow $full 4)) {
        # It may never have come so far; what matters is that the folder goes.
        $null = [Wincnode.Platform]::Unprepare($layer, 30000)
        $null = [Wincnode.Platform]::Deactivate($layer, 30000)
        $null = Get-WnAnswer ([Wincnode.Platform]::Destroy($layer, 30000))
    }
    Remove-WnFolder $full
}
function Remove-WnLeftover([hashtable]$Run) {
    $rows = @()
    $answer = [Wincnode.Platform]::Systems('{"Owners":["wincnode"]}', 30000)
    # Where the service does not answer, the program's own calls will say so.
    if ($answer.Code -eq 0) { $rows += @(foreach ($system in (Read-WnDocument $answer.Document)) { if ($null -ne $system) { @{ kind = 'system'; id = $system.Id } } }) }
    if ([IO.Directory]::Exists($scratchRoot)) { $rows += @(foreach ($path in [IO.Directory]::GetFileSystemEntries($scratchRoot)) { @{ kind = 'scratch'; id = [IO.Path]::GetFileName($path) } }) }
    foreach ($row in $rows) {
        $told = [ordered]@{ kind = $row.kind; id = $row.id; removed = $true }
        try { if ($row.kind -eq 'system') { Remove-WnSystem $Run $row.id } else { Remove-WnScratch $row.id } } catch {
            $told.removed = $false
            $told['error'] = (Get-WnWordsOf $_.Exception).message
            if ($row.kind -eq 'scratch') { $Run.stays[$row.id] = $told['error'] }
        }
        $told
    }
}
