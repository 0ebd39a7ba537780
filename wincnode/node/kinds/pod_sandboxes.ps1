<#
.SYNOPSIS
containerd runs no pods any more.
.DESCRIPTION
Processes of pods outlive containerd's service, and hold its program and its folders.
.NOTES
Source: pods -q prints ids alone, rmp --all --force stops those that run, github.com/kubernetes-sigs/cri-tools cmd/crictl/sandbox.go
Source: kubeadm removes them when it has stopped the kubelet, github.com/kubernetes/kubernetes cmd/kubeadm/app/cmd/phases/reset/cleanupnode.go
#>
function Invoke-WnCrictl([string]$Path, [string[]]$Words) {
    # What a program writes to stderr would end the script under Stop.
    $ErrorActionPreference = 'Continue'
    $lines = @(& $Path --config ($Path -replace '\.exe$', '.yaml') $Words 2>&1 | ForEach-Object -Process { "$_".Trim() } | Where-Object -FilterScript { $_ -ne '' })
    if ($LASTEXITCODE -ne 0) { throw "crictl $($Words[0]) ended with ${LASTEXITCODE}: " + (@($lines | Select-Object -Last 6) -join "`n") }
    $lines
}
function Get-WnPodSandboxes {
    param([hashtable]$Key, [hashtable]$Want)
    $state = 'absent'
    $service = Get-CimInstance -ClassName Win32_Service -Filter "Name='containerd'"
    if ($null -ne $service -and $service.State -eq 'Running' -and @(Invoke-WnCrictl $Key['crictl'] @('pods', '-q')).Count) { $state = 'present' }
    @{ state = 'settled'; values = @{ state = $state } }
}
function Set-WnPodSandboxes {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $null = Invoke-WnCrictl $Key['crictl'] @('rmp', '--all', '--force')
}
