<#
.SYNOPSIS
Reads processors, memory, the maker, and what they offer to a hypervisor.
.DESCRIPTION
The three virtualization flags of the processor mean nothing once a hypervisor runs: hypervisor_present says so.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-computersystem
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-processor
#>
function Get-WnFactsHardware {
    param()
    $computer = Get-CimInstance -ClassName Win32_ComputerSystem -Property @('Manufacturer', 'Model', 'NumberOfLogicalProcessors', 'TotalPhysicalMemory', 'HypervisorPresent', 'AutomaticManagedPagefile', 'PartOfDomain', 'Domain') -OperationTimeoutSec 15 -ErrorAction Stop
    $processors = @(Get-CimInstance -ClassName Win32_Processor -Property @('Architecture', 'VirtualizationFirmwareEnabled', 'VMMonitorModeExtensions', 'SecondLevelAddressTranslationExtensions') -OperationTimeoutSec 15 -ErrorAction Stop)
    if ($processors.Count -eq 0) { throw 'Win32_Processor has no instance' }
    $first = $processors[0]
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
        virtualization_enabled = [bool]$first.VirtualizationFirmwareEnabled
        monitor_extensions     = [bool]$first.VMMonitorModeExtensions
        second_level_paging    = [bool]$first.SecondLevelAddressTranslationExtensions
    }
}
