# What the scheduled task runs: the runner, from the run folder that is the working directory.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$folder = [Environment]::CurrentDirectory
$secrets = ''
if ([IO.File]::Exists("$folder\secrets")) {
    # Secrets leave the disk before the first step, and no cmdlet gets them.
    $secrets = [IO.File]::ReadAllText("$folder\secrets")
    [IO.File]::Delete("$folder\secrets")
}
$request = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$folder\payload.json"))
try {
    & ([scriptblock]::Create($request.scripts.runner.text)) $request $secrets $folder
} finally {
    # The task ran its one time; a running task may be unregistered.
    $name = 'wincnode-' + $request.plan.run
    Unregister-ScheduledTask -TaskPath '\wincnode\' -TaskName $name -Confirm:$false -ErrorAction SilentlyContinue
}
