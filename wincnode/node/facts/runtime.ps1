<#
.SYNOPSIS
Reads which containerd is installed, and what its configuration says of sandboxes.
.DESCRIPTION
The program is found by its service, or where its own archive puts it, and is asked for its version. Of the
configuration two lines are read, not the whole file.
.NOTES
Source: github.com/containerd/containerd cmd/containerd/command/main.go, defaults/defaults_windows.go
Source: sandbox_image up to 1.7 and sandbox from 2.0 on, github.com/containerd/containerd docs/cri/config.md
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
    @{ program = $program; there = $there; version = $version; config = $config; sandbox_image = $sandbox }
}
