<#
.SYNOPSIS
Where programs write: below the scratch root over no link, and on volumes of layers.
#>
function Test-WnJunction([string]$Path) {
    if (-not [IO.Directory]::Exists($Path)) { return [IO.File]::Exists($Path) -and (Test-WnLink $Path) }
    [bool]((New-Object -TypeName IO.DirectoryInfo -ArgumentList $Path).Attributes -band [IO.FileAttributes]::ReparsePoint)
}
function Get-WnBelow([string]$Path) {
    # The full form of a path below the scratch root, which leads over no link.
    $rest = $Path.Replace('/', '\')
    if ($rest -match '^[A-Za-z]:\\') {
        if (-not $rest.StartsWith("$scratchRoot\", 'OrdinalIgnoreCase')) { Stop-WnCall '0x80070005' "$Path is not below $scratchRoot." $null }
        $rest = $rest.Substring($scratchRoot.Length + 1)
    }
    $at = $scratchRoot
    foreach ($part in $rest.Split('\')) {
        if ($part -notmatch '^[^<>:"|?*/\\\x00-\x1f]*[^<>:"|?*/\\\x00-\x1f. ]$') { Stop-WnCall '0x80070005' "$Path is no path below $scratchRoot." $null }
        $at = "$at\$part"
        if (Test-WnJunction $at) { Stop-WnCall '0x80070005' "$at is a link." $null }
    }
    $at
}
function Initialize-WnScratch {
    # Users may make folders in ProgramData: one that is another's, or a link, may be a trap.
    $security = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $security.SetSecurityDescriptorSddlForm('O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    foreach ($path in @([IO.Path]::GetDirectoryName($scratchRoot), $scratchRoot)) {
        if (-not [IO.Directory]::Exists($path)) { $null = [IO.Directory]::CreateDirectory($path, $security) }
        if (Test-WnForeign $path) { Stop-WnCall '0x80070005' "$path is a link or belongs to another account." $null }
        Restore-WnAccess $path
    }
}
function New-WnFolder([string]$Path) {
    $full = Get-WnBelow $Path
    Initialize-WnScratch
    $null = [IO.Directory]::CreateDirectory($full)
    $full
}
function New-WnParent([string]$Path) {
    $full = Get-WnBelow $Path
    $null = New-WnFolder ([IO.Path]::GetDirectoryName($full))
    $full
}
function Remove-WnFolder([string]$Full) {
    # A scanner may hold a file of it for a moment. Directory.Delete removes links and never follows them.
    for ($try = 1; [IO.Directory]::Exists($Full); $try++) {
        try { [IO.Directory]::Delete($Full, $true) } catch [IO.IOException], [UnauthorizedAccessException] {
            if ($try -eq 10) { throw }
            [Threading.Thread]::Sleep(200)
        }
    }
}
function Test-WnVolume([string]$Path) {
    # A plain path on a volume, as GetLayerMountPath gives it.
    if ($Path -notmatch '^\\\\\?\\Volume\{[0-9a-fA-F-]{36}\}\\(.*)$') { return $false }
    foreach ($part in $Matches[1].Split('\')) {
        if ($part -notmatch '^[^<>:"|?*/\\\x00-\x1f]*[^<>:"|?*/\\\x00-\x1f. ]$') { Stop-WnCall '0x80070005' "$Path is no path on a volume." $null }
    }
    $true
}
function Read-WnStart([string]$Path, [int]$Limit) {
    $stream = [IO.File]::Open($Path, 'Open', 'Read', 'Read')
    try {
        $data = New-Object -TypeName 'byte[]' -ArgumentList $Limit
        [Text.Encoding]::UTF8.GetString($data, 0, $stream.Read($data, 0, $Limit))
    } finally { $stream.Dispose() }
}
