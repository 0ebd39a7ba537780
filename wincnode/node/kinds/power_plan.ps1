<#
.SYNOPSIS
The wanted power plan is active.
.NOTES
Source: learn.microsoft.com/windows-hardware/design/device-experiences/powercfg-command-line-options
Source: the plans, learn.microsoft.com/windows/win32/power/power-policy-settings
Source: the policy's key, learn.microsoft.com/windows/client-management/mdm/policy-csp-admx-power (InboxActiveSchemeOverride_2)
Source: its value, policypicker.app/policy/windows/system/power-management/select-an-active-power-plan-138ea153687f
#>
function Get-WnPowerPlanNames {
    param()
    @{ '381b4222-f694-41f0-9685-ff5bb260df2e' = 'balanced'; '8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c' = 'high_performance'
        'a1841308-3541-4fab-bc81-f71556f20b4a' = 'power_saver' }
}
function Get-WnPowerPlan {
    param([hashtable]$Key, [hashtable]$Want)
    $names = Get-WnPowerPlanNames
    # Around the plan's number stand words of the machine's language.
    $plan = [regex]::Match([string](& "$env:SystemRoot\System32\powercfg.exe" /getactivescheme), '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}').Value
    if ($names.ContainsKey($plan)) { $plan = $names[$plan] }
    $state = 'settled'
    $item = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SOFTWARE\Policies\Microsoft\Power\PowerSettings')
    if ($null -ne $item) {
        if ($item.GetValue('ActivePowerScheme')) { $state = 'policy_owned' }
        $item.Dispose()
    }
    @{ state = $state; values = @{ plan = $plan } }
}
function Set-WnPowerPlan {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $names = Get-WnPowerPlanNames
    # A plan that has no name here is known by its number.
    $plan = $Want['plan']
    foreach ($number in $names.Keys) { if ($names[$number] -eq $plan) { $plan = $number } }
    $null = & "$env:SystemRoot\System32\powercfg.exe" /setactive $plan
    if ($LASTEXITCODE -ne 0) { throw "powercfg.exe /setactive ended with $LASTEXITCODE." }
}
