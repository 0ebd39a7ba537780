"""Step kinds: their schemas, and the pair of files that each of them is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wincnode.node import kinds
from wincnode.node.kinds import Field, Value, all_kinds, misfit, problems, split, wire

FOLDER = Path(kinds.__file__).parent
NAMES = (
    "directory",
    "environment",
    "file",
    "firewall_rule",
    "registry_value",
    "service",
    "wait_for",
)


def test_every_kind_is_found_by_its_file() -> None:
    """A kind is added by its files; its name is theirs."""
    found = all_kinds()
    assert set(NAMES) <= found.keys()
    assert set(found) == {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("name", NAMES)
def test_kind_has_a_key_a_want_and_a_doc_for_each_field(name: str) -> None:
    """What says which object is meant stands apart from how it shall be."""
    kind = all_kinds()[name]
    roles = {row.role for row in kind.fields}
    assert roles == {"key", "want"}
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
        ("path", r"missing; a full path such as C:\k"),
        ("state", "is 'there'; it takes one of present, absent"),
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
        ("texts", [1], False), ("text", {"$secret": "a"}, True), ("texts", {"$secret": "a"}, False),
        ("text", {"a": "b"}, False), ("text", None, False),
    ],
)  # fmt: skip
def test_types_are_held(type_: kinds.Type, value: Value, fits: bool) -> None:
    """True is no number, and a secret stands for a text only."""
    row = Field(name="f", type=type_, role="want", doc="A field.")
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
