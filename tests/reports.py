"""Reports for the tests of the formats: one of everything, large fleets, and hostile ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from wincnode import checks
from wincnode.checks import Check, Finding, Severity, Verdict
from wincnode.errors import NodeLocked, NodeUnreachable, RunFailed, WincnodeError
from wincnode.events import StepFinished
from wincnode.plan import Plan, Step
from wincnode.report import NodeReport, Report, Status

AT = datetime(2026, 11, 30, 6, 12, 7, tzinfo=UTC)
INVENTORY = "fleet/wincnode.yaml"


def finding(
    id: str,
    verdict: Verdict = Verdict.FAIL,
    severity: Severity = Severity.ERROR,
    **more: object,
) -> Finding:
    """Give a finding of a real check."""
    known = next(check for check in checks.all_checks() if check.id == id)
    row = Finding(
        check=id,
        title=known.title,
        verdict=verdict,
        severity=severity,
        evidence=f"what was seen of {id}",
        remedy="" if verdict is Verdict.PASS else known.remedy,
    )
    return replace(row, **more)  # type: ignore[arg-type] # fields of a finding


def node(name: str, status: Status, *findings: Finding, **more: object) -> NodeReport:
    """Give a node's result."""
    row = NodeReport(node=name, status=status, findings=findings, computer=name.upper())
    return replace(row, build=20348, seconds=1.25, **more)  # type: ignore[arg-type] # its fields


def preflight() -> Report:
    """Give a report of a preflight with every kind of finding."""
    cause = finding("feat.containers", evidence="the feature is Available, not installed")
    follows = finding("svc.hns", because_of=("feat.containers",))
    nodes = (
        node("web-1", "ready", finding("os.build", Verdict.PASS), line=4),
        node("web-2", "blocked", cause, follows, finding("os.build", Verdict.PASS), line=5),
        node("web-3", "blocked", cause, finding("sys.mem", severity=Severity.WARNING), line=6),
        node(
            "web-4",
            "warnings",
            finding("sys.mem", severity=Severity.WARNING, ignored=True),
            finding("net.nic", Verdict.UNKNOWN, evidence="facts of network are unknown"),
            finding("sys.cpu", severity=Severity.INFO),
            line=7,
        ),
        failed("web-5", NodeUnreachable("web-5: nothing answers", remedy="Turn it on."), line=8),
    )
    return Report(command="preflight", nodes=nodes, inventory=INVENTORY, at=AT)


def failed(name: str, error: WincnodeError, *, line: int = 0) -> NodeReport:
    """Give the result of a node that could not be worked on."""
    status: Status = "unreachable" if error.exit_code == 4 else "failed"
    return NodeReport(node=name, status=status, error=error, line=line)


def step(id: str, outcome: str, error: str = "", *diff: tuple[str, object, object]) -> StepFinished:
    """Give a step's end."""
    return StepFinished(
        step=id, outcome=outcome, diff=diff, error=error, elapsed_ms=5, title=f"the step {id}"
    )


def applied() -> Report:
    """Give a report of a run that changed one node and failed on another."""
    steps = (step("1-a", "ok"), step("2-b", "changed"), step("3-c", "failed", "access denied"))
    error = RunFailed("web-2: step 3-c failed", remedy="Look at the step.")
    rows = (
        node("web-1", "done", steps=steps[:2], notes=("left one folder alone",), line=4),
        node("web-2", "failed", steps=steps, error=error, line=5),
        node("web-3", "locked", error=NodeLocked("web-3: held by ada"), line=6),
    )
    return Report(command="apply prepare.yaml", nodes=rows, inventory=INVENTORY, at=AT)


def planned() -> Report:
    """Give a report of a plan with a change."""
    rows = tuple(
        Step(id=f"{n}-x", kind="directory", title=f"folder {n}", key={"path": f"C:\\{n}"}, want={})
        for n in (1, 2)
    )
    steps = (step("1-x", "would_change", "", ("state", "absent", "present")), step("2-x", "ok"))
    nodes = tuple(
        node(name, "pending", plan=Plan(node=name, steps=rows), steps=steps, line=place)
        for place, name in enumerate(("web-1", "web-2", "web-3"), 4)
    )
    return Report(
        command="apply x.yaml", nodes=nodes, pending_counts=True, inventory=INVENTORY, at=AT
    )


def empty() -> Report:
    """Give a report of nothing."""
    return Report(command="preflight")


def every_check(least: int = 150) -> tuple[Check, ...]:
    """Give the checks that there are, and made-up ones up to a number."""
    known = checks.all_checks()
    return known + tuple(
        replace(known[number % len(known)], id=f"{known[number % len(known)].id}.more-{number}")
        for number in range(max(least - len(known), 0))
    )


def thrown(seed: int | str) -> random.Random:
    """Give dice that fall the same way in every run."""
    return random.Random(seed)  # noqa: S311 - a case that can be run again


def fleet(nodes: int, *, seed: int = 7, wrong: float = 0.04, healthy: int = 3) -> Report:
    """Give a preflight of a large fleet, in which a share of findings is wrong.

    Half of what was seen is worded as on no other node.
    Args: healthy: one node in so many has nothing wrong; 0: no node.
    """
    dice = thrown(seed)
    rules = every_check()
    rows: list[NodeReport] = []
    for number in range(nodes):
        name = f"win-{number:03}"
        if dice.random() < 0.02:
            rows.append(failed(name, NodeUnreachable(f"{name}: nothing answers"), line=number + 9))
            continue
        found = [
            _judged(check, dice, wrong if not healthy or number % healthy else 0.0)
            for check in rules
        ]
        found.sort(key=lambda row: row.verdict is Verdict.PASS)
        rows.append(node(name, _status(found), *found, line=number + 9))
    return Report(command="preflight", nodes=tuple(rows), inventory=INVENTORY, at=AT)


def _status(found: list[Finding]) -> Status:
    if any(row.blocks for row in found):
        return "blocked"
    return "ready" if all(row.verdict is Verdict.PASS for row in found) else "warnings"


def _judged(check: Check, dice: random.Random, wrong: float) -> Finding:
    fails = dice.random() < wrong
    value = dice.randrange(10**6) if dice.random() < 0.5 else 8
    return Finding(
        check=check.id,
        title=check.title,
        verdict=Verdict.FAIL if fails else Verdict.PASS,
        severity=dice.choice(list(Severity)),
        evidence=f"{value} of what the node has of it, and some words on that",
        remedy=check.remedy if fails else "",
    )


# What each reader of a report might obey or choke on.
HOSTILE = (
    "\x1b[2J\x1b]0;title\x07",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'\"><svg onload=alert(1)>",
    "-->]]><!--<![CDATA[",
    "&amp;&lt;&#0;&bogus;",
    "::set-env name=A::b",
    "\n::set-env name=A::b",
    "\r\n  ::add-mask::x",
    "##[set-env name=A]b",
    "##vso[task.setvariable variable=A]b",
    "##VSO[task.complete result=Succeeded;]",
    "###vso[task.complete result=Succeeded;]",
    "%0A::error::x%0D%25%AZP25",
    "\x00\x01\x08\x0b\x0c\x0e\x1f\x7f\x85\x9b\ufffe\uffff",
    "\ud83d half \udc00",
    "\u202eright\u2066to\u2069left\u200f",
    "a\u2028b\u2029c",
    "[link](http://x) ![i](http://x) @all www.x.y | `code` **b**",
    "=cmd|'/c calc'!A0",
    "${{ secrets.X }} $(whoami) `id`",
    "../../etc/passwd",
    "javascript:alert(1)",
    "[bold red]rich[/bold red]",
    "😀é中",
    " \t leading and trailing \t ",
    "",
    ";,:]=%",
)


def hostile_text(dice: random.Random) -> str:
    """Give a hostile text: one of the known ones, several, or any characters."""
    choice = dice.random()
    if choice < 0.5:
        return dice.choice(HOSTILE)
    if choice < 0.8:
        return "".join(dice.choices(HOSTILE, k=3))
    return "".join(chr(dice.randrange(0x110000)) for _ in range(dice.randrange(12)))


def hostile_value(dice: random.Random, depth: int = 3) -> object:
    """Give a value as JSON of a node may have it, and worse."""
    choice = dice.random()
    if depth and choice < 0.25:
        return [hostile_value(dice, depth - 1) for _ in range(dice.randrange(3))]
    if depth and choice < 0.5:
        return {hostile_text(dice): hostile_value(dice, depth - 1)}
    odd: tuple[object, ...] = (None, True, -1, 10**400, float("nan"), float("-inf"), 1e308)
    return hostile_text(dice) if choice < 0.8 else dice.choice(odd)


def hostile(dice: random.Random, nodes: int = 2) -> Report:
    """Give a report whose every text is hostile."""
    return Report(
        command=dice.choice(("preflight", f"apply {hostile_text(dice)}")),
        nodes=tuple(_hostile_nodes(dice, nodes)),
        inventory=hostile_text(dice),
        at=AT,
        warnings_count=dice.random() < 0.5,
        pending_counts=dice.random() < 0.5,
    )


def _hostile_nodes(dice: random.Random, number: int) -> Iterator[NodeReport]:
    def text() -> str:
        return hostile_text(dice)

    for _ in range(number):
        findings = tuple(
            Finding(
                check=text(),
                title=text(),
                verdict=dice.choice(list(Verdict)),
                severity=dice.choice(list(Severity)),
                evidence=text(),
                remedy=text(),
                because_of=(text(),) * dice.randrange(2),
                ignored=dice.random() < 0.3,
            )
            for _ in range(dice.randrange(4))
        )
        steps = tuple(
            StepFinished(
                step=text(),
                outcome=dice.choice(("ok", "failed", "would_change", "policy_owned", "skipped")),
                diff=((text(), hostile_value(dice), hostile_value(dice)),),
                error=text(),
                elapsed_ms=1,
                title=text(),
            )
            for _ in range(dice.randrange(3))
        )
        plan = Plan(node="n") if dice.random() < 0.3 else None
        yield NodeReport(
            node=text(),
            status=dice.choice(("ready", "failed", "blocked", "warnings", "pending")),
            computer=text(),
            build=dice.choice((0, 20348)),
            findings=findings,
            steps=steps,
            plan=plan,
            error=RunFailed(f"{text()}\n{text()}\n{text()}", remedy=text(), id=text())
            if dice.random() < 0.4
            else None,
            notes=(text(),) * dice.randrange(2),
            line=dice.randrange(5),
        )
