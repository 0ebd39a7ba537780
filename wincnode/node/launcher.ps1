<#
.SYNOPSIS
Starts, follows, lists, confirms or cancels a run on this node, or reboots it.
.DESCRIPTION
attached runs the runner in this process. detached claims a run folder, starts the runner as
SYSTEM from a one-shot task, and follows its journal. follow only reads.
#>
param([Parameter(Mandatory = $true)][object]$Request, [string]$Secrets)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2
$base = Join-Path -Path $env:ProgramFiles -ChildPath 'wincnode'
$folder = $base + '\runs\' + $Request.run

function ConvertTo-WnLine([object]$Value) {
    $json = ConvertTo-Json -InputObject $Value -Compress -Depth 40
    [regex]::Replace($json, '[^\x20-\x7e]', { param($m) '\u{0:x4}' -f [int][char]$m.Value })
}
function Write-WnOut([string]$Text) {
    # In one piece: Console.Out writes 256 characters at a time, and each may become a reply.
    # github.com/dotnet/runtime src/coreclr/src/mscorlib/src/System/Console.cs (DefaultConsoleBufferSize)
    $bytes = [Text.Encoding]::ASCII.GetBytes($Text)
    $stream = [Console]::OpenStandardOutput()
    $stream.Write($bytes, 0, $bytes.Length)
    $stream.Flush()
}
function Write-WnEvent([string]$Type, [Collections.IDictionary]$Fields) {
    $at = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffZ', [cultureinfo]::InvariantCulture)
    $wire = [ordered]@{ run = $Request.run; seq = 0; at = $at; type = $Type }
    foreach ($name in $Fields.Keys) { $wire[$name] = $Fields[$name] }
    Write-WnOut ((ConvertTo-WnLine $wire) + "`n")
}
function Write-WnRefusal([string]$Code, [string]$Message, [object]$Holder) {
    Write-WnEvent 'refused' ([ordered]@{ code = $Code; message = $Message; holder = $Holder })
}
function Test-WnScript([object]$Script) {
    $sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
    $hash = $sha.ComputeHash([Text.Encoding]::ASCII.GetBytes($Script.text))
    [BitConverter]::ToString($hash).Replace('-', '') -eq $Script.sha256
}

foreach ($script in @($Request.scripts.PSObject.Properties)) {
    if (-not (Test-WnScript $script.Value)) {
        Write-WnRefusal 'truncated' "The script $($script.Name) differs from its hash." $null
        return
    }
}
if ($Request.verb -ne 'attached' -or $Request.plan.mode -eq 'apply') { . ([scriptblock]::Create($Request.scripts.runs.text)) }
switch ($Request.verb) {
    'attached' {
        $foreign = $null
        if ($Request.plan.mode -eq 'apply') { $folder = $base; $foreign = Initialize-WnFolder }
        if ($foreign) { Write-WnRefusal 'foreign_folder' "$foreign is a link or belongs to another account." $null }
        else { & ([scriptblock]::Create($Request.scripts.runner.text)) $Request $Secrets '' }
    }
    'detached' { Start-WnDetached }
    'follow' {
        if ([IO.File]::Exists("$folder\claim.json")) { Watch-WnJournal $Request.since }
        else { Write-WnEvent 'died' @{ message = 'This node knows no such run.' } }
    }
    'runs' { Write-WnRun }
    'reboot' {
        . ([scriptblock]::Create($Request.scripts.reboot.text))
        Restart-WnNode
    }
    'confirm' {
        . ([scriptblock]::Create($Request.scripts.guard.text))
        Confirm-WnNetwork
    }
    'cancel' {
        if (-not [IO.File]::Exists("$folder\claim.json")) { Write-WnEvent 'died' @{ message = 'This node knows no such run.' } }
        elseif (@('starting', 'running', 'waiting') -contains (Get-WnState $folder)) {
            if (-not [IO.File]::Exists("$folder\cancel")) { Write-WnFile "$folder\cancel" '' }
            Write-WnEvent 'log' ([ordered]@{ level = 'info'; text = 'The run stops before its next step.' })
        } else { Write-WnEvent 'log' ([ordered]@{ level = 'info'; text = 'The run has ended already.' }) }
    }
}
