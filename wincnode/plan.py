"""All that one run does on one node, its form on the wire, and its form for the reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from wincnode.node.kinds import SECRET, Value, all_kinds, wire
from wincnode.secrets import MASK, Source

PROTOCOL = 1
Mode = Literal["check", "apply"]


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
class Plan:
    """The steps of one node in their order.

    `secrets` says where each secret that the steps name comes from; one that the caller is to
    give by its name, such as a join token, is not among them.
    """

    node: str
    steps: tuple[Step, ...] = ()
    secrets: Mapping[str, Source] = field(default_factory=lambda: MappingProxyType({}))


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
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "kind": step.kind,
        "title": step.title,
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


def render(plan: Plan) -> str:
    """Write the plan for the reader of `--plan`: a line per step and field, secrets masked."""
    rows = [f"{plan.node}: {len(plan.steps)} steps"]
    for step in plan.steps:
        rows.append(f"  {step.id}  {step.kind}  {step.title}")
        rows += [f"      {name} = {_shown(value)}" for name, value in step.key.items()]
        rows += [f"      {name}: {_shown(value)}" for name, value in step.want.items()]
    return "\n".join(rows) + "\n"


def _shown(value: Value) -> str:
    return json.dumps(_masked(value), ensure_ascii=True)


def _masked(value: Value) -> Value:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {SECRET}:
            return MASK
        return {name: _masked(item) for name, item in value.items()}
    return value
