<#
.SYNOPSIS
Reads settings that containers stumble over: switches for tests, paths, page files, power, folders, tools, language.
.DESCRIPTION
Plans, languages and code pages are read as numbers. Of a folder that is not there yet those above it count.
.NOTES
Source: github.com/MicrosoftDocs/Virtualization-Documentation windows-server-container-tools/Debug-ContainerHost
Source: learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
Source: learn.microsoft.com/previous-versions/windows/desktop/dedup/msft-dedupvolume
#>
function Get-WnFactsSettings {
    param()
    $control = 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\'
    $read = { param([string]$key, [string]$name) [Microsoft.Win32.Registry]::GetValue($control + $key, $name, $null) }
    $switches = @{}
    $key = Get-Item -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Virtualization\Containers' -ErrorAction SilentlyContinue
    if ($key) { foreach ($name in $key.GetValueNames()) { $switches[$name] = [string]$key.GetValue($name) } }
    $folders = foreach ($path in 'C:\ProgramData', 'C:\ProgramData\containerd', 'C:\var\lib\kubelet') {
        $folder = New-Object -TypeName IO.DirectoryInfo -ArgumentList $path
        if ($folder.Exists) { @{ path = $path; attributes = [int]$folder.Attributes } }
    }
    $dedup = @()
    if (Test-Path -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Services\ddpsvc') {
        try {
            $volumes = @(Get-CimInstance -Namespace 'root\Microsoft\Windows\Deduplication' -ClassName MSFT_DedupVolume -Property @('Volume', 'Enabled') -OperationTimeoutSec 15 -ErrorAction Stop)
            $dedup = [object[]]@($volumes | Where-Object -FilterScript { $_.Enabled } | ForEach-Object -Process { [string]$_.Volume })
        }
        catch { $dedup = $_.Exception.Message }
    }
    $files = @(Get-CimInstance -ClassName Win32_PageFileUsage -Property @('Name', 'AllocatedBaseSize') -OperationTimeoutSec 15 -ErrorAction Stop)
    @{
        container_switches = $switches
        long_paths         = & $read 'FileSystem' 'LongPathsEnabled'
        no_short_names     = & $read 'FileSystem' 'NtfsDisable8dot3NameCreation'
        power_plan         = [string](& $read 'Power\User\PowerSchemes' 'ActivePowerScheme')
        language           = [string](& $read 'Nls\Language' 'InstallLanguage')
        code_page          = [string](& $read 'Nls\CodePage' 'OEMCP')
        folders            = [object[]]@($folders)
        dedup_volumes      = $dedup
        page_files         = [object[]]@($files | ForEach-Object -Process { @{ path = [string]$_.Name; size_mb = [int]$_.AllocatedBaseSize } })
        missing_tools      = [object[]]@('curl.exe', 'tar.exe', 'xcopy.exe' | Where-Object -FilterScript { -not [IO.File]::Exists("$env:SystemRoot\System32\$_") })
    }
}
