<#
.SYNOPSIS
Reads versions of containerd and the kubelet, the sandbox image, and traces of old nodes.
.DESCRIPTION
containerd is found by its service, or where its own archive puts it; the kubelet is asked on machines of wincnode's.
Of the configuration one line is taken, of variables their names.
.NOTES
Source: github.com/containerd/containerd cmd/containerd/command/main.go, defaults/defaults_windows.go
Source: sandbox_image up to 1.7 and sandbox from 2.0 on, github.com/containerd/containerd docs/cri/config.md
Source: `Kubernetes v1.36.3`, github.com/kubernetes/component-base version/verflag/verflag.go
Source: files of subnets, learn.microsoft.com/virtualization/windowscontainers/kubernetes/common-problems
#>
function Get-WnFactsRuntime {
    param()
    $command = [string][Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\containerd', 'ImagePath', '')
    $program = "$env:ProgramFiles\containerd\bin\containerd.exe"
    if ($command -match '^"([^"]+containerd\.exe)"' -or $command -match '^(.+?containerd\.exe)(\s|$)') { $program = [Environment]::ExpandEnvironmentVariables($Matches[1]) }
    $config = "$env:ProgramFiles\containerd\config.toml"
    if ($command -match '--config[ =]"([^"]+)"' -or $command -match '--config[ =](\S+)') { $config = $Matches[1] }
    $there = [IO.File]::Exists($program)
    $ask = {
        param([string]$Path)
        # What a program writes to stderr would end the script under Stop.
        $ErrorActionPreference = 'Continue'
        $said = @(& $Path --version 2>$null) -join ' '
        if ($said -match '\sv?(\d+\.\d+\.\d+[-.\w]*)') { $Matches[1] } else { '' }
    }
    $version = ''
    if ($there) { $version = & $ask $program }
    $kubelet = ''
    if ([IO.File]::Exists("$env:ProgramFiles\wincnode\manifest.json") -and [IO.File]::Exists('C:\k\kubelet.exe')) { $kubelet = & $ask 'C:\k\kubelet.exe' }
    $sandbox = ''
    if ([IO.File]::Exists($config)) {
        foreach ($line in [IO.File]::ReadAllLines($config)) { if ($line -match '^\s*sandbox(?:_image)?\s*=\s*["'']([^"'']+)["'']') { $sandbox = $Matches[1] } }
    }
    $subnets = @('C:\k\SourceVip.json', 'C:\k\SourceVipRequest.json', 'C:\run\flannel\subnet.env')

    $variables = Get-Item -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' -ErrorAction SilentlyContinue
    $names = @()
    $entries = @()
    if ($variables) {
        $names = @($variables.GetValueNames() | Where-Object -FilterScript { $_ -match '^(KUBE|CONTAINER|RKE2|CATTLE|CALICO|FLANNEL|CNI_)' })
        $entries = @(([string]$variables.GetValue('Path')).Split(';') | Where-Object -FilterScript { $_ -match '\\(k|kubernetes|containerd|rancher|rke2|k0s|cni|docker)(\\|$)' })
    }
    @{
        program       = $program
        there         = $there
        version       = $version
        kubelet       = $kubelet
        config        = $config
        sandbox_image = $sandbox
        subnets       = [object[]]@($subnets | Where-Object -FilterScript { Test-Path -LiteralPath $_ -PathType Leaf })
        variables     = [object[]]$names
        path          = [object[]]$entries
    }
}
