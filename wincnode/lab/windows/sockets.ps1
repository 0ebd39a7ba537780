# Stands before what a process of the `powershell` engine runs beside a cluster: sockets of scripts
# know this host's addresses alone, and to nodes the control plane has one that is none of them.
# Members of the type table go before those of .NET, and PSBase gives the latter:
# learn.microsoft.com/powershell/module/microsoft.powershell.utility/update-typedata
Update-TypeData -TypeName 'System.Net.Sockets.TcpClient' -MemberType ScriptMethod -MemberName 'ConnectAsync' -Force -Value {
    param([string]$Name, [int]$Port)
    if ($Name -eq $env:WINCNODE_LAB_CLUSTER) { $Name = '127.0.0.1' }
    $this.PSBase.ConnectAsync($Name, $Port)
}
