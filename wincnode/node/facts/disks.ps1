<#
.SYNOPSIS
Reads the volumes that have a drive letter, and what unlocks the system's where BitLocker protects it.
.DESCRIPTION
DriveType 3 is a fixed disk. The names of the file systems are those of the drivers, never localized. Of the
protectors of the system drive's key their types are taken, as numbers: 1 is the TPM alone, 9 its certificate.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-logicaldisk
Source: learn.microsoft.com/windows/win32/secprov/win32-encryptablevolume (ProtectionStatus: 1 is on)
Source: learn.microsoft.com/windows/win32/secprov/getkeyprotectors-win32-encryptablevolume
#>
function Get-WnFactsDisks {
    param()
    # A filter keeps the provider from waking floppy, optical and network drives.
    $volumes = foreach ($disk in @(Get-CimInstance -ClassName Win32_LogicalDisk -Filter 'DriveType = 2 OR DriveType = 3' -Property @('DeviceID', 'DriveType', 'FileSystem', 'Size', 'FreeSpace') -OperationTimeoutSec 15 -ErrorAction Stop)) {
        @{
            drive       = [string]$disk.DeviceID
            drive_type  = [int]$disk.DriveType
            file_system = [string]$disk.FileSystem
            size_bytes  = [long]$disk.Size
            free_bytes  = [long]$disk.FreeSpace
        }
    }
    # Without the feature BitLocker there is no such class, and nothing that would have to be unlocked.
    $boot = $null
    foreach ($volume in @(Get-CimInstance -Namespace 'root\cimv2\Security\MicrosoftVolumeEncryption' -ClassName Win32_EncryptableVolume -Filter "DriveLetter='$env:SystemDrive'" -Property @('DeviceID', 'DriveLetter', 'ProtectionStatus') -OperationTimeoutSec 10 -ErrorAction SilentlyContinue)) {
        $types = foreach ($type in 1, 2, 4, 5, 6, 8, 9) {
            $found = Invoke-CimMethod -InputObject $volume -MethodName GetKeyProtectors -Arguments @{ KeyProtectorType = [uint32]$type } -OperationTimeoutSec 10 -ErrorAction SilentlyContinue
            if ($null -ne $found -and $null -ne $found.VolumeKeyProtectorID -and @($found.VolumeKeyProtectorID).Count) { $type }
        }
        $boot = @{ protection = [int]$volume.ProtectionStatus; protectors = [object[]]@($types) }
    }
    @{ volumes = [object[]]@($volumes); boot = $boot }
}
