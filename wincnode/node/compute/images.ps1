<#
.SYNOPSIS
Asks containerd or docker for the folders of an image's layers.
.NOTES
Source: layers of images, github.com/containerd/containerd cmd/ctr/commands/{images,content,snapshots};
chain IDs, github.com/opencontainers/image-spec config.md; github.com/moby/moby daemon/graphdriver/windows
#>
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
