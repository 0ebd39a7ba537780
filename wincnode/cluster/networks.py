"""What wincnode knows of each cluster network: rows of `data/cni/<name>.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import yaml

from wincnode.assets import PACKAGE
from wincnode.hns.documents.network import Type
from wincnode.hns.networks import Network as HnsNetwork
from wincnode.hns.networks import Subnet
from wincnode.inventory.model import Inventory


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A value that templates use, with its source."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """What must hold in the cluster or on its nodes, and wincnode does not see to."""

    text: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Minimum:
    """The oldest version that a field of the inventory may name."""

    field: str
    version: str
    because: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """Something that a network cannot do, and why."""

    because: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class External:
    """The network of HNS that moves a node's adapter, and is made before the agent would do so.

    Args: vsid: of an overlay, else 0. caveat: what the agent does to it all the same.
    """

    name: str
    type: Type
    prefix: str
    gateway: str
    source: str
    vsid: int = 0
    caveat: str = ""

    def network(self) -> HnsNetwork:
        """Give it as it is wanted, on an adapter that is still to be chosen."""
        subnet = Subnet(prefix=self.prefix, gateway=self.gateway, vsid=self.vsid)
        return HnsNetwork(name=self.name, type=self.type, subnets=(subnet,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """One way in which a network carries packets; `manifests` are rendered in their order.

    `external` is None where nothing of a network is made beforehand.
    """

    name: str
    title: str
    manifests: tuple[str, ...]
    external: External | None
    facts: tuple[Fact, ...]
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """One network. `needs` and `options` are fields of the inventory's `cluster` and its `cni`.

    Its first mode is the default. `ipv4_only` is None where IPv6 works.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    options: tuple[str, ...]
    minimum: tuple[Minimum, ...]
    ipv4_only: Limit | None
    facts: tuple[Fact, ...]
    requirements: tuple[Requirement, ...]
    modes: Mapping[str, Mode]


def load_networks() -> Mapping[str, Network]:
    """Read every network, by name in alphabetical order; a mistake in a file is a bug of ours."""
    paths = sorted((PACKAGE / "data" / "cni").glob("*.yaml"))
    rows = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]
    return MappingProxyType({row["name"]: _network(row) for row in rows})


def mode_of(inventory: Inventory) -> Mode | None:
    """Give how the cluster's network carries packets, where the inventory names one."""
    cni = inventory.cluster.cni
    network = load_networks().get(cni.name) if cni else None
    if cni is None or network is None:
        return None
    return network.modes.get(cni.mode or next(iter(network.modes)))


def fact(mode: Mode | None, name: str) -> str:
    """Give the value of a mode's fact; empty where there is none."""
    rows = mode.facts if mode else ()
    return next((row.value for row in rows if row.name == name), "")


def _network(row: Mapping[str, Any]) -> Network:
    limit = row.get("ipv4_only")
    return Network(
        name=row["name"],
        title=row["title"],
        needs=tuple(row["needs"]),
        options=tuple(row.get("options", ())),
        minimum=tuple(Minimum(**item) for item in row.get("minimum", ())),
        ipv4_only=Limit(**limit) if limit else None,
        facts=_facts(row),
        requirements=_requirements(row),
        modes=MappingProxyType({item["name"]: _mode(item) for item in row["modes"]}),
    )


def _mode(row: Mapping[str, Any]) -> Mode:
    external = row.get("external")
    return Mode(
        name=row["name"],
        title=row["title"],
        manifests=tuple(row["manifests"]),
        external=External(**external) if external else None,
        facts=_facts(row),
        requirements=_requirements(row),
    )


def _facts(row: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(Fact(**item) for item in row["facts"])


def _requirements(row: Mapping[str, Any]) -> tuple[Requirement, ...]:
    return tuple(Requirement(**item) for item in row["requirements"])
