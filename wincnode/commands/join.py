"""Make nodes of installed machines, and wait until the cluster calls them Ready."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml

from wincnode import assets, runner
from wincnode import playbook as playbooks
from wincnode.cluster import access, discovery, nodes, tokens
from wincnode.cluster.api import CONFIG_MAPS, Api, Object
from wincnode.cluster.discovery import ClusterInfo
from wincnode.cluster.kubeconfig import load as load_kubeconfig
from wincnode.cluster.stages import Stage, StageMissed, condition, is_ready, pass_stages
from wincnode.commands.diagnose import diagnose
from wincnode.commands.execution import Job, carry_out, look
from wincnode.commands.inspect import (
    Inspection,
    Item,
    Options,
    Session,
    inspect,
    over_nodes,
    wanted,
)
from wincnode.commands.install import is_joined, worker_variables
from wincnode.errors import ClusterError, ConfigError, RunFailed
from wincnode.events import Event, Log
from wincnode.inventory.model import Inventory, Node
from wincnode.plan import Plan
from wincnode.report import NodeReport, Report
from wincnode.secrets import Secret
from wincnode.transport import Transport
from wincnode.worker import kubelet_config
from wincnode.worker.join_command import parse_join_command
from wincnode.worker.kubeadm import bootstrap_kubeconfig, join_configuration

# Source: kubernetes/api:core/v1/well_known_labels.go, LabelWindowsBuild
BUILD_LABEL = "node.kubernetes.io/windows-build"
# Source: kubernetes/kubernetes:pkg/kubelet/runtime.go, "container runtime network not ready"
NO_NETWORK = "container runtime network not ready"
# Images of the network's agent are gigabytes.
LONGEST_STAGE_S = 900.0
Method = Literal["kubeadm", "bootstrap"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which cluster, and how nodes join it.

    Args:
        command: the line that kubeadm printed; then no kubeconfig is read.
        kubeconfig: instead of the inventory's; as kubectl finds one where there is neither.
        stage_timeout_s: seconds at most for each stage on a Node's way to Ready.
    """

    method: Method = "kubeadm"
    command: str = ""
    kubeconfig: Path | None = None
    context: str | None = None
    may_ask: bool = True
    stage_timeout_s: float = LONGEST_STAGE_S


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A cluster that nodes can join.

    Args:
        api: the cluster, as an administrator; without it nothing is asked of the cluster, and the
            Node's way to Ready is not seen.
        token: of the line that kubeadm printed; without it each node gets its own.
        kubelet_config: the cluster's settings of all kubelets, for a join without kubeadm.
    """

    method: Method
    info: ClusterInfo
    api: Api | None = None
    token: Secret | None = None
    kubelet_config: Mapping[str, Any] = field(default_factory=dict)
    stage_timeout_s: float = LONGEST_STAGE_S


def job(
    inventory: Inventory, *, today: date, check: bool = False, pending_counts: bool = False
) -> Job:
    """Give what `join` does on every node.

    Raises: ConfigError: before any network is touched.
    """
    return Job(
        playbooks=(playbooks.load(assets.playbook(Path("join.yaml"))),),
        command="join",
        check=check,
        pending_counts=pending_counts,
        more=worker_variables(inventory, today=today),
    )


def way(inventory: Inventory, where: Where) -> Way:
    """Ask the cluster, or the line that kubeadm printed, how its nodes reach it.

    Raises: ConfigError, ClusterError: nothing was touched.
    """
    if where.command:
        if where.method != "kubeadm":
            raise ConfigError("--command is a line of kubeadm", remedy="Leave --method out.")
        line = parse_join_command(where.command)
        info = discovery.discover(line.server, line.token, line.ca_hashes)
        return Way(method="kubeadm", info=info, token=line.token)
    named = where.kubeconfig or _path(inventory.cluster.kubeconfig)
    api = Api(load_kubeconfig(named, where.context), may_ask=where.may_ask)
    access.require(api, access.needed(["join"]))
    introduction = api.get(CONFIG_MAPS, discovery.NAME, namespace=discovery.NAMESPACE)
    info = discovery.parsed((introduction.get("data") or {}).get("kubeconfig", ""), api.server)
    config: Mapping[str, Any] = {}
    if where.method == "bootstrap":
        found = api.get(CONFIG_MAPS, "kubelet-config", namespace="kube-system")
        config = yaml.safe_load((found.get("data") or {}).get("kubelet", "")) or {}
    return Way(
        method=where.method,
        info=info,
        api=api,
        kubelet_config=config,
        stage_timeout_s=where.stage_timeout_s,
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def run(inventory: Inventory, options: Options, job: Job, where: Where, session: Session) -> Report:
    """Join the nodes side by side; a node that is in the cluster already is left alone.

    Raises: ConfigError, ClusterError: the cluster cannot be joined; no node was touched.
    """
    by_name = {node.name: node for node in inventory.nodes}
    against = wanted(inventory, ignore=options.ignore)
    cluster = way(inventory, where)

    def work(name: str) -> Iterator[Item]:
        began = time.monotonic()
        transport = session.connect(name)
        try:
            found = yield from inspect(transport, node=name, against=against)
            result = NodeReport(
                node=name,
                status=found.status,
                computer=found.computer,
                build=found.build,
                findings=found.findings,
            )
            if result.status != "blocked":
                one = _One(
                    inventory=inventory, node=by_name[name], found=found, job=job, way=cluster
                )
                result = yield from _join(one, transport, result, session)
        finally:
            transport.close()
        yield replace(result, seconds=time.monotonic() - began)

    report = over_nodes("join", options, work, session)
    return replace(report, pending_counts=job.pending_counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class _One:
    """One node that is to join."""

    inventory: Inventory
    node: Node
    found: Inspection
    job: Job
    way: Way

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def joined(self) -> bool:
        """Whether the machine has credentials of this cluster's nodes."""
        return is_joined(self.found, self.way.info.server)


def _join(
    one: _One, transport: Transport, result: NodeReport, session: Session
) -> Generator[Event, None, NodeReport]:
    api = one.way.api
    if api is not None:
        _refuse_taken_name(api, one)
    if one.job.check:
        job = _with_credentials(one, Secret("not made yet"))
        return (yield from look(transport, _plan(one, job), result, job=job))
    try:
        job = one.job
        if not one.joined:
            token = one.way.token or _token(api, one)
            job = _with_credentials(one, token)
        plan = _plan(one, job)
        result = yield from carry_out(transport, plan, result, job=job, stop=session.stop)
    finally:
        if api is not None:
            # Also one that was left by a client that somebody killed.
            tokens.revoke(api, one.name)
    if result.status == "failed":
        return (yield from _explained(one, transport, result))
    if result.status != "done" or api is None:
        return result
    try:
        _until_ready(api, one, session)
    except StageMissed as missed:
        text = yield from diagnose(
            transport, node=one.name, stage=missed.stage.name, error=missed.message
        )
        raise StageMissed(
            f"{missed.message}\n{text}", stage=missed.stage, node=missed.node
        ) from missed
    if nodes.mark(api, one.name, labels=one.node.labels, taints=one.node.taints):
        yield Log(text="labels and taints are as in the inventory")
    return result


def _explained(
    one: _One, transport: Transport, result: NodeReport
) -> Generator[Event, None, NodeReport]:
    """Give the result of a join that failed on the node, with the likely causes."""
    step = next((row for row in result.steps if row.outcome == "failed"), None)
    if step is None:
        return result
    text = yield from diagnose(transport, node=one.name, stage=step.title, error=step.error)
    return replace(result, error=RunFailed(f"{one.name}: {text}"))


def _until_ready(api: Api, one: _One, session: Session) -> None:
    """Wait until the Node has passed its stages; each is told once it is passed.

    Raises: StageMissed, ClusterError.
    """
    stages = [
        replace(stage, timeout_s=min(stage.timeout_s, one.way.stage_timeout_s))
        for stage in stages_of(one.inventory.cluster.kubernetes or "", one.found.build)
    ]
    pass_stages(
        api,
        one.name,
        stages,
        lambda stage, _node: session.watch(one.name, Log(text=f"the Node is {stage.name}")),
    )


def _refuse_taken_name(api: Api, one: _One) -> None:
    """Refuse a name that another machine has, or that answers without this machine's knowledge.

    Raises: ClusterError.
    """
    there = nodes.find(api, one.name)
    if there is None:
        return
    nodes.refuse_other_machine(api, there, one.found.facts.known("os").text("uuid"))
    if is_ready(there) and not one.joined:
        raise ClusterError(
            f"{api.server}: the Node {one.name} is Ready, but not by this machine",
            remedy="Wait a minute if its kubelet has just been stopped; else delete the Node, or"
            " give the machine another name.",
            id="cluster.name-taken",
        )


def _token(api: Api | None, one: _One) -> Secret:
    """Make the node's token, and wait until the cluster's introduction is signed for it."""
    if api is None:
        raise AssertionError  # without the cluster's API there is a line with a token
    token = tokens.create(api, one.name, runner.new_run()[:12])
    if one.way.method == "kubeadm":
        discovery.cluster_info(api, token)
    return token


def _with_credentials(one: _One, token: Secret) -> Job:
    return replace(one.job, given={"credentials": _credentials(one, token)})


def _credentials(one: _One, token: Secret) -> Secret:
    info = one.way.info
    if one.way.method == "bootstrap":
        return bootstrap_kubeconfig(server=info.server, ca_pem=info.ca_pem, token=token)
    return join_configuration(
        one.node,
        one.inventory.cluster.kubernetes or "",
        server=info.server.removeprefix("https://"),
        token=token,
        ca_hashes=info.pins,
    )


def _plan(one: _One, job: Job) -> Plan:
    more = {
        **job.more(one.node, one.found),
        "method": one.way.method,
        "joined": one.joined,
        "server": one.way.info.server,
        "ca": one.way.info.ca_pem,
        "kubelet_config": _kubelet_config(one),
    }
    facts = one.found.facts.sections
    return playbooks.render(
        job.playbooks, one.node, facts=facts, inventory=one.inventory, more=more
    )


def _kubelet_config(one: _One) -> str:
    """Give config.yaml of a node that joins without kubeadm."""
    if one.way.method != "bootstrap":
        return ""
    kubernetes = one.inventory.cluster.kubernetes or ""
    return kubelet_config.configuration(one.node, kubernetes, one.way.kubelet_config)


def stages_of(kubernetes: str, build: int) -> tuple[Stage, ...]:
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
        Stage(name="connected to the network of pods", holds=networked, timeout_s=LONGEST_STAGE_S),
        Stage(name="Ready", holds=is_ready, timeout_s=300),
    )
