<#
.SYNOPSIS
Reads what tells why a join failed: the ends of logs, services with their command lines, files, errors of the service manager.
.DESCRIPTION
Of a log only the end is read, shared with the process that writes it. Of files their size alone is told. Bootstrap
tokens and passwords in addresses are masked. Of events only ids and values count, as their texts are localized: values
begin with the service's display name, and 7009 has it second. What containerd finds wrong with its configuration it
tells nobody as a service, so where it stands still it is asked to read it.
.NOTES
Source: ExitCode, learn.microsoft.com/windows/win32/cimwin32prov/win32-service
Source: CommandLine, learn.microsoft.com/windows/win32/cimwin32prov/win32-process
Source: ids and values, learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-r2-and-2008/cc756379(v=ws.10)
Source: the configuration is read before there is a log, github.com/containerd/containerd cmd/containerd/command/main.go
Source: the form of a token, github.com/kubernetes/kubernetes staging/src/k8s.io/cluster-bootstrap/token/api/types.go
#>
function Get-WnFactsDiagnosis {
    param()
    $logs = @{ kubelet = 'C:\var\log\kubelet\kubelet.log'; containerd = 'C:\ProgramData\containerd\containerd.log' }
    $files = @(
        'C:\Program Files\containerd\config.toml', 'C:\var\lib\kubelet\config.yaml', 'C:\etc\kubernetes\pki\ca.crt',
        'C:\etc\kubernetes\bootstrap-kubelet.conf', 'C:\etc\kubernetes\kubelet.conf', 'C:\var\lib\kubelet\pki\kubelet-client-current.pem'
    )
    $hide = { param([string]$text) ($text -creplace '[a-z0-9]{6}\.[a-z0-9]{16}', '***') -replace '://[^/\s@]+@', '://***@' }

    $services = @{}
    $processes = @{}
    $found = @(Get-CimInstance -ClassName Win32_Service -Filter "Name='kubelet' OR Name='containerd'" -Property @('Name', 'DisplayName', 'State', 'ExitCode', 'ServiceSpecificExitCode', 'ProcessId', 'PathName') -OperationTimeoutSec 15 -ErrorAction Stop)
    $running = @($found | Where-Object -FilterScript { $_.ProcessId } | ForEach-Object -Process { 'ProcessId=' + $_.ProcessId })
    if ($running.Count) {
        foreach ($process in @(Get-CimInstance -ClassName Win32_Process -Filter ($running -join ' OR ') -Property @('ProcessId', 'CommandLine') -OperationTimeoutSec 15 -ErrorAction SilentlyContinue)) {
            $processes[[int]$process.ProcessId] = [string]$process.CommandLine
        }
    }
    foreach ($service in $found) {
        $services[([string]$service.Name).ToLowerInvariant()] = @{
            state              = [string]$service.State
            exit_code          = [long]$service.ExitCode
            specific_exit_code = [long]$service.ServiceSpecificExitCode
            process_id         = [int]$service.ProcessId
            path               = & $hide ([string]$service.PathName)
            command_line       = & $hide ([string]$processes[[int]$service.ProcessId])
        }
    }

    $ends = @{}
    foreach ($name in $logs.Keys) {
        $end = @{ path = $logs[$name]; size_bytes = $null; lines = [object[]]@(); error = '' }
        $ends[$name] = $end
        if (-not [IO.File]::Exists($end.path)) { continue }
        try {
            $stream = [IO.File]::Open($end.path, 'Open', 'Read', 'ReadWrite, Delete')
            try {
                $end.size_bytes = $stream.Length
                $start = [Math]::Max(0, $stream.Length - 65536)
                $null = $stream.Seek($start, 'Begin')
                $text = (New-Object -TypeName IO.StreamReader -ArgumentList $stream).ReadToEnd()
            }
            finally { $stream.Dispose() }
            # What the middle of a line begins with is no line.
            if ($start -gt 0) { $text = $text.Substring($text.IndexOf("`n") + 1) }
            $lines = @($text.Split("`n") | ForEach-Object -Process { $_.TrimEnd() } | Where-Object -FilterScript { $_ -ne '' } | Select-Object -Last 60)
            $end.lines = [object[]]@(foreach ($line in $lines) { $line = & $hide $line; $line.Substring(0, [Math]::Min(1000, $line.Length)) })
        }
        catch { $end.error = $_.Exception.GetBaseException().Message }
    }

    $refused = ''
    $program = 'C:\Program Files\containerd\bin\containerd.exe'
    if ($services['containerd'] -and $services['containerd'].state -eq 'Stopped' -and [IO.File]::Exists($program)) {
        # What a program writes to stderr would end the script under Stop.
        $ErrorActionPreference = 'Continue'
        $said = @(& $program --config $files[0] config dump 2>&1)
        if ($LASTEXITCODE -ne 0) { $refused = & $hide (($said | Select-Object -Last 5 | ForEach-Object -Process { "$_".Trim() }) -join "`n") }
        $ErrorActionPreference = 'Stop'
    }

    $shown = @('kubelet', 'containerd') + @($found | ForEach-Object -Process { [string]$_.DisplayName })
    $yesterday = [DateTime]::Now.AddDays(-1)
    $events = @(
        # Where there is none of these it is an error to have asked.
        foreach ($entry in @(Get-WinEvent -FilterHashtable @{ LogName = 'System'; ProviderName = 'Service Control Manager'; Id = 7000, 7001, 7009, 7022, 7023, 7024, 7031, 7034, 7038, 7041 } -MaxEvents 40 -ErrorAction SilentlyContinue)) {
            $values = @($entry.Properties | ForEach-Object -Process { $_.Value } | Where-Object -FilterScript { $_ -is [string] })
            if ($entry.TimeCreated -gt $yesterday -and @($values | Select-Object -First 2 | Where-Object -FilterScript { $shown -contains $_ }).Count) {
                @{ id = [int]$entry.Id; at = $entry.TimeCreated.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture); values = [object[]]$values }
            }
        }
    )
    $sizes = {
        param([string]$path)
        $size = $null
        if ([IO.File]::Exists($path)) { $size = (New-Object -TypeName IO.FileInfo -ArgumentList $path).Length }
        @{ path = $path; size_bytes = $size }
    }
    @{
        services = $services
        logs     = $ends
        refused  = $refused
        files    = [object[]]@($files | ForEach-Object -Process { & $sizes $_ })
        cni      = [object[]]@(Get-ChildItem -LiteralPath 'C:\etc\cni\net.d' -File -ErrorAction SilentlyContinue | ForEach-Object -Process { & $sizes $_.FullName })
        events   = [object[]]@($events | Select-Object -First 6)
    }
}
