"""What of the network works: from the nodes themselves, and from pods on them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from wincnode import runner
from wincnode.checks import Finding, Severity, Verdict
from wincnode.checks.connectivity import CHECKS
from wincnode.cluster import access, reach, trial_pods
from wincnode.cluster.api import Api
from wincnode.cluster.reach import Found
from wincnode.cluster.trial_table import BY_ID
from wincnode.cluster.trials import Tried
from wincnode.commands.clusters import access_of
from wincnode.commands.inspect import Item, Options, Session, inspect, over_nodes, wanted
from wincnode.commands.readiness import Proof
from wincnode.commands.targets import peers, reachable
from wincnode.commands.tried_targets import judged, places
from wincnode.errors import ClusterError, ConfigError
from wincnode.events import Log
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report

PAGE = "docs/connectivity.md"
IDS = frozenset(check.id for check in CHECKS) | frozenset(BY_ID)
LOOK_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is tried beside what every node tries.

    Args:
        pods: whether pods are to try: None where the cluster allows it, True or nothing is done.
        image, linux_image: of the pods, in place of the usual one. linux: Linux nodes whose pods
            take part, in place of one that takes pods as they come. kubeconfig, context: instead
            of the inventory's. start_s: seconds at most until the pods run.
    Raises: ConfigError: an image is no full reference.
    """

    pods: bool | None = None
    image: str = ""
    linux: tuple[str, ...] = ()
    linux_image: str = ""
    kubeconfig: Path | None = None
    context: str | None = None
    may_ask: bool = True
    start_s: float = 300.0

    def __post_init__(self) -> None:
        """Refuse an image that no container runtime could pull, by the rule of the join's pod."""
        for image in (self.image, self.linux_image):
            Proof(image=image)


def check_ids(ids: frozenset[str]) -> None:
    """Refuse an id that nothing here has: a misspelt --ignore would ignore nothing.

    Raises: ConfigError.
    """
    if unknown := ids - IDS:
        raise ConfigError(
            f"the test of the network has no id {', '.join(sorted(unknown))}",
            remedy=f"It has {', '.join(sorted(IDS))}.",
        )


def run(
    inventory: Inventory,
    options: Options,
    wish: Wish,
    session: Session,
    *,
    ignore: frozenset[str] = frozenset(),
) -> Report:
    """Let nodes try what they need, and pods on them the cluster's network.

    What could not be tried is unknown, with the reason. Nothing of it stays.
    Raises: ConfigError; with pods=True also ClusterError: nothing was done.
    """
    against = replace(
        reachable(inventory, wanted(inventory, ignore=frozenset())), sections=("time",)
    )
    pods = _Pods(inventory, options, wish, session, egress=places(against))

    def work(name: str) -> Iterator[Item]:
        transport = session.connect(name)
        here = replace(against, targets=(*(against.targets or ()), *peers(inventory, name)))
        try:
            found = yield from inspect(transport, node=name, against=here, rules=())
        finally:
            transport.close()
        result = replace(found.report(name), findings=judged(found.facts, here))
        if pods.begun is not None:
            yield Log(text="tried what the node itself needs; waits for pods")
        yield from pods.waited_for(name)
        result = _together(result, pods, ignore)
        yield result

    with pods:
        report = over_nodes("network test", options, work, session)
    # What pods showed of a node that WinRM did not reach is told all the same.
    nodes = tuple(row if row.findings else _together(row, pods, ignore) for row in report.nodes)
    return replace(report, nodes=nodes)


class _Pods:
    """The part of the test that the cluster carries out, beside that of the nodes."""

    def __init__(
        self,
        inventory: Inventory,
        options: Options,
        wish: Wish,
        session: Session,
        *,
        egress: tuple[str, ...],
    ) -> None:
        self.begun: Future[Found] | None = None
        self._said: list[str] = []
        self._stop = session.stop
        self._first = options.nodes[0] if options.nodes else ""
        self._threads = ThreadPoolExecutor(max_workers=1)
        self._wanted = wish.pods is not False
        self._wish = reach.Wish(
            nodes=options.nodes,
            peers=tuple(node.name for node in inventory.nodes),
            egress=egress,
            linux=wish.linux,
            image=wish.image or trial_pods.IMAGE,
            linux_image=wish.linux_image or wish.image or trial_pods.IMAGE,
            operator="{operator}@{host}".format(**runner.who("network test")),
            start_s=wish.start_s,
        )
        self._api, self._why = _reached(inventory, wish)

    def __enter__(self) -> Self:
        """Begin, where anything can be done."""
        if self._api is not None:
            self.begun = self._threads.submit(
                reach.try_out,
                self._api,
                self._wish,
                run=runner.new_run()[:12],
                stopped=lambda: self._stop.asked,
                say=self._said.append,
            )
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until what was made is taken away, also after ^C."""
        self._threads.shutdown(wait=True)

    def waited_for(self, node: str) -> Iterator[Log]:
        """Wait until pods have tried; one node tells how far they are."""
        told = 0
        while self.begun is not None:
            try:
                self.begun.result(timeout=LOOK_S)
            except NotYet:
                over = False
            else:
                over = True
            while node == self._first and told < len(self._said):
                yield Log(text=self._said[told])
                told += 1
            if over:
                return

    def of(self, node: str) -> tuple[tuple[Tried, ...], tuple[str, ...]]:
        """Give what pods of a node tried, and notes; all is unknown where none could."""
        if not self._wanted:
            return (), ()
        if self.begun is not None:
            found = self.begun.result()
            notes = tuple(found.notes) if node == self._first else ()
            return found.tried.get(node, ()), notes
        places = reach.unknown_places(self._wish, self._why)
        return reach.untried(node, places, self._why), ()


def _reached(inventory: Inventory, wish: Wish) -> tuple[Api | None, str]:
    """Reach the cluster as an account that may let pods try; else say why they cannot.

    Raises: ConfigError; ClusterError: pods must try, and cannot.
    """
    if wish.pods is False:
        return None, ""
    named = wish.kubeconfig is not None or inventory.cluster.kubeconfig is not None
    if not named and not wish.pods:
        return None, "no kubeconfig is named: cluster.kubeconfig of the inventory, or --kubeconfig"
    api = Api(access_of(inventory, wish.kubeconfig, wish.context), may_ask=wish.may_ask)
    if wish.pods:
        access.require(api, access.needed(["test"]))
        return api, ""
    try:
        missing = access.lacking(api, access.needed(["test"]))
    except ClusterError as error:
        return None, error.message
    return (None, missing) if missing else (api, "")


def _together(result: NodeReport, pods: _Pods, ignore: frozenset[str]) -> NodeReport:
    """Add what pods showed, and give the node the status that all findings make."""
    tried, notes = pods.of(result.node)
    findings = tuple(
        replace(row, ignored=True, severity=Severity.WARNING)
        if row.check in ignore and row.verdict is not Verdict.PASS
        else row
        for row in (*result.findings, *map(finding, tried))
    )
    result = replace(result, findings=findings, notes=(*result.notes, *notes))
    if result.error is not None:
        return result
    if any(row.blocks and not row.ignored for row in findings):
        return replace(result, status="failed")
    return replace(result, status="warnings" if any(row.matters for row in findings) else "done")


def finding(row: Tried) -> Finding:
    """Give what became of an attempt as reports show it."""
    trial = BY_ID[row.attempt.trial]
    return Finding(
        check=trial.id,
        title=trial.title,
        verdict=row.verdict,
        severity=Severity.ERROR,
        evidence=f"{row.attempt.target}: {row.said}",
        remedy=trial.remedy,
        anchor=f"{PAGE}#{trial.id.replace('.', '')}",
        target=row.attempt.target,
    )
