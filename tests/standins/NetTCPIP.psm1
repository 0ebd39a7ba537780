# Stand-in for Windows' NetTCPIP, NetAdapter and NetConnection: rows of C:\machine.json.
Set-StrictMode -Version 2

function Get-Row([string]$Name) {
    $machine = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText('C:\machine.json'))
    foreach ($row in $machine.$Name) { $row }
}
function Get-NetIPAddress { [CmdletBinding()] param([string]$AddressFamily) Get-Row -Name 'addresses' }
function Get-NetRoute { [CmdletBinding()] param([string]$AddressFamily) Get-Row -Name 'routes' }
function Get-NetTCPConnection { [CmdletBinding()] param([string]$State) Get-Row -Name 'tcp' }
function Get-NetUDPEndpoint { [CmdletBinding()] param() Get-Row -Name 'udp' }
function Get-NetAdapter { [CmdletBinding()] param() Get-Row -Name 'adapters' }
function Get-NetConnectionProfile { [CmdletBinding()] param() Get-Row -Name 'profiles' }
Export-ModuleMember -Function Get-Net*
