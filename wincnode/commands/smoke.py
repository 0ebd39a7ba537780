"""Let nodes show what they can run: a ladder of programs of the Host Compute Service."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from wincnode.checks import Finding, Severity, Verdict
from wincnode.commands.execution import Job, carry_out
from wincnode.commands.inspect import Item, Options, Session, over_nodes
from wincnode.commands.reading import read_node
from wincnode.commands.situation import SECTIONS, Wish, situation
from wincnode.errors import ConfigError, RunFailed
from wincnode.events import Event, Log, ProgramFinished
from wincnode.fleet import Stop
from wincnode.hcs import logon, smoke
from wincnode.hcs.errors import Meanings, load_meanings
from wincnode.hcs.program import Program, to_json
from wincnode.hcs.rungs import BY_ID, IMAGED, RUNGS, RungId, Situation, Skipped, Step, Tried, ladder
from wincnode.inventory.model import Inventory
from wincnode.node.kinds import Value, all_kinds, split
from wincnode.plan import Plan
from wincnode.plan import Step as PlanStep
from wincnode.report import NodeReport, Report, Status
from wincnode.transport import Transport

KIND = "compute_programs"
PROGRAMS_STEP = "smoke-ladder"
PULL_STEP = "smoke-image"
# For the runner's own work beside the programs, such as compiling.
SPARE_S = 120
# Causes that are told of one failure.
MOST_CAUSES = 3
IDS = frozenset(f"smoke.{rung.id}" for rung in RUNGS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a run showed so far."""

    report: NodeReport
    verdicts: Mapping[RungId, smoke.Verdict] = field(default_factory=dict)


class Climb(Protocol):
    """Tries the rungs that can be tried; gives the report with a finding for each."""

    def __call__(
        self,
        transport: Transport,
        now: Situation,
        result: NodeReport,
        /,
        *,
        known: Meanings,
        pull: bool,
        stop: Stop,
    ) -> Generator[Event, None, NodeReport]:
        """Tell of each rung while it is tried."""
        ...


def check_ids(ids: frozenset[str]) -> None:
    """Refuse an id that no rung has: a misspelt --ignore would ignore nothing.

    Raises: ConfigError.
    """
    if unknown := ids - IDS:
        raise ConfigError(
            f"no rung of the ladder has the id {', '.join(sorted(unknown))}",
            remedy=f"The rungs are {', '.join(sorted(IDS))}.",
        )


def run(
    inventory: Inventory,
    options: Options,
    wish: Wish,
    session: Session,
    *,
    ignore: frozenset[str] = frozenset(),
    climb: Climb | None = None,
) -> Report:
    """Try the ladder on nodes side by side; each rung is a finding of the report.

    Args: ignore: ids of rungs whose failure counts for nothing. climb: tries the rungs of one node.
    """
    known = load_meanings()

    def work(name: str) -> Iterator[Item]:
        transport = session.connect(name)
        try:
            told = yield from read_node(transport, node=name, sections=SECTIONS)
            told.refuse_unknown(name)
            result = NodeReport(node=name, status="done", computer=told.computer, build=told.build)
            now = situation(told.facts, inventory, wish, build=told.build)
            result = yield from (climb or by_run)(
                transport, now, result, known=known, pull=wish.pull, stop=session.stop
            )
            result = replace(result, notes=(*result.notes, *unwanted(now)))
        finally:
            transport.close()
        yield concluded(result, ignore)

    return over_nodes("smoke", options, work, session)


def by_run(
    transport: Transport,
    now: Situation,
    result: NodeReport,
    *,
    known: Meanings,
    pull: bool,
    stop: Stop,
) -> Generator[Event, None, NodeReport]:
    """Try the rungs that can be tried, in one run; gives the report with a finding for each.

    Where the image cannot be had, the rungs that need none are tried all the same.
    """
    steps = ladder(now)
    shown = Shown(report=result)
    if any(isinstance(step, Tried) for step in steps):
        plan = _plan(result.node, now, steps, pull=pull)
        shown = yield from _carried_out(transport, plan, result, known=known, stop=stop)
        broken = next((row for row in shown.report.steps if row.outcome == "failed"), None)
        if broken is not None and broken.step == PULL_STEP and not stop.asked:
            yield Log(level="warning", text=f"no image: {broken.error}")
            steps = tuple(_imageless(step, now, broken.error) for step in steps)
            plan = _plan(result.node, now, steps, pull=False)
            shown = yield from _carried_out(transport, plan, result, known=known, stop=stop)
    return told(steps, shown)


def told(steps: tuple[Step, ...], shown: Shown) -> NodeReport:
    """Give the report with what each rung showed."""
    broken = next((row.error for row in shown.report.steps if row.outcome == "failed"), "")
    why = f"the run ended before it: {broken}" if broken else "the node did not answer for it"
    verdicts = smoke.together(smoke.unanswered(steps, shown.verdicts, why))
    notes = [f"smoke.{row.rung.id}: {note}" for row in verdicts for note in row.notes]
    return replace(
        shown.report,
        findings=tuple(finding(row) for row in verdicts if row.missing != "wish"),
        notes=(*shown.report.notes, *notes),
    )


def unwanted(now: Situation) -> tuple[str, ...]:
    """Say which rungs are not tried because nobody wants what they prove."""
    skipped = (step for step in ladder(now) if isinstance(step, Skipped) and not step.wanted)
    return tuple(f"smoke.{step.rung.id}: not tried: {step.text}" for step in skipped)


def concluded(result: NodeReport, ignore: frozenset[str]) -> NodeReport:
    """Give the report with the status that its findings make."""
    findings = tuple(
        replace(row, ignored=True, severity=Severity.WARNING)
        if row.check in ignore and row.verdict is not Verdict.PASS
        else row
        for row in result.findings
    )
    result = replace(result, findings=findings)
    if result.error is not None or result.status in {"cancelled", "needs-reboot"}:
        return result
    counted = [row for row in findings if not row.ignored]
    if any(row.verdict is Verdict.FAIL for row in counted):
        return replace(result, status="failed")
    if open_ := [row.check for row in counted if row.verdict is Verdict.UNKNOWN]:
        error = RunFailed(
            f"{result.node}: not proven: {', '.join(open_)}",
            remedy="The report says what is missing for each; --ignore ID goes without one.",
            id="smoke.not-proven",
        )
        return replace(result, status="failed", error=error)
    status: Status = "done" if counted == list(findings) else "warnings"
    return replace(result, status=status)


def finding(row: smoke.Verdict) -> Finding:
    """Give a verdict as reports show it."""
    verdicts = {"pass": Verdict.PASS, "fail": Verdict.FAIL}
    causes = "; ".join(reason.cause.title for reason in row.reasons[:MOST_CAUSES])
    return Finding(
        check=f"smoke.{row.rung.id}",
        title=row.rung.title,
        verdict=verdicts.get(row.status, Verdict.UNKNOWN),
        severity=Severity.ERROR,
        evidence=f"{row.evidence} (likely: {causes})" if causes else row.evidence,
        remedy=row.remedy,
        because_of=row.because,
    )


def ladder_step(steps: tuple[Step, ...]) -> PlanStep:
    """Give the step that tries the rungs."""
    return programs_step([*logon.programs(steps)])


def programs_step(programs: Sequence[tuple[str, Sequence[str], Program]]) -> PlanStep:
    """Give the step that carries programs out, each with its id and the ids that it needs."""
    rows: list[Value] = [
        {"id": id, "needs": [*needs], "program": to_json(program)}
        for id, needs, program in programs
    ]
    key, want = split(all_kinds()[KIND], {"programs": rows})
    seconds = sum(program.limit_s for _, _, program in programs) + SPARE_S
    return PlanStep(
        id=PROGRAMS_STEP, kind=KIND, title="smoke ladder", key=key, want=want, timeout_s=seconds
    )


def _plan(node: str, now: Situation, steps: tuple[Step, ...], *, pull: bool) -> Plan:
    """Give the plan: the image, where containers of it are tried, and the rungs."""
    rungs = {step.rung.id for step in steps if isinstance(step, Tried)}
    wanted = pull and now.runtime == "containerd" and rungs & IMAGED
    image = [_pull(now.image)] if wanted else []
    return Plan(node=node, steps=(*image, ladder_step(steps)))


def _pull(image: str) -> PlanStep:
    kind = all_kinds()["container_image"]
    key, want = split(kind, {"reference": image, "pull": True})
    return PlanStep(
        id=PULL_STEP,
        kind=kind.name,
        title=f"image {image}",
        key=key,
        want=want,
        timeout_s=kind.timeout_s,
    )


def _imageless(step: Step, now: Situation, error: str) -> Step:
    if isinstance(step, Skipped) or step.rung.id not in IMAGED:
        return step
    text = f"{now.image} could not be pulled: {error}"
    return Skipped(rung=step.rung, missing="image", text=text)


def _carried_out(
    transport: Transport, plan: Plan, result: NodeReport, *, known: Meanings, stop: Stop
) -> Generator[Event, None, Shown]:
    """Carry the plan out; each verdict is told as soon as it is there."""
    job = Job(playbooks=(), command="smoke")
    events = carry_out(transport, plan, result, job=job, stop=stop)
    verdicts: dict[RungId, smoke.Verdict] = {}
    rights: logon.Logon | None = None
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            return Shown(report=end.value, verdicts=verdicts)
        yield event
        if isinstance(event, ProgramFinished) and event.program == logon.ID:
            rights = logon.read(event.result, known)
        if isinstance(event, ProgramFinished) and event.program in BY_ID:
            row = logon.explained(judged(event, known), rights)
            verdicts[row.rung.id] = row
            yield Log(text=line(row), level="info" if row.status == "pass" else "warning")


def judged(event: ProgramFinished, known: Meanings) -> smoke.Verdict:
    """Give the verdict on one rung's program."""
    rung = next(row for row in RUNGS if row.id == event.program)
    return smoke.judged(rung, event.result, known, missing=event.missing)


def line(row: smoke.Verdict) -> str:
    """Say a verdict in one line."""
    return f"{row.rung.id}: {row.status}: {row.evidence}"
