<#
.SYNOPSIS
Waits until a service runs, a file exists, or a local port or pipe is there; changes nothing.
.NOTES
Source: Directory.GetFiles on \\.\pipe\ lists pipes without opening them,
learn.microsoft.com/windows/win32/ipc/pipe-names (the name's form)
#>
function Get-WnWaitFor {
    param([hashtable]$Key, [hashtable]$Want)
    $name = $Key['name']
    $there = switch ($Key['subject']) {
        'file' { [IO.File]::Exists($name) }
        # A connection to a pipe would take the place of a real client.
        'pipe' { @([IO.Directory]::GetFiles('\\.\pipe\') | ForEach-Object -Process { $_.Substring(9) }) -contains ($name -replace '^(//|\\\\)\./?\\?pipe[/\\]', '') }
        'service' {
            $service = Get-CimInstance -ClassName Win32_Service -Filter ("Name='" + $name.Replace("'", "\'") + "'")
            $null -ne $service -and $service.State -eq 'Running'
        }
        'port' {
            $client = New-Object -TypeName Net.Sockets.TcpClient
            try { $client.Connect('127.0.0.1', [int]$name); $true } catch { $false } finally { $client.Close() }
        }
    }
    $state = 'absent'
    if ($there) { $state = 'present' }
    $settled = 'settling'
    if ($state -eq $Want['state']) { $settled = 'settled' }
    @{ state = $settled; values = @{ state = $state } }
}
function Set-WnWaitFor {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    # The runner waits as long as Get says settling; there is nothing to set.
}
