<#
.SYNOPSIS
Runs programs of calls to the Host Compute Service, and tells each one's result when it is there.
.DESCRIPTION
The calls are platform.cs's, compiled once; here are their order, references between them, what
ends a program, and what is taken down whatever happened. The form of programs is in docs/hcs.md.
.NOTES
Source: layers of images, github.com/containerd/containerd cmd/ctr/commands/{images,content,snapshots};
chain IDs, github.com/opencontainers/image-spec config.md; github.com/moby/moby daemon/graphdriver/windows
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

function Invoke-WnRuntime([string]$Path, [string[]]$Words) {
    if (-not [IO.File]::Exists($Path)) { Stop-WnCall '0x80070002' "There is no $Path." $null }
    # What a program writes to stderr would end the script under Stop.
    $ErrorActionPreference = 'Continue'
    $all = @(& $Path $Words 2>&1)
    $said = (@($all | Where-Object -FilterScript { $_ -isnot [Management.Automation.ErrorRecord] }) -join "`n")
    if ($LASTEXITCODE -eq 0) { return $said }
    $complaint = (@($all | Where-Object -FilterScript { $_ -is [Management.Automation.ErrorRecord] }) -join "`n").Trim()
    $code = '0x80070002'
    if ($complaint -match 'not found|no such image') { $code = '0x80070490' }
    if ($complaint.Length -gt 500) { $complaint = $complaint.Substring($complaint.Length - 500) }
    Stop-WnCall $code ([IO.Path]::GetFileName($Path) + " ended with ${LASTEXITCODE}: $complaint") $null
}
function Invoke-WnSnapshot([string[]]$Words) {
    # k8s.io is the namespace of pods.
    Invoke-WnRuntime 'C:\Program Files\containerd\bin\ctr.exe' (@('--namespace', 'k8s.io') + $Words)
}
function Get-WnContent([string]$Digest) {
    $text = Invoke-WnSnapshot @('content', 'get', $Digest)
    try { ConvertFrom-Json -InputObject $text } catch { Stop-WnCall '0x80070057' "$Digest is no JSON." $null }
}
function Get-WnChain([string]$Digest) {
    # The chain IDs of an image's platforms, that of this build first.
    $top = Get-WnContent $Digest
    $manifests = @($Digest)
    if ($top.PSObject.Properties['manifests']) {
        $rows = @($top.manifests | Where-Object -FilterScript { $_.PSObject.Properties['platform'] -and $_.platform.os -eq 'windows' -and $_.platform.architecture -eq 'amd64' })
        $own = '^\d+\.\d+\.' + [Environment]::OSVersion.Version.Build + '(\.|$)'
        $fits = { $_.platform.PSObject.Properties['os.version'] -and $_.platform.'os.version' -match $own }
        $manifests = @($rows | Where-Object -FilterScript $fits) + @($rows | Where-Object -FilterScript { -not (& $fits) }) | ForEach-Object -Process { $_.digest }
    }
    $sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
    foreach ($one in @($manifests)) {
        # Of an index only what fits was fetched.
        try {
            $manifest = $top
            if ($one -ne $Digest) { $manifest = Get-WnContent $one }
            $ids = @((Get-WnContent $manifest.config.digest).rootfs.diff_ids)
        } catch [InvalidOperationException] { continue }
        $chain = $ids[0]
        foreach ($id in @($ids | Select-Object -Skip 1)) {
            $hash = $sha.ComputeHash([Text.Encoding]::ASCII.GetBytes("$chain $id"))
            $chain = 'sha256:' + [BitConverter]::ToString($hash).Replace('-', '').ToLowerInvariant()
        }
        $chain
    }
}
function Get-WnContainerdLayer([string]$Image) {
    $rows = @((Invoke-WnSnapshot @('images', 'ls', "name==$Image")).Split("`n") | Select-Object -Skip 1)
    $digest = ''
    foreach ($row in $rows) {
        $words = @($row -split '\s+')
        if ($words[0] -ceq $Image) { $digest = $words[2] }
    }
    if ($digest -eq '') { Stop-WnCall '0x80070490' "containerd has no image $Image." $null }
    $problem = $null
    foreach ($chain in @(Get-WnChain $digest)) {
        $key = 'wincnode-' + [guid]::NewGuid().ToString('N')
        $snapshots = @('snapshots', '--snapshotter', 'windows')
        try { $said = Invoke-WnSnapshot ($snapshots + @('view', '--target', 'C:\', $key, $chain)) } catch [InvalidOperationException] { $problem = $_.Exception; continue } finally {
            # A view that was not made is none that could be removed.
            try { $null = Invoke-WnSnapshot ($snapshots + @('rm', $key)) } catch [InvalidOperationException] { $null = $_ }
        }
        if ($said -notmatch '-t (\S+)' -or $Matches[1] -ne 'windows-layer') { Stop-WnCall '0x80070032' 'The image''s layers are of a type that is not known here; windows-layer is.' $null }
        # Names of folders may hold brackets, but no quotes.
        if ($said -notmatch 'parentLayerPaths=(\["[^"]*"(,"[^"]*")*\])') { Stop-WnCall '0x80070057' 'ctr names no layers.' $null }
        $found = ConvertFrom-Json -InputObject $Matches[1]
        return @($found)
    }
    if ($null -ne $problem) { throw $problem }
    Stop-WnCall '0x80070490' "containerd has not unpacked $Image for this Windows." $null
}
function Get-WnDockerLayer([string]$Image) {
    $text = Invoke-WnRuntime 'C:\Program Files\docker\docker.exe' @('image', 'inspect', '--format', '{{json .GraphDriver.Data}}', $Image)
    try { $top = (ConvertFrom-Json -InputObject $text).dir } catch { Stop-WnCall '0x80070057' 'docker names no folder of the image.' $null }
    $top
    # A base layer has no such file, or null in it.
    if ([IO.File]::Exists("$top\layerchain.json")) { foreach ($path in @(ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$top\layerchain.json")))) { if ($path) { $path } } }
}
function Get-WnImageLayer([Collections.IDictionary]$Arguments) {
    $image = $Arguments['image']
    $parents = switch ($Arguments['runtime']) {
        'containerd' { Get-WnContainerdLayer $image }
        'docker' { Get-WnDockerLayer $image }
        default { Stop-WnCall '0x80070057' "$_ is no runtime; it takes containerd or docker." $null }
    }
    $found = [ordered]@{ parents = @($parents); base = @($parents)[-1] }
    if ($Arguments['utility_vm'] -eq $true) {
        $there = @($parents | ForEach-Object -Process { "$_\UtilityVM" } | Where-Object -FilterScript { [IO.Directory]::Exists($_) })
        if ($there.Count -eq 0) { Stop-WnCall '0x80070003' "No layer of $image has a folder UtilityVM." $null }
        $found['utility_vm'] = $there[0]
    }
    $found
}

function Get-WnFound([hashtable]$Run, [string]$Name) {
    $call, $member = $Name.Split([char[]]'.', 2)
    $result = $Run.results[$call]
    if (-not $member) { return , $result }
    if ($result -is [Collections.IDictionary] -and $result.Contains($member)) { return , $result[$member] }
    if ($result -is [Management.Automation.PSCustomObject] -and $result.PSObject.Properties[$member]) { return , $result.$member }
    Stop-WnCall '0x80070490' "${Name}: the result has no such field" $null
}
function Resolve-WnReference([hashtable]$Run, [object]$Value) {
    # Results in the place of references.
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Resolve-WnReference $Run $item }) }
    if ($Value -isnot [Collections.IDictionary]) { return $Value }
    if ($Value.Count -eq 1) {
        switch (@($Value.Keys)[0]) {
            '$ref' { return , (Get-WnFound $Run $Value['$ref']) }
            '$join' {
                $parts = foreach ($item in $Value['$join']) {
                    $part = Resolve-WnReference $Run $item
                    if ($part -isnot [string] -and $part -isnot [int] -and $part -isnot [long]) { Stop-WnCall '0x80070057' 'Only texts and numbers can be joined.' $null }
                    $part
                }
                return @($parts) -join ''
            }
            { $_ -eq '$layers' -or $_ -eq '$layers_v1' } {
                $id = 'Id'
                if ($_ -eq '$layers_v1') { $id = 'ID' }
                $folders = Resolve-WnReference $Run $Value[$_]
                return , @(foreach ($path in $folders) { [ordered]@{ $id = (Get-WnAnswer ([Wincnode.Platform]::LayerId($path))).Text; Path = $path } })
            }
        }
    }
    $table = [ordered]@{}
    foreach ($name in @($Value.Keys)) { $table[$name] = Resolve-WnReference $Run $Value[$name] }
    $table
}
function Get-WnNamed([object]$Value) {
    # The calls that a value refers to.
    if ($Value -is [array]) { foreach ($item in $Value) { Get-WnNamed $item } }
    if ($Value -isnot [Collections.IDictionary]) { return }
    foreach ($name in @($Value.Keys)) {
        if ($name -eq '$ref') { ([string]$Value[$name]).Split('.')[0] } else { Get-WnNamed $Value[$name] }
    }
}

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
        'folder.create' { return [ordered]@{ path = (New-WnFolder $a['path']) } }
        'folder.remove' {
            $full = Get-WnBelow $a['path']
            # Without its folder a disk would stay attached that nobody finds any more.
            foreach ($path in $Run.attached.Keys) { if ("$path\".StartsWith("$full\", 'OrdinalIgnoreCase')) { Stop-WnCall '0x80070020' "$($a['path']) has a layer that is attached." $null } }
            # Directory.Delete removes links and never follows them.
            if ([IO.Directory]::Exists($full)) { [IO.Directory]::Delete($full, $true) }
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
        'image.layers' { return Get-WnImageLayer $a }
        default { Stop-WnCall '0x80070057' "There is no verb $Verb." $null }
    }
}
function Get-WnWordsOf([Exception]$Problem) {
    # The code, the words and the document of what failed; .NET's own errors have an HRESULT too.
    $root = $Problem.GetBaseException()
    if ($root.Data.Contains('code')) { return @{ code = $root.Data['code']; message = $root.Message; detail = $root.Data['detail'] } }
    @{ code = ('0x{0:x8}' -f $root.HResult); message = $root.Message; detail = $null }
}
function Invoke-WnCall([hashtable]$Run, [object]$Call) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $row = [ordered]@{ id = $Call['id']; do = $Call['do']; status = 'ok'; ms = 0 }
    try {
        $arguments = [ordered]@{}
        foreach ($name in @($Call['args'].Keys)) { $arguments[$name] = Resolve-WnReference $Run $Call['args'][$name] }
        $result = Invoke-WnVerb $Run $Call['do'] $arguments ([int](1000 * $Call['limit_s']))
        $Run.results[$Call['id']] = $result
        if ($result -is [Collections.IDictionary] -and $result.Contains('$open')) {
            $shown = [ordered]@{}
            foreach ($name in @($result.Keys)) { if ($name -ne '$open') { $shown[$name] = $result[$name] } }
            $row['result'] = $shown
        } elseif ($null -ne $result) { $row['result'] = $result }
    } catch {
        $words = Get-WnWordsOf $_.Exception
        $accepted = @(if ($Call.Contains('accept')) { foreach ($code in $Call['accept']) { Get-WnSameCode $code } })
        if ($accepted -notcontains (Get-WnSameCode $words.code)) {
            $row.status = 'failed'
            if (@('0x80370118', '0x800705b4') -contains (Get-WnSameCode $words.code)) { $row.status = 'timeout' }
            $row['hresult'] = $words.code
            $row['message'] = $words.message
            if ($null -ne $words.detail) { $row['error'] = $words.detail }
        }
    }
    $row.ms = $watch.ElapsedMilliseconds
    $Run.status[$Call['id']] = $row.status
    $row
}
function Get-WnSkipped([hashtable]$Run, [object]$Call) {
    $Run.status[$Call['id']] = 'skipped'
    [ordered]@{ id = $Call['id']; do = $Call['do']; status = 'skipped'; ms = 0 }
}
function Remove-WnSystem([hashtable]$Run, [string]$Id) {
    $handle = (Get-WnAnswer ([Wincnode.Platform]::Open($Id))).Handle
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
    if ([IO.Directory]::Exists($full)) { [IO.Directory]::Delete($full, $true) }
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
        }
        $told
    }
}
function Invoke-WnProgram([object]$Program, [string]$Refused) {
    $run = @{ results = @{}; status = @{}; open = @(); attached = @{} }
    $result = [ordered]@{ version = 1; leftovers = @(); calls = @(); finally = @() }
    if ($Refused -ne '') {
        $result.calls = @(foreach ($call in $Program['calls']) { Get-WnSkipped $run $call })
        $result.finally = @(foreach ($call in $Program['finally']) { Get-WnSkipped $run $call })
        $result['refused'] = $Refused
        return $result
    }
    try {
        if ($Program['owner'] -eq 'wincnode') { $result.leftovers = @(Remove-WnLeftover $run) }
        $going = $true
        try {
            $result.calls = @(foreach ($call in $Program['calls']) {
                    if ($going) { $row = Invoke-WnCall $run $call } else { $row = Get-WnSkipped $run $call }
                    $going = $going -and $row.status -eq 'ok'
                    $row
                })
        } finally {
            # Whatever stopped the calls, what they made is taken down.
            $result.finally = @(foreach ($call in $Program['finally']) {
                    $missing = @(Get-WnNamed $call['args'] | Where-Object -FilterScript { $run.status[$_] -ne 'ok' }).Count
                    if ($call.Contains('undoes') -and (-not $run.status.ContainsKey($call['undoes']) -or $run.status[$call['undoes']] -eq 'skipped')) { $missing++ }
                    if ($missing) { Get-WnSkipped $run $call } else { Invoke-WnCall $run $call }
                })
        }
    } finally {
        for ($at = $run.open.Count - 1; $at -ge 0; $at--) { Close-WnOpen $run.open[$at] }
    }
    $result
}
function Get-WnComputePrograms {
    param([hashtable]$Key, [hashtable]$Want)
    # Programs leave nothing that could be compared.
    @{ state = 'settled'; values = @{} }
}
function Invoke-WnComputePrograms {
    param([hashtable]$Key, [hashtable]$Want)
    . ([scriptblock]::Create((Get-WnScript 'runs')))
    $scratchRoot = Join-Path -Path $env:ProgramData -ChildPath 'wincnode\scratch'
    . ([scriptblock]::Create((Get-WnScript 'compile')))
    $refused = Import-WnLibrary @('calls.cs', 'platform.cs') 'Wincnode.Platform'
    $good = @{}
    foreach ($row in $Want['programs']) {
        $missing = @($row['needs'] | Where-Object -FilterScript { -not $good.ContainsKey($_) })
        $told = [ordered]@{ step = $Step.id; program = $row['id']; result = $null }
        if ($missing.Count) { $told['missing'] = $missing }
        else {
            $told.result = Invoke-WnProgram $row['program'] $refused
            if (@($told.result.calls | Where-Object -FilterScript { $_.status -ne 'ok' }).Count -eq 0) { $good[$row['id']] = $true }
        }
        Write-WnEvent 'program_finished' $told
    }
}
