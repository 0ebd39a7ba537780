"""Who may log on as a service: what is asked, read and told."""

from __future__ import annotations

from typing import Any

import pytest

from wincnode.hcs import logon, smoke
from wincnode.hcs.errors import load_meanings
from wincnode.hcs.logon import Logon
from wincnode.hcs.program import to_json
from wincnode.hcs.rungs import BY_ID, Situation, ladder

KNOWN = load_meanings()
MACHINES = "S-1-5-83-0"


def call(id: str, sids: Any = None, **more: Any) -> dict[str, Any]:
    row = {"id": id, "do": "right.holders", "status": "ok", "ms": 1}
    return {**row, "result": {"sids": sids}, **more}


def answer(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": 1, "leftovers": [], "calls": list(calls), "finally": [], **more}


def ids(**changes: Any) -> list[str]:
    now = Situation(build=20348, runtime="containerd", image="a/b:c", **changes)
    return [id for id, _, _ in logon.programs(ladder(now))]


def test_it_is_asked_once_before_the_first_machine() -> None:
    assert ids(isolation=("process",)) == ["service", "schema", "storage", "process"]
    assert ids(isolation=("hyperv", "process"), hosted=True) == [
        *("service", "schema", "storage", "logon-right", "vm", "process", "hyperv", "hosted")
    ]
    assert ids(isolation=("hyperv",), hypervisor=False) == ["service", "schema", "storage"]


def test_who_asks_changes_and_removes_nothing() -> None:
    """Another owner than wincnode clears no leftovers."""
    program = to_json(logon.program())

    assert program["owner"] != "wincnode"
    assert program["finally"] == []
    assert [row["args"]["right"] for row in program["calls"]] == [
        "SeServiceLogonRight",
        "SeDenyServiceLogonRight",
    ]


def test_what_is_read_are_sids() -> None:
    found = logon.read(answer(call("allowed", [MACHINES]), call("denied", [])), KNOWN)

    assert found == Logon(allowed=(MACHINES,), denied=())
    broken = call("denied", status="failed", hresult="0xc0000022", message="no", result=None)
    half = logon.read(answer(call("allowed", [MACHINES]), broken), KNOWN)
    assert (half.allowed, half.denied) == ((MACHINES,), None)
    assert half.told == (
        "S-1-5-83-0 has the right to log on as a service at this moment, and whether it is denied"
        " is unknown: right.holders (denied) failed with 0xC0000022 STATUS_ACCESS_DENIED: no"
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, "it was not asked"),
        (answer(refused="no csc.exe"), "no csc.exe"),
        (answer(call("allowed", "S-1-5-18")), "allowed.sids is 'S-1-5-18', not a list of SIDs"),
        (answer(call("allowed", ["S-1-5-18\n<b>"])), "not a list of SIDs"),
        (answer(call("allowed", [4])), "not a list of SIDs"),
        (answer(call("allowed", result=None)), "allowed is None, not an object"),
        ({"version": 2}, "not 1"),
    ],
)
def test_what_cannot_be_read_is_unknown(said: Any, words: str) -> None:
    found = logon.read(said, KNOWN)

    assert (found.allowed, found.denied, found.advice) == (None, None, "")
    assert words in found.told
    assert found.told.startswith("whether S-1-5-83-0 has the right to log on as a service is unkn")


def test_a_long_list_is_cut() -> None:
    sids = tuple(f"S-1-5-21-1-2-3-{n}" for n in range(25))

    told = Logon(allowed=sids, denied=()).told

    assert told.endswith("S-1-5-21-1-2-3-19 and 5 more)")


def test_a_denial_counts_for_those_whom_it_covers() -> None:
    """As hardened servers deny it to Guests, which virtual machines are none of."""
    machines = ("S-1-5-83-0",)

    guests = Logon(allowed=machines, denied=("S-1-5-32-546",))
    everyone = Logon(allowed=machines, denied=("S-1-5-32-546", "S-1-1-0"))

    assert (guests.advice, everyone.advice) == (logon.COMES_AND_GOES, logon.DENIED)


def test_other_failures_are_left_as_they_are() -> None:
    """Only the cause that the right explains is explained by it."""
    start = {"id": "start", "do": "system.start", "status": "failed", "ms": 1, "message": ""}
    rows = {
        code: smoke.judged(BY_ID["vm"], answer({**start, "hresult": code}), KNOWN)
        for code in ("0x80370102", "0x80070569", "0xc000015b")
    }
    lacking = Logon(allowed=(), denied=())

    assert logon.explained(rows["0x80370102"], lacking) == rows["0x80370102"]
    assert logon.explained(rows["0x80070569"], None) == rows["0x80070569"]
    for code in ("0x80070569", "0xc000015b"):
        row = logon.explained(rows[code], lacking)
        assert row.evidence == f"{rows[code].evidence}; {lacking.told}"
        assert row.remedy == rows[code].remedy
