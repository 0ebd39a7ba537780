"""How `install` gets the locked files to nodes: by one way, or by the next where one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from wincnode.artifacts import deliver
from wincnode.artifacts.catalogue import load_catalogue
from wincnode.artifacts.deliver import Delivery, Way
from wincnode.artifacts.fetch import fetch, path_in
from wincnode.artifacts.lock import Entry
from wincnode.artifacts.push import push
from wincnode.artifacts.serve import own_address, serving
from wincnode.artifacts.web import Pace
from wincnode.commands.execution import Fallback, Instead
from wincnode.errors import ArtifactError, ConfigError, RunFailed
from wincnode.events import Event, Log, StepFinished
from wincnode.inventory.model import Inventory
from wincnode.plan import Plan
from wincnode.transport import Transport

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "origin": "With --files auto the node tries this host and WinRM next; --files serve and"
        " --files push take one of them at once.",
        "serve": "See that the firewall of this host lets the node in; or send the files over WinRM"
        " with --files push, or --files auto.",
        "push": "Run the command again; what is on the node already is not sent again.",
        "auto": "The notes of the node say why each way failed; `wincnode lock --download` fills"
        " the cache of this host where it reaches the origin.",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """How the locked files get to the nodes.

    Args:
        cache: where this host keeps them, for every way but `origin`.
        address: what nodes reach this host by; for `auto` found for each node where it is empty.
        pace: of this host's own downloads.
    """

    cache: Path
    way: Way = "origin"
    address: str = ""
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """What brings the files to each node.

    Args:
        delivery: where nodes get them from at first. prepare: is done once on each node before its
            first run. fallbacks: what follows where a file cannot be had, the first first.
    """

    delivery: Delivery
    prepare: Callable[[Transport, str], None]
    fallbacks: tuple[Fallback, ...]


@contextmanager
def supply(
    inventory: Inventory, entries: Sequence[Entry], files: Files, *, check: bool = False
) -> Iterator[Supply]:
    """Give what brings the files to each node, while this host serves them if it is to.

    Raises: ConfigError, ArtifactError: this host cannot have or serve what it is told to give.
    """
    with ExitStack() as stack:
        host = _Host(entries, files, stack)
        delivery = Delivery(way=files.way)
        if files.way in {"serve", "push"} and not check:
            host.fetch()
        if files.way == "serve":
            delivery = host.delivery(files.address)
        to_try = _others(inventory, entries, host, files) if files.way == "auto" else ()
        yield Supply(
            delivery=delivery,
            prepare=host.push if files.way == "push" else lambda _transport, _node: None,
            fallbacks=(*to_try, _given_up(files.way)),
        )


def own_address_for(inventory: Inventory, names: Sequence[str]) -> str:
    """Give the address that the first of the nodes sees this host by.

    Raises: ConfigError: there is no way there.
    """
    first = next(node for node in inventory.nodes if node.name == names[0])
    return own_address(first.address or first.name)


class _Host:
    """A source: this host. Its files are fetched, and its ports opened, once they are needed."""

    def __init__(self, entries: Sequence[Entry], files: Files, stack: ExitStack) -> None:
        self._entries = entries
        self._files = files
        self._stack = stack
        # Nodes ask from threads of their own.
        self._lock = threading.Lock()
        self._fetched = False
        self._problem: ArtifactError | ConfigError | None = None
        self._deliveries: dict[str, Delivery] = {}

    def fetch(self) -> None:
        """Have all files in the cache; what failed is not tried again for the next node.

        Raises: ArtifactError, ConfigError.
        """
        with self._lock:
            if self._problem is not None:
                raise self._problem
            if self._fetched:
                return
            try:
                for entry in self._entries:
                    fetch(entry, path_in(self._files.cache, entry), pace=self._files.pace)
            except (ArtifactError, ConfigError) as error:
                self._problem = error
                raise
            self._fetched = True

    def delivery(self, address: str) -> Delivery:
        """Serve the files at an address of this host until the command ends.

        Raises: ConfigError.
        """
        with self._lock:
            if address not in self._deliveries:
                paths = {row.component: path_in(self._files.cache, row) for row in self._entries}
                served = self._stack.enter_context(serving(paths, address=address))
                self._deliveries[address] = Delivery(way="serve", served=served.urls)
            return self._deliveries[address]

    def push(self, transport: Transport, node: str) -> None:
        """Send a node what it lacks of the files."""
        parcels = deliver.parcels(self._entries, load_catalogue(), self._files.cache)
        push(transport, parcels, node=node)


def _others(
    inventory: Inventory, entries: Sequence[Entry], host: _Host, files: Files
) -> tuple[Fallback, ...]:
    """Give the ways behind the origin, each for one node's plan that could not have a file."""
    addresses = {node.name: node.address or node.name for node in inventory.nodes}

    def serve(
        _transport: Transport, plan: Plan, steps: Sequence[StepFinished]
    ) -> Generator[Event, None, Instead]:
        why = deliver.not_had(plan, steps)
        if not why:
            return Instead()
        yield _said(f"{why}; next, this host gets the files and serves them")
        try:
            host.fetch()
            delivery = host.delivery(files.address or own_address(addresses[plan.node]))
        except (ArtifactError, ConfigError) as error:
            text = f"this host cannot serve the files: {error.message}"
            yield _said(text)
            return Instead(notes=(f"{why}; {text}",))
        return Instead(
            plan=deliver.rerouted(plan, entries, delivery),
            notes=(f"{why}; this host served the files from then on",),
        )

    def send(
        transport: Transport, plan: Plan, steps: Sequence[StepFinished]
    ) -> Generator[Event, None, Instead]:
        why = deliver.not_had(plan, steps)
        if not why:
            return Instead()
        yield _said(f"{why}; next, the files that are missing come over WinRM")
        try:
            host.fetch()
            host.push(transport, plan.node)
        except (ArtifactError, ConfigError) as error:
            text = f"this host has no files to send: {error.message}"
            yield _said(text)
            return Instead(notes=(text,))
        return Instead(
            plan=deliver.rerouted(plan, entries, Delivery(way="push")),
            notes=(f"{why}; the files came over WinRM from then on",),
        )

    return serve, send


def _given_up(way: Way) -> Fallback:
    """Give what says, where no way is left, which other ones there are."""

    def explain(
        _transport: Transport, plan: Plan, steps: Sequence[StepFinished]
    ) -> Generator[Event, None, Instead]:
        yield from ()
        if not deliver.not_had(plan, steps):
            return Instead()
        text = f"{plan.node}: no file came by --files {way}"
        return Instead(error=RunFailed(text, remedy=REMEDIES[way], id="artifact.not-had"))

    return explain


def _said(text: str) -> Log:
    return Log(level="warning", text=text)
