"""What a hasty hand could do to the shipped scripts; each must make a test fail.

The test files of a mutation are those that are about what it breaks.
"""

from __future__ import annotations

from dataclasses import dataclass

NODE = "test_node_scripts.py"
STEPS = "acceptance/test_node_steps.py"
HIDDEN = "test_node_secrets.py"
DETACHED = "acceptance/test_detached_runs.py"
FOLDERS = "test_run_folders.py"
KINDS = "acceptance/test_conformance.py"
GUARD = "acceptance/test_guard.py"
FACTS = "acceptance/test_facts_scripts.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutation:
    """One text of a script that is replaced by another; `old` stands there once."""

    id: str
    script: str
    old: str
    new: str
    tests: tuple[str, ...]


def one(id: str, script: str, old: str, new: str, *tests: str) -> Mutation:
    return Mutation(id=id, script=script, old=old, new=new, tests=tests)


MUTATIONS = (
    one(
        "a payload is not compared with its hash",
        "bootstrap",
        " -or (& $digest $lines[1]) -ne $header.sha256",
        "",
        NODE,
    ),
    one(
        "secrets may be cut on the way",
        "bootstrap",
        "$lines[2].Length -ne $header.secrets",
        "$false",
        NODE,
    ),
    one(
        "the launcher is not compared with its hash",
        "bootstrap",
        "(& $digest $payload.launcher.text) -ne $payload.launcher.sha256",
        "$false",
        NODE,
    ),
    one(
        "runner and worker are not compared with their hashes",
        "launcher",
        "[BitConverter]::ToString($hash).Replace('-', '') -eq $Script.sha256",
        "$true",
        NODE,
    ),
    one(
        "what somebody else put there is written to",
        "runs",
        "[IO.File]::Open($Path, 'CreateNew', 'Write', 'None')",
        "[IO.File]::Open($Path, 'Create', 'Write', 'None')",
        FOLDERS,
    ),
    one(
        "the run folder is open to users",
        "runs",
        "'O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)'",
        "'O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;BU)'",
        FOLDERS,
    ),
    one(
        "a folder keeps the rights it was made with",
        "runs",
        "        Restore-WnAccess $path\n",
        "",
        FOLDERS,
    ),
    one(
        "a folder of another account is used",
        "runs",
        "        if (Test-WnForeign $path) { return $path }\n",
        "",
        FOLDERS,
    ),
    one("a link is followed", "runs", 'if (Test-WnLink "$base\\$name")', "if ($false)", FOLDERS),
    one("an event comes twice", "runs", "-gt $Since)", "-ge $Since)", DETACHED),
    one("half a line is an event", "runs", '$text.LastIndexOf("`n") + 1', "$text.Length", DETACHED),
    one("the task runs with low priority", "runs", "-Priority 4 ", "-Priority 7 ", DETACHED),
    one(
        "the task runs as LocalService", "runs", "'S-1-5-18' -Logon", "'S-1-5-19' -Logon", DETACHED
    ),
    one(
        "a dead runner is waited for",
        "runs",
        "if ($final -eq '' -and -not $held) {",
        "if ($false) {",
        DETACHED,
    ),
    one(
        "a dead run keeps its secrets",
        "runs",
        'if ([IO.File]::Exists("$folder\\secrets")) { [IO.File]::Delete("$folder\\secrets") }',
        "",
        DETACHED,
    ),
    one(
        "a loser is not told who holds the node",
        "runs",
        "'Another run holds this node.' $holder",
        "'Another run holds this node.' $null",
        DETACHED,
        "acceptance/test_lock.py",
    ),
    one("old runs pile up", "runs", "if ($ended -le 20)", "if ($true)", FOLDERS),
    one(
        "secrets stay on the disk",
        "worker",
        '    [IO.File]::Delete("$folder\\secrets")\n',
        "",
        DETACHED,
        "acceptance/test_planted_secrets.py",
    ),
    one(
        "a task that ran stays registered",
        "worker",
        "Unregister-ScheduledTask",
        "$null # ",
        DETACHED,
    ),
    one("events are not counted", "runner", "    $out.seq++\n", "", NODE),
    one("a journal is not flushed", "runner", "        $out.journal.Flush($true)\n", "", DETACHED),
    one(
        "the lock is shared",
        "runner",
        "[IO.File]::Open(\"$base\\lock\", 'OpenOrCreate', 'ReadWrite', 'None')",
        "[IO.File]::Open(\"$base\\lock\", 'OpenOrCreate', 'ReadWrite', 'ReadWrite')",
        "acceptance/test_lock.py",
        DETACHED,
    ),
    one(
        "kinds and facts are not compared with their hashes",
        "runner",
        "[BitConverter]::ToString($hash).Replace('-', '') -ne $script.Value.sha256",
        "$false",
        NODE,
    ),
    one(
        "a section that hangs is not stopped",
        "runner",
        "$null = $job.work.BeginStop($null, $null)",
        "$null",
        NODE,
    ),
    one(
        "a secret in UTF-16 is shown",
        "runner",
        ", [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($value))",
        "",
        HIDDEN,
    ),
    one(
        "the shorter secret is hidden first",
        "runner",
        "$B.Length - $A.Length",
        "$A.Length - $B.Length",
        HIDDEN,
    ),
    one(
        "a run cannot be cancelled",
        "steps",
        '[IO.File]::Exists("$Folder\\cancel")',
        "$false",
        DETACHED,
    ),
    one(
        "a failed step does not skip the rest",
        "steps",
        "$done.outcome -eq 'failed') { $end = 'failed' }",
        "$done.outcome -eq 'failed') { $end = 'ok' }",
        STEPS,
    ),
    one(
        "check mode changes the node",
        "steps",
        "    if ($plan.mode -ne 'apply') { $result.outcome = 'would_change'; return $result }\n",
        "",
        STEPS,
        KINDS,
    ),
    one(
        "a secret's difference is shown",
        "steps",
        "(Test-WnSecret $wanted.Value)) { return '***' }",
        "(Test-WnSecret $wanted.Value)) { return $Value }",
        DETACHED,
        "acceptance/test_planted_secrets.py",
    ),
    one(
        "what was there is shown though it holds a secret",
        "steps",
        "(Hide-WnSecret $Value) -cne $Value",
        "$false",
        STEPS,
    ),
    one("a key may be a secret", "steps", "if (Test-WnSecret $Step.key)", "if ($false)", STEPS),
    one(
        "the last value is kept for reset",
        "steps",
        "-cne $id) { continue }",
        "-ceq $id) { $rows = @() }; continue",
        STEPS,
        KINDS,
    ),
    one("a larger set is the same", "steps", "$there.SetEquals(", "$there.IsSupersetOf(", STEPS),
    one(
        "true is a number",
        "steps",
        "    if (($Want -is [bool]) -ne ($Have -is [bool])) { return $false }\n",
        "",
        STEPS,
    ),
    one(
        "a step is not asked again",
        "steps",
        "if ($have.state -eq 'settled') { throw",
        "if ($true) { throw",
        STEPS,
        KINDS,
    ),
    one(
        "a folder is born without its rights",
        "kinds/directory",
        "[IO.Directory]::CreateDirectory($Key['path'], $security)",
        "[IO.Directory]::CreateDirectory($Key['path'])",
        KINDS,
    ),
    one(
        "what a link leads to goes with the link",
        "kinds/directory",
        "$item.Attributes -band [IO.FileAttributes]::ReparsePoint",
        "$false",
        KINDS,
    ),
    one(
        "a file gets a byte order mark",
        "kinds/file",
        "[string]$Want['content'], (New-Object -TypeName Text.UTF8Encoding -ArgumentList $false)",
        "[string]$Want['content'], (New-Object -TypeName Text.UTF8Encoding -ArgumentList $true)",
        KINDS,
    ),
    one(
        "a file that failed leaves its text behind",
        "kinds/file",
        "        [IO.File]::Delete($new)\n",
        "",
        KINDS,
        STEPS,
    ),
    one(
        "a value goes to another hive",
        "kinds/registry_value",
        "HKLM = 'LocalMachine'",
        "HKLM = 'CurrentUser'",
        KINDS,
    ),
    one(
        "a DWord is signed",
        "kinds/registry_value",
        "if ($values['type'] -eq 'DWord')",
        "if ($false)",
        KINDS,
    ),
    one(
        "Path is expanded for good",
        "kinds/environment",
        "$old = $item.GetValue($name, $null, 'DoNotExpandEnvironmentNames')",
        "$old = $item.GetValue($name)",
        KINDS,
    ),
    one(
        "an expandable variable becomes a plain one",
        "kinds/environment",
        "if ($null -ne $old) { $type = $item.GetValueKind($name) }",
        "",
        KINDS,
        STEPS,
    ),
    one(
        "a service is not started again",
        "kinds/service",
        "restart/{0}/restart/{0}/restart/{0}",
        "run/{0}/run/{0}/run/{0}",
        KINDS,
    ),
    one(
        "a refused method passes",
        "kinds/service",
        "-notcontains $Result.ReturnValue",
        "-contains 99",
        KINDS,
    ),
    one(
        "policy does not own the firewall",
        "kinds/firewall_rule",
        "$state = 'policy_owned'",
        "$state = 'settled'",
        KINDS,
    ),
    one(
        "a disabled rule is enabled",
        "kinds/firewall_rule",
        "@('False', 'True')[[int][bool]$Want['enabled']]",
        "'True'",
        KINDS,
        STEPS,
    ),
    one(
        "a service that stands is there",
        "kinds/wait_for",
        "$service.State -eq 'Running'",
        "$true",
        KINDS,
        STEPS,
    ),
    one("a new name waits for no reboot", "facts/os", "$activeName -ne $nextName", "$false", FACTS),
    one(
        "dynamic UDP ports are listed",
        "facts/network",
        "-lt 49152",
        "-lt 65536",
        FACTS,
    ),
    one(
        "a policy without merging is overlooked",
        "facts/policy",
        '$value = & $read "$group\\$($names[$name][0])" $values[$field]',
        "$value = $null",
        FACTS,
    ),
    one(
        "Basic stays on", "winrm-setup", "Basic = 'false'", "Basic = 'true'", "test_winrm_setup.py"
    ),
    one(
        "an old listener stays",
        "winrm-setup",
        "    Remove-WSManInstance",
        "    $null = 1 # ",
        "test_winrm_setup.py",
    ),
    one(
        "a good certificate is thrown away",
        "winrm-setup",
        "$_.NotAfter -gt $soon",
        "$_.NotAfter -lt $soon",
        "test_winrm_setup.py",
    ),
    one(
        "nothing puts the network back when the runner dies",
        "guard",
        "-Trigger $triggers ",
        "",
        GUARD,
    ),
    one(
        "a change is kept though nobody confirmed",
        "guard",
        "No client came back and confirmed within $($plan.guard.confirm_within_s) s.",
        "",
        GUARD,
    ),
    one(
        "a client that is too late is told that it was in time",
        "guard",
        "elseif ((Set-WnVerdict 'confirmed') -eq 'confirmed')",
        "elseif ((Set-WnVerdict 'confirmed'))",
        GUARD,
    ),
    one(
        "routes that Windows forgets are not brought over",
        "adapters",
        "if ((Test-WnLease $Was $one) -or $there -contains",
        "if ($true -or $there -contains",
        GUARD,
    ),
    one(
        "a public network locks the client out",
        "guard",
        "-RemoteAddress @($note.clients) -Profile Any",
        "-RemoteAddress @($note.clients) -Profile Private",
        GUARD,
    ),
    one(
        "HNS that is off is taken for one that has no network",
        "guard",
        "if (-not $note.hns) { return }",
        "return",
        GUARD,
    ),
    one(
        "a disk that is full keeps the node from going back",
        "guard",
        "if ($Word -ne 'reverted') { throw }",
        "throw",
        GUARD,
    ),
    one(
        "members of a team get what the team's port has",
        "adapters",
        " -and @($Was.addresses).Count) {",
        ") {",
        GUARD,
    ),
    one(
        "what others set on other adapters is undone",
        "adapters",
        "if ($all -or $Touched -contains",
        "if ($true -or $Touched -contains",
        GUARD,
    ),
)
