<#
.SYNOPSIS
The machine is a node of a cluster; kubeadm joins it by a JoinConfiguration, which leaves the disk again.
.NOTES
Source: the files that kubeadm and the kubelet write, and those that kubeadm refuses to find,
github.com/kubernetes/kubernetes cmd/kubeadm/app/cmd/phases/join/kubelet.go, app/preflight/checks.go
Source: the form of a token, github.com/kubernetes/kubernetes staging/src/k8s.io/cluster-bootstrap/token/api/types.go
#>
function Get-WnKubeadmJoin {
    param([hashtable]$Key, [hashtable]$Want)
    Get-WnJoin $Key['server']
}
function Set-WnKubeadmJoin {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Have.values['state'] -ne 'absent') { throw "The machine is $($Have.values['state'])." }
    # What an earlier try left would stop kubeadm; and a kubelet goes on with the certificate that it finds.
    $bootstrap = 'C:\etc\kubernetes\bootstrap-kubelet.conf'
    foreach ($left in @('C:\etc\kubernetes\kubelet.conf', $bootstrap, 'C:\etc\kubernetes\pki\ca.crt', 'C:\var\lib\kubelet\pki\kubelet-client-current.pem')) {
        if ([IO.File]::Exists($left)) { [IO.File]::Delete($left) }
    }
    $file = "$base\join.yaml"
    # kubeadm looks for the kubelet in the Path; what it writes to stderr would end the script under Stop.
    $env:Path = 'C:\k;' + $env:Path
    $ErrorActionPreference = 'Continue'
    try {
        [IO.File]::Delete($file)
        [IO.File]::WriteAllText($file, $Want['configuration'])
        $lines = @(& 'C:\k\kubeadm.exe' join --config $file 2>&1)
    } finally {
        # Where kubeadm fails it leaves the token in a second file.
        foreach ($left in @($file, $bootstrap)) { if ([IO.File]::Exists($left)) { [IO.File]::Delete($left) } }
    }
    if ($LASTEXITCODE -eq 0) { return }
    # No cmdlet gets these lines, as one may hold the token.
    $said = New-Object -TypeName 'Collections.Generic.List[string]'
    foreach ($line in $lines) {
        if ("$line".Trim() -ne '') { $said.Add("$line".Trim()) }
        if ($said.Count -gt 12) { $said.RemoveAt(0) }
    }
    throw "kubeadm ended with ${LASTEXITCODE}: " + (($said -join "`n") -replace '[a-z0-9]{6}\.[a-z0-9]{16}', '***')
}
