<#
.SYNOPSIS
Reads whether the features for containers are installed, and whether they could be.
.DESCRIPTION
A server answers with an InstallState, a client with a state of DISM: names of enumerations, never localized.
.NOTES
Source: learn.microsoft.com/powershell/module/servermanager/get-windowsfeature
Source: learn.microsoft.com/powershell/module/dism/get-windowsoptionalfeature
#>
function Get-WnFactsFeatures {
    param()
    $states = @{}
    if (Get-Command -Name 'Get-WindowsFeature' -ErrorAction SilentlyContinue) {
        foreach ($feature in @(Get-WindowsFeature -Name @('Containers', 'Hyper-V', 'Hyper-V-PowerShell') -ErrorAction Stop)) {
            $states[[string]$feature.Name] = $feature.InstallState.ToString()
        }
        $manager = 'server'
    }
    else {
        foreach ($name in 'Containers', 'Microsoft-Hyper-V', 'Microsoft-Hyper-V-Management-PowerShell') {
            $feature = Get-WindowsOptionalFeature -Online -FeatureName $name -ErrorAction Stop
            if ($feature) { $states[$name] = $feature.State.ToString() }
        }
        $manager = 'client'
    }
    @{ manager = $manager; states = $states }
}
