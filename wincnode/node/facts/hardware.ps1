<#
.SYNOPSIS
Reads processors, memory, the maker, and what they offer to a hypervisor.
.DESCRIPTION
The three virtualization flags of the processor mean nothing once a hypervisor runs: hypervisor_present says so.
How the hypervisor is started stands in the boot entry that the boot manager takes by default: 0 is never, 1 by itself.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-computersystem
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-processor
Source: learn.microsoft.com/previous-versions/windows/desktop/bcd/bcdosloaderelementtypes (0x250000f0)
#>
function Get-WnFactsHardware {
    param()
    $computer = Get-CimInstance -ClassName Win32_ComputerSystem -Property @('Manufacturer', 'Model', 'NumberOfLogicalProcessors', 'TotalPhysicalMemory', 'HypervisorPresent', 'AutomaticManagedPagefile', 'PartOfDomain', 'Domain') -OperationTimeoutSec 15 -ErrorAction Stop
    $processors = @(Get-CimInstance -ClassName Win32_Processor -Property @('Architecture', 'VirtualizationFirmwareEnabled', 'VMMonitorModeExtensions', 'SecondLevelAddressTranslationExtensions') -OperationTimeoutSec 15 -ErrorAction Stop)
    if ($processors.Count -eq 0) { throw 'Win32_Processor has no instance' }
    $first = $processors[0]
    $launch = $null
    try {
        $entries = 'HKEY_LOCAL_MACHINE\BCD00000000\Objects\'
        $entry = [Microsoft.Win32.Registry]::GetValue($entries + '{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\23000003', 'Element', '')
        $value = [Microsoft.Win32.Registry]::GetValue("$entries$entry\Elements\250000f0", 'Element', $null)
        if ($null -ne $value) { $launch = [int]$value[0] }
    }
    catch [Security.SecurityException] { $launch = $null }

    @{
        architecture           = [int]$first.Architecture
        sockets                = $processors.Count
        logical_processors     = [int]$computer.NumberOfLogicalProcessors
        memory_bytes           = [long]$computer.TotalPhysicalMemory
        manufacturer           = [string]$computer.Manufacturer
        model                  = [string]$computer.Model
        domain                 = [string]$computer.Domain
        domain_member          = [bool]$computer.PartOfDomain
        automatic_pagefile     = [bool]$computer.AutomaticManagedPagefile
        hypervisor_present     = [bool]$computer.HypervisorPresent
        hypervisor_launch      = $launch
        virtualization_enabled = [bool]$first.VirtualizationFirmwareEnabled
        monitor_extensions     = [bool]$first.VMMonitorModeExtensions
        second_level_paging    = [bool]$first.SecondLevelAddressTranslationExtensions
    }
}
