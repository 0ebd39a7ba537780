<#
.SYNOPSIS
The machine is a node of a cluster; the kubelet itself asks for its certificate, with a token that leaves the disk again.
.NOTES
Source: kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping;
github.com/kubernetes/kubernetes pkg/kubelet/certificate/bootstrap/bootstrap.go
#>
function Get-WnKubeletBootstrap {
    param([hashtable]$Key, [hashtable]$Want)
    Get-WnJoin $Key['server']
}
function Set-WnKubeletBootstrap {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Have.values['state'] -ne 'absent') { throw "The machine is $($Have.values['state'])." }
    $bootstrap = 'C:\etc\kubernetes\bootstrap-kubelet.conf'
    try {
        # A kubelet goes on with the certificate that it finds, be it of another cluster.
        foreach ($left in @('C:\etc\kubernetes\kubelet.conf', 'C:\var\lib\kubelet\pki\kubelet-client-current.pem')) {
            if ([IO.File]::Exists($left)) { [IO.File]::Delete($left) }
        }
        [IO.File]::WriteAllText('C:\etc\kubernetes\pki\ca.crt', $Want['ca'])
        [IO.File]::WriteAllText($bootstrap, $Want['kubeconfig'])
        $kubelet = Get-CimInstance -ClassName Win32_Service -Filter "Name='kubelet'"
        if ($null -eq $kubelet) { throw 'There is no service kubelet.' }
        # 10: it runs already.
        $code = (Invoke-CimMethod -InputObject $kubelet -MethodName StartService).ReturnValue
        if (@(0, 10) -notcontains $code) { throw "Win32_Service.StartService returned $code." }
        while ((Get-WnJoin $Key['server']).values['state'] -ne 'joined') { [Threading.Thread]::Sleep(500) }
    } finally { [IO.File]::Delete($bootstrap) }
}
