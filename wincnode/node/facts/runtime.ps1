<#
.SYNOPSIS
Reads which containerd is installed, what its configuration says of sandboxes, and variables and subnets of old nodes.
.DESCRIPTION
The program is found by its service, or where its own archive puts it, and is asked for its version. Of the
configuration one line is taken, of variables their names.
.NOTES
Source: github.com/containerd/containerd cmd/containerd/command/main.go, defaults/defaults_windows.go
Source: sandbox_image up to 1.7 and sandbox from 2.0 on, github.com/containerd/containerd docs/cri/config.md
Source: files of subnets, learn.microsoft.com/virtualization/windowscontainers/kubernetes/common-problems
#>
function Get-WnFactsRuntime {
    param()
    $command = [string][Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\containerd', 'ImagePath', '')
    $program = "$env:ProgramFiles\containerd\bin\containerd.exe"
    if ($command -match '^"([^"]+containerd\.exe)"' -or $command -match '^(.+?containerd\.exe)(\s|$)') { $program = [Environment]::ExpandEnvironmentVariables($Matches[1]) }
    $config = "$env:ProgramFiles\containerd\config.toml"
    if ($command -match '--config[ =]"([^"]+)"' -or $command -match '--config[ =](\S+)') { $config = $Matches[1] }
    $version = ''
    $there = [IO.File]::Exists($program)
    if ($there) {
        # What a program writes to stderr would end the script under Stop.
        $ErrorActionPreference = 'Continue'
        $said = @(& $program --version 2>$null) -join ' '
        $ErrorActionPreference = 'Stop'
        if ($said -match '\sv?(\d+\.\d+\.\d+[-.\w]*)') { $version = $Matches[1] }
    }
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
        config        = $config
        sandbox_image = $sandbox
        subnets       = [object[]]@($subnets | Where-Object -FilterScript { Test-Path -LiteralPath $_ -PathType Leaf })
        variables     = [object[]]$names
        path          = [object[]]$entries
    }
}
