"""The manifest of what wincnode changed on a machine, and the plan that takes it back. Pure.

What kubeadm, the kubelet and containerd made of their own goes as `kubeadm reset` has it
(kubernetes/kubernetes:cmd/kubeadm/app/cmd/phases/reset/cleanupnode.go@v1.36.3). What the agent of
the cluster's network left stays, as it does there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath
from types import MappingProxyType
from typing import Any, TypeAlias

from wincnode.facts import Section
from wincnode.node.kinds import Kind, Value, all_kinds, misfit, problems
from wincnode.plan import Plan, Step
from wincnode.secrets import MASK
from wincnode.worker import paths

# Folders that nobody but containerd and the kubelet fills; where there was none before, all of it
# goes. What is in any other folder of ours may be somebody else's.
WHOLE = frozenset(
    PureWindowsPath(path)
    for path in (
        paths.CONTAINERD_DATA,
        paths.KUBELET_DATA,
        r"C:\var\log\kubelet",
        paths.POD_LOGS,
        paths.CONTAINER_LOGS,
    )
)
# What makes a machine a node, and would stop it from becoming one again.
# Source: kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks.go, RunJoinNodeChecks
JOINED = (
    paths.KUBECONFIG,
    paths.BOOTSTRAP_KUBECONFIG,
    paths.CA_FILE,
    paths.KUBELET_CONFIG,
    paths.INSTANCE_CONFIG,
    paths.KUBEADM_FLAGS,
    paths.KUBELET_CLIENT_CERTIFICATE,
)
STAYS: Mapping[str, str] = MappingProxyType(
    {
        "hostname": "the name of the machine is not changed back",
        "windows_feature": "features of Windows stay, as others may use them by now",
        "optional_feature": "features of Windows stay, as others may use them by now",
    }
)
# Of these some fields can be put back without the others.
BY_FIELD = frozenset({"service"})
HIDDEN = "was a secret, which is not kept"
TOO_LONG = "is too long to be carried back"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A thing that wincnode changed, and what was there before.

    Args: too_long: values of `before` that the node left out because of their length.
    """

    kind: str
    key: Mapping[str, Any]
    before: Mapping[str, Any]
    too_long: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name the thing as a playbook does."""
        return _name(self.kind, self.key)

    @property
    def was_absent(self) -> bool:
        """Whether there was no such thing."""
        return self.before.get("state") == "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """A thing that stays as it is, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reset:
    """What takes wincnode's changes to a machine back, and what stays."""

    plan: Plan
    left: tuple[Left, ...] = ()


Undone: TypeAlias = "Step | Left"
Inverse: TypeAlias = "Callable[[Entry], Iterator[Undone]]"


def entries(ownership: Section) -> tuple[Entry, ...]:
    """Read what a node's manifest holds, the oldest first.

    Raises: FactMissing: it is none.
    """
    return tuple(
        Entry(
            kind=row.text("kind"),
            key=row.section("key").data,
            before=row.section("before").data,
            too_long=frozenset(row.texts("too_long")),
        )
        for row in ownership.rows("entries")
    )


def plan(rows: Sequence[Entry], node: str, *, manifest: str) -> Reset:
    """Plan how a machine becomes what it was before its first run.

    Services end before their files go, and a folder goes when nothing is left in it. The same
    entries always give the same plan; done steps are no-ops, so that it can be taken again.
    Args: manifest: path of the manifest on the node, which goes last.
    """
    found = [item for entry in reversed(rows) for item in _undone(entry, _gone(rows))]
    by_name: dict[str, Step] = {}
    for item in found:
        if isinstance(item, Step):
            name = _name(item.kind, item.key).lower()
            by_name[name] = _both(item, by_name[name]) if name in by_name else item
    steps = sorted(by_name.values(), key=_place)
    if rows:
        steps.append(_step("file", {"path": manifest}, state="absent"))
    numbered = (
        replace(step, id=f"{number}-{step.kind.replace('_', '-')}")
        for number, step in enumerate(steps, start=1)
    )
    return Reset(
        plan=Plan(node=node, steps=tuple(numbered), undo=True),
        left=tuple(dict.fromkeys(item for item in found if isinstance(item, Left))),
    )


def folders(reset: Reset) -> Plan:
    """Give a plan that shows which folders of ours are still there, as others use them."""
    asked = (
        replace(step, want={"state": "absent"})
        for step in reset.plan.steps
        if step.want.get("state") == "pruned"
    )
    return replace(reset.plan, steps=tuple(asked))


def _both(older: Step, newer: Step) -> Step:
    """Give the step that takes both changes of a thing back."""
    first, second = (step.want.get("without") for step in (older, newer))
    if isinstance(first, list) and isinstance(second, list):
        return replace(older, want={"without": [*first, *second]})
    return older


def _place(step: Step) -> tuple[int, int]:
    """Say where a step stands among the others; those of one place keep their order."""
    match step.kind:
        case "service":
            # Others run by it.
            return (2 if step.key["name"] == paths.CONTAINERD_SERVICE else 0), 0
        case "pod_sandboxes":
            return 1, 0
        case "directory":
            return 4, -len(PureWindowsPath(str(step.key["path"])).parts)
        case "pagefile":
            # What stands behind it waits for the reboot.
            return 5, 0
    return 3, 0


def _gone(rows: Iterable[Entry]) -> frozenset[PureWindowsPath]:
    """Give the folders that go with all that is in them."""
    made = {_path(entry) for entry in rows if entry.kind == "directory" and entry.was_absent}
    return WHOLE & made


def _path(entry: Entry) -> PureWindowsPath:
    return PureWindowsPath(str(entry.key.get("path", "")))


def _undone(entry: Entry, gone: frozenset[PureWindowsPath]) -> Iterator[Undone]:
    kind = all_kinds().get(entry.kind)
    if kind is None:
        yield Left(what=entry.name, why="this wincnode knows no such kind")
    elif entry.kind in STAYS:
        yield Left(what=entry.name, why=STAYS[entry.kind])
    elif entry.kind == "container_image" and entry.was_absent and gone & _data():
        return
    elif not gone & set(_path(entry).parents):
        yield from _fitting(kind, INVERSES.get(entry.kind, _restored)(entry), entry)


def _data() -> set[PureWindowsPath]:
    return {PureWindowsPath(paths.CONTAINERD_DATA)}


def _fitting(kind: Kind, items: Iterator[Undone], entry: Entry) -> Iterator[Undone]:
    """Let no step pass whose values its kind would not take from a playbook."""
    for item in items:
        if isinstance(item, Step):
            own = kind if item.kind == kind.name else all_kinds()[item.kind]
            wrong = next(problems(own, {**item.key, **item.want}), None)
            if wrong is not None:
                yield Left(what=entry.name, why=f"{wrong[0]} {wrong[1]}")
                continue
        yield item


def _restored(entry: Entry) -> Iterator[Undone]:
    """Give back each field that can be set."""
    kind = all_kinds()[entry.kind]
    if entry.was_absent:
        yield _undo(entry, state="absent")
        return
    before = _meant(entry)
    fields = [row for row in kind.fields if row.role == "want" and row.compare != "never"]
    lost: dict[str, str] = {}
    want: dict[str, Value] = {}
    for row in fields:
        value = before.get(row.name)
        if row.name in entry.too_long:
            lost[row.name] = TOO_LONG
        elif _masked(value):
            lost[row.name] = HIDDEN
        elif value is not None and (problem := misfit(row, value)):
            lost[row.name] = problem
        elif value is not None:
            want[row.name] = value
    if lost:
        why = "; ".join(f"{name} {problem}" for name, problem in lost.items())
        yield Left(what=entry.name, why=why)
    if want and (not lost or entry.kind in BY_FIELD):
        yield _undo(entry, **want)


def _meant(entry: Entry) -> Mapping[str, Any]:
    """Leave out what a kind reports and takes in other states alone."""
    before = dict(entry.before)
    dropped: tuple[str, ...] = ()
    match entry.kind:
        case "service":
            dropped = ("restart_when_newer",)
        case "pagefile" if before.get("mode") != "fixed":
            dropped = ("initial_mb", "maximum_mb")
        case "time_source" if before.get("type") == "domain":
            dropped = ("servers",)
    return {name: value for name, value in before.items() if name not in dropped}


def _masked(value: object) -> bool:
    return value == MASK or (isinstance(value, list) and MASK in value)


def _service(entry: Entry) -> Iterator[Undone]:
    yield from _restored(entry)
    if entry.was_absent and entry.key.get("name") == paths.KUBELET_SERVICE:
        yield from _joined()


def _join(entry: Entry) -> Iterator[Undone]:
    if entry.was_absent:
        yield from _joined()
    else:
        yield Left(what=entry.name, why=f"the machine was {entry.before.get('state')} before")


def _joined() -> Iterator[Undone]:
    yield _step("pod_sandboxes", {"crictl": paths.CRICTL}, state="absent")
    for path in JOINED:
        yield _step("file", {"path": path}, state="absent")


def _directory(entry: Entry) -> Iterator[Undone]:
    if not entry.was_absent:
        yield from _access(entry)
        return
    state = "absent" if _path(entry) in WHOLE else "pruned"
    yield _step("directory", entry.key, state=state)
    for parent in entry.before.get("parents") or ():
        yield _step("directory", {"path": parent}, state="pruned")


def _access(entry: Entry) -> Iterator[Undone]:
    """Give a folder its access rights back; its owner stays, as no run changes it."""
    found = re.search(r"D:[A-Z]*(\([^()]*\))*", str(entry.before.get("sddl", "")))
    if found:
        yield _undo(entry, state="present", sddl=found[0])
    else:
        yield Left(what=entry.name, why="what was in it is not kept")


def _download(entry: Entry) -> Iterator[Undone]:
    if "sha256" in entry.before:
        yield Left(what=entry.name, why="the file that was there before is not kept")
    else:
        yield _step("file", {"path": entry.key.get("path")}, state="absent")


def _archive(entry: Entry) -> Iterator[Undone]:
    there = entry.before.get("there") or ()
    for file in entry.key.get("files") or ():
        path = str(_path(entry) / str(file).rpartition("/")[2])
        if str(file).rpartition("/")[2] in there:
            yield Left(what=f"file {path}", why="the file that was there before is not kept")
        else:
            yield _step("file", {"path": path}, state="absent")
    yield _step("file", {"path": str(_path(entry) / ".wincnode-archive.json")}, state="absent")


def _environment(entry: Entry) -> Iterator[Undone]:
    """Take entries out of a list, whose others may have changed since."""
    missing = entry.before.get("missing")
    if missing and not entry.was_absent:
        yield _step("environment", entry.key, without=missing)
    else:
        kept = {name: entry.before[name] for name in ("state", "value") if name in entry.before}
        yield from _restored(replace(entry, before=kept))


INVERSES: Mapping[str, Inverse] = MappingProxyType(
    {
        "archive": _archive,
        "directory": _directory,
        "download": _download,
        "environment": _environment,
        "kubeadm_join": _join,
        "kubelet_bootstrap": _join,
        "service": _service,
    }
)


def _undo(entry: Entry, **want: Value) -> Step:
    return _step(entry.kind, entry.key, **want)


def _step(kind: str, key: Mapping[str, Any], **want: Value) -> Step:
    timeout_s = all_kinds()[kind].timeout_s
    title = _name(kind, key)
    return Step(id="", kind=kind, title=title, key=key, want=want, timeout_s=timeout_s)


def _name(kind: str, key: Mapping[str, Any]) -> str:
    return " ".join([kind, *(str(value) for value in key.values())])
