<#
.SYNOPSIS
containerd holds an image for pods, from an archive or a registry; or it does not.
.NOTES
Source: k8s.io is the namespace of pods, github.com/containerd/containerd internal/cri/constants/constants.go
Source: ls -q prints names alone, an import unpacks for the host's platform, same repository cmd/ctr/commands/images
Source: crictl pulls by the runtime, so with its mirrors, as ctr does not, github.com/kubernetes-sigs/cri-tools cmd/crictl/image.go
#>
function Invoke-WnImageProgram([string]$Path, [string[]]$Words) {
    if (-not [IO.File]::Exists($Path)) { throw "There is no $Path." }
    # What a program writes to stderr would end the script under Stop.
    $ErrorActionPreference = 'Continue'
    $lines = @(& $Path $Words 2>&1 | ForEach-Object -Process { "$_".Trim() } | Where-Object -FilterScript { $_ -ne '' })
    if ($LASTEXITCODE -ne 0) { throw [IO.Path]::GetFileName($Path) + " ended with ${LASTEXITCODE}: " + (@($lines | Select-Object -Last 6) -join "`n") }
    $lines
}
function Invoke-WnCtr([string[]]$Words) {
    Invoke-WnImageProgram 'C:\Program Files\containerd\bin\ctr.exe' (@('-n', 'k8s.io', 'images') + $Words)
}
function Get-WnContainerImage {
    param([hashtable]$Key, [hashtable]$Want)
    $state = 'absent'
    # Before containerd runs it has no image that pods could use; where one is to go, that is no proof.
    try { if (@(Invoke-WnCtr @('ls', '-q')) -ccontains $Key['reference']) { $state = 'present' } } catch { if ($Want['state'] -eq 'absent') { throw } }
    @{ state = 'settled'; values = @{ state = $state } }
}
function Set-WnContainerImage {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Want['state'] -eq 'absent') { $null = Invoke-WnCtr @('rm', '--sync', $Key['reference']); return }
    if ($Want['pull']) { $null = Invoke-WnImageProgram 'C:\k\crictl.exe' @('--config', 'C:\k\crictl.yaml', 'pull', $Key['reference']); return }
    $null = Invoke-WnCtr @('import', $Want['archive'])
    if (@(Invoke-WnCtr @('ls', '-q')) -cnotcontains $Key['reference']) { throw "$($Want['archive']) holds no image $($Key['reference'])." }
}
