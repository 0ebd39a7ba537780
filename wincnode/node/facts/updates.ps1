<#
.SYNOPSIS
Reads how Windows gets its updates, whether it is a preview, and the overrides of its features.
.NOTES
Source: learn.microsoft.com/windows-server/administration/windows-server-update-services/deploy/4-configure-group-policy-settings-for-automatic-updates
Source: github.com/kubernetes-sigs/image-builder images/capi/ansible/windows/roles/systemprep/tasks/main.yml
#>
function Get-WnFactsUpdates {
    param()
    $hive = 'HKEY_LOCAL_MACHINE\SOFTWARE\'
    $read = { param([string]$key, [string]$name) [Microsoft.Win32.Registry]::GetValue($hive + $key, $name, $null) }
    $overrides = @{}
    $key = Get-Item -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Policies\Microsoft\FeatureManagement\Overrides' -ErrorAction SilentlyContinue
    if ($key) { foreach ($name in $key.GetValueNames()) { $overrides[$name] = [string]$key.GetValue($name) } }
    $policy = 'Policies\Microsoft\Windows\WindowsUpdate\AU'
    $flight = 'Microsoft\WindowsSelfHost\Applicability'
    @{
        no_auto_update = & $read $policy 'NoAutoUpdate'
        au_options     = & $read $policy 'AUOptions'
        flight_branch  = [string](& $read $flight 'BranchName')
        flight_builds  = & $read $flight 'EnablePreviewBuilds'
        build_lab      = [string](& $read 'Microsoft\Windows NT\CurrentVersion' 'BuildLabEx')
        overrides      = $overrides
    }
}
