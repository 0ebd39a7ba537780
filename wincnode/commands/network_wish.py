"""Which networks a node is to have, on which adapter, and the plan that makes them so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from wincnode.artifacts.serve import own_address
from wincnode.checks.adapters import session
from wincnode.checks.hns import known_networks
from wincnode.cluster.networks import External, mode_of
from wincnode.errors import ConfigError, RunFailed
from wincnode.facts import FactMissing, Facts, Section
from wincnode.hns import adapters, steps
from wincnode.hns.adapters import Choice, choose
from wincnode.hns.documents.network import EXTERNAL
from wincnode.hns.features import HnsVersion, lacking
from wincnode.hns.networks import Network, document
from wincnode.hns.reading import Value as HnsValue
from wincnode.inventory.model import Inventory, Node
from wincnode.inventory.network import network_of
from wincnode.node.kinds import Value, all_kinds, split
from wincnode.plan import Guard, Plan, Step

# What of a node's facts the choice of an adapter depends on.
SECTIONS = ("os", "features", "services", "network", "links", "hns")
DEFAULT_ROUTE = "0.0.0.0/0"
# VXLAN over IPv4 takes 50 bytes of a frame: flannel-io/flannel:Documentation/backends.md@cdf76059
VXLAN_BYTES = 50
_EXTERNAL = frozenset(name.lower() for name in EXTERNAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a node is to have.

    Args: notes: how its adapters were chosen, and what else a reader should know.
    """

    networks: tuple[Network, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a command line says in place of the inventory; empty or None says nothing."""

    adapter: str = ""
    confirm_within_s: int | None = None


NOTHING = Asked()


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A node, and what is known of it."""

    inventory: Inventory
    node: Node
    facts: Facts
    build: int
    asked: Asked = field(default=NOTHING)


def expected(inventory: Inventory) -> External | None:
    """Give the network that the cluster's CNI would move the adapter by, if it is to be made."""
    mode = mode_of(inventory) if inventory.network.external else None
    return mode.external if mode else None


def wanted(inventory: Inventory) -> tuple[Network, ...]:
    """List the networks of every node: what the CNI expects, and those of the inventory.

    Where the inventory names an external network of its own, that one moves the adapter.
    """
    rows = tuple(network_of(row) for row in inventory.network.networks)
    external = expected(inventory)
    if external is None or any(row.external for row in rows):
        return rows
    return (external.network(), *rows)


def wish(target: Target, networks: Sequence[Network]) -> Wish:
    """Give the networks on the adapters of the node.

    Raises: RunFailed: an adapter is needed, and none can be chosen.
    """
    chosen: dict[str, Choice] = {}
    found = []
    for network in networks:
        if network.external:
            asked = target.asked.adapter or network.adapter or _adapter_of(target)
            if asked not in chosen:
                chosen[asked] = _choice(target, asked)
            network = network.on(chosen[asked].adapter)  # noqa: PLW2901 - the same, placed
        found.append(network)
    notes = [line for choice in chosen.values() for line in choice.lines()]
    notes += _frames(target, chosen.values(), found)
    return Wish(networks=tuple(found), notes=tuple(notes))


def _choice(target: Target, asked: str) -> Choice:
    """Choose an adapter.

    Raises: RunFailed: none fits.
    """
    try:
        choice = choose(described(target, asked))
    except FactMissing as error:
        raise _no_adapter(target, f"its adapters are not known: {error}") from error
    if not choice.adapter:
        raise _no_adapter(target, "; ".join(choice.lines()))
    return choice


def _no_adapter(target: Target, text: str) -> RunFailed:
    return RunFailed(
        f"{target.node.name}: no adapter for the network: {text}",
        remedy="Name one: --adapter, adapter of the node, or network.adapter of the inventory.",
        id="network.adapter",
    )


def _adapter_of(target: Target) -> str:
    return target.node.adapter or target.inventory.network.adapter or ""


def described(target: Target, asked: str) -> adapters.Node:
    """Give the node as the choice of its adapter sees it.

    Raises: FactMissing.
    """
    facts = target.facts
    network, links = facts.known("network"), facts.known("links")
    metrics: dict[int, int] = {}
    for route in network.rows("routes"):
        if route.text("destination") == DEFAULT_ROUTE:
            index, metric = route.number("index"), route.number("metric")
            metrics[index] = min(metric, metrics.get(index, metric))
    rows = _networks(facts)
    return adapters.Node(
        adapters=tuple(
            adapters.Adapter(
                name=row.text("name"),
                description=row.text("description"),
                physical=row.flag("physical"),
                up=row.flag("up"),
                addresses=tuple(one.text("address") for one in row.rows("addresses")),
                metric=metrics.get(row.number("index")),
            )
            for row in network.rows("adapters")
        ),
        switches=tuple(
            adapters.Switch(name=row.text("name"), adapter=row.text("adapter"))
            for row in links.rows("switches")
        ),
        networks=None if rows is None else frozenset(row.text("name") for row in rows),
        build=target.build,
        asked=asked,
        address=_own_address(target.node),
    )


def _networks(facts: Facts) -> tuple[Section, ...] | None:
    """Give HNS's networks; None where the node does not tell them."""
    try:
        return known_networks(facts)
    except FactMissing:
        return None


def _own_address(node: Node) -> str:
    """Give the address that the node registers with, where somebody says it."""
    parts = (node.node_ip or "").split(",")
    return next((text for text in parts if text and ip_address(text).version == 4), "")


def _frames(
    target: Target, choices: Iterable[Choice], networks: Iterable[Network]
) -> Iterator[str]:
    """Say how large the frames of pods may be."""
    overlay = any(network.type == "Overlay" for network in networks)
    try:
        links = target.facts.known("links").rows("interfaces")
        rows = target.facts.known("network").rows("adapters")
    except FactMissing:
        return
    sizes = {row.number("index"): row.number("mtu") for row in links}
    numbers = {row.text("name"): row.number("index") for row in rows}
    for choice in choices:
        size = sizes.get(numbers.get(choice.bound or choice.adapter, -1))
        if size:
            text = f", and {size - VXLAN_BYTES} of pods in VXLAN" if overlay else ""
            yield f"MTU: frames of {choice.adapter} have {size} bytes{text}"


def missing(target: Target, networks: Iterable[Network]) -> tuple[Network, ...]:
    """Leave out what is there by its name, and the CNI's own where the adapter has moved already.

    What HNS does not tell is taken to be missing: the node finds out.
    """
    rows = _networks(target.facts) or ()
    names = {row.text("name").lower() for row in rows}
    moved = any(row.text("type").lower() in _EXTERNAL for row in rows)
    expects = expected(target.inventory)
    return tuple(
        network
        for network in networks
        if network.name.lower() not in names
        and not (moved and expects is not None and network.name == expects.name)
    )


def refuse_unknown(
    node: str, networks: Iterable[Network], *, build: int, version: HnsVersion | None
) -> None:
    """Refuse what the node's HNS does not know.

    Raises: RunFailed.
    """
    problems = [
        f"{network.name}: {text}"
        for network in networks
        for text in lacking(document(network), build=build, version=version)
    ]
    if problems:
        raise RunFailed(
            f"{node}: {'; '.join(problems)}",
            remedy="Leave it out of the inventory, or update the node's Windows.",
            id="network.feature",
        )


def plan(target: Target, networks: Sequence[Network], *, before: str = "") -> Plan:
    """Give the plan that makes networks, inside the guard where an adapter may move.

    Args: before: of the steps' numbers, where others follow.
    """
    rows = [
        step(f"{before}{number}", network, build=target.build)
        for number, network in enumerate(networks, start=1)
    ]
    moves = any(network.external for network in networks)
    return Plan(node=target.node.name, steps=tuple(rows), guard=guard(target) if moves else None)


def step(number: str, network: Network, *, build: int) -> Step:
    """Give the step that makes a network as it is wanted."""
    fields = steps.wanted(network, build=build)
    title = f"network {network.name} ({network.type})"
    title += f" on {network.adapter}" if network.adapter else ""
    return _step(number, network.name, title, fields)


def removal(number: str, name: str) -> Step:
    """Give the step that removes a network of wincnode's."""
    return _step(number, name, f"network {name}", steps.unwanted(name))


def _step(number: str, name: str, title: str, fields: dict[str, HnsValue]) -> Step:
    kind = all_kinds()[steps.KIND]
    values: dict[str, Value] = {key: _value(value) for key, value in fields.items()}
    key, want = split(kind, values)
    id = f"{number}-network-{name.lower()}"
    return Step(id=id, kind=kind.name, title=title, key=key, want=want, timeout_s=kind.timeout_s)


def _value(value: HnsValue) -> Value:
    return [*value] if isinstance(value, list) else value


def guard(target: Target) -> Guard:
    """Give the guard that the command line or the inventory asks for."""
    found = guard_of(target.inventory, target.node)
    stated_s = target.asked.confirm_within_s or found.confirm_within_s
    # Behind a forwarded port the node's own is another than the inventory's.
    try:
        link = session(target.facts)
        port = link.number("port") if link else found.port
    except FactMissing:
        port = found.port
    return replace(found, confirm_within_s=stated_s, port=port)


def guard_of(inventory: Inventory, node: Node) -> Guard:
    """Give how long the node waits for wincnode to come back, from where, and by which port.

    The node adds the addresses that it sees connected, as those of a gateway on the way.
    """
    try:
        own = own_address(node.address or node.name)
    except ConfigError:
        own = ""
    return Guard(
        confirm_within_s=inventory.network.confirm_within_s,
        clients=(own,) if own and "%" not in own else (),
        port=node.connection.effective_port,
    )
