<#
.SYNOPSIS
Reads the firewall's inbound rules that concern ports of Kubernetes and of WinRM, as Windows keeps them.
.DESCRIPTION
From the registry, local rules and those of group policy: the cmdlets take most of a minute for a thousand rules. An
active rule is taken that names one of the ports, or no port, program, service or package at all, or that is named
after Kubernetes' programs. The client reads its text.
.NOTES
Source: learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/2efe0b76-7b4a-41ff-9050-1023f8196d16
#>
function Get-WnFactsFirewall {
    param()
    $stores = @{
        local  = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules'
        policy = 'HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules'
    }
    $ports = @(@(179, 179), @(4789, 4789), @(5985, 5986), @(10250, 10250), @(10256, 10256), @(30000, 32767))
    # Where a cluster's NodePorts are others, the client asks for these as well.
    $asked = $Section.PSObject.Properties['asked']
    if ($asked) { foreach ($range in $asked.Value.ports) { $ports += , @([int]$range[0], [int]$range[1]) } }
    $takes = {
        param([string]$text)
        if ($text -notmatch '\|(LPort\w*|App|Svc|AppPkgId|LUOwn)=') { return $true }
        foreach ($match in [regex]::Matches($text, '\|LPort\w*=(\d+)(?:-(\d+))?(?=\|)')) {
            $low = [int]$match.Groups[1].Value
            $high = $low
            if ($match.Groups[2].Success) { $high = [int]$match.Groups[2].Value }
            foreach ($range in $ports) { if ($low -le $range[1] -and $high -ge $range[0]) { return $true } }
        }
        $false
    }
    $rules = foreach ($store in 'policy', 'local') {
        $key = Get-Item -LiteralPath $stores[$store] -ErrorAction SilentlyContinue
        if (-not $key) { continue }
        foreach ($name in $key.GetValueNames()) {
            $text = [string]$key.GetValue($name)
            if ($text -match '\|Active=TRUE\|' -and $text -match '\|Dir=In\|' -and ("$name|$text" -match 'kube|rke2|k0s|calico|flannel|containerd' -or (& $takes $text))) {
                @{ store = $store; name = $name; text = $text.Substring(0, [Math]::Min(1000, $text.Length)) }
            }
        }
    }
    @{ rules = [object[]]@($rules | Select-Object -First 200); ranges = [object[]]@($ports | ForEach-Object -Process { "$($_[0])-$($_[1])" }) }
}
