# What the task wincnode-guard runs in the guard's folder: puts back the network that a run has changed
# which died, or was ended by a reboot, before a client confirmed.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$Request = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText([Environment]::CurrentDirectory + '\payload.json'))
$Secrets = ''
$plan = $Request.plan
$base = Join-Path -Path $env:ProgramFiles -ChildPath 'wincnode'
# The guard's folder could not be removed while it is this process's.
[Environment]::CurrentDirectory = $base
$Folder = $base + '\runs\' + $plan.run
$out = @{ seq = 0; journal = $null; lock = $null }
$guard = [hashtable]::Synchronized(@{ job = $null; done = $false; grace_ms = 60000 })
$known = @{}
$masked = @()
# The functions of the runner, without its work.
$runner = [scriptblock]::Create($Request.scripts.runner.text)
foreach ($one in $runner.Ast.FindAll({ param($Node) $Node -is [Management.Automation.Language.FunctionDefinitionAst] }, $false)) { . ([scriptblock]::Create($one.Extent.Text)) }
foreach ($name in @('steps', 'adapters', 'guard', 'takeover')) { . ([scriptblock]::Create((Get-WnScript $name))) }
Invoke-WnRestore
