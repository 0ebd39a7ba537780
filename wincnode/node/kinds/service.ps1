<#
.SYNOPSIS
A service exists as wanted and runs, stands still, or is removed.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-service (Create, Change, Delete)
Source: a process's command line and start, learn.microsoft.com/windows/win32/cimwin32prov/win32-process
Source: Environment is a service's own variables, learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-createservicew
Source: what codes mean, learn.microsoft.com/windows/win32/cimwin32prov/startservice-method-in-class-win32-service
Source: FailureActions is a SERVICE_FAILURE_ACTIONS, learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_failure_actionsw
#>
function Get-WnService {
    param([hashtable]$Key, [hashtable]$Want)
    $service = Get-CimInstance -ClassName Win32_Service -Filter ("Name='" + $Key['name'].Replace("'", "\'") + "'")
    if ($null -eq $service) { return @{ state = 'settled'; values = @{ state = 'absent' } } }
    $settled = 'settled'
    $values = @{ state = ([string]$service.State).ToLowerInvariant(); start = ([string]$service.StartMode).ToLowerInvariant()
        command = $service.PathName; display_name = $service.DisplayName; account = $service.StartName; depends_on = @(); restart_when_newer = $Want['restart_when_newer']; restart_after_s = 0 }
    $item = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\CurrentControlSet\Services\' + $Key['name'])
    if ($null -ne $item) {
        $values['depends_on'] = @($item.GetValue('DependOnService', @()))
        if ($Want.ContainsKey('environment')) {
            $values['environment'] = @($item.GetValue('Environment', @()))
            # In any order, but by the letter, as a value may be a password; and by no cmdlet.
            $there = New-Object -TypeName 'Collections.Generic.HashSet[string]'
            foreach ($line in $values['environment']) { $null = $there.Add($line) }
            if ($there.SetEquals([string[]]@($Want['environment']))) { $values['environment'] = $Want['environment'] }
        }
        # Five DWords, then (type, delay in ms) pairs; type 1 starts the service again.
        $bytes = [byte[]]$item.GetValue('FailureActions', [byte[]]@())
        if ($bytes.Length -ge 28 -and [BitConverter]::ToInt32($bytes, 20) -eq 1) { $values['restart_after_s'] = [BitConverter]::ToInt32($bytes, 24) / 1000 }
        $item.Dispose()
    }
    if ($service.State -eq 'Running' -and $Want['state'] -eq 'running') {
        # What counts is what runs: a command or a file that was changed since is not in use.
        $process = Get-CimInstance -ClassName Win32_Process -Filter "ProcessId=$($service.ProcessId)"
        # CreateProcess puts a path with spaces into quotes; of some processes no command line is shown.
        if ($null -ne $process -and $process.CommandLine -and -not [string]::Equals(($process.CommandLine -replace '"').Trim(), ([Environment]::ExpandEnvironmentVariables($service.PathName) -replace '"').Trim())) { $values['command'] = $process.CommandLine }
        $values['restart_when_newer'] = @($Want['restart_when_newer'] | Where-Object -FilterScript {
                $_ -and ($null -eq $process -or [IO.File]::GetLastWriteTimeUtc($_) -le $process.CreationDate.ToUniversalTime()) })
        if ($Want['steady_s'] -and ($null -eq $process -or ([DateTime]::UtcNow - $process.CreationDate.ToUniversalTime()).TotalSeconds -lt $Want['steady_s'])) { $settled = 'settling' }
    }
    if ($values['state'] -match 'pending' -or ($Want['state'] -eq 'absent' -and $values['state'] -eq 'stopped')) { $settled = 'settling' }
    @{ state = $settled; values = $values }
}
function Get-WnDependent([string]$Name) {
    # Those that run have to stop before it.
    $services = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\CurrentControlSet\Services')
    foreach ($other in $services.GetSubKeyNames()) {
        $item = $services.OpenSubKey($other)
        if ($null -ne $item -and @($item.GetValue('DependOnService', @())) -contains $Name) {
            Get-CimInstance -ClassName Win32_Service -Filter ("Name='" + $other.Replace("'", "\'") + "' and State='Running'")
        }
    }
}
function Stop-WnService([object]$Service) {
    & $check 'StopService' (Invoke-CimMethod -InputObject $Service -MethodName StopService)
    $query = "Name='" + $Service.Name.Replace("'", "\'") + "'"
    while ((Get-CimInstance -ClassName Win32_Service -Filter $query).State -ne 'Stopped') { [Threading.Thread]::Sleep(250) }
}
function Set-WnService {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $query = "Name='" + $Key['name'].Replace("'", "\'") + "'"
    $fields = @{}
    $names = @{ command = 'PathName'; display_name = 'DisplayName'; account = 'StartName' }
    foreach ($name in $names.Keys) { if ($Want[$name]) { $fields[$names[$name]] = $Want[$name] } }
    if ($Want['start']) { $fields['StartMode'] = $Want['start'] -replace '^auto$', 'automatic' }
    if ($Want.ContainsKey('depends_on')) { $fields['ServiceDependencies'] = [string[]]@($Want['depends_on']) }
    $marked = 'it is marked for deletion, and somebody holds a handle on it. Close Services, Task Manager and whatever watches services there, or reboot the node'
    # 10: it runs already; 5: it is stopped or on its way there.
    $fine = @{ StartService = @(0, 10); StopService = @(0, 5) }
    $means = @{ 2 = 'access is denied'; 3 = 'a service that depends on it runs'; 7 = 'its process did not report in time'; 9 = 'its program was not found'; 12 = 'a service that it depends on was deleted'
        13 = 'a service that it depends on did not start'; 14 = 'it is disabled'; 15 = 'its account may not log on as a service'; 16 = $marked; 22 = 'its account is not valid' }
    $check = { param($Did, $Result) if (@(0) + @($fine[$Did]) -notcontains $Result.ReturnValue) {
            throw "Win32_Service.$Did returned $($Result.ReturnValue)$(if ($means.ContainsKey([int]$Result.ReturnValue)) { ': ' + $means[[int]$Result.ReturnValue] })." } }
    $service = Get-CimInstance -ClassName Win32_Service -Filter $query
    $again = @()
    if ($Want['state'] -eq 'absent') {
        if ($service.State -ne 'Stopped') { & $check 'StopService' (Invoke-CimMethod -InputObject $service -MethodName StopService) }
        & $check 'Delete' (Invoke-CimMethod -InputObject $service -MethodName Delete)
        return
    }
    # One that was deleted is there for as long as somebody holds a handle on it, mostly not for long.
    $limit = [Math]::Min(60, 0.8 * $Step.timeout_s)
    if ($null -ne $service) {
        # A process that runs keeps what it was started with.
        $stale = @('command', 'account', 'environment', 'restart_when_newer') | Where-Object -FilterScript {
            $Want.ContainsKey($_) -and -not (Test-WnSame $Have.values[$_] $Want[$_] $plan.kinds.service.compare.$_) }
        if ($stale -and $service.State -eq 'Running') {
            $again = @(Get-WnDependent $Key['name'])
            foreach ($other in $again) { Stop-WnService $other }
            Stop-WnService $service
        }
        if ($fields.Count) {
            $did = Invoke-CimMethod -InputObject $service -MethodName Change -Arguments $fields
            while ($did.ReturnValue -eq 16 -and $null -ne $service -and $watch.Elapsed.TotalSeconds -lt $limit) {
                [Threading.Thread]::Sleep(500)
                $service = Get-CimInstance -ClassName Win32_Service -Filter $query
                if ($null -ne $service) { $did = Invoke-CimMethod -InputObject $service -MethodName Change -Arguments $fields }
            }
            if ($null -ne $service) { & $check 'Change' $did }
        }
    }
    if ($null -eq $service) {
        if (-not $Want['command']) { throw "There is no service $($Key['name'])." }
        $new = @{ Name = $Key['name']; DisplayName = $Key['name']; ServiceType = [byte]16; ErrorControl = [byte]1; StartMode = 'Automatic'; DesktopInteract = $false }
        foreach ($name in $fields.Keys) { $new[$name] = $fields[$name] }
        & $check 'Create' (Invoke-CimMethod -ClassName Win32_Service -MethodName Create -Arguments $new)
    }
    if ($Want.ContainsKey('environment')) {
        # By .NET alone: a proxy's address may hold a password, and a cmdlet's arguments are logged.
        $item = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM\CurrentControlSet\Services\' + $Key['name'], $true)
        $item.SetValue('Environment', [string[]]@($Want['environment']), 'MultiString')
        $item.Dispose()
    }
    if ($Want.ContainsKey('restart_after_s') -and $Want['restart_after_s'] -ne $Have.values['restart_after_s']) {
        $wait = 1000 * $Want['restart_after_s']
        $actions = 'restart/{0}/restart/{0}/restart/{0}' -f $wait
        if ($wait -eq 0) { $actions = '""' }
        $null = & "$env:SystemRoot\System32\sc.exe" failure $Key['name'] reset= 86400 actions= $actions
        if ($LASTEXITCODE -ne 0) { throw "sc.exe failure ended with $LASTEXITCODE." }
    }
    $service = Get-CimInstance -ClassName Win32_Service -Filter $query
    if ($Want['state'] -eq 'running' -and $service.State -ne 'Running') { & $check 'StartService' (Invoke-CimMethod -InputObject $service -MethodName StartService) }
    foreach ($other in $again) { & $check 'StartService' (Invoke-CimMethod -InputObject $other -MethodName StartService) }
    if ($Want['state'] -eq 'stopped' -and $service.State -ne 'Stopped') { & $check 'StopService' (Invoke-CimMethod -InputObject $service -MethodName StopService) }
}
