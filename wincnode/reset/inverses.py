"""What takes one change of wincnode back, for each step kind.

What kubeadm, the kubelet and containerd made of their own goes as `kubeadm reset` has it
(kubernetes/kubernetes:cmd/kubeadm/app/cmd/phases/reset/cleanupnode.go@v1.36.3). What the agent of
the cluster's network left stays, as it does there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath
from types import MappingProxyType
from typing import Any, TypeAlias

from wincnode.node.kinds import Kind, Value, all_kinds, misfit, problems
from wincnode.plan import Step
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
        return name_of(self.kind, self.key)

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


Undone: TypeAlias = "Step | Left"
Inverse: TypeAlias = "Callable[[Entry], Iterator[Undone]]"


def gone_whole(rows: Iterable[Entry]) -> frozenset[PureWindowsPath]:
    """Give the folders that go with all that is in them."""
    made = {_path(entry) for entry in rows if entry.kind == "directory" and entry.was_absent}
    return WHOLE & made


def _path(entry: Entry) -> PureWindowsPath:
    return PureWindowsPath(str(entry.key.get("path", "")))


def undone(entry: Entry, gone: frozenset[PureWindowsPath]) -> Iterator[Undone]:
    """Give the steps that take a change back, or say why it stays.

    Args: gone: folders that go with all that is in them, so that nothing in them needs a step.
    """
    kind = all_kinds().get(entry.kind)
    if kind is None:
        yield Left(what=entry.name, why="this wincnode knows no such kind")
    elif wrong := _wrong_key(kind, entry):
        yield Left(what=entry.name, why=wrong)
    elif entry.kind in STAYS:
        yield Left(what=entry.name, why=STAYS[entry.kind])
    elif entry.kind == "container_image" and entry.was_absent and gone & _data():
        return
    elif not gone & set(_path(entry).parents):
        yield from _fitting(kind, INVERSES.get(entry.kind, _restored)(entry), entry)


def _wrong_key(kind: Kind, entry: Entry) -> str:
    keys = (row for row in kind.fields if row.role == "key")
    found = ((row.name, misfit(row, entry.key.get(row.name))) for row in keys)
    return next((f"{name} {problem}" for name, problem in found if problem), "")


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
    yield step_of("pod_sandboxes", {"crictl": paths.CRICTL}, state="absent")
    for path in JOINED:
        yield step_of("file", {"path": path}, state="absent")


def _directory(entry: Entry) -> Iterator[Undone]:
    if not entry.was_absent:
        yield from _access(entry)
        return
    state = "absent" if _path(entry) in WHOLE else "pruned"
    yield step_of("directory", entry.key, state=state)
    for parent in _texts(entry, "parents"):
        yield step_of("directory", {"path": parent}, state="pruned")


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
        yield step_of("file", {"path": entry.key.get("path")}, state="absent")


def _archive(entry: Entry) -> Iterator[Undone]:
    there = _texts(entry, "there")
    for file in entry.key["files"]:
        name = file.rpartition("/")[2]
        path = str(_path(entry) / name)
        if name in there:
            yield Left(what=f"file {path}", why="the file that was there before is not kept")
        else:
            yield step_of("file", {"path": path}, state="absent")
    yield step_of("file", {"path": str(_path(entry) / ".wincnode-archive.json")}, state="absent")


def _environment(entry: Entry) -> Iterator[Undone]:
    """Take entries out of a list, whose others may have changed since."""
    missing = _texts(entry, "missing")
    if missing and not entry.was_absent:
        yield step_of("environment", entry.key, without=[*missing])
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


def _texts(entry: Entry, name: str) -> tuple[str, ...]:
    value = entry.before.get(name)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _undo(entry: Entry, **want: Value) -> Step:
    return step_of(entry.kind, entry.key, **want)


def step_of(kind: str, key: Mapping[str, Any], **want: Value) -> Step:
    """Give a step that has no number yet."""
    timeout_s = all_kinds()[kind].timeout_s
    title = name_of(kind, key) + ", once it is empty" * (want.get("state") == "pruned")
    return Step(id="", kind=kind, title=title, key=key, want=want, timeout_s=timeout_s)


def name_of(kind: str, key: Mapping[str, Any]) -> str:
    """Name a thing as a playbook's step does that has no name of its own."""
    return " ".join([kind, *(str(value) for value in key.values())])
