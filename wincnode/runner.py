"""Starts, follows and re-attaches to one run on one node; yields its events."""

from __future__ import annotations

import base64
import contextlib
import getpass
import hashlib
import json
import os
import re
import secrets as random
import socket
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from wincnode import assets
from wincnode.errors import (
    ConfigError,
    NodeError,
    NodeLocked,
    NodeRefused,
    NodeUnreachable,
    OtherMachine,
    RunFailed,
)
from wincnode.events import (
    Died,
    Event,
    Finished,
    GuardWaiting,
    Hello,
    Log,
    Refused,
    RunListed,
    parse,
    printable,
)
from wincnode.transport import ConnectionLost, Transport

PROTOCOL = 1
END_MARK = "wincnode-end"
FACTS_FLUSH_S = (0, 5, 20)
APPLY_FLUSH_S = (0, 1, 2, 5, 12, 20)
# What JSON of .NET Framework is read as unless somebody allows more:
# learn.microsoft.com/dotnet/api/system.web.script.serialization.javascriptserializer.maxjsonlength
MOST_CHARACTERS = 2_097_152
READ_ATTEMPTS = 3
NOTHING_ASKED: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
# What stands in stderr in every language: the id of the error of a script that the Antimalware Scan
# Interface refuses, and the exception of a shell whose memory is used up.
# Source: the test of PowerShell/PowerShell, "AMSI scan should detect suspicious content".
_BLOCKED = "ScriptContainedMaliciousContent"
_NO_MEMORY = "OutOfMemoryException"
# An adapter that is bound to a new switch is away for seconds, up to a minute on slow machines.
PATIENCE_S = 120.0
LONGEST_PAUSE_S = 8.0
# A node that takes its network back needs HNS to remove a network, and adapters to come back.
REVERT_S = 300.0
UNKNOWN_RUN = "This node knows no such run."


@cache
def command_line(script: Literal["bootstrap", "receive"] = "bootstrap") -> str:
    """Give a command line that runs on a node: the bootstrap's, or the one that takes files.

    Both are constant for a release.
    Source for the full path and the switches: about_PowerShell_exe (PowerShell-Docs 5.1).
    """
    text = assets.node_script(script)
    encoded = base64.b64encode(text.encode("utf-16-le")).decode("ascii")
    return (
        r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoLogo -NoProfile"
        f" -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"
    )


def who(command: str) -> dict[str, Any]:
    """Say whose run it is, for the operator who finds the node locked."""
    return {
        "operator": getpass.getuser(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": command,
    }


def new_run() -> str:
    """Give a run's id: 32 hexadecimal digits."""
    return random.token_hex(16)


def pack(payload: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> bytes:
    """Frame a request for the bootstrap: header, payload, secrets, end mark, a line each.

    Secrets stand apart from the JSON, so that the node reads them without a cmdlet, whose
    arguments it may log. The header tells their length but no hash: a hash of a weak secret
    gives it away.

    Raises: ConfigError: the plan is too large, or a secret's name does not fit on the line.
    """
    body = json.dumps(payload, ensure_ascii=True, separators=(",", ":"))
    if len(body) > MOST_CHARACTERS:
        raise ConfigError(
            f"the plan has {len(body)} characters with its scripts; a node takes {MOST_CHARACTERS}",
            remedy="Divide the playbook, or bring large files as downloads.",
            id="config.plan-size",
        )
    digest = hashlib.sha256(body.encode("ascii")).hexdigest()
    pairs = " ".join(_pair(name, text) for name, text in (secrets or {}).items())
    row = {"wincnode": PROTOCOL, "length": len(body), "sha256": digest, "secrets": len(pairs)}
    return f"{json.dumps(row)}\n{body}\n{pairs}\n{END_MARK}\n".encode("ascii")


def _pair(name: str, text: str) -> str:
    if not re.fullmatch(r"[!-<>-~]+", name):
        raise ConfigError(f"a secret is called {name!r}; its name takes no space, `=` or accent")
    return f"{name}={base64.b64encode(text.encode()).decode('ascii')}"


def payload_of(
    verb: str,
    *,
    run: str,
    plan: Mapping[str, Any],
    since: int = 0,
) -> dict[str, Any]:
    """Put together what the launcher needs for a verb: its scripts and nothing more."""
    names = ["runner"] if verb in {"attached", "detached"} else []
    if names and plan.get("steps"):
        names.append("steps")
    if verb != "attached" or plan.get("mode") == "apply":
        names.append("runs")
    if verb == "detached":
        names.append("worker")
    if verb == "reboot":
        names.append("reboot")
    if verb == "confirm":
        names.append("guard")
    if verb in {"attached", "detached"} and plan.get("guard"):
        names += ["adapters", "guard", "restore"]
    names += [f"facts/{row['section']}" for row in plan.get("facts", ())]
    used = sorted({step["kind"] for step in plan.get("steps", ())})
    names += [f"kinds/{kind}" for kind in used]
    # What a kind's script loads besides goes along with it alone.
    rows = plan.get("kinds", {})
    names += sorted({name for kind in used for name in rows.get(kind, {}).get("brings", ())})
    return {
        "verb": verb,
        "run": run,
        "since": since,
        "flush_s": APPLY_FLUSH_S if plan.get("steps") else FACTS_FLUSH_S,
        "launcher": _script("launcher"),
        "scripts": {name: _script(name) for name in names},
        "plan": plan,
    }


@cache
def _script(name: str) -> Mapping[str, str]:
    text = assets.node_script(name)
    return {"sha256": assets.sha256(text), "text": text}


def read_facts(
    transport: Transport,
    *,
    node: str,
    sections: Sequence[str],
    section_timeout_s: int = 20,
    asked: Mapping[str, Mapping[str, Any]] = NOTHING_ASKED,
) -> Iterator[Event]:
    """Read facts attached: one process, nothing written; asked again when the link drops.

    Args: asked: what a section is to look at, by the section's name.
    Raises: NodeUnreachable, NodeRefused, BadReply, RunFailed.
    """
    plan = {
        "protocol": PROTOCOL,
        "node": node,
        "mode": "check",
        "facts": [
            # What is asked of other machines takes longer than what a node knows of itself.
            {"section": name, "timeout_s": 2 * section_timeout_s, "asked": asked[name]}
            if name in asked
            else {"section": name, "timeout_s": section_timeout_s}
            for name in sections
        ],
        "kinds": {},
        "steps": [],
    }
    for attempt in range(READ_ATTEMPTS):
        run = new_run()
        try:
            yield from attached(transport, run=run, plan={**plan, "run": run, "who": {}})
        except NodeUnreachable as error:
            if not _broke(error) or attempt == READ_ATTEMPTS - 1:
                raise
        else:
            return


def attached(
    transport: Transport,
    *,
    run: str,
    plan: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
) -> Iterator[Event]:
    """Run a plan in one process that lives as long as the connection; leaves no trace."""
    request = pack(payload_of("attached", run=run, plan=plan), secrets)
    finished = False
    for event in _events(transport, request, run=run):
        _refuse(event, node=str(plan["node"]))
        finished = finished or isinstance(event, Finished)
        yield event
    if not finished:
        raise died(transport, node=str(plan["node"]))


def detached(
    transport: Transport,
    *,
    run: str,
    plan: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    patience_s: float = PATIENCE_S,
) -> Iterator[Event]:
    """Run a plan that outlives the connection; each event is delivered exactly once.

    Args: patience_s: seconds from its loss after which a link that brings no event is given up;
        with a guard at least until the node has put its network back.

    Until the first journal line was seen, the same request is sent again after a drop: the
    node's claim on the run's id makes the second start a follower of the first.
    """

    def request(since: int) -> bytes:
        if since:
            return pack(payload_of("follow", run=run, plan=plan, since=since))
        return pack(payload_of("detached", run=run, plan=plan), secrets)

    node = str(plan["node"])
    guard = plan.get("guard")
    if guard:
        patience_s = max(patience_s, guard["confirm_within_s"] + REVERT_S)
    yield from _to_the_end(
        transport, request, run=run, node=node, patience_s=patience_s, guarded=bool(guard)
    )


def follow(transport: Transport, *, run: str, node: str) -> Iterator[Event]:
    """Give a detached run's events from its first to its last, waiting for those to come."""
    plan = {"node": node, "steps": []}

    def request(since: int) -> bytes:
        return pack(payload_of("follow", run=run, plan=plan, since=since))

    yield from _to_the_end(transport, request, run=run, node=node, patience_s=PATIENCE_S)


def cancel(transport: Transport, *, run: str, node: str) -> Iterator[Event]:
    """End a run before its next step; gives what the node says to that.

    Raises: RunFailed: the node knows no such run. NodeError.
    """
    request = pack(payload_of("cancel", run=run, plan={"node": node}))
    for event in _events(transport, request, run=run):
        if isinstance(event, Died):
            raise RunFailed(
                f"{node}: there is no run {run} to cancel: {event.message}",
                remedy=f"List the runs with `wincnode runs {node}`.",
                id="run.unknown",
            )
        _refuse(event, node=node)
        yield event
    if transport.exit_code:
        raise died(transport, node=node)


def confirm(
    transport: Transport, *, node: str, run: str = "", machine_id: str = ""
) -> Iterator[Event]:
    """Confirm a change of the network that waits for it; gives what the node says to that.

    The connection is a new one, so that it proves that the node is there to be reached.

    Args: run: the one that waits; "" for whichever does. machine_id: of the machine that it is
        to be, as its `Hello` told it; "" takes any.
    Raises: OtherMachine. RunFailed: nothing waits there, or it is too late. NodeError.
    """
    # Closed, so that the next message asks anew where the name leads.
    transport.close()
    _identified(transport, node=node, as_before=machine_id)
    own = new_run()
    request = pack(payload_of("confirm", run=own, plan={"node": node, "run": run}))
    for event in _events(transport, request, run=own):
        if isinstance(event, Died):
            raise RunFailed(
                f"{node}: not confirmed: {event.message}",
                remedy=f"`wincnode runs {node}` lists its runs and their states.",
                id="guard.not-waiting",
            )
        _refuse(event, node=node)
        yield event
    if transport.exit_code:
        raise died(transport, node=node)


def _identified(transport: Transport, *, node: str, as_before: str) -> str:
    """Give what identifies the machine that answers.

    Raises: OtherMachine: it is not the one that did before. NodeError.
    """
    events = read_facts(transport, node=node, sections=())
    found = "".join(event.machine_id for event in events if isinstance(event, Hello))
    if as_before and found != as_before:
        raise _other_machine(node)
    return found


def reboot(transport: Transport, *, node: str) -> Iterator[Event]:
    """Have a node reboot within seconds; gives what it says to that.

    Raises: NodeLocked: a run holds the node. NodeRefused: it cannot reboot. NodeError.
    """
    run = new_run()
    request = pack(payload_of("reboot", run=run, plan={"node": node}))
    said = False
    try:
        for event in _events(transport, request, run=run):
            _refuse(event, node=node)
            said = True
            yield event
    except NodeUnreachable:
        # What it said is the last that is expected of it.
        if not said:
            raise
    if not said:
        raise died(transport, node=node)


def list_runs(transport: Transport, *, node: str) -> tuple[RunListed, ...]:
    """List the runs that the node remembers, the newest first.

    Raises: NodeError.
    """
    run = new_run()
    request = pack(payload_of("runs", run=run, plan={"node": node}))
    events = _events(transport, request, run=run)
    listed = [event for event in events if isinstance(event, RunListed)]
    if transport.exit_code:
        raise died(transport, node=node)
    return tuple(sorted(listed, key=lambda row: row.started, reverse=True))


def refuse_held(transport: Transport, *, node: str) -> None:
    """Refuse a node on which a run is under way.

    Raises: NodeLocked. NodeError.
    """
    for row in list_runs(transport, node=node):
        if row.state in {"running", "waiting"}:
            name = f"`{row.command}` of {row.operator}, run {row.id[:12]}"
            raise _locked(node, printable(name))


@dataclass(slots=True)
class _Heard:
    """What was heard of a run so far.

    Args: waits: its change of the network is to be confirmed. drops: attempts in vain by now.
        strange: another machine has answered.
    """

    since: int = 0
    machine_id: str = ""
    waits: bool = False
    ended: bool = False
    strange: bool = False
    drops: int = 0


def _to_the_end(
    transport: Transport,
    request: Callable[[int], bytes],
    *,
    run: str,
    node: str,
    patience_s: float,
    guarded: bool = False,
) -> Iterator[Event]:
    """Follow a journal across drops of the link; `request` asks for what comes after a number.

    Patience begins when the link is lost: a step may be silent for longer before that. A change
    of the network that waits is confirmed over a connection of its own.

    Args: guarded: the name may lead to another machine after a drop, where nothing must be begun.
    """
    heard = _Heard()
    deadline = 0.0
    while not heard.ended:
        began = time.monotonic()
        try:
            if heard.waits:
                # Where it is too late, the next events tell what became of it.
                with contextlib.suppress(RunFailed):
                    yield from confirm(transport, node=node, run=run, machine_id=heard.machine_id)
                heard.waits = False
            if guarded and not heard.since:
                heard.machine_id = _identified(transport, node=node, as_before=heard.machine_id)
            events = _events(transport, request(heard.since), run=run)
            with contextlib.closing(events):
                yield from _heard(events, heard, node=node)
            if not (heard.ended or heard.waits):
                raise died(transport, node=node)
        except NodeUnreachable as error:
            # A node that never answered is not waited for; one whose link broke is.
            drops, never = heard.drops, not (heard.since or _broke(error))
            now = time.monotonic()
            # No attempt in vain takes as long as that.
            if not drops or now - began > patience_s:
                deadline = now + patience_s
            pause = min(LONGEST_PAUSE_S, 0.1 * 2**drops)
            if (never and not drops) or now + pause > deadline:
                raise
            if isinstance(error, OtherMachine):
                # The next connection asks anew where the name leads.
                transport.close()
                if not heard.strange:
                    yield Log(text=error.message, level="warning")
                heard.strange = True
            time.sleep(pause)
            heard.drops += 1


def _heard(events: Iterator[Event], heard: _Heard, *, node: str) -> Iterator[Event]:
    """Give the events that are new, up to the last one or one that asks for something."""
    for event in events:
        if heard.since and isinstance(event, Died) and event.message == UNKNOWN_RUN:
            raise _other_machine(node)
        _refuse(event, node=node)
        if event.seq and event.seq <= heard.since:
            continue
        if event.seq > heard.since + 1:
            raise _gap(node, heard.since)
        if event.seq:
            heard.since, heard.drops = event.seq, 0
        yield event
        if isinstance(event, Hello):
            heard.machine_id = event.machine_id
        heard.ended = isinstance(event, Finished)
        heard.waits = isinstance(event, GuardWaiting)
        if heard.ended or heard.waits:
            return


def _other_machine(node: str) -> OtherMachine:
    return OtherMachine(
        f"{node}: another machine answers under this name; nothing was confirmed there",
        remedy="See where the name leads. The node puts its network back by itself.",
    )


def _broke(error: NodeUnreachable) -> bool:
    """Tell a link that was there, or that the shell on it was, from a node that never answered."""
    return isinstance(error, ConnectionLost) or error.id == ConnectionLost.id


def _gap(node: str, since: int) -> ConnectionLost:
    return ConnectionLost(f"{node}: event {since + 1} is missing")


def _events(transport: Transport, request: bytes, *, run: str) -> Generator[Event, None, None]:
    for line in transport.run(command_line(), request):
        if line.strip():
            yield parse(line, run=run)


def _refuse(event: Event, *, node: str) -> None:
    """Raise what a refusal of the node means."""
    if isinstance(event, Died):
        raise RunFailed(
            f"{node}: the run on the node ended without a result: {event.message}",
            remedy="Run the command again: steps that are done are left alone.",
        )
    if not isinstance(event, Refused):
        return
    if event.code == "locked":
        raise _locked(node, _named(event.holder))
    if event.code == "truncated":
        raise ConnectionLost(f"{node}: {event.message}")
    raise NodeRefused(f"{node}: {event.message}", id=f"node.{event.code.replace('_', '-')}")


def _locked(node: str, holder: str) -> NodeLocked:
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
