<#
.SYNOPSIS
Reads what guards the machine: Defender, other filters of files, AppLocker, logs of PowerShell, TLS of .NET, roots.
.DESCRIPTION
All of it comes from the registry. Drivers that filter files have an altitude; since 24H2 it may stand under Parameters.
Of AppLocker the rules by path are read, and of the others their number.
.NOTES
Source: learn.microsoft.com/windows-hardware/drivers/ifs/creating-an-inf-file-for-a-minifilter-driver
Source: learn.microsoft.com/windows/client-management/mdm/policy-csp-admx-microsoftdefenderantivirus
Source: learn.microsoft.com/dotnet/framework/network-programming/tls
Source: github.com/mattifestation AppLocker Configuration Schema (gist dbe732f8)
#>
function Get-WnFactsProtection {
    param()
    $hive = 'HKEY_LOCAL_MACHINE\SOFTWARE\'
    $read = { param([string]$key, [string]$name) [Microsoft.Win32.Registry]::GetValue($hive + $key, $name, $null) }
    $open = { param([string]$key) [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($key) }

    $services = & $open 'SYSTEM\CurrentControlSet\Services'
    $filters = foreach ($name in $services.GetSubKeyNames()) {
        try {
            $service = $services.OpenSubKey($name)
            # It may have gone meanwhile. A driver that is disabled, as some are left behind, filters nothing.
            if ($null -eq $service -or 4 -eq $service.GetValue('Start')) { continue }
            foreach ($place in 'Instances', 'Parameters\Instances') {
                $instances = $service.OpenSubKey($place)
                if ($null -eq $instances) { continue }
                $instance = $instances.OpenSubKey([string]$instances.GetValue('DefaultInstance'))
                if ($null -ne $instance) { @{ name = $name; altitude = [string]$instance.GetValue('Altitude') }; break }
            }
        }
        # Some programs shut their own keys to administrators, too.
        catch [Security.SecurityException] { continue }
    }

    $defender = 'Microsoft\Windows Defender'
    $names = { param([string]$key) $item = & $open "SOFTWARE\$key\Exclusions\Processes"; if ($null -ne $item) { $item.GetValueNames() } }
    # A policy may hide them from administrators, too.
    try { $excluded = [object[]]@(& $names $defender) } catch [Security.SecurityException] { $excluded = $null }

    $applocker = foreach ($collection in 'Exe', 'Script') {
        $key = & $open "SOFTWARE\Policies\Microsoft\Windows\SrpV2\$collection"
        if ($null -eq $key) { continue }
        $others = 0
        $rules = foreach ($id in $key.GetSubKeyNames()) {
            $rule = ([xml]$key.OpenSubKey($id).GetValue('Value')).DocumentElement
            if ($rule.LocalName -ne 'FilePathRule') { $others++; continue }
            foreach ($path in $rule.SelectNodes('Conditions/FilePathCondition/@Path')) {
                @{ action = $rule.GetAttribute('Action'); user = $rule.GetAttribute('UserOrGroupSid'); path = $path.Value }
            }
        }
        @{ collection = $collection; mode = $key.GetValue('EnforcementMode'); paths = [object[]]@($rules); others = $others }
    }

    $logs = 'Policies\Microsoft\Windows\PowerShell\'
    $net = 'Microsoft\.NETFramework\v4.0.30319'
    @{
        filters          = [object[]]@($filters)
        defender         = @{
            excluded           = $excluded
            excluded_by_policy = [object[]]@(& $names "Policies\$defender")
            no_local_merge     = & $read "Policies\$defender" 'DisableLocalAdminMerge'
            tamper_protection  = & $read "$defender\Features" 'TamperProtection'
            tamper_exclusions  = & $read "$defender\Features" 'TPExclusions'
            realtime_off       = & $read "$defender\Real-Time Protection" 'DisableRealtimeMonitoring'
        }
        applocker        = [object[]]@($applocker)
        script_block_log = & $read ($logs + 'ScriptBlockLogging') 'EnableScriptBlockLogging'
        module_log       = & $read ($logs + 'ModuleLogging') 'EnableModuleLogging'
        transcription    = & $read ($logs + 'Transcription') 'EnableTranscripting'
        net_release      = & $read 'Microsoft\NET Framework Setup\NDP\v4\Full' 'Release'
        net_strong       = [object[]]@((& $read $net 'SchUseStrongCrypto'), (& $read "WOW6432Node\$net" 'SchUseStrongCrypto'))
        net_system_tls   = [object[]]@((& $read $net 'SystemDefaultTlsVersions'), (& $read "WOW6432Node\$net" 'SystemDefaultTlsVersions'))
        no_root_update   = & $read 'Policies\Microsoft\SystemCertificates\AuthRoot' 'DisableRootAutoUpdate'
        secure_boot      = [Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecureBoot\State', 'UEFISecureBootEnabled', $null)
    }
}
