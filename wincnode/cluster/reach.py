"""Lets pods try the cluster's network, and takes away all that it made, whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from wincnode.checks import Verdict
from wincnode.cluster import probe, trial_leftovers, trial_places, trial_pods, trials
from wincnode.cluster.api import NODES, PODS, SERVICES, Api, Object
from wincnode.cluster.bound_pods import NAMESPACE, System
from wincnode.cluster.trial_places import Host, Places
from wincnode.cluster.trial_pods import Maker
from wincnode.cluster.trials import Attempt, Tried
from wincnode.errors import ClusterError, Interrupted

# kube-proxy and the network's agents learn of new pods in seconds.
ROUNDS = 3
ROUND_S = 180.0
# Said of what nobody came to.
UNTRIED = "it was not tried"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is to be tried.

    Args:
        nodes: whose pods try. peers: that have servers as well. egress: `host:port` outside.
        linux: Linux nodes whose pods take part; without any, one that takes pods as they come.
        image, linux_image: of the pods. operator: who tests.
        start_s: seconds at most until the servers run, images included. look_s: between looks.
    """

    nodes: tuple[str, ...]
    peers: tuple[str, ...]
    egress: tuple[str, ...] = ()
    linux: tuple[str, ...] = ()
    image: str = trial_pods.IMAGE
    linux_image: str = trial_pods.IMAGE
    operator: str = ""
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
    maker: Maker
    wish: Wish
    stopped: Callable[[], bool]
    say: Callable[[str], None]

    @property
    def id(self) -> str:
        """The word that no other test has."""
        return self.maker.run

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Nodes:
    """Nodes that a run has to do with, by name; `shut` are Linux nodes that it cannot use."""

    windows: Mapping[str, Object]
    linux: Mapping[str, Object]
    shut: tuple[Host, ...]

    def system(self, name: str) -> System:
        """Give the system of a node."""
        return "linux" if name in self.linux else "windows"


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
    images: dict[System, str] = {"windows": wish.image, "linux": wish.linux_image}
    maker = Maker(run=run, operator=wish.operator, images=images)
    this = _Run(api=api, maker=maker, wish=wish, stopped=stopped, say=say)
    found = Found()
    places = Places(hosts=(), egress=wish.egress)
    why = ""
    try:
        rows = api.list(NODES).items
        linux, shut = trial_places.linux_nodes(rows, wish.linux)
        nodes = _Nodes(windows=trial_places.windows_nodes(rows), linux=linux, shut=shut)
        hosts = tuple(_absent(name) for name in _hosts(wish) if name not in nodes.windows)
        places = Places(hosts=hosts, linux=shut, egress=wish.egress)
        with _taken_away(this, found):
            places = _served(this, nodes)
            _all_rounds(this, nodes, places, found)
    except (ClusterError, Interrupted) as error:
        why = error.message
    for name in wish.nodes:
        if name not in found.tried:
            found.tried[name] = untried(name, unknown_places(wish, why, places), why)
    found.tried = {name: trials.sifted(tried) for name, tried in found.tried.items()}
    return found


def untried(node: str, places: Places, why: str) -> tuple[Tried, ...]:
    """Say of all that would have been tried of a node that it was not."""
    rows = trials.attempts(node, places)
    back = (row for host in places.linux for row in trials.from_linux(host, (node,), places))
    return trials.untried((*rows, *back), why)


def unknown_places(wish: Wish, why: str, known: Places | None = None) -> Places:
    """Give what there would be to be tried, where it came to an end before all was known."""
    there = {host.node: host for host in known.hosts} if known else {}
    hosts = tuple(there.get(name) or Host(node=name, why=why) for name in _hosts(wish))
    linux = (known.linux if known else ()) or (Host(node=trial_places.SOME_LINUX, why=why),)
    front = known.front if known else None
    return Places(hosts=hosts, linux=linux, egress=wish.egress, front=front)


def _hosts(wish: Wish) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*wish.nodes, *wish.peers)))


def _absent(name: str) -> Host:
    return Host(node=name, why=f"{name} is no Windows node of the cluster that is Ready")


@contextmanager
def _taken_away(this: _Run, found: Found) -> Iterator[None]:
    """Take away what earlier runs left, and at the end what this one made."""
    gone, kept = trial_leftovers.of_others(this.api, this.id)
    texts = [f"took away what an earlier test had left: {', '.join(gone)}"] if gone else []
    for text in (*texts, *kept):
        found.notes.append(text)
        this.say(text)
    try:
        yield
    finally:
        try:
            trial_leftovers.remove(this.api, this.id)
            still = trial_leftovers.waited_for(this.api, this.id, this.wish.look_s)
        except ClusterError as error:
            # No earlier error is to be hidden.
            still = [f"{error.message}; a test in an hour takes it away"]
        if still:
            where = trial_leftovers.by_hand(this.id)
            found.notes.append(f"something may be left: {'; '.join(still)} ({where})")


def _served(this: _Run, nodes: _Nodes) -> Places:
    """Start a server on each node, and wait until they answer or will not.

    Raises: ClusterError, Interrupted.
    """
    wish = this.wish
    service = trial_pods.service(this.maker)
    made = trial_places.front(this.api.create(SERVICES, service, namespace=NAMESPACE))
    limit_s = wish.start_s + ROUNDS * ROUND_S
    there = {name: nodes.windows[name] for name in _hosts(wish) if name in nodes.windows}
    there |= nodes.linux
    hosts = {name: _absent(name) for name in _hosts(wish) if name not in nodes.windows}
    pods: dict[str, str] = {}
    for name in there:
        pod = trial_pods.server(name, this.maker, limit_s=limit_s, system=nodes.system(name))
        try:
            probe.created(this.api, pod)
        except probe.PodRefused as error:
            hosts[name] = Host(node=name, why=_refused(error))
            continue
        pods[name] = pod["metadata"]["name"]
    this.say(f"waits for pods on {len(pods)} nodes")
    end = time.monotonic() + wish.start_s
    while left := [name for name in pods if name not in hosts]:
        seen, in_time = this.pods(), time.monotonic() < end
        for name in left:
            host = trial_places.host_of(there[name], seen.get(pods[name]), in_time=in_time)
            hosts |= {name: host} if host else {}
        if len(left) > sum(name in hosts for name in left):
            this.pause()
    return Places(
        hosts=tuple(hosts[name] for name in _hosts(wish)),
        linux=(*(hosts[name] for name in nodes.linux), *nodes.shut),
        egress=wish.egress,
        front=made,
    )


def _refused(error: probe.PodRefused) -> str:
    return f"the cluster takes no such pod: {error.message}"


def _all_rounds(this: _Run, nodes: _Nodes, places: Places, found: Found) -> None:
    """Try everything, and what failed again: a new service is known everywhere after a while.

    Raises: ClusterError, Interrupted.
    """
    done: dict[str, dict[Attempt, Tried]] = {}
    left: dict[str, tuple[Attempt, ...]] = {}
    for name, rows, why in _asked(this.wish, places):
        done[name] = {row.attempt: row for row in trials.untried(rows, why or UNTRIED)}
        # Without a server nothing runs on a node that could try anything.
        left[name] = () if why else tuple(row for row in rows if row.place)
    try:
        for number in range(1, ROUNDS + 1):
            if not any(left.values()):
                return
            this.say(f"tries {sum(map(len, left.values()))} connections of pods, round {number}")
            for name, results in _round(this, nodes, dict(left), number):
                done[name] |= {row.attempt: row for row in results}
                left[name] = tuple(row.attempt for row in results if row.verdict is Verdict.FAIL)
    except (ClusterError, Interrupted) as error:
        for name, rows in left.items():
            waiting = [row for row in rows if done[name][row].said == UNTRIED]
            done[name] |= {row.attempt: row for row in trials.untried(waiting, error.message)}
        raise
    finally:
        # What is known by now is told, also where the rest could not be tried.
        for name, tried in done.items():
            for attempt, row in tried.items():
                told = attempt.of or name
                found.tried[told] = (*found.tried.get(told, ()), row)


def _asked(wish: Wish, places: Places) -> Iterator[tuple[str, tuple[Attempt, ...], str]]:
    """Give who is to try what, and why not where nothing can."""
    hosts = {host.node: host for host in places.hosts}
    for name in wish.nodes:
        why = "" if hosts[name].pod_ip else hosts[name].why
        yield name, trials.attempts(name, places), why
    for host in places.linux:
        yield host.node, trials.from_linux(host, wish.nodes, places), host.why


def _round(
    this: _Run, nodes: _Nodes, left: Mapping[str, tuple[Attempt, ...]], number: int
) -> Iterator[tuple[str, tuple[Tried, ...]]]:
    """Let a pod on each node make its attempts; gives a node's results as soon as they are there.

    Raises: ClusterError, Interrupted.
    """
    pods: dict[str, str] = {}
    for name, rows in left.items():
        if not rows:
            continue
        pod = trial_pods.client(
            name, this.maker, rows, number=number, limit_s=ROUND_S, system=nodes.system(name)
        )
        try:
            probe.created(this.api, pod)
        except probe.PodRefused as error:
            yield name, trials.untried(rows, _refused(error))
            continue
        pods[name] = pod["metadata"]["name"]
    end = time.monotonic() + ROUND_S
    while pods:
        there = this.pods()
        for name, pod_name in tuple(pods.items()):
            seen = there.get(pod_name)
            if seen is None:
                yield name, trials.untried(left[name], "the pod was taken away by somebody else")
            elif trials.has_ended(seen) or time.monotonic() >= end:
                yield name, trials.read(seen, left[name], number=number)
                meta = seen["metadata"]
                this.api.delete(PODS, meta["name"], namespace=NAMESPACE, uid=meta["uid"])
            else:
                continue
            del pods[name]
        if pods:
            this.pause()
