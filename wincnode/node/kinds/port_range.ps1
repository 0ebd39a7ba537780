<#
.SYNOPSIS
The dynamic ports of a protocol are the wanted range.
.DESCRIPTION
Of what netsh.exe shows only numbers at the end of a line are read: its words are of the machine's language.
.NOTES
Source: a range for each protocol and version of IP, support.microsoft.com/kb/929851
Source: the form of the command, github.com/Azure/AgentBaker staging/cse/windows/configfunc.ps1
#>
function Get-WnPortRange {
    param([hashtable]$Key, [hashtable]$Want)
    $lines = @(& "$env:SystemRoot\System32\netsh.exe" interface $Key['family'] show dynamicportrange $Key['protocol'])
    $numbers = @(foreach ($line in $lines) { if ($line -match '(\d+)\s*$') { [int]$Matches[1] } })
    if ($numbers.Count -ne 2) { throw "netsh.exe showed no port range: $lines" }
    @{ state = 'settled'; values = @{ start = $numbers[0]; count = $numbers[1] } }
}
function Set-WnPortRange {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $said = & "$env:SystemRoot\System32\netsh.exe" interface $Key['family'] set dynamicportrange $Key['protocol'] $Want['start'] $Want['count']
    if ($LASTEXITCODE -ne 0) { throw "netsh.exe ended with $($LASTEXITCODE): $said" }
}
