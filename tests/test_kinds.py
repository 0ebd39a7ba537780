"""Step kinds: their schemas, and the pair of files that each of them is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wincnode import playbook
from wincnode.node import kinds
from wincnode.node.kinds import Field, Value, all_kinds, misfit, problems, split, wire

FOLDER = Path(kinds.__file__).parent
NAMES = (
    "certificate",
    "container_image",
    "defender_exclusion",
    "directory",
    "environment",
    "file",
    "firewall_rule",
    "hostname",
    "kubeadm_join",
    "kubelet_bootstrap",
    "optional_feature",
    "pagefile",
    "pod_sandboxes",
    "port_exclusion",
    "port_range",
    "power_plan",
    "registry_value",
    "scheduled_task",
    "service",
    "time_source",
    "wait_for",
    "windows_feature",
)


def test_every_kind_is_found_by_its_file() -> None:
    """A kind is added by its files; its name is theirs."""
    found = all_kinds()
    assert set(NAMES) <= found.keys()
    assert set(found) == {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("name", NAMES)
def test_kind_has_a_want_and_a_doc_for_each_field(name: str) -> None:
    """What says which object is meant stands apart; what a machine has one of needs no key."""
    kind = all_kinds()[name]
    roles = {row.role for row in kind.fields}
    assert "want" in roles
    assert all(row.required for row in kind.fields if row.role == "key")
    assert all(row.doc.endswith(".") for row in kind.fields)
    assert len({row.name for row in kind.fields}) == len(kind.fields)
    assert all(not row.default or not misfit(row, row.default) for row in kind.fields)


@pytest.mark.parametrize("name", NAMES)
def test_script_reads_every_field(name: str) -> None:
    """Parity: the script beside the schema names every field of it."""
    script = FOLDER / f"{name}.ps1"
    if not script.exists():
        pytest.skip("the script is not there")
    text = script.read_text(encoding="ascii")
    missing = [
        row.name for row in all_kinds()[name].fields if not re.search(rf"\b{row.name}\b", text)
    ]
    assert missing == []


def test_wire_holds_how_wanted_fields_are_compared() -> None:
    """The runner compares by the word alone and knows no kind."""
    found = wire(all_kinds()["service"])
    assert found["detached_only"] is False
    compare = found["compare"]
    assert isinstance(compare, dict)
    assert compare["depends_on"] == "set"
    assert "name" not in compare


def test_problems_name_unknown_missing_and_unfitting_fields() -> None:
    """All of a step's mistakes come at once."""
    values: dict[str, Value] = {"stat": "present", "state": "there"}
    assert list(problems(all_kinds()["directory"], values)) == [
        ("stat", "unknown; did you mean state?"),
        ("path", r"missing; a full path such as C:\k, of at most 220 characters"),
        ("state", "is 'there'; it takes one of present, absent, pruned"),
    ]


@pytest.mark.parametrize("path", ["C:\\k", "c:/k/x y", "C:\\", "D:\\a..b\\c"])
def test_full_paths_fit(path: str) -> None:
    """Both slashes, any drive, dots inside names."""
    assert not misfit(all_kinds()["directory"].field("path"), path)


@pytest.mark.parametrize(
    "path",
    ["k", "C:k", "\\\\srv\\share", "C:\\a\\..\\b", "C:\\..", "C:/a/../b", "C:\\a?", "C:\\a\nb"],
)
def test_other_paths_do_not_fit(path: str) -> None:
    """Relative paths, parent steps, shares and forbidden characters are refused."""
    assert misfit(all_kinds()["directory"].field("path"), path)


@pytest.mark.parametrize(
    ("type_", "value", "fits"),
    [
        ("flag", True, True), ("flag", "true", False), ("number", 5, True),
        ("number", True, False), ("number", -1, False), ("number", "5", False),
        ("text", "x", True), ("text", 5, False), ("texts", ["a"], True), ("texts", "a", False),
        ("texts", [1], False), ("texts", [{"$secret": "a"}], True), ("text", {"$secret": "a"}, True), ("texts", {"$secret": "a"}, False),
        ("text", {"a": "b"}, False), ("text", None, False),
    ],
)  # fmt: skip
def test_types_are_held(type_: kinds.Type, value: Value, fits: bool) -> None:
    """True is no number, and a secret stands for a text only."""
    row = Field(name="f", type=type_, role="want", doc="A field.", secret=True)
    assert (not misfit(row, value)) is fits


def test_defaults_fill_the_wanted_state_but_not_of_what_is_absent() -> None:
    """An absent rule has no direction that could differ."""
    rule = all_kinds()["firewall_rule"]
    key, want = split(rule, {"name": "kubelet", "local_port": ["10250"]})
    assert key == {"name": "kubelet"}
    assert want["direction"] == "Inbound"
    assert want["local_port"] == ["10250"]
    assert "profile" not in want
    assert split(rule, {"name": "kubelet", "state": "absent"})[1] == {"state": "absent"}


@pytest.mark.parametrize(
    ("kind", "field", "value", "fits"),
    [
        ("registry_value", "path", "HKLM:\\SOFTWARE\\x", True),
        ("registry_value", "path", "HKCU:\\SOFTWARE", False),
        ("service", "name", "kube/let", False),
        ("firewall_rule", "local_port", ["10250", "30000-32767"], True),
        ("firewall_rule", "local_port", ["http"], False),
        ("directory", "sddl", "O:BAG:BAD:P(A;OICI;FA;;;SY)", True),
        ("environment", "name", "A=B", False),
        ("wait_for", "subject", "url", False),
    ],
)
def test_forms_are_held(kind: str, field: str, value: Value, fits: bool) -> None:
    """Values that Windows would refuse are refused before any network is touched."""
    assert (not misfit(all_kinds()[kind].field(field), value)) is fits


@pytest.mark.parametrize(
    ("kind", "values", "field", "words"),
    [
        ("directory", {"path": "C:\\", "state": "absent"}, "path", "a whole drive"),
        ("environment", {"name": "X"}, "value", "one of value, entries"),
        ("environment", {"name": "X", "value": "a", "entries": ["b"]}, "entries", "beside value"),
        ("environment", {"name": "Path", "entries": ["b"], "state": "absent"}, "entries",
         "the whole variable is removed"),
        ("file", {"path": "C:\\k"}, "content", "missing; it takes text"),
        ("firewall_rule", {"name": "k", "protocol": "Any", "local_port": ["80"]}, "protocol",
         "one of TCP, UDP"),
        ("firewall_rule", {"name": "k", "local_port": ["70000"]}, "local_port", "1 to 65535"),
        ("firewall_rule", {"name": "k", "local_port": ["90-80"]}, "local_port", "goes upwards"),
        ("firewall_rule", {"name": "k", "local_port": ["Any", "80"]}, "local_port", "stands alone"),
        ("firewall_rule", {"name": "k", "profile": ["Any", "Public"]}, "profile", "stands alone"),
        ("registry_value", {"path": "HKLM:\\S", "name": "x"}, "value", "missing"),
        ("registry_value", {"path": "HKLM:\\S", "name": "x", "value": ["a", "b"]}, "value",
         "2 items; type String takes one"),
        ("registry_value", {"path": "HKLM:\\S", "name": "x", "type": "DWord", "value": ["a"]},
         "value", "a number from 0 to 4294967295"),
        ("registry_value",
         {"path": "HKLM:\\S", "name": "x", "type": "DWord", "value": ["4294967296"]}, "value",
         "4294967295"),
        ("registry_value", {"path": "HKLM:\\S", "name": "x", "type": "QWord", "value": ["007"]},
         "value", "9223372036854775807"),
        ("service", {"name": "x", "start": "disabled"}, "start", "one of auto, manual"),
    ],
)  # fmt: skip
def test_fields_that_do_not_go_together_are_refused(
    kind: str, values: dict[str, Value], field: str, words: str
) -> None:
    """The one field that is to be changed is named, with what it takes."""
    ((found, problem),) = problems(all_kinds()[kind], values)
    assert found == field
    assert words in problem


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("directory", {"path": "C:\\k", "state": "absent"}),
        ("environment", {"name": "X", "state": "absent"}),
        ("environment", {"name": "X", "value": {"$secret": "s"}}),
        ("file", {"path": "C:\\k", "state": "absent"}),
        ("file", {"path": "C:\\k", "content": ""}),
        ("firewall_rule", {"name": "k", "protocol": "Any", "local_port": ["Any"]}),
        ("registry_value", {"path": "HKLM:\\S", "name": "x", "state": "absent"}),
        ("registry_value",
         {"path": "HKLM:\\S", "name": "x", "type": "DWord", "value": ["4294967295"]}),
        ("registry_value",
         {"path": "HKLM:\\S", "name": "x", "type": "MultiString", "value": ["a", "b"]}),
        ("service", {"name": "x", "start": "disabled", "state": "stopped"}),
    ],
)  # fmt: skip
def test_fields_that_go_together_are_let_through(kind: str, values: dict[str, Value]) -> None:
    """A rule refuses no more than what cannot work."""
    assert list(problems(all_kinds()[kind], values)) == []


def test_a_field_that_does_not_fit_is_told_once() -> None:
    """The rule of the whole is silent about what is wrong by itself."""
    values: dict[str, Value] = {"path": "HKLM:\\S", "name": "x", "value": "a"}
    assert [field for field, _ in problems(all_kinds()["registry_value"], values)] == ["value"]


def test_only_fields_that_no_cmdlet_gets_take_a_secret() -> None:
    """What a cmdlet is given may stand in the event log of the node."""
    takes = {
        f"{kind.name}.{row.name}"
        for kind in all_kinds().values()
        for row in kind.fields
        if not misfit(row, {"$secret": "a"}) or not misfit(row, [{"$secret": "a"}])
    }
    assert takes == {
        "environment.value",
        "file.content",
        "kubeadm_join.configuration",
        "kubelet_bootstrap.kubeconfig",
        "registry_value.value",
        "service.environment",
    }


@pytest.mark.parametrize(
    ("subject", "name", "fits"),
    [
        ("port", "10250", True), ("port", "0", False), ("port", "65536", False),
        ("port", "kubelet", False), ("port", "80 ", False),
        ("file", "C:\\k\\x", True), ("file", "x", False),
        ("service", "containerd", True), ("service", "a/b", False),
        ("pipe", "containerd-containerd", True), ("pipe", "//./pipe/containerd-containerd", True),
        ("pipe", r"\\.\pipe\x", True), ("pipe", r"\\srv\pipe\x", False), ("pipe", "a" * 257, False),
        ("http", "http://127.0.0.1:10248/healthz", True), ("http", "https://h/", True),
        ("http", "127.0.0.1:10248", False), ("http", "http://", False),
        ("http", "http://u:p@h/", False), ("http", "http://h:99999/", False),
        ("http", "http://h/a b", False),
    ],
)  # fmt: skip
def test_name_of_a_wait_fits_its_subject(subject: str, name: str, *, fits: bool) -> None:
    """A wait for what cannot be there would last until its time is over."""
    values = {"subject": subject, "name": name}
    found = list(kinds.problems(kinds.all_kinds()["wait_for"], values))
    assert [field for field, _ in found] == ["name"] * (not fits)


@pytest.mark.parametrize("name", sorted(name for name, kind in all_kinds().items() if kind.example))
def test_example_of_a_kind_is_valid(name: str) -> None:
    """What the docs show can be copied."""
    playbook.parse(f"steps:\n  - {name}: {all_kinds()[name].example}\n", Path("example.yaml"))
