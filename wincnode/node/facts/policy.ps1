<#
.SYNOPSIS
Reads what policy forbids: rights, language mode, firewall, TLS 1.2, code integrity, BitLocker.
.DESCRIPTION
The firewall's policy comes from the registry, as its cmdlets are slow. For each profile the group policy's value wins
over the local one. A missing value is null.
.NOTES
Source: learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/2c979624-900a-4b6e-b4ef-09b387cd62ab
Source: learn.microsoft.com/windows-server/security/tls/tls-registry-settings
Source: github.com/MicrosoftDocs/Virtualization-Documentation/tree/main/windows-server-container-tools/Debug-ContainerHost
#>
function Get-WnFactsPolicy {
    param()
    $machine = 'HKEY_LOCAL_MACHINE'
    $read = { param([string]$key, [string]$name) [Microsoft.Win32.Registry]::GetValue($key, $name, $null) }

    $group = "$machine\SOFTWARE\Policies\Microsoft\WindowsFirewall"
    $local = "$machine\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
    $names = @{ domain = 'DomainProfile', 'DomainProfile'; private = 'PrivateProfile', 'StandardProfile'; public = 'PublicProfile', 'PublicProfile' }
    $values = @{ enabled = 'EnableFirewall'; block_all_inbound = 'DoNotAllowExceptions'; local_rules = 'AllowLocalPolicyMerge'; outbound_blocked = 'DefaultOutboundAction' }
    $firewall = @{}
    foreach ($name in $names.Keys) {
        $row = @{}
        foreach ($field in $values.Keys) {
            $value = & $read "$group\$($names[$name][0])" $values[$field]
            if ($null -eq $value) { $value = & $read "$local\$($names[$name][1])" $values[$field] }
            $row[$field] = $value
        }
        $firewall[$name] = $row
    }

    $integrity = @{ kernel = $null; user = $null; services = [object[]]@(); error = '' }
    try {
        $guard = Get-CimInstance -Namespace 'root\Microsoft\Windows\DeviceGuard' -ClassName Win32_DeviceGuard -Property @('CodeIntegrityPolicyEnforcementStatus', 'UsermodeCodeIntegrityPolicyEnforcementStatus', 'SecurityServicesRunning') -OperationTimeoutSec 15 -ErrorAction Stop
        $integrity.kernel = [int]$guard.CodeIntegrityPolicyEnforcementStatus
        $integrity.user = [int]$guard.UsermodeCodeIntegrityPolicyEnforcementStatus
        $integrity.services = [object[]]@($guard.SecurityServicesRunning | ForEach-Object -Process { [int]$_ })
    }
    catch { $integrity.error = $_.Exception.Message }

    $principal = New-Object -TypeName Security.Principal.WindowsPrincipal -ArgumentList ([Security.Principal.WindowsIdentity]::GetCurrent())
    $tls = "$machine\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client"
    @{
        elevated          = $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
        language_mode     = $ExecutionContext.SessionState.LanguageMode.ToString()
        execution_policy  = [string](& $read "$machine\SOFTWARE\Policies\Microsoft\Windows\PowerShell" 'ExecutionPolicy')
        scripts_enabled   = & $read "$machine\SOFTWARE\Policies\Microsoft\Windows\PowerShell" 'EnableScripts'
        firewall          = $firewall
        tls12_client      = @{ enabled = & $read $tls 'Enabled'; disabled_by_default = & $read $tls 'DisabledByDefault' }
        code_integrity    = $integrity
        fips              = & $read "$machine\SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy" 'Enabled'
        fdv_deny_write    = & $read "$machine\SYSTEM\CurrentControlSet\Policies\Microsoft\FVE" 'FDVDenyWriteAccess'
    }
}
