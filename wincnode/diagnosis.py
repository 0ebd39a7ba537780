"""Why a machine does not become a Ready node: rows of `data/causes.yaml` over what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from wincnode.causes import Cause, Where, load_causes
from wincnode.events import printable
from wincnode.facts import FactMissing, Facts, Section

SECTION = "diagnosis"
SERVICES: tuple[Where, ...] = ("kubelet", "containerd")
# What a process writes as it starts: kubernetes/kubernetes:cmd/kubelet/app/server.go@v1.36.3,
# containerd/containerd:cmd/containerd/command/main.go@301026e5
STARTS: Mapping[Where, str] = {
    "kubelet": '"Kubelet version"',
    "containerd": "starting containerd",
}
CNI_FOLDER = r"C:\etc\cni\net.d"
CERTIFICATE = "kubelet-client-current.pem"
BOOTSTRAP = "bootstrap-kubelet.conf"
SHOWN_CAUSES = 3
SHOWN_LINES = 8
SHOWN_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """The end of a log, oldest line first. `problem`: why there is none."""

    path: str
    lines: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known of a stage that was missed.

    Args:
        said: lines of the error: what kubeadm wrote, or what the Node shows.
        machine: a line for each service, missing file and entry of the System log.
        commands: the command line that each service has, or would have if it ran.
        unknown: why the machine could not be asked.
    """

    said: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    logs: Mapping[str, Log] = field(default_factory=dict)
    unknown: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Likely:
    """A cause with the line that points to it, and whose line that is.

    Args:
        age: how many lines are behind it. earlier: the process was started anew since.
    """

    cause: Cause
    where: Where
    line: str
    age: int
    earlier: bool


def evidence(facts: Facts, said: str = "") -> Evidence:
    """Put together what the machine says with what its join, or its Node, said.

    Args: facts: with the section `diagnosis`. said: the error's text.
    """
    lines = tuple(line for line in map(str.strip, said.splitlines()) if line)
    try:
        section = facts.known(SECTION)
        return Evidence(
            said=lines,
            machine=tuple(_machine(section)),
            commands=_commands(section),
            logs={row: _log(section.section("logs").section(row)) for row in SERVICES},
        )
    except FactMissing as error:
        return Evidence(said=lines, unknown=str(error))


def _machine(section: Section) -> Iterator[str]:
    sizes = {row.text("path"): row.value("size_bytes") for row in section.rows("files")}
    joined = any(path.endswith(CERTIFICATE) and size is not None for path, size in sizes.items())
    yield from (_service(name, section.section("services"), joined=joined) for name in SERVICES)
    for line in section.text("refused").splitlines():
        yield f"configuration of containerd: {line}"
    for path, size in sizes.items():
        # The token's file is there while a node joins, and never after it.
        if (size is None) != path.endswith(BOOTSTRAP):
            yield f"{'missing' if size is None else 'left'}: {path}"
    if not section.rows("cni"):
        yield f"empty: {CNI_FOLDER}"
    for row in reversed(section.rows("events")):
        yield f"event {row.number('id')}: {', '.join(row.texts('values'))} ({row.text('at')})"


def _service(name: str, services: Section, *, joined: bool) -> str:
    if name not in services.data:
        return f"service {name}: not installed"
    row = services.section(name)
    state, specific = row.text("state"), row.number("specific_exit_code")
    parts = [f"service {name}: {state}"]
    if state == "Stopped":
        parts.append(f"exit code {row.number('exit_code')}")
    if specific:
        parts.append(f"code of its own {specific}")
    if (name, state) == ("kubelet", "Running") and not joined:
        parts.append(f"without {CERTIFICATE}")
    return ", ".join(parts)


def _commands(section: Section) -> dict[str, str]:
    services = section.section("services")
    rows = {name: services.section(name) for name in SERVICES if name in services.data}
    return {name: row.text("command_line") or row.text("path") for name, row in rows.items()}


def _log(section: Section) -> Log:
    problem = section.text("error")
    if section.value("size_bytes") is None:
        problem = problem or "there is no such file"
    return Log(path=section.text("path"), lines=section.texts("lines"), problem=problem)


def causes(found: Evidence, known: Mapping[str, Cause] | None = None) -> tuple[Likely, ...]:
    """Give the likely causes, the likeliest first.

    Args: known: the table, where it has been read already.

    What a process said before its last start goes behind all else. What the join said just now
    goes before a log, and of a log the last lines go first.
    """
    texts = {
        "kubeadm": found.said,
        "node": (*found.said, *found.commands.values(), *found.machine),
        **{name: found.logs[name].lines for name in SERVICES if name in found.logs},
    }
    return _likely(texts, found.said, known or load_causes())


def pointed(lines: Sequence[str], known: Mapping[str, Cause]) -> tuple[Likely, ...]:
    """Give the causes that lines of nobody knows which program point to, the likeliest first."""
    return _likely(dict.fromkeys(get_args(Where), tuple(lines)), (), known)


def _likely(
    texts: Mapping[Where, tuple[str, ...]], said: tuple[str, ...], known: Mapping[str, Cause]
) -> tuple[Likely, ...]:
    def order(hit: Likely) -> tuple[bool, int, bool, int]:
        return hit.earlier, hit.cause.rank, hit.line not in said, hit.age

    likely = []
    for cause in known.values():
        hits = [hit for where in cause.where for hit in _last(cause, where, texts.get(where, ()))]
        likely += sorted(hits, key=order)[:1]
    return tuple(sorted(likely, key=order))


def _last(cause: Cause, where: Where, lines: tuple[str, ...]) -> Iterator[Likely]:
    """Give the last line that points to a cause, if one does."""
    start, earlier = STARTS.get(where), False
    for age, line in enumerate(reversed(lines)):
        if cause.pattern and cause.pattern.search(line):
            yield Likely(cause=cause, where=where, line=line, age=age, earlier=earlier)
            return
        earlier = earlier or (start is not None and start in line)


def said(stage: str, found: Evidence) -> str:
    """Give the text for a terminal: the stage, likely causes with remedies, the last lines."""
    lines = [f"not passed: {stage}"]
    likely = causes(found)[:SHOWN_CAUSES]
    for place, row in enumerate(likely):
        lines += _cause(row, "also possible" if place else "likely cause")
    if not likely:
        lines.append("likely cause: none is known for these lines")
    if found.unknown:
        lines.append(f"the machine could not be asked: {found.unknown}")
    lines += found.machine
    lines += [f"command line of {name}: {text}" for name, text in found.commands.items()]
    for name, log in found.logs.items():
        lines += _shown(name, log)
    return "\n".join(printable(line, limit=2000) for line in lines)


def _cause(row: Likely, title: str) -> list[str]:
    return [
        f"{title}: {row.cause.title} [{row.cause.id}]",
        f"  seen ({row.where}): {row.line[:SHOWN_CHARACTERS]}",
        f"  cause: {row.cause.cause}",
        f"  remedy: {row.cause.remedy}",
    ]


def _shown(name: str, log: Log) -> list[str]:
    if not log.lines:
        return [f"log of {name}, {log.path}: {log.problem or 'it is empty'}"]
    last = log.lines[-SHOWN_LINES:]
    return [
        f"log of {name}, the last {len(last)} lines of {log.path}:",
        *(f"  {line[:SHOWN_CHARACTERS]}" for line in last),
    ]
