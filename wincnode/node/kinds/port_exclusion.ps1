<#
.SYNOPSIS
A range of ports is kept from being given at random, or is not.
.DESCRIPTION
Of what netsh.exe shows only rows of two numbers and a star are read, which an administrator made: its words are of the machine's language.
.NOTES
Source: rows, github.com/docker/for-win/issues/3171
Source: the form of the command, github.com/Azure/AgentBaker staging/cse/windows/configfunc.ps1
#>
function Get-WnPortExclusion {
    param([hashtable]$Key, [hashtable]$Want)
    $last = $Key['start'] + $Key['count'] - 1
    $lines = @(& "$env:SystemRoot\System32\netsh.exe" interface $Key['family'] show excludedportrange $Key['protocol'])
    $there = @($lines -match "^\s*$($Key['start'])\s+$last\s+\*\s*$").Count
    @{ state = 'settled'; values = @{ state = @('absent', 'present')[[int]($there -gt 0)] } }
}
function Set-WnPortExclusion {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $verb = @{ present = 'add'; absent = 'delete' }[$Want['state']]
    $said = & "$env:SystemRoot\System32\netsh.exe" interface $Key['family'] $verb excludedportrange $Key['protocol'] $Key['start'] $Key['count'] persistent
    if ($LASTEXITCODE -ne 0) { throw "netsh.exe ended with $($LASTEXITCODE): $said" }
}
