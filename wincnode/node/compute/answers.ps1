<#
.SYNOPSIS
What a call of a program gives: a document, or a failure with its code, words and what Windows says.
#>
function Stop-WnCall([string]$Code, [string]$Message, [object]$Detail) {
    $problem = New-Object -TypeName InvalidOperationException -ArgumentList $Message
    $problem.Data['code'] = $Code
    $problem.Data['detail'] = $Detail
    throw $problem
}
function Get-WnSameCode([string]$Code) {
    # What vmcompute.dll has as C037, computecore.dll has as 8037.
    $Code.ToLowerInvariant() -replace '^0xc037', '0x8037'
}
function Get-WnShort([object]$Value) {
    # A result goes into one line of the journal.
    if ($Value -is [string] -and $Value.Length -gt 4096) { return $Value.Substring(0, 4096) }
    if ($Value -is [array]) { foreach ($item in @($Value)) { $null = Get-WnShort $item } }
    if ($Value -is [Management.Automation.PSCustomObject]) { foreach ($p in @($Value.PSObject.Properties)) { $p.Value = Get-WnShort $p.Value } }
    , $Value
}
function Read-WnDocument([string]$Text) {
    if ($Text -eq '') { return $null }
    if ($Text.Length -gt 65536) { Stop-WnCall '0x8007007a' "The answer has $($Text.Length) characters." $null }
    try { $found = ConvertFrom-Json -InputObject $Text } catch { return $Text }
    , $found
}
function Get-WnAnswer([object]$Answer) {
    # The sign of an HRESULT says whether it is a failure.
    if ($Answer.Code -lt 2147483648) { return $Answer }
    $code = '0x{0:x8}' -f $Answer.Code
    $detail = Get-WnShort (Read-WnDocument $Answer.Document)
    $message = $Answer.Problem()
    if ($detail -is [Management.Automation.PSCustomObject] -and $detail.PSObject.Properties['ErrorMessage'] -and $detail.ErrorMessage) { $message = $detail.ErrorMessage }
    Stop-WnCall $code $message $detail
}
function ConvertTo-WnDocument([object]$Value) {
    # .NET gives null to a text parameter for NullString alone.
    if ($null -eq $Value) { return [NullString]::Value }
    ConvertTo-Json -InputObject $Value -Compress -Depth 30
}
function Get-WnWordsOf([Exception]$Problem) {
    # The code, the words and the document of what failed; .NET's own errors have an HRESULT too.
    $root = $Problem.GetBaseException()
    if ($root.Data.Contains('code')) { return @{ code = $root.Data['code']; message = $root.Message; detail = $root.Data['detail'] } }
    @{ code = ('0x{0:x8}' -f $root.HResult); message = $root.Message; detail = $null }
}
