<#
.SYNOPSIS
Reads whether the features for containers are installed, and whether they could be.
.DESCRIPTION
A server answers with an InstallState, a client with a state of DISM: names of enumerations, never localized.
.NOTES
Source: learn.microsoft.com/powershell/module/servermanager/get-windowsfeature
Source: learn.microsoft.com/powershell/module/dism/get-windowsoptionalfeature
Source: a client with the tools for servers, github.com/MicrosoftDocs/Virtualization-Documentation/issues/565
#>
function Get-WnFactsFeatures {
    param()
    $states = @{}
    $type = [Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion', 'InstallationType', '')
    # A client may have the cmdlet, too, from the tools for servers; there it refuses to work.
    if ($type -ne 'Client' -and (Get-Command -Name 'Get-WindowsFeature' -ErrorAction SilentlyContinue)) {
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
