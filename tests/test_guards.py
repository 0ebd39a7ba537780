"""What AppLocker's rules cover, and what a processor that is hidden by a hypervisor says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_checks import WANTED, facts_with, finding

from wincnode.checks import Severity, Verdict

EVERYONE, SOMEBODY = "S-1-1-0", "S-1-5-21-1-2-3-1001"
RUNS = (("services", "services", "appidsvc"), {"state": "Running", "start_mode": "Auto"})
STOPPED = (("services", "services", "appidsvc"), {"state": "Stopped", "start_mode": "Manual"})


def rule(path: str, user: str = EVERYONE, action: str = "Allow") -> dict[str, str]:
    return {"action": action, "user": user, "path": path}


def collection(*paths: dict[str, str], mode: int | None = 1, others: int = 0) -> dict[str, Any]:
    return {"collection": "Exe", "mode": mode, "paths": list(paths), "others": others}


PROGRAMS, KUBERNETES = rule(r"%PROGRAMFILES%\*"), rule(r"%OSDRIVE%\k\*")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no rule is enforced"),
        ([collection()], "no rule is enforced"),
        ([collection(KUBERNETES, mode=0)], "no rule is enforced"),
        ([collection(PROGRAMS, KUBERNETES)], "let the node's programs run"),
        ([collection(rule("*"))], "let the node's programs run"),
        ([collection(rule(r"c:\*"))], "let the node's programs run"),
        ([collection(rule(r"%OSDRIVE%\*"))], "let the node's programs run"),
        ([collection(PROGRAMS, rule(r"C:\k\kubelet.???"))], "let the node's programs run"),
        ([collection(rule("*", user="S-1-5-18"))], "let the node's programs run"),
    ],
)
def test_rules_that_hold_nobody_back_pass(rows: list[dict[str, Any]], words: str) -> None:
    """Audit is no enforcement, and a collection without a rule allows everything."""
    found = finding("sec.applocker", facts_with((("protection", "applocker"), rows), RUNS))
    assert (found.verdict, words in found.evidence) == (Verdict.PASS, True)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (collection(PROGRAMS), r"no Exe rule by path allows C:\k\kubelet.exe"),
        (collection(PROGRAMS, mode=None), r"allows C:\k\kubelet.exe"),
        (collection(KUBERNETES), r"allows C:\Program Files\containerd\bin\containerd.exe"),
        (collection(PROGRAMS, rule(r"%OSDRIVE%\k\*", user=SOMEBODY)), "kubelet.exe"),
        (collection(PROGRAMS, rule(r"%WINDIR%\*")), "kubelet.exe"),
        (collection(others=3), "containerd.exe"),
        (collection(rule("*"), rule(r"C:\k\*", action="Deny")), r"deny C:\k\kubelet.exe"),
        # A dot is a dot.
        (collection(PROGRAMS, rule(r"C:\k\kubeletXexe")), "kubelet.exe"),
    ],
)
def test_rules_that_leave_a_program_out_fail(row: dict[str, Any], words: str) -> None:
    """Only what a rule allows may run, and a denial goes before it."""
    facts = facts_with((("protection", "applocker"), [row]), RUNS)
    found = finding("sec.applocker", facts)
    assert (found.verdict, found.severity) == (Verdict.FAIL, Severity.WARNING)
    assert words in found.evidence


def test_rules_need_their_service() -> None:
    """Without AppIDSvc nothing is enforced."""
    rows = [collection(PROGRAMS)]
    found = finding("sec.applocker", facts_with((("protection", "applocker"), rows), STOPPED))
    assert (found.verdict, "AppIDSvc" in found.evidence) == (Verdict.PASS, True)


METAL = (("hardware", "manufacturer"), "Dell Inc."), (("hardware", "model"), "PowerEdge R760")
FLAG = ("hardware", "virtualization_enabled")
BENEATH = ("hardware", "hypervisor_present")


@pytest.mark.parametrize(
    ("changes", "hyperv", "verdict", "words"),
    [
        (((FLAG, True),), True, Verdict.PASS, "the processor has"),
        ((), False, Verdict.PASS, "not wanted"),
        ((), True, Verdict.PASS, "virt.nested judges that"),
        (METAL, True, Verdict.PASS, "own hypervisor"),
        ((*METAL, (BENEATH, False)), True, Verdict.FAIL, "firmware"),
        (((BENEATH, False),), False, Verdict.FAIL, "firmware"),
    ],
)
def test_flags_of_a_processor_count_while_no_hypervisor_hides_them(
    changes: tuple[Any, ...], verdict: Verdict, words: str, *, hyperv: bool
) -> None:
    """Win32_Processor says no where it cannot look."""
    found = finding("virt.vt", facts_with(*changes), replace(WANTED, hyperv=hyperv))
    assert (found.verdict, words in found.evidence) == (verdict, True), found.evidence
    if verdict is Verdict.FAIL:
        assert found.blocks is hyperv


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ((), Verdict.UNKNOWN),
        (((FLAG, True),), Verdict.PASS),
        (METAL, Verdict.PASS),
        (((FLAG, True), (("hardware", "logical_processors"), 1)), Verdict.FAIL),
    ],
)
def test_a_virtual_machine_must_pass_virtualization_on(
    changes: tuple[Any, ...], verdict: Verdict
) -> None:
    """Whether it does can be told from within only where it does."""
    wanted = replace(WANTED, hyperv=True)
    assert finding("virt.nested", facts_with(*changes), wanted).verdict is verdict
