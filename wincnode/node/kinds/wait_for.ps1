<#
.SYNOPSIS
Waits until a service runs, a file exists, a local port or pipe is there, a URL or a container runtime
answers; changes nothing.
.NOTES
Source: Directory.GetFiles on \\.\pipe\ lists pipes without opening them,
learn.microsoft.com/windows/win32/ipc/pipe-names (the name's form)
Source: what SecurityProtocol stands at decides, and TLS 1.2 may have to be added by hand,
learn.microsoft.com/dotnet/api/system.net.servicepointmanager.securityprotocol
Source: crictl info prints the runtime's status as JSON, with the condition RuntimeReady,
github.com/kubernetes-sigs/cri-tools cmd/crictl/info.go
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
        'cri' {
            # What a program writes to stderr would end the script under Stop.
            $ErrorActionPreference = 'Continue'
            $text = & $name --config ($name -replace '\.exe$', '.yaml') info 2>$null
            if ($LASTEXITCODE -ne 0) { $false } else {
                $ready = @((ConvertFrom-Json -InputObject ($text -join "`n")).status.conditions | Where-Object -FilterScript { $_.type -eq 'RuntimeReady' })
                $ready.Count -eq 1 -and $ready[0].status
            }
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
