"""A joined machine's way to a Node that is Ready and proven, and why it stopped short."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, replace

from wincnode import runner
from wincnode.cluster import access, probe
from wincnode.cluster.api import Api, Object
from wincnode.cluster.stages import LONGEST_S, Stage, StageMissed, pass_stages, to_ready
from wincnode.commands.diagnose import diagnose
from wincnode.commands.inspect import Session
from wincnode.errors import ConfigError
from wincnode.events import Event, Log
from wincnode.inventory.fields import IMAGE
from wincnode.report import NodeReport
from wincnode.transport import Transport


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Whether a pod is to prove that a Node runs pods.

    Args:
        image: of the pod, in place of the one that every pod on the node starts with.
        lacking: why the account may not run one.
    Raises: ConfigError: the image is no full reference.
    """

    wanted: bool = True
    image: str = ""
    lacking: str = ""

    def __post_init__(self) -> None:
        """Refuse what no container runtime could pull."""
        if self.image and not re.fullmatch(IMAGE, self.image):
            raise ConfigError(
                f"{self.image!r} is no full reference of an image",
                remedy="Give registry, name and tag: mcr.microsoft.com/windows/nanoserver:ltsc2022",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What a machine that has joined is to come to.

    Args:
        kubernetes, build: what its Node is to tell. sandbox_image: what every pod there starts
            with. stage_timeout_s: seconds at most for each stage.
    """

    node: str
    kubernetes: str
    build: int
    sandbox_image: str
    proof: Proof
    stage_timeout_s: float = LONGEST_S


def asked(api: Api, proof: Proof) -> Proof:
    """Find out whether the account may run a pod, where one is wanted.

    Raises: ClusterError.
    """
    if not proof.wanted:
        return proof
    return replace(proof, lacking=access.lacking(api, access.needed(["probe"])))


def reach(
    api: Api, transport: Transport, goal: Goal, result: NodeReport, session: Session
) -> Generator[Event, None, NodeReport]:
    """Wait until the Node has passed its stages, and let a pod prove it.

    Raises: StageMissed: with what the machine says of it. ClusterError.
    """
    try:
        node = _until_ready(api, goal, session)
        return (yield from _proven(api, goal, node, result))
    except StageMissed as missed:
        text = yield from diagnose(
            transport, node=goal.node, stage=missed.stage.name, error=missed.message
        )
        raise StageMissed(
            f"{missed.message}\n{text}", stage=missed.stage, seen=missed.seen
        ) from missed


def _until_ready(api: Api, goal: Goal, session: Session) -> Object:
    """Wait until the Node is Ready; each stage is told once it is passed.

    Raises: StageMissed, ClusterError.
    """
    stages = [
        replace(stage, timeout_s=min(stage.timeout_s, goal.stage_timeout_s))
        for stage in to_ready(goal.kubernetes, goal.build)
    ]
    return pass_stages(
        api,
        goal.node,
        stages,
        lambda stage, _node: session.watch(goal.node, Log(text=f"the Node is {stage.name}")),
    )


def _proven(
    api: Api, goal: Goal, node: Object, result: NodeReport
) -> Generator[Event, None, NodeReport]:
    """Let a pod run there, unless one has, and nothing was changed since.

    Raises: StageMissed, ClusterError.
    """
    image = goal.proof.image or goal.sandbox_image
    stage = probe.stage(image, min(probe.TIMEOUT_S, goal.stage_timeout_s))
    if not goal.proof.wanted:
        return result
    changed = any(step.outcome == "changed" for step in result.steps)
    if probe.is_proven(node, image) and not changed:
        yield Log(text=f"the Node was {stage.name}")
        return result
    why = goal.proof.lacking or _refusal(api, goal.node, stage, image)
    if why:
        text = f"the Node is Ready, but no pod has proven it: {why}"
        yield Log(text=text)
        return replace(result, notes=(*result.notes, text))
    probe.note(api, node, image)
    yield Log(text=f"the Node is {stage.name}")
    return result


def _refusal(api: Api, node: str, stage: Stage, image: str) -> str:
    """Let the pod run; says why the cluster takes no such pod, where it does not.

    Raises: StageMissed, ClusterError.
    """
    try:
        probe.prove(api, node, stage, image, run=runner.new_run()[:12])
    except probe.PodRefused as error:
        return error.message
    return ""
