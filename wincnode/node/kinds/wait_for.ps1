<#
.SYNOPSIS
Waits until a service runs, a file exists, a local port or pipe is there, or a URL answers; changes nothing.
.NOTES
Source: Directory.GetFiles on \\.\pipe\ lists pipes without opening them,
learn.microsoft.com/windows/win32/ipc/pipe-names (the name's form)
Source: what SecurityProtocol stands at decides, and TLS 1.2 may have to be added by hand,
learn.microsoft.com/dotnet/api/system.net.servicepointmanager.securityprotocol
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
        'http' {
            # 0 stands for what the system offers, which has TLS 1.2.
            $offered = [Net.ServicePointManager]::SecurityProtocol
            if ([int]$offered -ne 0) { [Net.ServicePointManager]::SecurityProtocol = $offered -bor [Net.SecurityProtocolType]::Tls12 }
            $request = [Net.HttpWebRequest][Net.WebRequest]::Create($name)
            $request.Proxy = $null
            $request.AllowAutoRedirect = $false
            $request.Timeout = 5000
            try { [int]$request.GetResponse().StatusCode -lt 400 } catch [Net.WebException] { $false } finally { $request.Abort() }
        }
    }
    $state = 'absent'
    if ($there) { $state = 'present' }
    $settled = 'settling'
    if ($state -eq $Want['state']) { $settled = 'settled' }
    @{ state = $settled; values = @{ state = $state } }
}
