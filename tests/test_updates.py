"""Rows of updates, overrides and holes: what they concern, and a file of one's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from test_checks import WANTED, facts_with, finding

from wincnode.builds import load_builds
from wincnode.checks import Severity, Verdict
from wincnode.commands.inspect import wanted
from wincnode.errors import ConfigError
from wincnode.inventory import parse
from wincnode.updates import Updates, load_updates

OWN = """\
as_of: 2027-01-15
remove: [kb5072033]
updates:
  - {id: ours, build: 20348, kind: bad, from: 5000, below: 5600, networks: [calico], date: 2026-11-20, effect: our agent crashes, source: t1}
  - {id: kb5012637, build: 20348, kind: needed, below: 6000, date: 2026-11-20, effect: raised by us, source: t2}
overrides:
  - {id: "9", build: 20348, date: 2026-11-20, effect: a switch, recipes: [{value: 1, by: us, source: t3}]}
vulnerabilities:
  - {id: CVE-2027-1, component: containerd, fixed: [2.3.8, 2.4.3], severity: error, date: 2027-01-10, effect: a hole, source: t4}
"""


def own(folder: Path, text: str = OWN) -> Updates:
    path = folder / "updates.yaml"
    path.write_text(text)
    return load_updates(path)


def test_every_row_that_ships_is_dated_sourced_and_of_a_known_build() -> None:
    """Knowledge is rows with a source."""
    known = load_updates()
    rows = (*known.updates, *known.overrides)
    assert {row.build for row in rows} <= set(load_builds())
    for row in (*rows, *known.vulnerabilities):
        assert row.date <= known.as_of
    ids = [row.id for row in (*rows, *known.vulnerabilities)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ("1.25.15", True),
        ("1.25.16", False),
        ("v1.28.3", True),
        ("1.28.4", False),
        ("1.24.17", True),  # that minor got no fix
        ("1.29.0", False),  # later minors have it from the start
        ("2.0.0", False),
    ],
)
def test_a_hole_is_told_by_minor(version: str, *, has_it: bool) -> None:
    """Each minor has its own first fixed version."""
    (hole,) = [row for row in load_updates().vulnerabilities if row.id == "CVE-2023-5528"]
    assert hole.concerns(version) is has_it


@pytest.mark.parametrize(
    ("revision", "network", "verdict"),
    [
        (2581, "", Verdict.PASS),
        (2582, "", Verdict.FAIL),
        (2761, "flannel", Verdict.FAIL),
        (2762, "", Verdict.PASS),
        (33296, "", Verdict.PASS),  # numbers of five digits are larger, not smaller
    ],
)
def test_a_bad_update_is_one_until_it_was_mended(
    revision: int, network: str, verdict: Verdict
) -> None:
    """KB5040437 broke networks of pods on Server 2022, KB5044281 mended them."""
    against = replace(WANTED, network=network)
    assert finding("os.ubr.bad", facts_with((("os", "ubr"), revision)), against).verdict is verdict


def test_what_concerns_overlay_networks_concerns_no_others() -> None:
    """KB5012637 matters where packets travel in VXLAN."""
    facts = facts_with((("os", "ubr"), 600))
    assert finding("os.ubr.min", facts).verdict is Verdict.PASS
    found = finding("os.ubr.min", facts, replace(WANTED, overlay=True))
    assert (found.verdict, found.severity) == (Verdict.FAIL, Severity.WARNING)
    assert "KB5012637" in found.evidence
    assert "20348.681" in found.evidence


def test_recipes_that_differ_are_shown_even_where_nothing_is_set() -> None:
    """Whoever follows one of them learns of the other first."""
    found = finding("os.featureoverrides", facts_with())
    assert found.verdict is Verdict.PASS
    assert "1114842764 is not set, and recipes differ" in found.evidence


def test_a_file_of_ones_own_goes_before_the_rows_that_ship(tmp_path: Path) -> None:
    """Row by row: one is replaced, one added, one removed, the others stay."""
    base, known = load_updates(), own(tmp_path)
    assert known.as_of == date(2027, 1, 15)
    assert {row.id for row in known.updates} == {row.id for row in base.updates} - {"kb5072033"} | {
        "ours"
    }
    (raised,) = [row for row in known.updates if row.id == "kb5012637"]
    assert (raised.below, raised.overlay) == (6000, False)


def test_checks_go_by_the_file(tmp_path: Path) -> None:
    """A network's row concerns that network alone."""
    against = replace(WANTED, updates=own(tmp_path), containerd="2.3.7")
    facts = facts_with()
    assert finding("os.ubr.min", facts, against).verdict is Verdict.FAIL
    assert finding("os.ubr.bad", facts, against).verdict is Verdict.PASS
    calico = replace(against, network="calico")
    assert "our agent crashes [ours, 2026-11-20]" in finding("os.ubr.bad", facts, calico).evidence
    assert "9 is not set; us sets 1" in finding("os.featureoverrides", facts, against).evidence
    assert finding("sec.versions", facts, against).blocks


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"as_of": "soon"}, "as_of: is no date"),
        ({"as_of": None}, "as_of: is no date"),
        ({"more": []}, "more: is no field"),
        ({"remove": "kb1"}, "remove: is no list"),
        ({"remove": [1]}, "remove: is no list of ids"),
        ({"updates": {"a": 1}}, "updates: is no list"),
        ({"updates": ["x"]}, "updates, row 1: is no mapping"),
        ({"updates": [{"kind": "worse"}]}, "kind is none of needed, bad, image"),
        ({"overrides": [{"recipes": []}]}, "recipes is no list of mappings"),
        ({"overrides": [{"recipes": [{"value": 1}]}]}, "by is missing"),
        ({"vulnerabilities": [{"fixed": ["1.2"]}]}, "fixed is no list of versions"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    """File, list, row and field."""
    with pytest.raises(ConfigError) as caught:
        own(tmp_path, yaml.safe_dump({**yaml.safe_load(OWN), **change}))
    assert f"{tmp_path / 'updates.yaml'}: " in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"build": "20348"}, "build is no whole number"),
        ({"build": True}, "build is no whole number"),
        ({"from": -1}, "from is no whole number"),
        ({"overlay": "yes"}, "overlay is neither true nor false"),
        ({"networks": "calico"}, "networks is no list"),
        ({"date": "2026-11-20T01"}, "date is no date"),
        ({"effect": ""}, "effect is no text"),
        ({"source": "x" * 1001}, "source is no text of 1 to 1000"),
        ({"severty": "error"}, "severty: is no field"),
    ],
)
def test_what_is_wrong_with_a_row_is_named(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    """A misspelt field would leave a rule out in silence."""
    raw = yaml.safe_load(OWN)
    raw["updates"][0] |= change
    with pytest.raises(ConfigError) as caught:
        own(tmp_path, yaml.safe_dump(raw))
    assert f"updates, row 1: {words}" in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "line 2: is not YAML"),
        ("[]", "is no mapping"),
        ("", "is no mapping"),
        ("x" * 1_048_577, "more than 1048576 bytes"),
        ("as_of: 2026-13-45", "is not YAML"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """Whatever the path names, the command ends with a sentence."""
    with pytest.raises(ConfigError) as caught:
        own(tmp_path, text)
    assert words in caught.value.message


def test_the_inventory_names_the_file(tmp_path: Path) -> None:
    """Beside the inventory, for every verb that checks nodes."""
    (tmp_path / "updates.yaml").write_text(OWN)
    text = (
        "cluster: {kubernetes: 1.36.4, cni: {name: flannel, mode: overlay}}\n"
        "runtime: {containerd: 2.3.7}\npreflight: {updates: updates.yaml}\n"
        "connection: {user: u, password: {env: P}}\nnodes: {a: }\n"
    )
    inventory = parse(text, tmp_path / "wincnode.yaml")
    against = wanted(inventory, ignore=frozenset())
    assert against.updates is not None
    assert "ours" in {row.id for row in against.updates.updates}
    assert (against.network, against.overlay) == ("flannel", True)
    assert (against.kubernetes, against.containerd) == ("1.36.4", "2.3.7")
    (tmp_path / "updates.yaml").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        wanted(inventory, ignore=frozenset())


@pytest.mark.parametrize(
    ("cni", "overlay"),
    [("flannel", True), ("{name: flannel, mode: host-gw}", False), ("none", False)],
)
def test_a_network_is_an_overlay_by_its_mode(tmp_path: Path, cni: str, *, overlay: bool) -> None:
    """The default of flannel is VXLAN."""
    text = (
        f"cluster: {{cni: {cni}}}\nconnection: {{user: u, password: {{env: P}}}}\nnodes: {{a: }}\n"
    )
    against = wanted(parse(text, tmp_path / "wincnode.yaml"), ignore=frozenset())
    assert against.overlay is overlay
