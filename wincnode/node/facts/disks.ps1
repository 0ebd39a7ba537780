<#
.SYNOPSIS
Reads the volumes that have a drive letter: file system, type, size, free space.
.DESCRIPTION
DriveType 3 is a fixed disk. The names of the file systems are those of the drivers, never localized.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-logicaldisk
#>
function Get-WnFactsDisks {
    param()
    # A filter keeps the provider from waking optical and network drives.
    $volumes = foreach ($disk in @(Get-CimInstance -ClassName Win32_LogicalDisk -Filter 'DriveType = 2 OR DriveType = 3' -Property @('DeviceID', 'DriveType', 'FileSystem', 'Size', 'FreeSpace') -OperationTimeoutSec 15 -ErrorAction Stop)) {
        @{
            drive       = [string]$disk.DeviceID
            drive_type  = [int]$disk.DriveType
            file_system = [string]$disk.FileSystem
            size_bytes  = [long]$disk.Size
            free_bytes  = [long]$disk.FreeSpace
        }
    }
    @{ volumes = [object[]]@($volumes) }
}
