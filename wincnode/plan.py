"""All that one run does on one node, its form on the wire, and its form for the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from wincnode.differences import Line, Sign, differences
from wincnode.events import Event, StepFinished, StepStarted
from wincnode.node.kinds import SECRET, Value, all_kinds, wire
from wincnode.secrets import MASK, Source

PROTOCOL = 1
Mode = Literal["check", "apply"]
# `create` and `remove` say it already.
SAID_BY_WORD = (
    ("state", "absent", "present"),
    ("state", "present", "absent"),
    ("state", "present", "pruned"),
)
VERDICTS: Mapping[str, tuple[Sign, str]] = MappingProxyType(
    {
        "failed": ("-", "! failed"),
        "policy_owned": ("-", "! held by group policy"),
        "needs_reboot": ("@", "~ after a reboot"),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One wanted state; a value `{"$secret": name}` stands for a secret."""

    id: str
    kind: str
    title: str
    key: Mapping[str, Value]
    want: Mapping[str, Value]
    timeout_s: int = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """How a change of the network is guarded: the node takes it back unless a client confirms.

    Args:
        confirm_within_s: seconds from the last step's end on.
        clients: addresses that are let in to WinRM meanwhile, besides those that are connected.
        port: that of the node's WinRM.
    """

    confirm_within_s: int = 120
    clients: tuple[str, ...] = ()
    port: int = 5986


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The steps of one node in their order.

    `secrets` says where each secret that the steps name comes from; one that the caller is to
    give by its name, such as a join token, is not among them. With `undo` the steps take back what
    earlier runs did, so that the node notes nothing of them as wincnode's own. With a `guard` the
    run ends well only where a client that comes back over the changed network confirms it.
    """

    node: str
    steps: tuple[Step, ...] = ()
    secrets: Mapping[str, Source] = field(default_factory=lambda: MappingProxyType({}))
    undo: bool = False
    guard: Guard | None = None


def to_wire(plan: Plan, *, run: str, mode: Mode, who: Mapping[str, Any]) -> dict[str, Any]:
    """Give the plan as the runner on the node reads it; it holds no secret."""
    kinds = all_kinds()
    used = sorted({step.kind for step in plan.steps})
    return {
        "protocol": PROTOCOL,
        "run": run,
        "node": plan.node,
        "mode": mode,
        "who": dict(who),
        "facts": [],
        "kinds": {name: wire(kinds[name]) for name in used},
        "steps": [_step(step) for step in plan.steps],
        **({"undo": True} if plan.undo else {}),
        # Who only looks changes nothing that is to be guarded.
        **({"guard": asdict(plan.guard)} if plan.guard and mode == "apply" else {}),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "kind": step.kind,
        "key": dict(step.key),
        "want": dict(step.want),
        "timeout_s": step.timeout_s,
    }


def secret_names(plan: Plan) -> tuple[str, ...]:
    """List the secrets that the steps stand in need of, in their order and once each."""
    found = (
        name for step in plan.steps for name in _names([*step.key.values(), *step.want.values()])
    )
    return tuple(dict.fromkeys(found))


def _names(value: Value) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict):
        if set(value) == {SECRET}:
            yield str(value[SECRET])
        else:
            yield from _names(list(value.values()))


def titled(plan: Plan, event: Event) -> Event:
    """Give a step's event the title that the step has in the plan."""
    if not isinstance(event, (StepStarted, StepFinished)):
        return event
    return replace(event, title=next((r.title for r in plan.steps if r.id == event.step), ""))


def masked(plan: Plan, event: StepFinished) -> StepFinished:
    """Hide the differences of fields that hold a secret, whatever the node made of them."""
    step = next((row for row in plan.steps if row.id == event.step), None)
    if step is None:
        return event
    hidden = {name for name, value in step.want.items() if any(_names([value]))}
    diff = tuple(
        (field, MASK, MASK) if field in hidden else (field, have, want)
        for field, have, want in event.diff
    )
    return replace(event, diff=diff)


def render(plan: Plan, finished: Sequence[StepFinished]) -> tuple[Line, ...]:
    """Write what a run in mode `check` found: each pending step with its changed fields."""
    by_id = {event.step: event for event in finished}
    lines: list[Line] = []
    settled: list[str] = []
    for step in plan.steps:
        event = by_id.get(step.id)
        if event is not None and event.outcome == "ok":
            settled.append(f"{step.id.partition('-')[0]} {step.title}")
            continue
        lines.append(_headline(step, event))
        if event is not None:
            rows = [row for row in event.diff if row not in SAID_BY_WORD]
            lines += [(sign, f"      {text}") for sign, text in differences(rows)]
            if event.error:
                lines.append(("-", f"      {event.error}"))
    if settled:
        lines.append((" ", "  = as wanted already: " + "; ".join(settled)))
    return tuple(lines)


def _headline(step: Step, event: StepFinished | None) -> Line:
    sign, word = _verdict(step, event)
    number = step.id.partition("-")[0]
    key = " ".join(
        [
            step.kind,
            *(MASK if isinstance(value, dict) else str(value) for value in step.key.values()),
        ]
    )
    title = step.title if key in step.title else f"{step.title} ({key})"
    return sign, f"  {word} {number} {title}"


def _verdict(step: Step, event: StepFinished | None) -> tuple[Sign, str]:
    """Say in a mark and a word what would come of a step."""
    if event is None:
        return " ", "? unknown"
    if event.outcome != "would_change":
        return VERDICTS.get(event.outcome, (" ", f"? {event.outcome}"))
    if step.kind == "wait_for":
        return "@", "~ wait"
    changes = [(have, want) for field, have, want in event.diff if field == "state"]
    if changes and changes[0][0] == "absent":
        return "+", "+ create"
    if changes and changes[0][1] in {"absent", "pruned"}:
        return "-", "- remove"
    return "@", "~ change"
