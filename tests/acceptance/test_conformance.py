"""Both engines of the lab do the same: the shipped scripts, and their model in Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from conformance import CASES, Case
from conformance.play import play
from nodes import ENGINES

from wincnode.node import kinds

MODES = ("check", "apply", "apply again")
BROKEN = tuple(case for case in CASES if case.broken)
# Cases share a machine where no step fails; a failed one would end the run.
GROUPS = {
    "sound": (tuple(case for case in CASES if not (case.broken or case.alone)), MODES),
    "broken": (BROKEN, MODES[:1]),
    **{case.id: ((case,), MODES[1:]) for case in CASES if case.broken or case.alone},
}


def promised(case: Case) -> dict[str, str]:
    """Say how a case ends: shown, made and then left alone, unless it is broken."""
    there = case.id.endswith(("present", "wait_for absent"))
    outcomes = ["ok"] * 3 if there else ["would_change", "changed", "ok"]
    if case.broken:
        outcomes = ["would_change", "failed", "failed"]
    if "policy" in case.id:
        outcomes = ["policy_owned"] * 3
    return dict(zip(MODES, outcomes, strict=True))


@pytest.mark.parametrize(("cases", "modes"), GROUPS.values(), ids=GROUPS)
def test_engines_do_the_same(cases: Sequence[Case], modes: Sequence[str], tmp_path: Path) -> None:
    """Outcomes are as promised; events, names of errors and the machine are equal."""
    scripts, model = (play(tmp_path / engine, engine, cases, modes) for engine in ENGINES)

    for case in cases:
        wanted = promised(case)
        assert scripts.outcomes(case) == {mode: wanted[mode] for mode in modes}, case.id
        assert not case.keeps or case.keeps in scripts.machine["files"]
        for mode in modes:
            assert scripts.of(case, mode) == model.of(case, mode)
    assert scripts.machine == model.machine


def test_every_kind_has_its_cases() -> None:
    """A step kind without a conformance case could drift apart unseen."""
    words = {word for case in CASES for word in case.id.split()[1:2]}
    assert {case.kind for case in CASES} == set(kinds.all_kinds())
    assert {"absent", "present", "different"} <= words
