# Stand-ins for winrm-setup.ps1 that note each call; a function is found before a cmdlet.
function Write-Call($name, $bound) {
    $text = ($bound.Keys | Sort-Object | ForEach-Object { "$_=" + (ConvertTo-Json -Compress -InputObject $bound[$_]) }) -join ' '
    Add-Content -LiteralPath C:\calls.txt -Value "$name $text"
}
function Set-Service { param($Name, $StartupType) Write-Call Set-Service $PSBoundParameters }
function Start-Service { param($Name) Write-Call Start-Service $PSBoundParameters }
function Enable-PSRemoting { param([switch]$SkipNetworkProfileCheck, [switch]$Force) Add-Content C:\calls.txt 'Enable-PSRemoting' }
function New-SelfSignedCertificate {
    param($Subject, $FriendlyName, $CertStoreLocation, $KeyAlgorithm, $KeyLength, $KeyExportPolicy, $NotAfter, $TextExtension)
    Add-Content C:\calls.txt "New-SelfSignedCertificate $KeyExportPolicy $($TextExtension -join ' ')"
    [IO.File]::WriteAllText('C:\label.txt', $FriendlyName)
    [pscustomobject]@{ Thumbprint = 'AB12'; RawData = [byte[]](1, 2, 3) }
}
function Get-WSManInstance { param($ResourceURI, [switch]$Enumerate)
    [pscustomobject]@{ Transport = 'HTTP'; Address = '*'; CertificateThumbprint = '' }
    [pscustomobject]@{ Transport = 'HTTPS'; Address = '*'; CertificateThumbprint = 'OLD' } }
function Remove-WSManInstance { param($ResourceURI, $SelectorSet) Write-Call Remove-WSManInstance $SelectorSet }
function New-WSManInstance { param($ResourceURI, $SelectorSet, $ValueSet) Write-Call New-WSManInstance $ValueSet }
function Set-WSManInstance { param($ResourceURI, $ValueSet) Write-Call Set-WSManInstance $ValueSet }
function Get-NetFirewallRule { param($Name) }
function New-NetFirewallRule { param($Name, $DisplayName, $Direction, $Protocol, $LocalPort, $RemoteAddress, $Action, $Profile)
    Write-Call New-NetFirewallRule $PSBoundParameters }
function Set-NetFirewallRule { param($Name, $RemoteAddress, $Action, $Enabled) Write-Call Set-NetFirewallRule $PSBoundParameters }
$null = New-Item -ItemType Directory -Path C:\certificates\LocalMachine\My -Force
$null = New-PSDrive -Name Cert -PSProvider FileSystem -Root C:\certificates
