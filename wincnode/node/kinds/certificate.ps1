<#
.SYNOPSIS
A store of the machine trusts a certificate, or does not.
.DESCRIPTION
Of what certutil.exe shows only the hash is read: its words are of the machine's language.
.NOTES
Source: -store, -addstore, -delstore, learn.microsoft.com/windows-server/administration/windows-commands/certutil
Source: the hash in what it shows, github.com/saltstack/salt/issues/55024
#>
function Invoke-WnCertutil([string[]]$Words) {
    # What a program writes to stderr would end the script under Stop. The code is in its last lines.
    $ErrorActionPreference = 'Continue'
    $lines = @(& "$env:SystemRoot\System32\certutil.exe" $Words 2>&1 | ForEach-Object -Process { "$_".Trim() } | Where-Object -FilterScript { $_ -ne '' })
    if ($LASTEXITCODE -ne 0 -and $Words[0] -ne '-store') { throw "certutil.exe $($Words[0]) failed: " + (@($lines | Select-Object -Last 6) -join "`n") }
    $lines
}
function Get-WnCertificate {
    param([hashtable]$Key, [hashtable]$Want)
    $state = 'absent'
    if (@(Invoke-WnCertutil @('-store', $Key['store'], $Key['thumbprint'])) -match $Key['thumbprint']) { $state = 'present' }
    @{ state = 'settled'; values = @{ state = $state } }
}
function Set-WnCertificate {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Want['state'] -eq 'absent') {
        $null = Invoke-WnCertutil @('-delstore', $Key['store'], $Key['thumbprint'])
        return
    }
    $file = "$base\certificate.pem"
    try {
        [IO.File]::WriteAllText($file, $Want['pem'])
        $null = Invoke-WnCertutil @('-addstore', '-f', $Key['store'], $file)
    } finally { [IO.File]::Delete($file) }
}
