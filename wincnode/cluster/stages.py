"""What a Node passes on its way to Ready: one watch, a deadline for each stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wincnode.cluster.api import NODES, Api, Object
from wincnode.cluster.watch import one, watch
from wincnode.errors import ClusterError

# Source: kubernetes/api:core/v1/well_known_labels.go, LabelWindowsBuild
BUILD_LABEL = "node.kubernetes.io/windows-build"
# Source: kubernetes/kubernetes:pkg/kubelet/runtime.go, "container runtime network not ready"
NO_NETWORK = "container runtime network not ready"
# Images of the network's agent are gigabytes.
LONGEST_S = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One thing that must hold of a Node.

    Args:
        holds: judges the Node, or the pod that proves it.
        timeout_s: seconds from the end of the stage before.
    """

    name: str
    holds: Callable[[Object], bool]
    timeout_s: float


class StageMissed(ClusterError):
    """A stage was not reached in its time.

    Args: seen: the Node, or the pod that proves it, as it was seen last; None where there is none.
    """

    id = "cluster.not-ready"

    def __init__(self, message: str, *, stage: Stage, seen: Object | None) -> None:
        super().__init__(message, remedy="The stage's name says what to look at on the node.")
        self.stage = stage
        self.seen = seen


def condition(node: Object, type: str) -> Mapping[str, str]:
    """Give a Node's condition, such as Ready; nothing where it reports none."""
    rows: Sequence[Mapping[str, str]] = node.get("status", {}).get("conditions") or ()
    return next((row for row in rows if row["type"] == type), {})


def is_ready(node: Object) -> bool:
    """Tell whether the kubelet says that pods may run."""
    return condition(node, "Ready").get("status") == "True"


def to_ready(kubernetes: str, build: int) -> tuple[Stage, ...]:
    """Give what a Node passes on its way to Ready."""
    version = "v" + kubernetes.removeprefix("v")

    def registered(node: Object) -> bool:
        status = node.get("status", {})
        addresses = {row["type"] for row in status.get("addresses") or ()}
        label = (node["metadata"].get("labels") or {}).get(BUILD_LABEL, "")
        running = status.get("nodeInfo", {}).get("kubeletVersion")
        return running == version and "InternalIP" in addresses and label == f"10.0.{build}"

    def networked(node: Object) -> bool:
        ready = condition(node, "Ready")
        return bool(ready) and NO_NETWORK not in ready.get("message", "")

    return (
        Stage(name=f"registered with kubelet {version}", holds=registered, timeout_s=180),
        Stage(name="connected to the network of pods", holds=networked, timeout_s=LONGEST_S),
        Stage(name="Ready", holds=is_ready, timeout_s=300),
    )


def pass_stages(
    api: Api,
    name: str,
    stages: Sequence[Stage],
    passed: Callable[[Stage, Object], None] = lambda _stage, _node: None,
) -> Object:
    """Wait until a Node has passed all stages in their order, and give it.

    Args: passed: is told each stage once it holds.
    Raises: StageMissed, ClusterError.
    """
    left = list(stages)
    end = time.monotonic() + left[0].timeout_s
    node: Object | None = None

    def deadline() -> float:
        return end

    for rows in watch(api, one(NODES, name), deadline):
        node = rows[0] if rows else None
        while node is not None and left and left[0].holds(node):
            passed(left.pop(0), node)
            if not left:
                return node
            end = time.monotonic() + left[0].timeout_s
    stage = left[0]
    raise StageMissed(
        f"{api.server}: the Node {name} has not passed {stage.name!r} in {stage.timeout_s:.0f} s:"
        f" {_said(node)}",
        stage=stage,
        seen=node,
    )


def _said(node: Object | None) -> str:
    """Say in a line how far the Node is."""
    if node is None:
        return "it has not registered"
    ready = condition(node, "Ready")
    if not ready:
        return "it has registered and reports no conditions"
    return f"Ready is {ready.get('status')}, {ready.get('reason', '')}: {ready.get('message', '')}"
