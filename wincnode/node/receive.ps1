# Tells what files hold, or adds bytes to them; wincnode/artifacts/push.py says how it is asked.
# It is a command line, and those have to be short.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$stdin = [Console]::OpenStandardInput()
$buffer = New-Object -TypeName 'byte[]' -ArgumentList 1048576
function Write-WnReply([hashtable]$Row) {
    $json = (ConvertTo-Json -InputObject $Row -Compress) -replace '[^ -~]', '?'
    $bytes = [Text.Encoding]::ASCII.GetBytes("$json`n")
    [Console]::OpenStandardOutput().Write($bytes, 0, $bytes.Length)
}
function Wait-WnTask([object]$Task) {
    # A sender that is gone must not keep a file open.
    if (-not $Task.Wait(60000)) { throw 'Silent for 60 s.' }
    $Task.Result
}
function Open-WnFile([string]$Path, $Mode, $Access) {
    for ($try = 0; ; $try++) {
        try { return [IO.File]::Open($Path, $Mode, $Access, 'Read') } catch [IO.IOException] { if ($try -gt 70) { throw } }
        [Threading.Thread]::Sleep(1000)
    }
}
function Add-WnBytes([object]$File) {
    if ($File.path -notmatch '\.part$') { throw 'No .part file.' }
    $acl = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $acl.SetSecurityDescriptorSddlForm('D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    $null = [IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($File.path), $acl)
    $out = Open-WnFile $File.path 'OpenOrCreate' 'Write'
    try {
        $out.SetLength($File.keep)
        $out.Position = $File.keep
        for ($left = $File.length; $left -gt 0; $left -= $count) {
            $data = $buffer
            if ($lines) {
                $data = [Convert]::FromBase64String((Wait-WnTask $lines.ReadLineAsync()))
                $count = $data.Length
            } else { $count = Wait-WnTask $stdin.ReadAsync($data, 0, [Math]::Min($left, $data.Length)) }
            if (-not $count) { throw 'Cut off.' }
            $out.Write($data, 0, $count)
        }
    } finally { $out.Dispose() }
}
try {
    $head = ''
    while (($byte = $stdin.ReadByte()) -gt 10) { $head += [char]$byte }
    $request = ConvertFrom-Json -InputObject $head
    $lines = $null
    if ($request.base64) { $lines = New-Object -TypeName IO.StreamReader -ArgumentList $stdin }
    if ($request.sample) {
        $null = $stdin.Read($buffer, 0, 256)
        Write-WnReply @{ sample = [BitConverter]::ToString($buffer, 0, 256) }
    }
    foreach ($file in $request.files) {
        if ($file.length) { Add-WnBytes $file }
        $row = @{ length = 0; sha256 = '' }
        if ([IO.File]::Exists($file.path)) {
            $in = Open-WnFile $file.path 'Open' 'Read'
            $sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
            $row = @{ length = $in.Length; sha256 = [BitConverter]::ToString($sha.ComputeHash($in)) }
            $in.Dispose()
        }
        Write-WnReply $row
    }
} catch { Write-WnReply @{ error = $_.Exception.GetBaseException().Message } }
