"""AppLocker: which of a node's programs its rules hold back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import Facts, Section

# What a node runs as programs of its own; wincnode/worker/paths.py.
_CONTAINERD = r"C:\Program Files\containerd\bin\containerd.exe"
_KUBELET = r"C:\k\kubelet.exe"
# Everyone, administrators, SYSTEM: who runs a node's programs.
_USERS = {"S-1-1-0", "S-1-5-32-544", "S-1-5-18"}
# learn.microsoft.com/windows/security/application-security/application-control/
# app-control-for-business/applocker/understanding-the-path-rule-condition-in-applocker
_VARIABLES = {
    "%windir%": (r"C:\Windows",),
    "%system32%": (r"C:\Windows\System32",),
    "%osdrive%": ("C:",),
    "%programfiles%": (r"C:\Program Files", r"C:\Program Files (x86)"),
}


def _applocker(facts: Facts, _wanted: Wanted) -> Outcome:
    services = facts.known("services").section("services")
    service = services.data.get("appidsvc")
    runs = service is not None and services.section("appidsvc").text("state") == "Running"
    enforced = [row for row in facts.known("protection").rows("applocker") if _enforced(row)]
    if not enforced:
        return passed("no rule is enforced")
    names = ", ".join(row.text("collection") for row in enforced)
    if not runs:
        return passed(f"rules for {names} are there; AppIDSvc, which enforces them, does not run")
    blocked = [text for row in enforced for text in _blocked(row)]
    if blocked:
        return failed("; ".join(blocked))
    return passed(f"rules for {names} are enforced, and let the node's programs run")


def _enforced(row: Section) -> bool:
    """Tell whether a collection is enforced: with rules it is, unless they are for audit alone."""
    return row.setting("mode") != 0 and bool(row.rows("paths") or row.number("others"))


def _blocked(row: Section) -> Iterator[str]:
    """Say which of the node's programs no rule by path allows, or one denies."""
    collection = row.text("collection")
    for program in (_CONTAINERD, _KUBELET) if collection == "Exe" else (r"C:\k\*.ps1",):
        rules = [rule for rule in row.rows("paths") if rule.text("user") in _USERS]
        actions = {rule.text("action") for rule in rules if _covers(rule.text("path"), program)}
        if "Deny" in actions:
            yield f"{collection} rules deny {program}"
        elif "Allow" not in actions:
            yield f"no {collection} rule by path allows {program}"


def _covers(pattern: str, program: str) -> bool:
    variable, _, rest = pattern.partition("\\")
    starts = _VARIABLES.get(variable.lower(), (variable,))
    return any(_matches(f"{start}\\{rest}" if rest else start, program) for start in starts)


def _matches(pattern: str, program: str) -> bool:
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch(".*".join(parts).replace(r"\?", "."), program, re.IGNORECASE) is not None


CHECKS = (
    Check(
        id="sec.applocker",
        title="AppLocker lets the node's programs run",
        severity=Severity.WARNING,
        proves="Administrators can run the node's programs; services are held by rules only where "
        "policy extends them to services.",
        remedy="Allow %PROGRAMFILES%\\containerd\\* and %OSDRIVE%\\k\\* by path for Everyone, or "
        "by publisher or hash, and then --ignore sec.applocker.",
        source="https://learn.microsoft.com/windows/security/application-security/application-"
        "control/app-control-for-business/applocker/rule-collection-extensions",
        needs=("services", "protection"),
        run=_applocker,
    ),
)
