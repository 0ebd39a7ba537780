<#
.SYNOPSIS
Reads what unlocks the system drive where BitLocker protects it: somebody may have to be there.
.DESCRIPTION
Of the protectors of its key the types are taken, as numbers: 1 is the TPM alone, 9 its certificate. Without the
feature BitLocker there is no such class, and nothing that would have to be unlocked.
.NOTES
Source: learn.microsoft.com/windows/win32/secprov/win32-encryptablevolume (ProtectionStatus: 1 is on)
Source: learn.microsoft.com/windows/win32/secprov/getkeyprotectors-win32-encryptablevolume
#>
function Get-WnFactsStartup {
    param()
    $drive = $null
    foreach ($volume in @(Get-CimInstance -Namespace 'root\cimv2\Security\MicrosoftVolumeEncryption' -ClassName Win32_EncryptableVolume -Filter "DriveLetter='$env:SystemDrive'" -Property @('DeviceID', 'DriveLetter', 'ProtectionStatus') -OperationTimeoutSec 10 -ErrorAction SilentlyContinue)) {
        $types = foreach ($type in 1, 2, 4, 5, 6, 8, 9) {
            $found = Invoke-CimMethod -InputObject $volume -MethodName GetKeyProtectors -Arguments @{ KeyProtectorType = [uint32]$type } -OperationTimeoutSec 10 -ErrorAction SilentlyContinue
            if ($null -ne $found -and $null -ne $found.VolumeKeyProtectorID -and @($found.VolumeKeyProtectorID).Count) { $type }
        }
        $drive = @{ protection = [int]$volume.ProtectionStatus; protectors = [object[]]@($types) }
    }
    @{ bitlocker = $drive }
}
