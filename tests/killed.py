"""Install and join with a client that is killed -9 at any moment, and what is there afterwards."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from client import LOCKED, kill
from clusters import Site, beside, site
from conformance.play import end_state
from nodes import base
from spellings import spellings
from winps import says

from wincnode.cluster import tokens
from wincnode.lab.cluster import ControlPlane
from wincnode.lab.model import ModelEngine
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.firewall import RULES

NODE = "web-1"
# The variable with the seed by which moments are drawn.
SEED = "WINCNODE_KILLS_SEED"
WAIT_S = 300
# The requests of each command to a machine without the feature Containers, which takes a reboot.
# A Receive after another is none of its own: how many there are is a matter of time.
WHOLE = ("Command", "Send", "Receive", "Signal")
ROADS: Mapping[str, tuple[str, ...]] = {
    # Facts, a run, the order to reboot, a question to the shell that is gone, the run again, and
    # the smoke ladder.
    "install": (
        *("Create", *WHOLE, *WHOLE, *WHOLE, "Command", "Delete"),
        *("Create", *WHOLE, *WHOLE, *WHOLE, "Delete"),
    ),
    # Facts, who the machine is, and the run that moves its adapter; over a new connection who it
    # is, the confirmation, the end of that run, and the run that joins.
    "join": (
        *("Create", *WHOLE, *WHOLE, *WHOLE, "Delete"),
        *("Create", *WHOLE, *WHOLE, *WHOLE, *WHOLE, "Delete"),
    ),
}
COMMANDS = tuple(ROADS)
LATER_MS = range(1, 1500)
# What two machines that went the same way hold of their own, by the names of a digest's rows.
OWN: Mapping[str, str] = {
    r"file *\kubelet\pki\*": "keys and certificates",
    r"file *.log": "logs tell when something was",
    r"file *\net.d\*": "the network of a node's pods is the next one that is free",
    r"registry *\prefetchparameters\bootid": "one may have booted more often",
}
ENDED = re.compile(r'"type":"(finished|refused)"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """When a client is killed.

    Args: place: the request on the command's road, from 1. later_ms: milliseconds after its reply
        has left; before the request is carried out where there are none.
    """

    command: str
    place: int
    later_ms: int | None = None

    def __str__(self) -> str:
        when = "before" if self.later_ms is None else f"after-{self.later_ms}ms"
        return f"{self.command}-{self.place:02}-{ROADS[self.command][self.place - 1]}-{when}"

    def fits(self, requests: Sequence[str]) -> bool:
        """Tell whether the requests so far end with that one."""
        return len(road(requests)) == self.place


def road(requests: Sequence[str]) -> tuple[str, ...]:
    """Give requests without each Receive that follows another."""
    pairs = zip(requests, ("", *requests), strict=False)
    return tuple(name for name, before in pairs if not name == before == "Receive")


def moments(seed: str, *, least: int) -> tuple[Moment, ...]:
    """Draw at least so many different moments: one at each request, further ones at any."""
    draw = random.Random(seed)  # noqa: S311 - of moments
    places = [(command, at + 1) for command in COMMANDS for at in range(len(ROADS[command]))]
    found = dict.fromkeys(_drawn(draw, *place) for place in places)
    while len(found) < least:
        found[_drawn(draw, *draw.choice(places))] = None
    return tuple(found)


def all_moments(seed: str) -> tuple[Moment, ...]:
    """Give moments at each request: before it, once its reply has left, and later.

    There are three later ones at a Receive, which may be followed by more of them.
    """
    draw = random.Random(seed)  # noqa: S311 - of moments
    return tuple(
        Moment(command=command, place=place, later_ms=later_ms)
        for command in COMMANDS
        for place, name in enumerate(ROADS[command], start=1)
        for later_ms in (None, 0, *draw.sample(LATER_MS, 3 if name == "Receive" else 1))
    )


def _drawn(draw: random.Random, command: str, place: int) -> Moment:
    later_ms = draw.choice((None, 0, draw.choice(LATER_MS)))
    return Moment(command=command, place=place, later_ms=later_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Undisturbed:
    """A machine that was installed and joined at one go: its digest, and the requests it took."""

    digest: Mapping[str, str]
    roads: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Yard:
    """A cluster beside which one machine after another is made, all of one name."""

    first: Site
    folder: Path
    known: dict[tuple[str, bool], Undisturbed] = field(default_factory=dict)

    def undisturbed(self, engine: str, *, reboots: bool = True) -> Undisturbed:
        """Give the machine of an engine that nothing happened to."""
        if (engine, reboots) not in self.known:
            self.known[engine, reboots] = self._undisturbed(engine, reboots=reboots)
        return self.known[engine, reboots]

    def _undisturbed(self, engine: str, *, reboots: bool) -> Undisturbed:
        with beside(self.first, self.folder / f"{engine}-{reboots}", engine=engine) as lab:
            bare(lab, reboots=reboots)
            roads = {}
            requests = lab.nodes[NODE].server.requests
            for command in COMMANDS:
                before = len(requests)
                done(lab, command)
                roads[command] = road(requests[before:])
            return Undisturbed(digest=digest(lab.nodes[NODE]), roads=roads)

    def goes_on(self, folder: Path, engine: str, moment: Moment) -> None:
        """Kill a client of a new machine: the same command again ends the work.

        The machine is like one that nothing happened to, and no token is left anywhere.
        """
        # A client waits 10 s for a reboot, which a join that is killed on the model can do without.
        reboots = moment.command == "install" or engine != "model"
        whole = self.undisturbed(engine, reboots=reboots)
        plane = self.first.cluster.plane
        since = plane.objects.version
        at = COMMANDS.index(moment.command)
        with beside(self.first, folder, engine=engine) as lab:
            node = lab.nodes[NODE]
            bare(lab, reboots=reboots)
            for command in COMMANDS[:at]:
                done(lab, command)
            later_s = None if moment.later_ms is None else moment.later_ms / 1000
            killed = kill(node.server, lambda: lab.start(moment.command), moment.fits, later_s)
            # Some milliseconds after a request, or after its last one, a client may have ended.
            assert killed.early or later_s or moment.place == len(ROADS[moment.command])
            until_idle(node)
            for command in COMMANDS[at:]:
                done(lab, command)

            differ = differences(digest(node), whole.digest)
            assert not differ, "\n".join(differ)
            assert lab.ready()
            assert not lab.tokens()
            secrets = issued(plane, since)
            assert secrets
            said = {"what the client said": killed.output.encode()}
            held = holding({**said, **of_cluster(plane), **of_node(node)}, secrets)
            assert not held, held


@contextmanager
def yard(folder: Path) -> Iterator[Yard]:
    """Run a cluster and the mirror of what nodes install; what they write goes to a folder."""
    with site(folder / "site") as first:
        yield Yard(first=first, folder=folder)


def bare(lab: Site, *, reboots: bool) -> None:
    """Let a node whose client is gone put its network back within seconds.

    Args: reboots: without the feature Containers, so that its install takes a reboot.
    """
    lab.change("runtime:\n", "network:\n  confirm_within_s: 15\nruntime:\n")
    if reboots:
        lab.nodes[NODE].machine.features.load({"Containers": "Available"})


def done(lab: Site, command: str) -> None:
    """Run a command until no other run holds the node; then it must end well."""
    end = time.monotonic() + WAIT_S
    while (ended := lab.run(command)).code == LOCKED:
        assert time.monotonic() < end
        time.sleep(0.5)
    assert ended.code == 0, f"{ended.stderr}{ended.report}"


def until_idle(node: LabNode) -> None:
    """Wait as a person would: until the node's run has ended, and it is back from a reboot."""
    end = time.monotonic() + WAIT_S
    while node.machine.rebooting or any(map(_runs, base(node).glob("runs/*/claim.json"))):
        assert time.monotonic() < end
        time.sleep(0.1)


def _runs(claim: Path) -> bool:
    journal = claim.with_name("journal.jsonl")
    return not (journal.exists() and ENDED.search(journal.read_text()))


def digest(node: LabNode) -> dict[str, str]:
    """Give what a machine holds, a row for each thing, without what is its own.

    Files with hash, owner and access list; services with command, account, mode, state and what
    follows when they end; values of the registry, rules of the firewall, scheduled tasks, features,
    ranges of ports, and what the manifest says was there before.
    """
    found = _rows(node, end_state(node))
    rows = {name: json.dumps(value, sort_keys=True, default=sorted) for name, value in found}
    return {name: row for name, row in rows.items() if not any(fnmatch(name, own) for own in OWN)}


def _rows(node: LabNode, state: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    machine = node.machine
    access = access_lists(node)
    for path, content in state["files"].items():
        hash = None if content is None else hashlib.sha256(content).hexdigest()
        yield f"file c:\\{path}", (hash, access[f"c:\\{path}"])
    for key, values in state["registry"].items():
        kind = "rule" if key == RULES.lower() else "registry"
        for name, value in values.items():
            yield f"{kind} {key}\\{name.lower()}", (value.kind, value.data)
    for row in state["services"]:
        name = row["Name"]
        fields = {key: value for key, value in row.items() if key != "ProcessId"}
        yield f"service {name}", {**fields, "restarts": machine.services.restarts_after(name)}
    for name, task in state["tasks"].items():
        yield f"task {name}", asdict(task)
    for name, feature in (*machine.features.roles().items(), *machine.features.states().items()):
        yield f"feature {name}", feature
    yield "ports", (sorted(machine.ports.dynamic.items()), sorted(machine.ports.excluded.items()))
    for entry in state["manifest"]:
        yield f"manifest {json.dumps([entry['kind'], entry['key']])}", entry["before"]


def access_lists(node: LabNode) -> dict[str, str]:
    """Give owner, group and access list of each file and folder of drive C, by its path."""
    paths = [
        "C:\\" + str(path.relative_to(node.machine.drive)).replace("/", "\\")
        for path in node.machine.drive.rglob("*")
    ]
    if isinstance(node.engine, ModelEngine):
        access = node.engine.host.disk.access
        return {path.lower(): str(access.of(path)) for path in paths}
    names = ",".join(f"'{path.replace(chr(39), chr(39) * 2)}'" for path in paths)
    lines = says(node.engine, f"foreach ($path in {names}) {{ (Get-Acl -LiteralPath $path).Sddl }}")
    return dict(zip(map(str.lower, paths), lines, strict=True))


def differences(have: Mapping[str, str], want: Mapping[str, str]) -> list[str]:
    """Say in which rows two digests differ."""
    return [
        f"{name}: {have.get(name, 'none')[:300]}, undisturbed {want.get(name, 'none')[:300]}"
        for name in sorted({*have, *want})
        if have.get(name) != want.get(name)
    ]


def issued(plane: ControlPlane, since: int) -> set[str]:
    """Give the secret half of each bootstrap token that was made since a version."""
    rows = [row.object for row in plane.objects.changes(since) if row.key[0] == "secrets"]
    data = [row["data"]["token-secret"] for row in rows if row.get("type") == tokens.TYPE]
    return {base64.b64decode(text).decode() for text in data}


def of_cluster(plane: ControlPlane) -> dict[str, bytes]:
    """Give each Secret of a cluster, as it is kept and as it is meant."""
    rows = plane.objects.rows("secrets")
    meant = [[base64.b64decode(text) for text in row.get("data", {}).values()] for row in rows]
    return {
        f"Secret {row['metadata']['name']}": b"\n".join([json.dumps(row).encode(), *texts])
        for row, texts in zip(rows, meant, strict=True)
    }


def of_node(node: LabNode) -> dict[str, bytes]:
    """Give all that a machine could keep a text in: files, registry, services, tasks, System log."""
    machine = node.machine
    places = {
        f"file {path.relative_to(machine.drive)}": path.read_bytes()
        for path in machine.drive.rglob("*")
        if path.is_file()
    }
    for key, values in machine.registry.snapshot().items():
        for name, value in values.items():
            data = value.data
            binary = value.kind == "Binary" and isinstance(data, list)
            places[f"value {key}\\{name}"] = bytes(data) if binary else str(data).encode()
    places |= {f"service {row['Name']}": str(row).encode() for row in machine.services.rows()}
    places |= {f"task {task.name}": str(task).encode() for task in machine.tasks.values()}
    places["the System log"] = str(machine.services.log._rows).encode()
    return places


def holding(places: Mapping[str, bytes], secrets: set[str]) -> list[str]:
    """List the places that hold a secret, raw or as base64, in UTF-8 or UTF-16LE."""
    texts = [text for secret in secrets for text in spellings(secret)]
    return [name for name, data in places.items() if any(text in data for text in texts)]
