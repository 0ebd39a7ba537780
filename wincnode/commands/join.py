"""Make nodes of installed machines, and wait until the cluster calls them Ready."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from wincnode import assets, runner
from wincnode import playbook as playbooks
from wincnode.cluster import discovery, nodes, tokens
from wincnode.cluster.api import CONFIG_MAPS, Api
from wincnode.cluster.discovery import ClusterInfo
from wincnode.cluster.entries import Pem
from wincnode.cluster.kubeconfig import ClusterAccess
from wincnode.cluster.stages import LONGEST_S, is_ready
from wincnode.commands import beforehand as networks
from wincnode.commands import lock
from wincnode.commands.apart import apart
from wincnode.commands.clusters import connected
from wincnode.commands.diagnose import diagnose
from wincnode.commands.execution import Job, carry_out, look
from wincnode.commands.inspect import (
    NONE_UNFIT,
    Inspection,
    Options,
    Session,
    over_fit_nodes,
    wanted,
)
from wincnode.commands.install import is_joined, worker_variables
from wincnode.commands.network_wish import Target
from wincnode.commands.readiness import Goal, Proof, asked, reach
from wincnode.commands.reading import read_node
from wincnode.errors import ClusterError, ConfigError, RunFailed
from wincnode.events import Event, Log
from wincnode.inventory.model import Inventory, Node
from wincnode.plan import Plan
from wincnode.report import NodeReport, Report
from wincnode.secrets import Secret
from wincnode.support import load_support
from wincnode.transport import Transport
from wincnode.worker import containerd, kubelet_config
from wincnode.worker.join_command import parse_join_command
from wincnode.worker.kubeadm import bootstrap_kubeconfig, join_configuration

Method = Literal["kubeadm", "bootstrap"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which cluster, and how nodes join it.

    Args:
        command: the line that kubeadm printed; then no kubeconfig is read.
        kubeconfig: instead of the inventory's; as kubectl finds one where there is neither.
        stage_timeout_s: seconds at most for each stage on a Node's way to Ready.
        proof: whether a pod is to prove the Node at its end.
    """

    method: Method = "kubeadm"
    command: str = ""
    kubeconfig: Path | None = None
    context: str | None = None
    may_ask: bool = True
    stage_timeout_s: float = LONGEST_S
    proof: Proof = field(default_factory=Proof)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A cluster that nodes can join.

    Args:
        api: the cluster, as an administrator; without it nothing is asked of the cluster, and the
            Node's way to Ready is not seen.
        token: of the line that kubeadm printed; without it each node gets its own.
        kubelet_config: the cluster's settings of all kubelets.
    """

    method: Method
    info: ClusterInfo
    api: Api | None = None
    token: Secret | None = None
    kubelet_config: Mapping[str, Any] = field(default_factory=dict)
    stage_timeout_s: float = LONGEST_S
    proof: Proof = field(default_factory=Proof)


def job(
    inventory: Inventory, *, today: date, check: bool = False, pending_counts: bool = False
) -> Job:
    """Give what `join` does on every node.

    Raises: ConfigError: before any network is touched.
    """
    lock.plan(inventory, today=today, mirrors={})
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
        # kubeadm's own role lets the token read it.
        # Source: kubernetes/kubernetes:cmd/kubeadm/app/phases/kubelet/config.go@v1.36.3
        ca = Pem(text=Secret(info.ca_pem))
        access = ClusterAccess(server=f"https://{line.server}", ca=ca, token=line.token)
        config = _kubelets(Api(access))
        return Way(method="kubeadm", info=info, token=line.token, kubelet_config=config)
    api = connected(
        inventory,
        "join",
        kubeconfig=where.kubeconfig,
        context=where.context,
        may_ask=where.may_ask,
    )
    introduction = api.get(CONFIG_MAPS, discovery.NAME, namespace=discovery.NAMESPACE)
    info = discovery.parsed((introduction.get("data") or {}).get("kubeconfig", ""), api.server)
    return Way(
        method=where.method,
        info=info,
        api=api,
        kubelet_config=_kubelets(api),
        stage_timeout_s=where.stage_timeout_s,
        proof=asked(api, where.proof),
    )


def _kubelets(api: Api) -> Mapping[str, Any]:
    """Give the cluster's settings of all kubelets.

    Raises: ConfigError, ClusterError.
    """
    found = api.get(CONFIG_MAPS, "kubelet-config", namespace="kube-system")
    return kubelet_config.of_cluster(found)


def run(inventory: Inventory, options: Options, job: Job, where: Where, session: Session) -> Report:
    """Join the nodes side by side; a node that is in the cluster already is left alone.

    Raises: ConfigError, ClusterError: the cluster cannot be joined; no node was touched.
    """
    by_name = {node.name: node for node in inventory.nodes}
    against = wanted(inventory, ignore=options.ignore)
    cluster = way(inventory, where)

    def go_on(
        transport: Transport, found: Inspection, result: NodeReport
    ) -> Generator[Event, None, NodeReport]:
        node = by_name[result.node]
        one = _One(inventory=inventory, node=node, found=found, job=job, way=cluster)
        return (yield from _join(one, transport, result, session))

    unfit = NONE_UNFIT if job.check else apart(options, session)
    report = over_fit_nodes("join", options, against, session, go_on, unfit=unfit)
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
    def target(self) -> Target:
        """What its networks depend on."""
        return Target(
            inventory=self.inventory,
            node=self.node,
            facts=self.found.facts,
            build=self.found.build,
        )

    @property
    def joined(self) -> bool:
        """Whether the machine has credentials of this cluster's nodes."""
        return is_joined(self.found, self.way.info.server)


def _join(
    one: _One, transport: Transport, result: NodeReport, session: Session
) -> Generator[Event, None, NodeReport]:
    api = one.way.api
    if api is not None:
        one = yield from _own_name(api, one, transport)
    lacking = networks.beforehand(one.target)
    if one.job.check:
        job = _with_credentials(one, Secret("not made yet"))
        plan = _plan(one, job)
        plan = replace(plan, steps=(*lacking.plan.steps, *plan.steps))
        result = replace(result, notes=(*result.notes, *lacking.notes))
        return (yield from look(transport, plan, result, job=job))
    _refuse_bare(one)
    # A token that is there may be the one that a run joins with at this moment.
    if api is not None and tokens.is_there(api, one.name):
        runner.refuse_held(transport, node=one.name)
    before = yield from networks.made(transport, lacking, result, session.stop)
    if before.status != "done":
        return before
    result = replace(result, notes=before.notes)
    try:
        job = one.job
        if not one.joined:
            token = one.way.token or _token(api, one)
            job = _with_credentials(one, token)
        plan = _plan(one, job)
        result = yield from carry_out(transport, plan, result, job=job, stop=session.stop)
        result = networks.behind(before, result)
    finally:
        # Also one that was left by a client that somebody killed.
        left = _left_token(api, one.name)
        for text in left:
            session.watch(one.name, Log(text=text))
    result = replace(result, notes=(*result.notes, *left))
    if result.status == "failed":
        return (yield from _explained(one, transport, result))
    if result.status != "done" or api is None:
        return result
    result = yield from reach(api, transport, _goal(one), result, session)
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


def _goal(one: _One) -> Goal:
    inventory, build = one.inventory, one.found.build
    return Goal(
        node=one.name,
        kubernetes=inventory.cluster.kubernetes or "",
        build=build,
        sandbox_image=containerd.sandbox_image(inventory, build=build, support=load_support()),
        proof=one.way.proof,
        stage_timeout_s=one.way.stage_timeout_s,
    )


def _refuse_bare(one: _One) -> None:
    """Refuse to join a machine that `install` has not been to, before anything there is moved.

    Raises: RunFailed.
    """
    services = one.found.facts.sections.get("services", {}).get("services")
    if not isinstance(services, Mapping) or is_joined(one.found):
        return  # not read; the join itself tells what is missing. Or a service that it mends.
    if missing := [name for name in ("containerd", "kubelet") if name not in services]:
        raise RunFailed(
            f"{one.name}: not installed: {', '.join(missing)}; nothing was changed",
            remedy="Run `wincnode install` first.",
            id="node.not-installed",
        )


def _own_name(api: Api, one: _One, transport: Transport) -> Generator[Event, None, _One]:
    """Refuse a name that another machine has, or that answers without this machine's knowledge.

    A run whose client was killed may have joined it since its facts were read: then it is joined.
    Raises: ClusterError. NodeLocked: such a run is under way.
    """
    there = nodes.find(api, one.name)
    if there is None:
        return one
    nodes.refuse_other_machine(api, there, one.found.facts.known("os").text("uuid"))
    if is_ready(there) and not one.joined:
        runner.refuse_held(transport, node=one.name)
        one = yield from _read_again(one, transport)
    if is_ready(there) and not one.joined:
        raise ClusterError(
            f"{api.server}: the Node {one.name} is Ready, but not by this machine",
            remedy="Wait a minute if its kubelet has just been stopped; else delete the Node, or"
            " give the machine another name.",
            id="cluster.name-taken",
        )
    return one


def _read_again(one: _One, transport: Transport) -> Generator[Event, None, _One]:
    """Read anew what tells whether a machine has joined."""
    told = yield from read_node(transport, node=one.name, sections=("leftovers",))
    facts = one.found.facts
    sections = {**facts.sections, **told.facts.sections}
    return replace(one, found=replace(one.found, facts=replace(facts, sections=sections)))


def _token(api: Api | None, one: _One) -> Secret:
    """Make the node's token, and wait until the cluster's introduction is signed for it."""
    if api is None:
        raise AssertionError  # without the cluster's API there is a line with a token
    token = tokens.create(api, one.name, runner.new_run()[:12])
    if one.way.method == "kubeadm":
        discovery.cluster_info(api, token)
    return token


def _left_token(api: Api | None, node: str) -> tuple[str, ...]:
    """Take the node's token back; says so where it stays, as no earlier error is to be hidden."""
    if api is None:
        return ()
    try:
        tokens.revoke(api, node)
    except (ClusterError, ConfigError) as error:
        where = f"the Secret {tokens.secret_name(node)} in {tokens.NAMESPACE}"
        return (f"the bootstrap token stays until it expires, or you delete {where}: {error}",)
    return ()


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
        "health": kubelet_config.health(one.way.kubelet_config),
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
