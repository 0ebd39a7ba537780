"""Tells which statements of the node's scripts ran, from what winps recorded.

script_coverage.py FOLDER [COMMAND...] runs COMMAND first and records into FOLDER, one file for
each process: winps appends without a lock, so two processes would overwrite each other's lines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from winps import winps

from wincnode import assets

LEAST_PERCENT = 95
# A process that is killed writes down nothing, so a few may be missed by chance.
MOST_UNLISTED = 3
MISSED = "MISSED"
IN_USE = "Linux replaces and removes a file that is in use"
RACE = "a moment between two processes, which the soak meets or not"
LONG = "the double's documents are short"
# Script, a text in the line, why no test makes it run.
ACCEPTED = (
    ("bootstrap", "$code = 'constrained_language'", "tested behind a line that constrains it"),
    ("bootstrap", "$message = 'PowerShell on this node", "tested behind a line that constrains it"),
    ("compute/answers", ".Substring(0, 4096)", LONG),
    ("compute/answers", "'0x8007007a'", LONG),
    ("compute/answers", "catch { return $Text }", "the double's documents are JSON"),
    ("compile", "'A 32-bit process cannot", "the engine has 64 bits"),
    ("compute/systems", ".LastWaitResult -ne 0", "the double knows each exit code"),
    ("compute/leftovers", "if ($Depth -eq 0", "a folder is listed and gone at once"),
    ("compute/folders", "if ($try -eq 10) { throw }", IN_USE),
    ("compute/folders", "[Threading.Thread]::Sleep(200)", IN_USE),
    ("kinds/wait_for", r"GetFiles('\\.\pipe\')", "Linux has no such folder of pipes"),
    ("kinds/optional_feature", "{ throw }", "an error of DISM's that the lab does not model"),
    ("kinds/windows_feature", "{ throw }", "an error of DISM's that the lab does not model"),
    (
        "kinds/wait_for",
        "-bor [Net.SecurityProtocolType]::Tls12",
        "the engine leaves TLS to the system",
    ),
    (
        "facts/connectivity",
        "-bor [Net.SecurityProtocolType]::Tls12",
        "the engine leaves TLS to the system",
    ),
    ("facts/connectivity", "return $proxy.GetProxy($uri)", "the tests' account has no proxy"),
    ("facts/connectivity", "AddressFamily]::InterNetworkV6", "not every machine has IPv6"),
    ("facts/connectivity", "$said.error = 'TimedOut'; continue", "nothing on loopback is silent"),
    ("facts/connectivity", "$said.error = 'NoTimeLeft'; continue", "takes fourteen seconds"),
    ("facts/platform", "catch [Security.SecurityException]", "no key of the lab is shut"),
    ("facts/protection", "catch [Security.SecurityException]", "no key of the lab is shut"),
    ("adapters", "'address of DHCP'", "the lab's DHCP always answers"),
    ("adapters", '"adapter $($Was.name)"', "an adapter that is pulled out meanwhile"),
    ("guard", "'Get-WnNetworkDocument' -ErrorAction SilentlyContinue)) { return }", "no such plan"),
    ("networks", "catch { $words = $Answer.Err }", "the double's errors are JSON"),
    ("networks", "gave what is no JSON.", "the double's documents are JSON"),
    ("facts/runtime", "$Matches[1] } else { '' }", "programs of the lab tell their versions"),
    (
        "kinds/hns_network",
        "if ($null -ne $made) { Remove-",
        "what the double refuses it does not make",
    ),
    ("networks", "'0x80070490') -notcontains", RACE),
    ("networks", "'0x803b0002') -notcontains", RACE),
    ("guard", "Remove-WnNetworkDocument -Id", "a network that HNS does not let go of"),
    ("guard", "took longer than $Seconds s.", "takes two minutes"),
    ("guard", "if ($names.Count -eq 0) { return }", "no such plan"),
    ("guard", "if ($Word -ne 'reverted') { throw }", "nothing fills the disk of the scripts"),
    ("adapters", "if ($row.mac -eq $Was.mac)", "the lab calls a port by its adapter"),
    ("receive", "throw 'Silent for 60 s.'", "takes a minute"),
    ("receive", "if ($try -gt 70) { throw }", "takes a minute"),
    ("steps", "{ [IO.File]::Delete($old) } catch", IN_USE),
    ("steps", '$old = "$Path.old-"', IN_USE),
    ("steps", "[IO.File]::Move($Path, $old)", IN_USE),
    ("steps", "$moved = $false", IN_USE),
    ("steps", "while (-not $moved)", IN_USE),
    ("steps", "$moved = $true", IN_USE),
    ("steps", "cannot be replaced: ", IN_USE),
    ("steps", "if ($watch.Elapsed.TotalSeconds -ge [Math]::Min", IN_USE),
    ("steps", "[Threading.Thread]::Sleep(500) # until it is let go", IN_USE),
    ("steps", "catch { [IO.File]::Move($old, $Path); throw }", IN_USE),
    ("runs", "The task did not start the runner within 60 s.", "takes a minute"),
    ("runs", "catch [UnauthorizedAccessException] { return '' }", RACE),
    ("runs", "[UnauthorizedAccessException] { $false }", RACE),
    ("runs", "if (-not [IO.File]::Exists($Path)) { return '' }", RACE),
    ("runs", "for ($try = 0; $try -lt 50; $try++)", RACE),
    ("runs", "[Threading.Thread]::Sleep(20)", RACE),
    ("runs", "} catch [IO.IOException], [UnauthorizedAccessException] { continue }", RACE),
    ("runs", "} catch { continue }", RACE),
    ("runs", "catch [IO.IOException] { Watch-WnJournal $Request.since; return }", RACE),
)

RECORDER = """\
#!/bin/sh
WINPS_COVERAGE="{folder}/$$" exec "{winps}" "$@"
"""
# What winps records of a statement is where its innermost pipeline begins. Loops and branches are
# counted by their conditions and bodies, and what stands in parentheses with its statement.
PARSER = r"""
$blocks = 'StatementBlock|NamedBlock|IfStatement|WhileStatement|DoWhileStatement|DoUntilStatement|ForStatement|ForEachStatement|SwitchStatement|ReturnStatement'
$counted = {
    param($node)
    $type = $node.GetType().Name
    if ($type -match '^(Throw|Break|Continue|Exit)StatementAst$') { return $true }
    if ($type -eq 'ReturnStatementAst') { return $null -eq $node.Pipeline }
    if ($type -notmatch '^(Pipeline|AssignmentStatement)Ast$') { return $false }
    if ($node.Parent.GetType().Name -notmatch "^($blocks)Ast$") { return $false }
    # @(1) is a value, with no statement in it.
    $plain = $type -eq 'PipelineAst' -and $node.PipelineElements.Count -eq 1 -and $node.PipelineElements[0].GetType().Name -eq 'CommandExpressionAst'
    -not ($plain -and $node.Parent.Parent -is [Management.Automation.Language.ArrayExpressionAst] -and $node.Parent.Statements.Count -eq 1)
}
foreach ($path in $env:SCRIPTS.Split(':')) {
    $text = [IO.File]::ReadAllText('Z:' + $path.Replace('/', '\'))
    $tree = [Management.Automation.Language.Parser]::ParseInput($text, [ref]$null, [ref]$null)
    $rows = foreach ($node in $tree.FindAll($counted, $true)) { , @($node.Extent.StartLineNumber, $node.Extent.StartColumnNumber) }
    ConvertTo-Json -InputObject @{ path = $path; rows = @($rows) } -Compress
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """The statements of one script, by line and column, and those that no process ran."""

    script: str
    lines: tuple[str, ...]
    statements: frozenset[tuple[int, int]]
    missed: tuple[tuple[int, int], ...]

    def text(self, line: int) -> str:
        """Give a line of it."""
        return self.lines[line - 1].strip()


def main(arguments: Sequence[str]) -> int:
    """Print the table and the missed statements; 1 when too much was missed."""
    folder = Path(arguments[0]).resolve()
    if command := arguments[1:]:
        record(folder, command)
    there = ran(folder)
    rows = [coverage(name, there) for name in scripts()]
    total, missed = sum(len(row.statements) for row in rows), sum(len(row.missed) for row in rows)
    for row in rows:
        say(share(row.script, len(row.statements), len(row.missed)))
    say(share("all", total, missed))
    for row in rows:
        for line, column in row.missed:
            say(f"{row.script}.ps1:{line}:{column}: {reason(row, line)}: {row.text(line)}")
    for entry in stale(rows):
        say(f"accepted, but it is gone: {entry}")
    unknown = sum(reason(row, line) == MISSED for row in rows for line, _ in row.missed)
    low = 100 * (total - missed) < LEAST_PERCENT * total
    return int(low or unknown > MOST_UNLISTED or bool(stale(rows)))


def record(folder: Path, command: Sequence[str]) -> None:
    """Run a command whose winps writes a file for each process; ends as the command does."""
    folder.mkdir(parents=True, exist_ok=True)
    recorder = folder / "winps.sh"
    recorder.write_text(RECORDER.format(folder=folder, winps=winps()), encoding="utf-8")
    recorder.chmod(0o755)
    environment = {**os.environ, "WINCNODE_WINPS": str(recorder)}
    if code := subprocess.run(command, env=environment, check=False).returncode:
        raise SystemExit(code)


def scripts() -> tuple[str, ...]:
    """List the shipped scripts as assets names them."""
    root = assets.PACKAGE / "node"
    return tuple(
        sorted(str(path.relative_to(root).with_suffix("")) for path in root.rglob("*.ps1"))
    )


def ran(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Read the hash, line and column of all that ran."""
    return frozenset(
        (words[0], int(words[1]), int(words[2]))
        for path in folder.iterdir()
        if path.name.isdecimal()
        for words in (line.split("\t") for line in path.read_text().splitlines())
        if len(words) == 3 and words[1].isdecimal() and words[2].isdecimal()
    )


def coverage(script: str, ran: frozenset[tuple[str, int, int]]) -> Coverage:
    """Compare what a script has with what ran of it."""
    text = assets.node_script(script)
    hashes = {assets.sha256(form) for form in forms(script, text)}
    there = {(line, column) for digest, line, column in ran if digest in hashes}
    wanted = statements()[script]
    missed = tuple(sorted(wanted - there))
    return Coverage(script=script, lines=tuple(text.splitlines()), statements=wanted, missed=missed)


def forms(script: str, text: str) -> Iterator[str]:
    """Give the texts under which a script runs: the runner adds the call of a section to it."""
    yield text
    folder, _, name = script.rpartition("/")
    if folder == "facts":
        yield f"{text}\n$box.found = @(Get-WnFacts{name.capitalize()})"


@cache
def statements() -> dict[str, frozenset[tuple[int, int]]]:
    """Ask PowerShell's own parser for the statements of all scripts."""
    paths = {str(assets.PACKAGE / "node" / f"{name}.ps1"): name for name in scripts()}
    done = subprocess.run(
        [winps(), "-NoProfile", "-NonInteractive", "-Command", PARSER],
        env={**os.environ, "SCRIPTS": ":".join(paths)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    found = (json.loads(line) for line in done.stdout.splitlines())
    return {paths[row["path"]]: frozenset(map(tuple, row["rows"])) for row in found}


def reason(row: Coverage, line: int) -> str:
    """Say why a line is missed."""
    known = (
        why for script, text, why in ACCEPTED if script == row.script and text in row.text(line)
    )
    return next(known, MISSED)


def stale(rows: Sequence[Coverage]) -> list[str]:
    """List accepted misses of lines that are gone; of those that may run by chance, none is."""
    texts = {row.script: "\n".join(row.lines) for row in rows}
    return [f"{script}: {text}" for script, text, _ in ACCEPTED if text not in texts[script]]


def share(name: str, total: int, missed: int) -> str:
    """Give one line of the table: statements, how many ran, and percent."""
    percent = 100 * (total - missed) / total if total else 100
    return f"{name:24}{total:6}{total - missed:6}{percent:8.1f} %"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
