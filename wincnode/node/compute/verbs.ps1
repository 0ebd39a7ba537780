<#
.SYNOPSIS
What each verb of a program does.
#>
function Invoke-WnVerb([hashtable]$Run, [string]$Verb, [Collections.IDictionary]$Arguments, [int]$Limit) {
    $a = $Arguments
    $system = $null
    if ($a.Contains('system')) { $system = Get-WnOpen $a['system'] 'system' }
    $process = $null
    if ($a.Contains('process')) { $process = Get-WnOpen $a['process'] 'process' }
    switch ($Verb) {
        'service.properties' { return , (Read-WnDocument (Get-WnAnswer ([Wincnode.Platform]::Service((ConvertTo-WnDocument $a['query']), $Limit))).Document) }
        'service.systems' {
            $list = Read-WnDocument (Get-WnAnswer ([Wincnode.Platform]::Systems((ConvertTo-WnDocument $a['query']), $Limit))).Document
            return , @(foreach ($found in $list) { $found })
        }
        'system.create' { return New-WnSystem $Run $a['id'] ([Wincnode.Platform]::Create($a['id'], (ConvertTo-WnDocument $a['document']), $Limit)) }
        'system.create_v1' { return New-WnSystem $Run $a['id'] ([Wincnode.Platform]::CreateV1($a['id'], (ConvertTo-WnDocument $a['document']), $Limit)) }
        'system.open' { return New-WnSystem $Run $a['id'] ([Wincnode.Platform]::Open($a['id'])) }
        'system.start' { $null = Get-WnAnswer ([Wincnode.Platform]::Start($system.handle, $Limit)) }
        'system.shutdown' { $null = Get-WnAnswer ([Wincnode.Platform]::ShutDown($system.handle, $Limit)) }
        'system.terminate' { $null = Get-WnAnswer ([Wincnode.Platform]::Terminate($system.id, $Limit)) }
        'system.properties' {
            $query = [NullString]::Value
            if ($a['query'] -is [Collections.IDictionary] -and $a['query'].Keys.Count) { $query = ConvertTo-WnDocument $a['query'] }
            return , (Read-WnDocument (Get-WnAnswer ([Wincnode.Platform]::Properties($system.handle, $query, $Limit))).Document)
        }
        'system.modify' { $null = Get-WnAnswer ([Wincnode.Platform]::Modify($system.handle, (ConvertTo-WnDocument $a['request']), $Limit)) }
        'system.shares' { return Add-WnShare $system.handle $a $Limit }
        'system.exited' { return , (Wait-WnExit $system.handle $Limit) }
        'system.close' { Close-WnOpen $system }
        'process.create' {
            $answer = Get-WnAnswer ([Wincnode.Platform]::CreateProcess($system.handle, (ConvertTo-WnDocument $a['parameters']), $Limit))
            $open = @{ kind = 'process'; id = $system.id; pid = $answer.ProcessId; handle = $answer.Handle; output = $answer.StdOutput; error = $answer.StdError }
            # The last that is open is the first that is closed.
            $Run.open += $open
            return [ordered]@{ handle = $true; pid = $answer.ProcessId; '$open' = $open }
        }
        'process.finished' {
            $most = 65536
            if ($a.Contains('output_limit')) { $most = $a['output_limit'] }
            return Wait-WnProcess $process $most $Limit
        }
        'process.terminate' { $null = Get-WnAnswer ([Wincnode.Platform]::TerminateProcess($process.id, $process.pid, $Limit)) }
        'process.close' { Close-WnOpen $process }
        'vm.grant' { $null = Get-WnAnswer ([Wincnode.Platform]::Grant($a['vm'], $a['path'], $Limit)) }
        'vm.revoke' { $null = Get-WnAnswer ([Wincnode.Platform]::Revoke($a['vm'], $a['path'], $Limit)) }
        'layer.id' { return [ordered]@{ guid = (Get-WnAnswer ([Wincnode.Platform]::LayerId($a['path']))).Text } }
        'layer.scratch' { $null = Get-WnAnswer ([Wincnode.Platform]::Scratch((New-WnFolder $a['path']), [string[]]$a['parents'], $Limit)) }
        'layer.activate' {
            $path = Get-WnBelow $a['path']
            $answer = [Wincnode.Platform]::Activate($path, $Limit)
            # One that is given up may still come to its end.
            if ($answer.Code -lt 2147483648 -or $answer.Code -eq 2147943860) { $Run.attached[$path] = $true }
            $null = Get-WnAnswer $answer
        }
        'layer.prepare' { $null = Get-WnAnswer ([Wincnode.Platform]::Prepare((Get-WnBelow $a['path']), [string[]]$a['parents'], $Limit)) }
        'layer.volume' { return [ordered]@{ volume = (Get-WnAnswer ([Wincnode.Platform]::Volume((Get-WnBelow $a['path']), $Limit))).Text } }
        'layer.unprepare' { $null = Get-WnAnswer ([Wincnode.Platform]::Unprepare((Get-WnBelow $a['path']), $Limit)) }
        'layer.deactivate' {
            $path = Get-WnBelow $a['path']
            $null = Get-WnAnswer ([Wincnode.Platform]::Deactivate($path, $Limit))
            $Run.attached.Remove($path)
        }
        'layer.destroy' {
            $path = Get-WnBelow $a['path']
            $null = Get-WnAnswer ([Wincnode.Platform]::Destroy($path, $Limit))
            $Run.attached.Remove($path)
        }
        'layer.base' { $null = Get-WnAnswer ([Wincnode.Platform]::Base((Get-WnBelow $a['path']), $Limit)) }
        'hive.empty' { $null = Get-WnAnswer ([Wincnode.Platform]::Hive((New-WnParent $a['path']), $Limit)) }
        'folder.create' {
            # What stays of another program may be attached, and is not this one's to remove.
            $first = (Get-WnBelow $a['path']).Substring($scratchRoot.Length + 1).Split('\')[0]
            if ($Run.stays.ContainsKey($first)) { Stop-WnCall '0x80070020' ("$first stays of an earlier program: " + $Run.stays[$first]) $null }
            return [ordered]@{ path = (New-WnFolder $a['path']) }
        }
        'folder.remove' {
            $full = Get-WnBelow $a['path']
            # Without its folder a disk would stay attached that nobody finds any more.
            foreach ($path in $Run.attached.Keys) { if ("$path\".StartsWith("$full\", 'OrdinalIgnoreCase')) { Stop-WnCall '0x80070020' "$($a['path']) has a layer that is attached." $null } }
            Remove-WnFolder $full
        }
        'file.copy' { [IO.File]::Copy($a['source'], (New-WnParent $a['target']), $true) }
        'file.write' {
            $data = (New-Object -TypeName Text.UTF8Encoding -ArgumentList $false).GetBytes($a['text'])
            if (Test-WnVolume $a['path']) { $null = Get-WnAnswer ([Wincnode.Platform]::WriteVolume($a['path'], $data)) }
            else { [IO.File]::WriteAllBytes((New-WnParent $a['path']), $data) }
        }
        'file.read' {
            $most = 4096
            if ($a.Contains('limit')) { $most = $a['limit'] }
            if (Test-WnVolume $a['path']) { return [ordered]@{ text = (Get-WnAnswer ([Wincnode.Platform]::ReadVolume($a['path'], $most))).Text } }
            return [ordered]@{ text = (Read-WnStart (Get-WnBelow $a['path']) $most) }
        }
        'right.holders' {
            $sids = (Get-WnAnswer ([Wincnode.Platform]::Holders($a['right'], $Limit))).Text
            return [ordered]@{ sids = [object[]]@(if ($sids -ne '') { $sids.Split(',') }) }
        }
        'image.layers' { return Get-WnImageLayer $a }
        default { Stop-WnCall '0x80070057' "There is no verb $Verb." $null }
    }
}
