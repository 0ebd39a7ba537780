"""What a node answers: events line by line, and the errors that its refusals mean."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from wincnode.errors import (
    NodeError,
    NodeLocked,
    NodeRefused,
    NodeUnreachable,
    OtherMachine,
    RunFailed,
)
from wincnode.events import Died, Event, Log, Refused, parse, printable
from wincnode.runner.request import command_line
from wincnode.transport import ConnectionLost, Transport

# What stands in stderr in every language: the id of the error of a script that the Antimalware Scan
# Interface refuses, and the exception of a shell whose memory is used up.
# Source: the test of PowerShell/PowerShell, "AMSI scan should detect suspicious content".
_BLOCKED = "ScriptContainedMaliciousContent"
_NO_MEMORY = "OutOfMemoryException"


def other_machine(node: str) -> OtherMachine:
    """Give the error for a name that leads to another machine than before."""
    return OtherMachine(
        f"{node}: another machine answers under this name; nothing was confirmed there",
        remedy="See where the name leads. The node puts its network back by itself.",
    )


def broke(error: NodeUnreachable) -> bool:
    """Tell a link that was there, or that the shell on it was, from a node that never answered."""
    return isinstance(error, ConnectionLost) or error.id == ConnectionLost.id


def gap(node: str, since: int) -> ConnectionLost:
    """Give the error for events of which one is missing, by the number of the last one seen."""
    return ConnectionLost(f"{node}: event {since + 1} is missing")


def events_of(transport: Transport, request: bytes, *, run: str) -> Generator[Event, None, None]:
    """Send a request, and give the events of a run as they come.

    Raises: NodeError.
    """
    for line in transport.run(command_line(), request):
        if line.strip():
            yield parse(line, run=run)


def refuse(event: Event, *, node: str) -> None:
    """Raise what a refusal of the node means.

    Raises: NodeLocked, NodeRefused, ConnectionLost, RunFailed.
    """
    if isinstance(event, Died):
        raise RunFailed(
            f"{node}: the run on the node ended without a result: {event.message}",
            remedy="Run the command again: steps that are done are left alone.",
        )
    if not isinstance(event, Refused):
        return
    if event.code == "locked":
        raise locked(node, _named(event.holder))
    if event.code == "truncated":
        raise ConnectionLost(f"{node}: {event.message}")
    raise NodeRefused(f"{node}: {event.message}", id=f"node.{event.code.replace('_', '-')}")


def locked(node: str, holder: str) -> NodeLocked:
    """Give the error for a node that another run holds."""
    return NodeLocked(
        f"{node}: another run holds the node: {holder}",
        remedy=f"Follow it with `wincnode attach {node}`, or wait until it ends.",
    )


def _named(holder: Mapping[str, Any]) -> str:
    """Say whose run it is, as far as it said so itself."""
    who = holder.get("who")
    if not isinstance(who, Mapping) or not holder.get("run"):
        return "it left no name"
    command, operator, host = (str(who.get(name, "?")) for name in ("command", "operator", "host"))
    return printable(f"`{command}` of {operator} on {host}, run {str(holder['run'])[:12]}")


def died(transport: Transport, *, node: str) -> NodeError:
    """Give the error for a process that ended without its result, with the end of its stderr."""
    stderr = transport.stderr.decode("utf-8", "replace")
    tail = Log(text=stderr[-400:]).text.strip()
    if _BLOCKED in stderr:
        return NodeRefused(
            f"{node}: an anti-virus blocks wincnode's scripts: {tail}",
            remedy="Let it allow them by their SHA-256, which docs/security.md lists; its own log"
            " and the event log of Windows Defender name the detection.",
            id="node.antivirus",
        )
    remedy = "Look for an anti-virus or application-control message in the node's event log."
    if _NO_MEMORY in stderr:
        remedy = "Raise MaxMemoryPerShellMB of the node: `winrm get winrm/config/winrs` shows it."
    return RunFailed(
        f"{node}: PowerShell ended with {transport.exit_code} and no result"
        + (f": {tail}" if tail else ""),
        remedy=remedy,
        id="run.no-result",
    )
