<#
.SYNOPSIS
Reads which traces of container and Kubernetes software lie on the disk.
.DESCRIPTION
Of a kubeconfig only the server's address is taken, never a credential; of wincnode's manifest the services that it has
set up, and the files that it has downloaded.
.NOTES
Source: github.com/kubernetes-sigs/sig-windows-tools/blob/master/hostprocess/PrepareNode.ps1
Source: github.com/rancher/rke2/blob/master/bundle/bin/rke2-uninstall.ps1
#>
function Get-WnFactsLeftovers {
    param()
    $folders = @(
        'C:\k', 'C:\var\lib\kubelet', 'C:\etc\kubernetes', 'C:\etc\cni\net.d', 'C:\opt\cni\bin', 'C:\run\flannel',
        'C:\ProgramData\containerd', 'C:\Program Files\containerd', 'C:\var\lib\rancher', 'C:\etc\rancher', 'C:\var\lib\k0s'
    )
    $programs = @('C:\k\kubelet.exe', 'C:\Program Files\kubernetes\kubelet.exe', 'C:\usr\local\bin\kubelet.exe', 'C:\usr\local\bin\rke2.exe')
    $kubeconfigs = @('C:\etc\kubernetes\kubelet.conf', 'C:\k\config', 'C:\var\lib\rancher\rke2\agent\kubelet.kubeconfig', 'C:\var\lib\k0s\kubelet.conf')

    $joined = foreach ($path in $kubeconfigs) {
        if (Test-Path -LiteralPath $path -PathType Leaf) {
            $server = ''
            foreach ($line in @(Get-Content -LiteralPath $path -ErrorAction Stop)) {
                if ($server -eq '' -and $line -match '^\s*(?:- )?server:\s*["'']?([^"''\s]+)') { $server = $Matches[1] }
            }
            @{ path = $path; server = $server }
        }
    }
    $cni = @(Get-ChildItem -LiteralPath 'C:\etc\cni\net.d' -File -ErrorAction SilentlyContinue | ForEach-Object -Process { $_.Name })
    $manifest = Join-Path -Path $env:ProgramFiles -ChildPath 'wincnode\manifest.json'
    $owned = [IO.File]::Exists($manifest)
    $made = @()
    if ($owned) {
        $made = @(foreach ($row in (ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($manifest))).entries) {
                switch ($row.kind) {
                    'service' { $row.key.name }
                    'download' { $row.key.path }
                }
            })
    }
    @{
        folders     = [object[]]@($folders | Where-Object -FilterScript { Test-Path -LiteralPath $_ -PathType Container })
        programs    = [object[]]@($programs | Where-Object -FilterScript { Test-Path -LiteralPath $_ -PathType Leaf })
        kubeconfigs = [object[]]@($joined)
        cni_configs = [object[]]$cni
        owned       = $owned
        made        = [object[]]$made
    }
}
