<#
.SYNOPSIS
Compute systems and processes that a program has open: made, shown folders, waited for, closed.
#>
function New-WnSystem([hashtable]$Run, [string]$Id, [object]$Answer) {
    # What fails or takes too long leaves no system behind.
    if ($Answer.Code -ge 2147483648 -and $Answer.Handle -ne [IntPtr]::Zero) {
        if ($Answer.Code -eq 2151088408) { $null = [Wincnode.Platform]::Terminate($Id, 30000) }
        [Wincnode.Platform]::CloseSystem($Answer.Handle)
    }
    $null = Get-WnAnswer $Answer
    $Run.open += @{ kind = 'system'; id = $Id; handle = $Answer.Handle }
    [ordered]@{ handle = $true; id = $Id; '$open' = $Run.open[-1] }
}
function Get-WnOpen([object]$Value, [string]$Kind) {
    if ($Value -isnot [Collections.IDictionary] -or -not $Value.Contains('$open') -or $Value['$open'].kind -ne $Kind) { Stop-WnCall '0x80070057' "$Kind is no open $Kind." $null }
    $Value['$open']
}
function Close-WnOpen([object]$Open) {
    if ($Open.handle -eq [IntPtr]::Zero) { return }
    if ($Open.kind -eq 'system') { [Wincnode.Platform]::CloseSystem($Open.handle) }
    else { [Wincnode.Platform]::CloseProcess($Open.handle, $Open.output, $Open.error) }
    $Open.handle = [IntPtr]::Zero
}
function Add-WnShare([IntPtr]$System, [Collections.IDictionary]$Arguments, [int]$Limit) {
    # One request for each folder; what is in it but for name and path, the program says.
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $request = $Arguments['request']
    if ($Arguments['folders'] -isnot [array] -or $Arguments['guest'] -isnot [string]) { Stop-WnCall '0x80070057' 'folders and guest are no list of texts and no text.' $null }
    if ($request -isnot [Collections.IDictionary] -or $request['Settings'] -isnot [Collections.IDictionary]) { Stop-WnCall '0x80070057' 'request has no Settings.' $null }
    $layers = @()
    foreach ($path in $Arguments['folders']) {
        $name = 's' + $layers.Count
        $request['Settings']['Name'] = $name
        $request['Settings']['Path'] = $path
        $null = Get-WnAnswer ([Wincnode.Platform]::Modify($System, (ConvertTo-WnDocument $request), [Math]::Max(0, $Limit - $watch.ElapsedMilliseconds)))
        $layers += [ordered]@{ Id = (Get-WnAnswer ([Wincnode.Platform]::LayerId($path))).Text; Path = $Arguments['guest'] + $name }
    }
    [ordered]@{ layers = $layers }
}
function Wait-WnExit([IntPtr]$System, [int]$Limit) {
    # Server 2019 has no such wait, and is asked again and again.
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $answer = [Wincnode.Platform]::Exited($System, $Limit)
    if ($answer.Code -eq 2151088408) { $answer.Code = [uint32]2147943860 }
    if ($answer.Code -ne 2147942527) { return , (Read-WnDocument (Get-WnAnswer $answer).Document) }
    while ($true) {
        $found = Read-WnDocument (Get-WnAnswer ([Wincnode.Platform]::Properties($System, [NullString]::Value, [Math]::Max(1000, $Limit - $watch.ElapsedMilliseconds)))).Document
        if ($found.State -eq 'Stopped') {
            $type = 'Unknown'
            if ($found.PSObject.Properties['ExitType']) { $type = $found.ExitType }
            return [ordered]@{ ExitType = $type }
        }
        if ($watch.ElapsedMilliseconds -ge $Limit) { Stop-WnCall '0x800705b4' 'HcsWaitForComputeSystemExit took too long.' $null }
        [Threading.Thread]::Sleep(100)
    }
}
function Wait-WnProcess([object]$Open, [int]$OutputLimit, [int]$Limit) {
    $answer = [Wincnode.Platform]::Finished($Open.handle, $Open.output, $Open.error, $OutputLimit, $Limit)
    $Open.output = [IntPtr]::Zero
    $Open.error = [IntPtr]::Zero
    $status = Read-WnDocument (Get-WnAnswer $answer).Document
    if ($status.PSObject.Properties['LastWaitResult'] -and $status.LastWaitResult -ne 0) { Stop-WnCall ('0x{0:x8}' -f $status.LastWaitResult) 'The process''s exit code is not known.' $null }
    [ordered]@{ exit_code = $status.ExitCode; stdout = $answer.Out; stderr = $answer.Err; truncated = $answer.Truncated }
}
