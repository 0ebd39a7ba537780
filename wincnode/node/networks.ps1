<#
.SYNOPSIS
Networks of the Host Network Service: read, made and removed, each call within a limit of time. Loaded
by kinds that bring it, and by what puts networks back.
.DESCRIPTION
What fails throws, with the HRESULT as its id. -Until is when the last call has to be over.
.NOTES
Source: an enumeration gives ids, each is opened and asked, github.com/microsoft/hcsshim hcn/hcnnetwork.go
Source: what HNS adds to a document, learn.microsoft.com/virtualization/api/hcn/hns_schema
#>
function Stop-WnNetwork([string]$Id, [string]$Message) {
    # An id of wincnode's stands in the text, too, as the codes of Windows do.
    if ($Id -like 'hns.*' -and $Message -notlike 'hns.*') { $Message = "${Id}: $Message" }
    $problem = New-Object -TypeName InvalidOperationException -ArgumentList $Message
    throw (New-Object -TypeName Management.Automation.ErrorRecord -ArgumentList $problem, $Id, 'InvalidOperation', $null)
}
function Get-WnPart([object]$Of, [string]$Name) {
    # What a document lacks is nothing, as is null; as a text it is empty in quotes alone.
    if ($Of -is [Management.Automation.PSCustomObject] -and $Of.PSObject.Properties[$Name] -and $null -ne $Of.$Name) { $Of.$Name }
}
function Import-WnNetwork {
    if ('Wincnode.Network' -as [type]) { return }
    . ([scriptblock]::Create((Get-WnScript 'compile')))
    $refused = Import-WnLibrary @('calls.cs', 'network.cs') 'Wincnode.Network'
    if ($refused -ne '') { Stop-WnNetwork 'hns.refused' $refused }
}
function Get-WnLimit([int]$Seconds, [DateTime]$Until) {
    # At least one tenth, so that a call that is late says which it is.
    [uint32][Math]::Max(100.0, [Math]::Min(1000.0 * $Seconds, ($Until - [DateTime]::UtcNow).TotalMilliseconds))
}
function Read-WnHcn([object]$Answer) {
    # The sign of an HRESULT says whether it is a failure.
    if ($Answer.Code -ge 2147483648) {
        $words = ''
        try { $words = "$(Get-WnPart (ConvertFrom-Json -InputObject $Answer.Err) 'Error')" } catch { $words = $Answer.Err }
        Stop-WnNetwork ('0x{0:x8}' -f $Answer.Code) ($Answer.Problem() + " $words").Trim()
    }
    if (-not $Answer.Document) { return }
    try { $found = ConvertFrom-Json -InputObject $Answer.Document } catch { Stop-WnNetwork '0x803b001b' "$($Answer.Export) gave what is no JSON." }
    $found
}
function Get-WnHcnDocument([string]$Kind, [string]$Filter, [DateTime]$Until) {
    $query = @{ SchemaVersion = @{ Major = 2; Minor = 0 }; Flags = 0 }
    if ($Filter -ne '') { $query['Filter'] = $Filter }
    foreach ($id in @(Read-WnHcn ([Wincnode.Network]::Enumerate($Kind, (ConvertTo-Json -InputObject $query -Compress), (Get-WnLimit 20 $Until))))) {
        try { Read-WnHcn ([Wincnode.Network]::Query($Kind, $id, (Get-WnLimit 20 $Until))) } catch {
            # It may have gone meanwhile.
            if (@('0x803b0001', '0x803b0002', '0x80070490') -notcontains $_.FullyQualifiedErrorId) { throw }
        }
    }
}
function Get-WnNetworkDocument {
    param([DateTime]$Until = [DateTime]::MaxValue)
    Import-WnNetwork
    Get-WnHcnDocument 'network' '' $Until
}
function New-WnNetworkDocument {
    # Makes a network of JSON, or one that was there before under the id that it had.
    param([object]$Document, [DateTime]$Until = [DateTime]::MaxValue)
    Import-WnNetwork
    $id = ''
    $text = $Document
    if ($Document -isnot [string]) {
        $id = "$(Get-WnPart $Document 'ID')"
        $made = [ordered]@{}
        # HNS may leave the type of a NAT out: hcsshim hcn/hcnnetwork.go
        $made['Type'] = 'NAT'
        foreach ($p in $Document.PSObject.Properties) { if (@('Health', 'Version', 'State', 'Telemetry', 'AdditionalParams') -notcontains $p.Name) { $made[$p.Name] = $p.Value } }
        $made['Policies'] = [object[]]@(foreach ($row in @(Get-WnPart $Document 'Policies')) { if (@('ProviderAddress', 'DrMacAddress') -notcontains (Get-WnPart $row 'Type')) { $row } })
        $text = ConvertTo-Json -InputObject $made -Compress -Depth 30
    }
    Read-WnHcn ([Wincnode.Network]::Create('network', '', $id, $text, (Get-WnLimit 120 $Until)))
}
function Remove-WnNetworkDocument {
    # Removes a network with its endpoints; what is gone is done.
    param([string]$Id, [DateTime]$Until = [DateTime]::MaxValue)
    Import-WnNetwork
    $filter = ConvertTo-Json -InputObject @{ VirtualNetwork = $Id } -Compress
    foreach ($row in @(@(foreach ($end in @(Get-WnHcnDocument 'endpoint' $filter $Until)) { , @('endpoint', $end.ID) }) + , @('network', $Id))) {
        try { $null = Read-WnHcn ([Wincnode.Network]::Delete($row[0], $row[1], (Get-WnLimit 60 $Until))) } catch {
            if (@('0x803b0001', '0x803b0002') -notcontains $_.FullyQualifiedErrorId) { throw }
        }
    }
}
