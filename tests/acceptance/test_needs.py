"""What a check reads is what it says that it reads; `--only` reads nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from client import desk
from nodes import lab_node

from wincnode import checks
from wincnode.checks import Target, Wanted
from wincnode.facts import FURTHER, SECTIONS, Facts
from wincnode.lab.model.facts import facts_of
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import defect_names, load_profile, profile_names
from wincnode.updates import load_updates

TARGETS = (
    Target(kind="api", name="api", url="https://10.0.0.10:6443"),
    Target(kind="registry", name="mcr.microsoft.com", url="https://mcr.microsoft.com/"),
)
WANTED = Wanted(
    subnets=("10.244.0.0/16",),
    overlay=True,
    today=date(2026, 9, 1),
    updates=load_updates(),
    server="https://10.0.0.10:6443",
    targets=(),
    images=(),
    members=(),
)


def test_a_check_says_the_same_of_what_it_needs_alone(tmp_path: Path) -> None:
    """Each machine of the lab, as it is and as one of wincnode's own."""
    different = []
    for name in (*profile_names(), *defect_names()):
        machine = Machine(load_profile(name), tmp_path / name, computer="WEB-1")
        whole = facts_of(machine)
        for owned in (False, True):
            whole["leftovers"] |= {"owned": owned, "made": ["containerd", "kubelet"] * owned}
            for check in checks.node_checks():
                against = checks.narrowed(WANTED, (check,))
                some = {key: whole[key] for key in against.sections}
                (less,) = checks.run_checks(Facts(sections=some), against, (check,))
                (more,) = checks.run_checks(Facts(sections=whole), WANTED, (check,))
                if less != more:
                    different.append(f"{name}: {check.id}: {less.evidence} != {more.evidence}")

    assert different == []


def test_a_topic_narrows_what_is_asked() -> None:
    """Sections keep their order; only what a check tries is tried."""
    rules = {check.id: check for check in checks.node_checks()}
    whole = Wanted(targets=TARGETS)

    cidr = checks.narrowed(whole, (rules["net.cidr"], rules["sys.cpu"]))
    registry = checks.narrowed(whole, (rules["conn.registry"],))

    assert (cidr.sections, cidr.targets) == (("hardware", "network", "leftovers"), ())
    assert (registry.sections, registry.targets) == ((), TARGETS[1:])
    assert checks.narrowed(whole, checks.node_checks()).targets == TARGETS


def test_every_section_of_a_preflight_is_read_by_a_check() -> None:
    """What nobody judges is asked for in vain."""
    assert checks.narrowed(Wanted(), checks.node_checks()).sections == (*SECTIONS, *FURTHER)


@pytest.mark.parametrize(
    ("word", "sections"),
    [("sys.cpu", ["hardware"]), ("feat", ["features"]), ("net.cidr", ["network", "leftovers"])],
)
def test_only_one_topic_sends_and_reads_less(
    word: str, sections: list[str], tmp_path: Path
) -> None:
    """Fewer scripts go to the node, and fewer facts come back; requests stay what they are."""
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, "")
        whole = here.run("preflight", "-o", "json")
        all_of_it = node.server.http_requests, node.server.bytes_in, node.server.bytes_out
        some = here.run("preflight", "--only", word, "-o", "json")
        rest = node.server.http_requests, node.server.bytes_in, node.server.bytes_out

    read = [line.split()[-1] for line in some.stderr.splitlines() if ": facts " in line]
    assert whole.returncode == some.returncode == 0, some.stderr
    assert read == sections
    assert max(all_of_it[0], rest[0] - all_of_it[0]) <= 12
    # Launcher and runner take 40,000 of 107,000 bytes; envelopes take 9,000 of the 20,000 back.
    assert rest[1] - all_of_it[1] < 0.5 * all_of_it[1]
    assert rest[2] - all_of_it[2] < 0.7 * all_of_it[2]
