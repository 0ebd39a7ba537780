# Stand-in for Windows' CimCmdlets: instances come from C:\machine.json, class by class.
# Only the properties that were asked for have a value, as on Windows; reads are noted in C:\cim.log.
Set-StrictMode -Version 2

function Get-CimInstance {
    [CmdletBinding()]
    param([string]$Namespace = 'root\cimv2', [string]$ClassName, [string[]]$Property, [string]$Filter, [uint32]$OperationTimeoutSec)
    [IO.File]::AppendAllText('C:\cim.log', "$ClassName`n")
    $machine = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText('C:\machine.json'))
    if (-not $machine.cim.PSObject.Properties[$ClassName]) { throw "Invalid class $Namespace $ClassName" }
    foreach ($row in $machine.cim.$ClassName) {
        $instance = @{}
        foreach ($field in $row.PSObject.Properties) {
            $value = $field.Value
            if ($field.Name -eq 'LastBootUpTime') { $value = [DateTime]::Parse($value, [Globalization.CultureInfo]::InvariantCulture) }
            $instance[$field.Name] = if ($Property -contains $field.Name) { $value } else { $null }
        }
        New-Object -TypeName PSObject -Property $instance
    }
}
