"""Lets pods try the cluster's network, and takes away all that it made, whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from wincnode.checks import Verdict
from wincnode.cluster import probe, stages, trial_pods, trials
from wincnode.cluster.api import NODES, PODS, SERVICES, Api, Object
from wincnode.cluster.bound_pods import NAMESPACE
from wincnode.cluster.trials import Attempt, Front, Host, Tried
from wincnode.errors import ClusterError, Interrupted

# kube-proxy and the network's agents learn of new pods in seconds.
ROUNDS = 3
ROUND_S = 180.0
# What was deleted is gone after its second of grace, and some for the kubelet.
GONE_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is to be tried.

    Args:
        nodes: whose pods try. peers: that have servers as well. egress: `host:port` outside.
        start_s: seconds at most until the servers run, images included. look_s: between looks.
    """

    nodes: tuple[str, ...]
    peers: tuple[str, ...]
    egress: tuple[str, ...] = ()
    image: str = trial_pods.IMAGE
    start_s: float = probe.TIMEOUT_S
    look_s: float = 0.5


@dataclass(kw_only=True)
class Found:
    """What came of it, by node; `notes` are for whoever reads the report."""

    tried: dict[str, tuple[Tried, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One run: what it works with."""

    api: Api
    id: str
    wish: Wish
    stopped: Callable[[], bool]
    say: Callable[[str], None]

    def pause(self) -> None:
        """Wait a moment.

        Raises: Interrupted.
        """
        threading.Event().wait(self.wish.look_s)
        if self.stopped():
            raise Interrupted("interrupted before all was tried")

    def pods(self) -> dict[str, Object]:
        """Give the run's pods by name."""
        rows = self.api.list(PODS, namespace=NAMESPACE, labels=trial_pods.selector(self.id))
        return {row["metadata"]["name"]: row for row in rows.items}


def try_out(
    api: Api,
    wish: Wish,
    *,
    run: str,
    stopped: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _text: None,
) -> Found:
    """Try everything from every node; what cannot be tried is unknown, with the reason.

    Nothing of it stays: also what an earlier run has left, whose client was killed, is taken away.

    Args: run: a word that no other run has. stopped: whether the user asked to stop.
        say: is told how far it is.
    """
    this = _Run(api=api, id=run, wish=wish, stopped=stopped, say=say)
    found = Found()
    hosts: tuple[Host, ...] = ()
    made: Front | None = None
    why = ""
    try:
        ready = _ready(api)
        hosts = tuple(_absent(name) for name in _hosts(wish) if name not in ready)
        with _taken_away(this, found):
            made, hosts = _served(this, ready, found)
            _all_rounds(this, hosts, made, found)
    except (ClusterError, Interrupted) as error:
        why = error.message
    known = {host.node: host for host in hosts}
    everybody = [known.get(name) or Host(node=name, why=why) for name in _hosts(wish)]
    for name in wish.nodes:
        if name not in found.tried:
            rows = trials.attempts(name, everybody, wish.egress, made)
            found.tried[name] = trials.untried(rows, why or known[name].why)
    return found


def _hosts(wish: Wish) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*wish.nodes, *wish.peers)))


def _ready(api: Api) -> Mapping[str, Object]:
    """Give the Windows nodes that are Ready, by name."""
    return {
        row["metadata"]["name"]: row
        for row in api.list(NODES).items
        if stages.is_ready(row)
        and (row["metadata"].get("labels") or {}).get("kubernetes.io/os") == "windows"
    }


def _absent(name: str) -> Host:
    return Host(node=name, why=f"{name} is no Windows node of the cluster that is Ready")


@contextmanager
def _taken_away(this: _Run, found: Found) -> Iterator[None]:
    """Take away what earlier runs left, and at the end what this one made."""
    if left := _remove(this, ""):
        text = f"took away what an earlier test had left: {', '.join(left)}"
        found.notes.append(text)
        this.say(text)
    try:
        yield
    finally:
        try:
            _remove(this, this.id)
            still = _waited_for(this)
        except ClusterError as error:
            # No earlier error is to be hidden.
            still = [f"{error.message}; the next test takes it away"]
        if still:
            what = f"delete pods,services -l {trial_pods.RUN}={this.id}"
            where = f"kubectl -n {NAMESPACE} {what}"
            found.notes.append(f"something may be left: {'; '.join(still)} ({where})")


def _remove(this: _Run, run: str) -> list[str]:
    """Delete the pods and services of a run, or of all; gives their names."""
    gone = []
    for resource in (PODS, SERVICES):
        rows = this.api.list(resource, namespace=NAMESPACE, labels=trial_pods.selector(run)).items
        for row in rows:
            meta = row["metadata"]
            if "deletionTimestamp" in meta:
                continue
            this.api.delete(resource, meta["name"], namespace=NAMESPACE, uid=meta["uid"])
            gone.append(meta["name"])
    return gone


def _waited_for(this: _Run) -> list[str]:
    """Wait until the run's pods are gone; gives those that stay."""
    end = time.monotonic() + GONE_S
    while (there := this.pods()) and time.monotonic() < end:
        threading.Event().wait(this.wish.look_s)
    return sorted(there)


def _served(
    this: _Run, ready: Mapping[str, Object], found: Found
) -> tuple[Front, tuple[Host, ...]]:
    """Start a server on each node behind one service, and wait until they answer or will not.

    Raises: ClusterError, Interrupted.
    """
    wish = this.wish
    names = [name for name in _hosts(wish) if name in ready]
    made = trials.front(this.api.create(SERVICES, trial_pods.service(this.id), namespace=NAMESPACE))
    limit_s = wish.start_s + ROUNDS * ROUND_S
    hosts = {name: _absent(name) for name in _hosts(wish) if name not in ready}
    pods: dict[str, str] = {}
    for name in names:
        pod = trial_pods.server(name, wish.image, run=this.id, limit_s=limit_s)
        try:
            probe.created(this.api, pod)
        except probe.PodRefused as error:
            hosts[name] = Host(node=name, why=f"the cluster takes no such pod: {error.message}")
            continue
        pods[name] = pod["metadata"]["name"]
    this.say(f"waits for pods on {len(pods)} nodes")
    end = time.monotonic() + wish.start_s
    while len(hosts) < len(_hosts(wish)):
        there, in_time = this.pods(), time.monotonic() < end
        for name, pod_name in pods.items():
            if name not in hosts:
                host = trials.host_of(ready[name], there.get(pod_name), in_time=in_time)
                hosts |= {name: host} if host else {}
        if len(hosts) < len(_hosts(wish)):
            this.pause()
    # Without a server nothing runs on a node that could try anything.
    for name, host in hosts.items():
        if name in wish.nodes and not host.pod_ip:
            rows = trials.attempts(name, list(hosts.values()), wish.egress, made)
            found.tried[name] = trials.untried(rows, host.why)
    return made, tuple(hosts[name] for name in _hosts(wish))


def _all_rounds(this: _Run, hosts: Sequence[Host], made: Front, found: Found) -> None:
    """Try everything, and what failed again: a new service is known everywhere after a while.

    Raises: ClusterError, Interrupted.
    """
    wish = this.wish
    done: dict[str, dict[Attempt, Tried]] = {}
    left: dict[str, tuple[Attempt, ...]] = {}
    for name in wish.nodes:
        if name in found.tried:
            continue
        rows = trials.attempts(name, hosts, wish.egress, made)
        done[name] = {row.attempt: row for row in trials.untried(rows, "it was not tried")}
        left[name] = tuple(row for row in rows if row.place)
    try:
        for number in range(1, ROUNDS + 1):
            if not any(left.values()):
                return
            this.say(f"tries {sum(map(len, left.values()))} connections of pods, round {number}")
            for name, results in _round(this, left, number).items():
                done[name] |= {row.attempt: row for row in results}
                left[name] = tuple(row.attempt for row in results if row.verdict is Verdict.FAIL)
    finally:
        # What is known by now is told, also where the rest could not be tried.
        found.tried |= {name: tuple(rows.values()) for name, rows in done.items()}


def _round(
    this: _Run, left: Mapping[str, tuple[Attempt, ...]], number: int
) -> dict[str, tuple[Tried, ...]]:
    """Let a pod on each node make its attempts.

    Raises: ClusterError, Interrupted.
    """
    result: dict[str, tuple[Tried, ...]] = {}
    pods: dict[str, str] = {}
    for name, rows in left.items():
        if not rows:
            continue
        pod = trial_pods.client(
            name, this.wish.image, rows, run=this.id, number=number, limit_s=ROUND_S
        )
        try:
            probe.created(this.api, pod)
        except probe.PodRefused as error:
            result[name] = trials.untried(rows, f"the cluster takes no such pod: {error.message}")
            continue
        pods[name] = pod["metadata"]["name"]
    end = time.monotonic() + ROUND_S
    while pods:
        there = this.pods()
        for name, pod_name in tuple(pods.items()):
            seen = there.get(pod_name)
            if seen is None:
                result[name] = trials.untried(left[name], "the pod was taken away by somebody else")
            elif trials.has_ended(seen) or time.monotonic() >= end:
                result[name] = trials.read(seen, left[name], number=number)
                meta = seen["metadata"]
                this.api.delete(PODS, meta["name"], namespace=NAMESPACE, uid=meta["uid"])
            else:
                continue
            del pods[name]
        if pods:
            this.pause()
    return result
