"""One line from the node: the only reader of the wire format.

The node's output is hostile until it is parsed here: a line that is no event of the wanted run
becomes a `Log`, and a line of the wrong shape never raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Outcome = Literal[
    "ok", "changed", "would_change", "skipped", "failed", "needs_reboot", "policy_owned"
]
OUTCOMES: tuple[str, ...] = Outcome.__args__  # type: ignore[attr-defined]  # typing gives no public way

# C0 but tab, DEL, C1, the marks that end lines or reorder text (CVE-2021-25743; kubernetes#101695),
# halves of characters, which the registry may hold and no terminal takes, and what no XML takes
# (www.w3.org/TR/xml, production 2). The second # of `##[` and `##vso`, which the agents of GitHub
# and Azure obey wherever in a line they stand (actions/runner:src/Runner.Common/ActionCommand.cs,
# microsoft/azure-pipelines-agent:src/Agent.Worker/Command.cs).
_CONTROL = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
    r"|(?<=#)#(?=\[|(?i:vso))"
)


# As much as a program's process is read of.
PROGRAM_TEXT = 65536


def printable(text: str, *, limit: int = 2000) -> str:
    """Give text that no terminal obeys: control characters escaped, cut at `limit` characters."""
    clean = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text[:limit])
    return clean if len(text) <= limit else clean + "…"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line of the node; seq is 0 where it is not numbered by the runner."""

    seq: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Hello(Event):
    """The runner has started: on which machine, as whom."""

    computer: str
    powershell: str
    build: int
    user: str
    elevated: bool
    boot: str
    at: datetime | None = None
    machine_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FactsRead(Event):
    """One section of facts; `error` says why it is unknown."""

    section: str
    data: Mapping[str, Any] | None
    error: str
    elapsed_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StepStarted(Event):
    """A step begins; the plan knows its title, the node does not."""

    step: str
    index: int
    total: int
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFinished(Event):
    """A step has ended; `diff` has one row a field: (field, have, want)."""

    step: str
    outcome: str
    diff: tuple[tuple[str, Any, Any], ...]
    error: str
    elapsed_ms: int
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramFinished(Event):
    """A program of a step has ended, or was left out because of others that did not succeed.

    Args:
        program: its id in the step. result: what its executor tells; None where it did not run.
        missing: ids of the programs that it needed and that had not succeeded.
    """

    step: str
    program: str
    result: Any
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Log(Event):
    """Something the node said; also every line that is no event."""

    level: str = "info"
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched(Event):
    """A detached run was started, or found running."""

    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused(Event):
    """The node would not start the run."""

    code: str
    message: str
    holder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Died(Event):
    """The runner ended without a last event."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunListed(Event):
    """One run that the node remembers.

    Its state is starting, running, waiting (to be confirmed), finished, refused or died.
    """

    id: str
    state: str
    started: str
    operator: str
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardWaiting(Event):
    """The network is changed, and will be put back unless a client confirms.

    Args: within_s: seconds that are left for that. before, after: what each adapter has: name,
        mac, dhcp, addresses, routes, dns, metric, mtu, category.
    """

    within_s: int
    before: tuple[Mapping[str, Any], ...] = ()
    after: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardConfirmed(Event):
    """A client has confirmed; the changed network stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardReverted(Event):
    """The node has put its network back.

    Args: after: what each adapter has now. left: what could not be put back.
    """

    reason: str
    after: tuple[Mapping[str, Any], ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished(Event):
    """The run has ended."""

    outcome: str
    counts: Mapping[str, int]


def parse(line: bytes, *, run: str) -> Event:
    """Read one line of the node's output.

    Args: line: without its newline. run: the id that events of this run carry.
    """
    try:
        raw = json.loads(line)
        if not isinstance(raw, dict) or raw.get("run") != run:
            return _log(line)
        return _event(raw)
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return _log(line)


def _log(line: bytes) -> Log:
    return Log(text=printable(line.decode("utf-8", "replace").rstrip("\r")))


def _event(raw: dict[str, Any]) -> Event:  # noqa: C901, PLR0911, PLR0912 - one return for each type
    seq = _number(raw["seq"])
    match raw["type"]:
        case "hello":
            return Hello(
                seq=seq,
                computer=_text(raw["computer"]),
                powershell=_text(raw["powershell"]),
                build=_number(raw["build"]),
                user=_text(raw.get("user")),
                elevated=raw.get("elevated") is True,
                boot=_text(raw.get("boot")),
                at=_moment(raw.get("at")),
                machine_id=_text(raw.get("machine_id")),
            )
        case "facts":
            data = raw.get("data")
            known = raw["status"] == "ok" and isinstance(data, dict)
            return FactsRead(
                seq=seq,
                section=_text(raw["section"]),
                data=data if known else None,
                error="" if known else _text(raw.get("error")) or "no data",
                elapsed_ms=_number(raw.get("elapsed_ms", 0)),
            )
        case "step_started":
            return StepStarted(
                seq=seq,
                step=_text(raw["step"]),
                index=_number(raw["index"]),
                total=_number(raw["total"]),
            )
        case "step_finished":
            return _step_finished(seq, raw)
        case "program_finished":
            return ProgramFinished(
                seq=seq,
                step=_text(raw["step"]),
                program=_text(raw["program"]),
                result=_harmless(raw.get("result")),
                missing=tuple(_text(one) for one in raw.get("missing") or ()),
            )
        case "log":
            return Log(seq=seq, level=_text(raw.get("level")), text=_text(raw["text"]))
        case "launched":
            return Launched(seq=seq, folder=_text(raw.get("folder")))
        case "refused":
            holder = raw.get("holder")
            return Refused(
                seq=seq,
                code=_text(raw["code"]),
                message=_text(raw["message"]),
                holder=holder if isinstance(holder, dict) else {},
            )
        case "died":
            return Died(seq=seq, message=_text(raw["message"]))
        case "run_listed":
            return _run_listed(seq, raw)
        case "guard_waiting" | "guard_confirmed" | "guard_reverted":
            return _guarded(seq, raw)
        case "finished":
            counts = {_text(k): _number(v) for k, v in dict(raw.get("counts") or {}).items()}
            return Finished(seq=seq, outcome=_text(raw["outcome"]), counts=counts)
        case other:
            return Log(seq=seq, text=printable(f"unknown event {other}"))


def _run_listed(seq: int, raw: Mapping[str, Any]) -> RunListed:
    who = raw.get("who") or {}
    return RunListed(
        seq=seq,
        id=_text(raw["id"]),
        state=_text(raw["state"]),
        started=_text(raw.get("started")),
        operator=f"{_text(who.get('operator'))}@{_text(who.get('host'))}",
        command=_text(who.get("command")),
    )


def _guarded(seq: int, raw: Mapping[str, Any]) -> Event:
    after = _rows(raw.get("after"))
    match raw["type"]:
        case "guard_waiting":
            within_s, before = _number(raw["within_s"]), _rows(raw.get("before"))
            return GuardWaiting(seq=seq, within_s=within_s, before=before, after=after)
        case "guard_reverted":
            left = tuple(_text(one) for one in raw.get("left") or ())
            return GuardReverted(seq=seq, reason=_text(raw["reason"]), after=after, left=left)
    return GuardConfirmed(seq=seq)


def _step_finished(seq: int, raw: Mapping[str, Any]) -> StepFinished:
    error = raw.get("error") or {}
    outcome = _text(raw["outcome"])
    return StepFinished(
        seq=seq,
        step=_text(raw["step"]),
        outcome=outcome if outcome in OUTCOMES else "failed",
        diff=tuple(
            (_text(row["field"]), row.get("have"), row.get("want")) for row in raw.get("diff") or ()
        ),
        error=_text(error.get("message")),
        elapsed_ms=_number(raw.get("elapsed_ms", 0)),
    )


def _text(value: object) -> str:
    return "" if value is None else printable(str(value))


def _harmless(value: Any) -> Any:
    """Give JSON whose texts no terminal obeys."""
    match value:
        case str():
            return printable(value, limit=PROGRAM_TEXT)
        case list():
            return [_harmless(item) for item in value]
        case dict():
            return {_text(key): _harmless(item) for key, item in value.items()}
        case _:
            return value


def _rows(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(_harmless(row) for row in value or () if isinstance(row, dict))


def _moment(value: object) -> datetime | None:
    """Give the node's clock at an event, None where it says none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"not a whole number: {value!r}")
    return value
