<#
.SYNOPSIS
Reads what adapters carry: MTU, offloads, teams, and external switches bound to them with their extensions.
.DESCRIPTION
Directions of checksums are told by their number or by their name, never localized. Switches are null where the
module of Hyper-V is not installed.
.NOTES
Source: learn.microsoft.com/windows/win32/fwp/wmi/nettcpipprov/msft-netipinterface
Source: learn.microsoft.com/windows/win32/fwp/wmi/netadaptercimprov/msft-netadapterencapsulatedpackettaskoffloadsettingdata
Source: learn.microsoft.com/windows/win32/fwp/wmi/netadaptercimprov/msft-netadapterchecksumoffloadsettingdata
Source: learn.microsoft.com/windows/win32/fwp/wmi/ndisimplatcimprov/msft-netlbfoteam
Source: learn.microsoft.com/powershell/module/hyper-v/get-vmswitchextension
Source: Get-Command took a minute, github.com/microsoftgraph/entra-powershell/issues/437
#>
function Get-WnFactsLinks {
    param()
    $vxlan = foreach ($row in @(Get-NetAdapterEncapsulatedPacketTaskOffload -ErrorAction SilentlyContinue)) { if ($row.VxlanEncapsulatedPacketTaskOffloadEnabled) { [string]$row.Name } }
    $checksum = foreach ($row in @(Get-NetAdapterChecksumOffload -ErrorAction SilentlyContinue)) { if ("$($row.UdpIPv4Enabled)" -match 'Tx|^[13]$') { [string]$row.Name } }
    $interfaces = foreach ($row in @(Get-NetIPInterface -AddressFamily IPv4 -ErrorAction Stop)) { @{ index = [int]$row.InterfaceIndex; mtu = [long]$row.NlMtu } }
    # Get-NetLbfoTeam is of a module that not every release documents.
    $teams = @(Get-CimInstance -Namespace 'root\StandardCimv2' -ClassName MSFT_NetLbfoTeam -Property @('Name') -OperationTimeoutSec 10 -ErrorAction SilentlyContinue)
    $switches = $null
    # By the module's name: who looks for a cmdlet that is missing reads every module of the machine.
    Import-Module -Name 'Hyper-V' -ErrorAction SilentlyContinue
    if (Get-Module -Name 'Hyper-V') {
        $switches = [object[]]@(
            foreach ($row in @(Get-VMSwitch -SwitchType External -ErrorAction SilentlyContinue)) {
                $extensions = foreach ($one in @(Get-VMSwitchExtension -VMSwitchName $row.Name -ErrorAction SilentlyContinue)) {
                    @{ id = [string]$one.Id; name = [string]$one.Name; type = "$($one.ExtensionType)"; enabled = [bool]$one.Enabled }
                }
                @{ name = [string]$row.Name; adapter = [string]$row.NetAdapterInterfaceDescription; extensions = [object[]]@($extensions) }
            }
        )
    }
    @{
        interfaces        = [object[]]@($interfaces)
        vxlan_offload     = [object[]]@($vxlan)
        checksum_transmit = [object[]]@($checksum)
        teams             = [object[]]@($teams | ForEach-Object -Process { [string]$_.Name })
        switches          = $switches
    }
}
