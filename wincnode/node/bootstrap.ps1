# Reads header, payload, secrets and end mark from stdin, proves that nothing is missing, and runs
# the launcher that the payload brings. The one constant command line of wincnode.
# Behind cmd.exe it may have 3061 characters: learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$lines = @(foreach ($line in $input) { if ($line -eq 'wincnode-end') { 'end'; break } $line })
$run = ''
if (($lines -join ' ') -match '"run"\s*:\s*"([0-9a-f]{32})"') { $run = $Matches[1] }
# Constrained language allows neither methods nor types; cmdlets and operators work.
# learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_language_modes
$code = ''
$message = ''
if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') {
    $code = 'constrained_language'
    $message = 'PowerShell on this node runs in constrained language (AppLocker or WDAC).'
} elseif ($lines.Count -ne 4 -or $lines[3] -ne 'end') {
    $code = 'truncated'
    $message = 'The request ended before its end mark.'
} else {
    $digest = {
        param([string]$Text)
        $sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
        $hash = $sha.ComputeHash([Text.Encoding]::ASCII.GetBytes($Text))
        [BitConverter]::ToString($hash).Replace('-', '').ToLowerInvariant()
    }
    $code = 'truncated'
    try {
        $header = ConvertFrom-Json -InputObject $lines[0]
        if ($lines[1].Length -ne $header.length -or (& $digest $lines[1]) -ne $header.sha256) {
            $message = 'The payload differs from what its header says.'
        } elseif ($lines[2].Length -ne $header.secrets) {
            $message = 'The secrets are shorter or longer than the header says.'
        } else {
            $payload = ConvertFrom-Json -InputObject $lines[1]
            if ((& $digest $payload.launcher.text) -ne $payload.launcher.sha256) {
                $message = 'The launcher differs from its hash.'
            } else { $code = '' }
        }
    } catch { $message = 'The request is no wincnode request.' }
}
if ($code -ne '') {
    $at = Get-Date -Format 'o'
    Write-Output -InputObject ('{"run":"' + $run + '","seq":0,"at":"' + $at + '","type":"refused","code":"' + $code + '","message":"' + $message + '"}')
    exit 1
}
# No cmdlet gets the secrets: module logging records what cmdlets get (docs/security.md).
& ([scriptblock]::Create($payload.launcher.text)) $payload $lines[2]
