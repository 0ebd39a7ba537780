<#
.SYNOPSIS
Tries what the client lists: to look names up, to connect to API servers, other nodes and registries, to begin downloads.
.DESCRIPTION
All connections are begun at once; then names are looked up where they are listed, one after the other. A registry is asked through the proxy of the machine's
variables, as containerd does it; a download through the one of the account, as the later step does it; an API server
directly. Of a download one byte is asked for. What went wrong is told by names of enumerations, never localized.
.NOTES
Source: learn.microsoft.com/dotnet/api/system.net.httpwebrequest (Timeout holds for GetResponse alone)
Source: the default of SslStream has no TLS 1.2, learn.microsoft.com/dotnet/framework/network-programming/tls
#>
function Get-WnFactsConnectivity {
    param()
    $asked = $Section.PSObject.Properties['asked']
    $targets = @()
    if ($asked) { $targets = @($asked.Value.targets) }
    $watch = [Diagnostics.Stopwatch]::StartNew()
    if ([int][Net.ServicePointManager]::SecurityProtocol -ne 0) { [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12 }
    $variable = { param([string]$name) [string][Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager\Environment', $name, '') }
    $around = @((& $variable 'NO_PROXY').Split([char[]]', ', [StringSplitOptions]::RemoveEmptyEntries) | ForEach-Object -Process { $_.TrimStart('*').TrimStart('.').ToLowerInvariant() })
    $through = {
        param([string]$kind, [Uri]$uri)
        $name = $uri.Host.ToLowerInvariant()
        if (@('registry', 'download') -notcontains $kind -or $uri.IsLoopback) { return $null }
        if ($kind -eq 'download') {
            $proxy = [Net.WebRequest]::DefaultWebProxy
            if ($proxy -and -not $proxy.IsBypassed($uri)) { return $proxy.GetProxy($uri) }
            return $null
        }
        foreach ($entry in $around) { if ($entry -eq '' -or $name -eq $entry -or $name.EndsWith(".$entry")) { return $null } }
        $text = & $variable ($uri.Scheme.ToUpperInvariant() + '_PROXY')
        if ($text -eq '') { return $null }
        if ($text -notmatch '://') { $text = "http://$text" }
        [Uri]$text
    }
    $why = {
        param([object]$problem)
        $text = $problem.GetType().Name
        for ($inner = $problem; $null -ne $inner; $inner = $inner.InnerException) {
            if ($inner -is [Net.Sockets.SocketException]) { return $inner.SocketErrorCode.ToString() }
            if ($inner -is [Net.WebException]) { $text = $inner.Status.ToString() }
            elseif ($inner -is [Security.Authentication.AuthenticationException]) { $text = 'AuthenticationFailed' }
        }
        $text
    }
    $tries = @(
        foreach ($target in $targets) {
            $uri = [Uri]$target.url
            $said = @{ url = [string]$target.url; via = ''; connected = $false; status = $null; error = ''; certificate = ''; addresses = @() }
            if ($target.kind -eq 'dns') {
                @{ kind = 'dns'; uri = $uri; proxy = $null; client = $null; task = $null; said = $said }
                continue
            }
            $proxy = & $through $target.kind $uri
            $to = $uri
            if ($proxy) { $to = $proxy }
            $family = [Net.Sockets.AddressFamily]::InterNetwork
            if ($to.HostNameType -eq 'IPv6') { $family = [Net.Sockets.AddressFamily]::InterNetworkV6 }
            $client = New-Object -TypeName Net.Sockets.TcpClient -ArgumentList $family
            @{ kind = [string]$target.kind; uri = $uri; proxy = $proxy; client = $client; task = $client.ConnectAsync($to.DnsSafeHost, $to.Port); said = $said }
        }
    )
    $tasks = @($tries | Where-Object -FilterScript { $_.task } | ForEach-Object -Process { $_.task })
    if ($tasks.Count) { try { $null = [Threading.Tasks.Task]::WaitAll([Threading.Tasks.Task[]]$tasks, 5000) } catch [AggregateException] { $null = $_ } }
    foreach ($try in $tries) {
        $said = $try.said
        if ($try.proxy) { $said.via = $try.proxy.GetLeftPart('Authority') -replace '//[^/@]+@', '//***@' }
        try {
            if ($try.kind -eq 'dns') {
                # Each may take the resolver's own ten seconds and more where no server answers.
                if ($watch.ElapsedMilliseconds -gt 14000) { $said.error = 'NoTimeLeft'; continue }
                $said.addresses = [object[]]@([Net.Dns]::GetHostAddresses($try.uri.DnsSafeHost) | ForEach-Object -Process { $_.ToString() })
                $said.connected = $true
                continue
            }
            if ($try.task.IsFaulted) { throw $try.task.Exception }
            if (-not $try.task.IsCompleted) { $said.error = 'TimedOut'; continue }
            $said.connected = $true
            if ($try.kind -eq 'tcp') { continue }
            if ($watch.ElapsedMilliseconds -gt 14000) { $said.error = 'NoTimeLeft'; continue }
            if ($try.kind -eq 'api') {
                $stream = $try.client.GetStream()
                $stream.ReadTimeout = 4000
                $stream.WriteTimeout = 4000
                $tls = New-Object -TypeName Net.Security.SslStream -ArgumentList $stream, $false, ([Net.Security.RemoteCertificateValidationCallback] { $true })
                try {
                    $tls.AuthenticateAsClient($try.uri.DnsSafeHost, $null, [Security.Authentication.SslProtocols]::Tls12, $false)
                    $said.certificate = [Convert]::ToBase64String($tls.RemoteCertificate.GetRawCertData())
                } finally { $tls.Dispose() }
                continue
            }
            # It has shown that there is a way; a server may wait for its first word.
            $try.client.Close()
            $request = [Net.HttpWebRequest][Net.WebRequest]::Create($try.uri)
            $request.Timeout = 4000
            $request.ReadWriteTimeout = 4000
            $request.UserAgent = 'wincnode'
            if ($try.kind -eq 'download') { $request.AddRange(0, 0) }
            else {
                $request.Method = 'HEAD'
                $request.AllowAutoRedirect = $false
                $request.Proxy = $null
                if ($try.proxy) { $request.Proxy = New-Object -TypeName Net.WebProxy -ArgumentList $try.proxy }
            }
            try { $said.status = [int]$request.GetResponse().StatusCode } finally { $request.Abort() }
        } catch {
            $problem = $_.Exception
            while ($problem -isnot [Net.WebException] -and $null -ne $problem.InnerException) { $problem = $problem.InnerException }
            if ($problem -is [Net.WebException] -and $problem.Response) { $said.status = [int]$problem.Response.StatusCode }
            else { $said.error = & $why $_.Exception }
        } finally { if ($try.client) { $try.client.Close() } }
    }
    @{ targets = [object[]]@($tries | ForEach-Object -Process { $_.said }) }
}
