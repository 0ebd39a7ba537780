"""From a manifest to the plan that takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath

from wincnode.facts import Section
from wincnode.plan import Plan, Step
from wincnode.reset.inverses import Entry, Left, gone_whole, name_of, step_of, undone
from wincnode.worker import paths


@dataclass(frozen=True, kw_only=True, slots=True)
class Reset:
    """What takes wincnode's changes to a machine back, and what stays."""

    plan: Plan
    left: tuple[Left, ...] = ()


def entries(ownership: Section) -> tuple[Entry, ...]:
    """Read what a node's manifest holds, the oldest first.

    Raises: FactMissing: it is none.
    """
    return tuple(
        Entry(
            kind=row.text("kind"),
            key=row.section("key").data,
            before=row.section("before").data,
            too_long=frozenset(row.texts("too_long")),
        )
        for row in ownership.rows("entries")
    )


def plan(rows: Sequence[Entry], node: str, *, manifest: str) -> Reset:
    """Plan how a machine becomes what it was before its first run.

    Services end before their files go, and a folder goes when nothing is left in it. The same
    entries always give the same plan; done steps are no-ops, so that it can be taken again.
    Args: manifest: path of the manifest on the node, which goes last.
    """
    found = [item for entry in reversed(rows) for item in undone(entry, gone_whole(rows))]
    by_name: dict[str, Step] = {}
    for item in found:
        if isinstance(item, Step):
            name = name_of(item.kind, item.key).lower()
            by_name[name] = _both(item, by_name[name]) if name in by_name else item
    steps = sorted(by_name.values(), key=_place)
    if rows:
        steps.append(step_of("file", {"path": manifest}, state="absent"))
    return Reset(
        plan=numbered(node, steps),
        left=tuple(dict.fromkeys(item for item in found if isinstance(item, Left))),
    )


def numbered(node: str, steps: Sequence[Step]) -> Plan:
    """Give the plan of steps that take something away; what they do is noted in no manifest."""
    rows = (
        replace(step, id=f"{number}-{step.kind.replace('_', '-')}")
        for number, step in enumerate(steps, start=1)
    )
    return Plan(node=node, steps=tuple(rows), undo=True)


def folders(reset: Reset) -> Plan:
    """Give a plan that shows which folders of ours are still there, as others use them."""
    asked = (
        replace(step, want={"state": "absent"})
        for step in reset.plan.steps
        if step.want.get("state") == "pruned"
    )
    return replace(reset.plan, steps=tuple(asked))


def _both(older: Step, newer: Step) -> Step:
    """Give the step that takes both changes of a thing back."""
    first, second = (step.want.get("without") for step in (older, newer))
    if isinstance(first, list) and isinstance(second, list):
        return replace(older, want={"without": [*first, *second]})
    return older


def _place(step: Step) -> tuple[int, int]:
    """Say where a step stands among the others; those of one place keep their order."""
    match step.kind:
        case "service":
            # Others run by it.
            return (2 if step.key["name"] == paths.CONTAINERD_SERVICE else 0), 0
        case "pod_sandboxes":
            return 1, 0
        case "directory":
            return 4, -len(PureWindowsPath(str(step.key["path"])).parts)
        case "pagefile":
            # What stands behind it waits for the reboot.
            return 5, 0
    return 3, 0
