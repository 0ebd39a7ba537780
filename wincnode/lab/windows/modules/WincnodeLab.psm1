# Asks the lab's model of this machine; the stand-ins of Windows' cmdlets call it.
Set-StrictMode -Version 2

function ConvertTo-WnPlain([object]$Value) {
    if ($Value -is [switch]) { return [bool]$Value }
    if ($Value -is [TimeSpan]) { return $Value.ToString() }
    $Value
}
function Invoke-WnLab {
    param([string]$Cmdlet, [Collections.IDictionary]$Bound, [Management.Automation.PSCmdlet]$Caller)
    $port, $token = $env:WINCNODE_LAB.Split(' ')
    $ours = @{}
    $common = [Management.Automation.PSCmdlet]::CommonParameters + [Management.Automation.PSCmdlet]::OptionalCommonParameters
    foreach ($name in $Bound.Keys) { if ($common -notcontains $name) { $ours[$name] = ConvertTo-WnPlain $Bound[$name] } }
    $client = New-Object -TypeName Net.Sockets.TcpClient -ArgumentList '127.0.0.1', ([int]$port)
    try {
        $line = (ConvertTo-Json -InputObject @{ token = $token; cmdlet = $Cmdlet; bound = $ours } -Depth 6 -Compress) + "`n"
        $bytes = [Text.Encoding]::UTF8.GetBytes($line)
        $client.GetStream().Write($bytes, 0, $bytes.Length)
        $reply = ConvertFrom-Json -InputObject ((New-Object -TypeName IO.StreamReader -ArgumentList $client.GetStream()).ReadLine())
    } finally { $client.Close() }
    foreach ($row in $reply.rows) {
        foreach ($field in $row.PSObject.Properties) {
            if ($field.Value -is [Management.Automation.PSCustomObject] -and $field.Value.PSObject.Properties['$datetime']) {
                $field.Value = [DateTime]::Parse($field.Value.'$datetime', [Globalization.CultureInfo]::InvariantCulture)
            }
        }
        $row
    }
    if ($reply.PSObject.Properties['error']) {
        $why = New-Object -TypeName Exception -ArgumentList $reply.error.message
        $Caller.WriteError((New-Object -TypeName Management.Automation.ErrorRecord -ArgumentList $why, $reply.error.id, $reply.error.category, $null))
    }
}
