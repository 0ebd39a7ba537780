<#
.SYNOPSIS
A file has the wanted SHA-256; it is downloaded, and verified before it takes its place.
.DESCRIPTION
What has come waits in a .part file that is added to. A file that was pushed waits there as well.
.NOTES
Source: 5.1 has no Invoke-WebRequest -Resume, github.com/PowerShell/PowerShell/pull/6447
Source: TLS 1.2 is asked for by name, learn.microsoft.com/dotnet/framework/network-programming/tls
#>
function Get-WnDownload {
    param([hashtable]$Key, [hashtable]$Want)
    $values = @{}
    if ([IO.File]::Exists($Key['path'])) { $values['sha256'] = Get-WnHash $Key['path'] }
    @{ state = 'settled'; values = $values }
}
function Get-WnLength([string]$Path) {
    if (-not [IO.File]::Exists($Path)) { return 0 }
    (New-Object -TypeName IO.FileInfo -ArgumentList $Path).Length
}
function Receive-WnFile([string]$Url, [string]$Part, [hashtable]$Want) {
    $have = Get-WnLength $Part
    $request = [Net.HttpWebRequest][Net.WebRequest]::Create($Url)
    $request.Timeout = 30000
    # For each read; it is shorter than the grace of a step whose time is up.
    $request.ReadWriteTimeout = 30000
    $request.MaximumAutomaticRedirections = 5
    $request.UserAgent = 'wincnode'
    if ($Want['proxy']) { $request.Proxy = New-Object -TypeName Net.WebProxy -ArgumentList $Want['proxy'] }
    if ($have) { $request.AddRange([long]$have) }
    $response = $request.GetResponse()
    try {
        # Another answer than 206 is the whole file.
        $mode = 'Create'
        if ($have -and $response.StatusCode -eq 'PartialContent' -and $response.Headers['Content-Range'] -match "^bytes $have-") { $mode = 'Append' }
        elseif ($response.StatusCode -ne 'OK') { throw 'It answered with other bytes than those that were asked for.' }
        if ($mode -eq 'Create') { $have = 0 }
        if ($response.ContentLength -ge 0 -and $have + $response.ContentLength -ne $Want['size']) { throw "It has not $($Want['size']) bytes." }
        $in = $response.GetResponseStream()
        $target = [IO.File]::Open($Part, $mode, 'Write', 'Read')
        try {
            $buffer = New-Object -TypeName 'byte[]' -ArgumentList 262144
            while (($count = $in.Read($buffer, 0, $buffer.Length)) -gt 0) {
                $quarter = [Math]::Floor(4 * $have / $Want['size'])
                $have += $count
                if ($have -gt $Want['size']) { throw "It has more than $($Want['size']) bytes." }
                $target.Write($buffer, 0, $count)
                if ($Want['size'] -gt 1048576 -and [Math]::Floor(4 * $have / $Want['size']) -gt $quarter) {
                    Write-WnEvent 'log' ([ordered]@{ level = 'info'; text = '{0}: {1} % of {2:n0} MiB' -f $Key['path'], (25 * ($quarter + 1)), ($Want['size'] / 1048576) })
                }
            }
            $target.Flush($true)
            if ($have -lt $Want['size']) { throw "It broke off after $have bytes." }
        } finally { $target.Dispose() }
    } finally { $response.Dispose() }
}
function Test-WnPart([string]$Part, [hashtable]$Want) {
    # What is as long as the file and another one goes.
    if ((Get-WnLength $Part) -lt $Want['size']) { return $false }
    if ((Get-WnHash $Part) -eq $Want['sha256']) { return $true }
    [IO.File]::Delete($Part)
    $false
}
function Set-WnDownload {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $part = $Key['path'] + '.' + $Want['sha256'].Substring(0, 12) + '.part'
    $parent = [IO.Path]::GetDirectoryName($Key['path'])
    if (-not [IO.Directory]::Exists($parent)) {
        $closed = New-Object -TypeName Security.AccessControl.DirectorySecurity
        $closed.SetSecurityDescriptorSddlForm('O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
        $null = [IO.Directory]::CreateDirectory($parent, $closed)
    }
    $drive = Get-CimInstance -ClassName Win32_LogicalDisk -Filter ("DeviceID='" + $Key['path'].Substring(0, 2) + "'")
    # A fifth more than the file: what is unpacked of it, and what Windows writes meanwhile.
    $rest = [long][Math]::Ceiling(1.2 * ($Want['size'] - (Get-WnLength $part)))
    if ($null -ne $drive -and $drive.FreeSpace -lt $rest) {
        if ([IO.File]::Exists($part)) { [IO.File]::Delete($part) }
        throw "The drive has no room for $rest bytes: $($drive.FreeSpace) are free, $($rest - $drive.FreeSpace) are missing."
    }
    # The machine may know no default, and 5.1 asks for TLS 1.0 then.
    if ([int][Net.ServicePointManager]::SecurityProtocol -ne 0) { [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12 }
    $sources = @($Want['sources'])
    $why = 'there is no source, and what was pushed is another file'
    $failures = 0
    $whole = Test-WnPart $part $Want
    while (-not $whole) {
        if ($sources.Count -eq 0 -or $failures -eq $Want['tries']) { throw "$($Key['path']) cannot be had: $why" }
        if ($failures) { [Threading.Thread]::Sleep(1000 * [Math]::Pow(2, $failures)) }
        $failures++
        foreach ($url in $sources) {
            $kept = Get-WnLength $part
            try {
                Receive-WnFile $url $part $Want
                $whole = Test-WnPart $part $Want
                if ($whole) { break }
                # What another source had begun may be at fault, but not twice.
                if (-not $kept) { $sources = @($sources -ne $url) }
                throw "It has not the SHA-256 $($Want['sha256'])."
            } catch {
                $why = "$url`: " + $_.Exception.GetBaseException().Message
                Write-WnEvent 'log' ([ordered]@{ level = 'warning'; text = $why })
            }
            if ((Get-WnLength $part) - $kept -ge 1048576) { $failures = 0 }
        }
    }
    Move-WnInPlace $part $Key['path']
    foreach ($other in [IO.Directory]::GetFiles($parent, [IO.Path]::GetFileName($Key['path']) + '.*.part')) { [IO.File]::Delete($other) }
}
