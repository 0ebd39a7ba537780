"""What takes wincnode's changes back: the inverse of a manifest."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from wincnode.facts import FactMissing, Section
from wincnode.node.kinds import all_kinds
from wincnode.reset import Entry, Reset, entries, folders, plan
from wincnode.secrets import MASK
from wincnode.worker import paths

MANIFEST = r"C:\Program Files\wincnode\manifest.json"
ABSENT = {"state": "absent"}
FILE = ("file", {"path": r"C:\x"})
SERVICE = ("service", {"name": "W32Time"})
WAS = {
    "state": "stopped",
    "start": "manual",
    "command": "x.exe",
    "display_name": None,
    "account": "LocalSystem",
    "depends_on": [],
    "restart_when_newer": [r"C:\x"],
    "restart_after_s": 0,
}
BACK = {
    name: value for name, value in WAS.items() if value is not None and name != "restart_when_newer"
}


def entry(kind: str, key: dict[str, Any], before: dict[str, Any], *too_long: str) -> Entry:
    return Entry(kind=kind, key=key, before=before, too_long=frozenset(too_long))


def directory(path: str, *parents: str) -> Entry:
    return entry("directory", {"path": path}, {**ABSENT, "parents": list(parents)})


def reset(*rows: Entry) -> Reset:
    return plan(rows, "web-1", manifest=MANIFEST)


def steps(*rows: Entry) -> list[tuple[str, str, dict[str, Any]]]:
    """Give kind, first value of the key, and want of each step but the last."""
    found = reset(*rows).plan.steps
    assert (found[-1].kind, found[-1].key, found[-1].want) == ("file", {"path": MANIFEST}, ABSENT)
    return [(row.kind, str(next(iter(row.key.values()), "")), dict(row.want)) for row in found[:-1]]


@pytest.mark.parametrize(
    ("kind", "key", "before", "want"),
    [
        (*FILE, ABSENT, ABSENT),
        (*FILE, {"state": "present", "content": "was"}, {"state": "present", "content": "was"}),
        (*SERVICE, WAS, BACK),
        ("pagefile", {"drive": "C:"}, {"mode": "system", "initial_mb": 0, "maximum_mb": 0}, {"mode": "system"}),
        ("time_source", {}, {"type": "domain", "servers": ["x"]}, {"type": "domain"}),
        ("power_plan", {}, {"plan": "balanced"}, {"plan": "balanced"}),
        ("port_range", {"protocol": "tcp", "family": "ipv4"}, {"start": 49152, "count": 16384}, {"start": 49152, "count": 16384}),
        ("environment", {"name": "Path"}, {"state": "present", "value": "a;b", "entries": ["b"], "missing": ["c"]}, {"without": ["c"]}),
        ("environment", {"name": "X"}, {"state": "present", "value": "was"}, {"state": "present", "value": "was"}),
        ("environment", {"name": "X"}, {**ABSENT, "entries": [], "missing": ["c"]}, ABSENT),
        ("directory", {"path": r"C:\k"}, {"state": "present", "sddl": "O:BAG:BAD:AI(A;OICIID;FA;;;SY)S:AI"}, {"state": "present", "sddl": "D:AI(A;OICIID;FA;;;SY)"}),
        ("registry_value", {"path": r"HKLM:\SOFTWARE\x", "name": "n"}, {"state": "present", "type": "DWord", "value": ["0"]}, {"state": "present", "type": "DWord", "value": ["0"]}),
    ],
)  # fmt: skip
def test_a_step_wants_what_was_there_before(
    kind: str, key: dict[str, Any], before: dict[str, Any], want: dict[str, Any]
) -> None:
    """Of what can be wanted, all; of what is only reported, nothing."""
    found = reset(entry(kind, key, before))

    assert (found.plan.steps[0].kind, found.plan.steps[0].want) == (kind, want)
    assert found.left == ()


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (entry(*FILE, {"state": "present", "content": MASK}), "content was a secret"),
        (entry(*FILE, {"state": "present"}, "content"), "content is too long"),
        (entry(*FILE, {"state": "present"}), "content missing"),
        (entry("registry_value", {"path": r"HKLM:\x", "name": "n"}, {"state": "present", "type": "Binary", "value": ["1"]}), "type is 'Binary'"),
        (entry("environment", {"name": "X"}, {"state": "present", "value": [MASK]}), "value was a secret"),
        (entry("hostname", {}, {"name": "old"}), "not changed back"),
        (entry("windows_feature", {"name": "Containers"}, ABSENT), "features of Windows stay"),
        (entry("download", {"path": r"C:\x.exe"}, {"sha256": "0" * 64}), "not kept"),
        (entry("directory", {"path": r"C:\x"}, {"state": "present"}), "what was in it is not kept"),
        (entry("kubeadm_join", {"server": "https://a"}, {"state": "joined to https://b"}), "joined to https://b"),
        (entry("crystal_ball", {"name": "x"}, ABSENT), "knows no such kind"),
        (entry("power_plan", {}, {"plan": "somebody's"}), "plan is"),
        (entry("file", {"path": "no path"}, ABSENT), "path is 'no path'"),
        (entry("archive", {"path": r"C:\x", "files": 7}, {"there": 7}), "files is 7"),
        (entry("directory", {}, {**ABSENT, "parents": 7}), "path is None"),
    ],
)  # fmt: skip
def test_what_cannot_be_undone_is_left_with_the_reason(row: Entry, why: str) -> None:
    """No step is made that would put something else in its place."""
    found = reset(row)

    assert len(found.plan.steps) == 1
    (left,) = found.left
    assert why in str(left)
    assert left.what.startswith(row.kind)


def test_fields_of_a_service_are_given_back_without_those_that_are_lost() -> None:
    """Its account may be one that no step takes; its start mode is mended all the same."""
    found = reset(entry(*SERVICE, {**WAS, "account": r"CORP\svc", "environment": MASK}))

    assert dict(found.plan.steps[0].want) == {k: v for k, v in BACK.items() if k != "account"}
    assert "account is" in str(found.left[0])
    assert "environment was a secret" in str(found.left[0])


def test_services_end_before_their_files_and_folders_go_from_within() -> None:
    """Pods go between the kubelet and containerd; what others may use goes only when empty."""
    rows = (
        directory(r"C:\k"),
        directory(paths.CONTAINERD_DATA),
        directory(paths.REGISTRIES),
        directory(paths.CNI_CONF, r"C:\etc\cni", r"C:\etc"),
        entry("download", {"path": paths.KUBELET}, {}),
        entry("service", {"name": "containerd"}, ABSENT),
        entry("service", {"name": "kubelet"}, ABSENT),
        entry("container_image", {"reference": "x.io/a:1"}, ABSENT),
    )
    found = steps(*rows)

    assert [row[:2] for row in found if row[0] != "file"] == [
        ("service", "kubelet"),
        ("pod_sandboxes", paths.CRICTL),
        ("service", "containerd"),
        ("directory", paths.CNI_CONF),
        ("directory", r"C:\etc\cni"),
        ("directory", paths.CONTAINERD_DATA),
        ("directory", r"C:\etc"),
        ("directory", r"C:\k"),
    ]
    states = {name: want["state"] for kind, name, want in found if kind == "directory"}
    assert {name for name, state in states.items() if state == "absent"} == {paths.CONTAINERD_DATA}
    assert [row.key["path"] for row in folders(reset(*rows)).steps] == [
        name for name, state in states.items() if state == "pruned"
    ]


@pytest.mark.parametrize("kind", ["kubeadm_join", "kubelet_bootstrap"])
def test_a_machine_that_joined_loses_its_credentials(kind: str) -> None:
    """Those files too that kubeadm and the kubelet wrote, in folders that somebody else made."""
    found = steps(entry(kind, {"server": "https://10.0.0.1:6443"}, ABSENT))

    files = {name for step, name, _ in found if step == "file"}
    assert {paths.KUBECONFIG, paths.CA_FILE, paths.KUBELET_CLIENT_CERTIFICATE} <= files
    assert all(want == ABSENT for _, _, want in found)


def test_a_folder_that_was_there_keeps_what_others_have_in_it() -> None:
    """A kubelet's folder of before is not wincnode's, whatever it is called."""
    row = entry("directory", {"path": paths.KUBELET_DATA}, {"state": "present", "sddl": "D:P"})

    assert steps(row) == [("directory", paths.KUBELET_DATA, {"state": "present", "sddl": "D:P"})]


def test_files_of_an_archive_go_but_not_those_that_others_put_there() -> None:
    """What had the name before is gone for good, and that is said."""
    key = {"path": r"C:\bin", "files": ["bin/a.exe", "b.exe"]}
    found = reset(entry("archive", key, {"there": ["b.exe"]}))

    assert [step.key["path"] for step in found.plan.steps[:-1]] == [
        r"C:\bin\a.exe",
        r"C:\bin\.wincnode-archive.json",
    ]
    assert [left.what for left in found.left] == [r"file C:\bin\b.exe"]


def test_entries_of_a_list_that_came_in_two_runs_go_together() -> None:
    """A list that was not there at all goes as a whole."""
    there = {"state": "present", "value": "x"}
    key = {"name": "Path"}
    first = entry("environment", key, {**there, "missing": ["a"]})
    second = entry("environment", key, {**there, "missing": ["b"]})
    created = entry("environment", key, {**ABSENT, "missing": ["a"]})

    assert steps(first, second) == [("environment", "Path", {"without": ["a", "b"]})]
    assert steps(created, second) == [("environment", "Path", ABSENT)]


def test_an_empty_manifest_needs_nothing() -> None:
    """A machine that wincnode never changed is not touched."""
    assert reset().plan.steps == ()


def test_every_kind_is_undone_or_said_to_stay() -> None:
    """What a step made goes, whatever its kind; a name and the features stay."""
    stay = set()
    for kind in all_kinds().values():
        values = yaml.safe_load(kind.example)
        key = {row.name: values[row.name] for row in kind.fields if row.role == "key"}
        found = reset(entry(kind.name, key, ABSENT))
        assert found.plan.undo
        stay |= {kind.name for _ in found.left}
        assert bool(found.left) == (len(found.plan.steps) == 1), kind.name

    assert {"hostname", "windows_feature", "optional_feature"} <= stay
    assert not stay & {"file", "directory", "service", "download", "archive", "kubeadm_join"}


def test_a_manifest_is_read_as_hostile() -> None:
    """Rows of another shape are no entries."""
    row = {"kind": "file", "key": {"path": r"C:\x"}, "before": ABSENT, "too_long": []}
    assert entries(Section(name="ownership", data={"entries": [row]})) == (entry(*FILE, ABSENT),)
    with pytest.raises(FactMissing):
        entries(Section(name="ownership", data={"entries": [{**row, "key": 7}]}))
