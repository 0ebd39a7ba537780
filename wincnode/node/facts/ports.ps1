<#
.SYNOPSIS
Reads the ranges of ports that Windows hands out or keeps back, and ports that it forwards.
.DESCRIPTION
Of what netsh.exe shows only rows of two numbers are read, with a star where an administrator made the range. Forwarded
ports are read where netsh.exe keeps them.
.NOTES
Source: learn.microsoft.com/powershell/module/nettcpip/get-nettcpsetting
Source: rows, github.com/docker/for-win/issues/3171
Source: forwarded ports, learn.microsoft.com/windows-server/networking/technologies/netsh/netsh-interface-portproxy
#>
function Get-WnFactsPorts {
    param()
    $tcp = @(Get-NetTCPSetting -ErrorAction Stop | Where-Object -FilterScript { $_.DynamicPortRangeNumberOfPorts })
    $udp = @(Get-NetUDPSetting -ErrorAction Stop)
    $dynamic = foreach ($pair in @(@('tcp', $tcp), @('udp', $udp))) {
        if ($pair[1].Count) { @{ protocol = $pair[0]; start = [int]$pair[1][0].DynamicPortRangeStartPort; count = [int]$pair[1][0].DynamicPortRangeNumberOfPorts } }
    }
    $excluded = foreach ($protocol in 'tcp', 'udp') {
        foreach ($line in @(& "$env:SystemRoot\System32\netsh.exe" interface ipv4 show excludedportrange $protocol)) {
            if ($line -match '^\s*(\d+)\s+(\d+)\s*(\*?)\s*$') { @{ protocol = $protocol; first = [int]$Matches[1]; last = [int]$Matches[2]; administered = $Matches[3] -eq '*' } }
        }
    }
    $forwarded = foreach ($way in 'v4tov4', 'v4tov6', 'v6tov4', 'v6tov6') {
        $key = Get-Item -LiteralPath "HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\$way\tcp" -ErrorAction SilentlyContinue
        if ($key) { foreach ($name in $key.GetValueNames()) { @{ from = $name; to = [string]$key.GetValue($name) } } }
    }
    @{
        dynamic   = [object[]]@($dynamic)
        excluded  = [object[]]@($excluded)
        forwarded = [object[]]@($forwarded)
        # Azure's agent keeps its logs there.
        azure     = Test-Path -LiteralPath "$env:SystemDrive\WindowsAzure" -PathType Container
    }
}
