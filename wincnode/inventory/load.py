"""The inventory file to values; every mistake is reported at once, with line and field."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from wincnode.errors import ConfigError
from wincnode.inventory import marks
from wincnode.inventory.connection import Connection
from wincnode.inventory.fields import NO_NODE_NAME, NODE_NAME, Spec, specs
from wincnode.inventory.marks import Mistakes, Place
from wincnode.inventory.model import (
    SECTIONS,
    Cni,
    Inventory,
    Kubelet,
    Node,
    Registry,
)
from wincnode.inventory.network import HnsNetwork, Subnet, network_problems
from wincnode.inventory.nodes import Defaults, judge
from wincnode.inventory.rules import cluster_problems, registry_problems, repeated_taints
from wincnode.secrets import Source, source_of

if TYPE_CHECKING:
    from wincnode.inventory.ansible import Host

_WRONG = object()  # a value that was reported already
GROUPS = {"group": Connection, "kubelet": Kubelet}


def load(path: Path) -> Inventory:
    """Read and validate an inventory; no network is touched.

    Raises: ConfigError: everything that is wrong with the file, a line each.
    """
    return parse(marks.read_text(path), path)


def load_settings(path: Path) -> Inventory:
    """Read an inventory for what it says of the cluster; it may leave its nodes to others.

    Raises: ConfigError: everything that is wrong with the file, a line each.
    """
    return parse(marks.read_text(path), path, hosts={})


def parse(text: str, path: Path, hosts: Mapping[str, Host] | None = None) -> Inventory:
    """Validate an inventory's text; relative paths in it start at the file's folder.

    Args: hosts: nodes from elsewhere, by their names; with them the text needs no nodes.
    """
    mistakes = Mistakes(path)
    root = marks.compose(text, path)
    if root is None:
        raise ConfigError(f"{path}: empty", remedy="Write one with `wincnode init`.")
    found = marks.entries(root, "", mistakes)
    marks.refuse_unknown(found, (*SECTIONS, "nodes"), "", mistakes)
    given = {
        name: _section(found[name][1], kind, name, mistakes) if name in found else {}
        for name, kind in SECTIONS.items()
    }
    sections = {name: kind(**given[name]) for name, kind in SECTIONS.items()}
    for name, problem in cluster_problems(sections["cluster"]):
        mistakes.add(_key_of(found["cluster"][1], name), f"cluster.{name}", problem)
    if hosts is None and "nodes" not in found:
        mistakes.add(1, "nodes", "missing; a mapping of node names")
    rows = marks.entries(found["nodes"][1], "nodes", mistakes) if "nodes" in found else {}
    if hosts is None and "nodes" in found and not rows:
        mistakes.add(found["nodes"][1], "nodes", "names no node")
    defaults = Defaults(sections=sections, stated=given["connection"], hosts=hosts or {})
    nodes = _nodes(rows, defaults, mistakes)
    mistakes.raise_any()
    return Inventory(path=path, nodes=nodes, **sections)


def select(inventory: Inventory, wanted: Iterable[str]) -> tuple[Node, ...]:
    """Give the nodes of the named nodes and groups, in the file's order; all without a name.

    Raises: ConfigError: a word names neither a node nor a group.
    """
    words = set(wanted)
    known = {node.name for node in inventory.nodes}
    known |= {group for node in inventory.nodes for group in node.groups}
    for word in sorted(words - known):
        hint = marks.nearest(word, sorted(known))
        raise ConfigError(f"{inventory.path}: no node or group is called {word}; {hint}")
    return tuple(node for node in inventory.nodes if not words or words & {node.name, *node.groups})


def _nodes(
    rows: Mapping[str, tuple[YamlNode, YamlNode]], defaults: Defaults, mistakes: Mistakes
) -> tuple[Node, ...]:
    """Give the nodes of the file, then those of Ansible that are not among them."""
    found: list[tuple[YamlNode | Place, Node]] = [
        (key, _node(name, key, value, defaults=defaults, mistakes=mistakes))
        for name, (key, value) in rows.items()
    ]
    found += [
        (host.place, defaults.node(host))
        for name, host in defaults.hosts.items()
        if name not in rows
    ]
    judge(found, defaults, mistakes)
    return tuple(node for _, node in found)


def _node(
    name: str, key: YamlNode, at: YamlNode, *, defaults: Defaults, mistakes: Mistakes
) -> Node:
    where = f"nodes.{name}"
    if not re.fullmatch(NODE_NAME, name):
        mistakes.add(key, where, NO_NODE_NAME)
    values = _section(at, Node, where, mistakes)
    for twice in repeated_taints(values.get("taints", ())):
        problem = f"{twice} is given twice; a key and an effect go together once"
        mistakes.add(_key_of(at, "taints"), f"{where}.taints", problem)
    own = values.pop("connection", {})
    host = defaults.hosts.get(name)
    values["address"] = values.get("address") or (host.address if host else name)
    if host:
        values["groups"] = tuple(dict.fromkeys((*values.get("groups", ()), *host.groups)))
    values["kubelet"] = _kubelet(defaults.sections["kubelet"], values.get("kubelet", {}))
    connection = defaults.connection(name, own)
    return Node(name=name, line=marks.line_of(key), connection=connection, **values)


def _kubelet(defaults: Kubelet, own: Mapping[str, Any]) -> Kubelet:
    """Give a node's kubelet: its flags are added to the defaults', one by one."""
    arguments = MappingProxyType({**defaults.extra_args, **own.get("extra_args", {})})
    return replace(defaults, **{**own, "extra_args": arguments})


def _key_of(at: YamlNode, name: str) -> YamlNode:
    """Give the node of a mapping's key, or the mapping itself."""
    rows = at.value if isinstance(at, MappingNode) else ()
    return next((key for key, _ in rows if key.value == name), at)


def _section(at: YamlNode, kind: type, where: str, mistakes: Mistakes) -> dict[str, Any]:
    """Read a mapping by a section's fields; what is wrong is noted and left out."""
    found = marks.entries(at, where, mistakes)
    known = specs(kind)
    marks.refuse_unknown(found, known, where, mistakes)
    values = {}
    for name, spec in known.items():
        if name in found:
            value = _value(found[name][1], spec, f"{where}.{name}", mistakes)
            if value is not _WRONG:
                values[name] = value
    return values


def _value(at: YamlNode, spec: Spec, where: str, mistakes: Mistakes) -> Any:
    match spec.shape:
        case "group" | "kubelet":
            return _section(at, GROUPS[spec.shape], where, mistakes)
        case "registries" | "networks" | "subnets" | "cni" | "source":
            return READERS[spec.shape](at, where, mistakes)
        case "texts":
            return _texts(at, spec, where, mistakes)
        case "map":
            return _map(at, spec, where, mistakes)
    return _scalar(at, spec, where, mistakes)


def _map(at: YamlNode, spec: Spec, where: str, mistakes: Mistakes) -> Any:
    found = marks.entries(at, where, mistakes)
    for name, (key, _) in found.items():
        if not re.fullmatch(spec.key_pattern, name):
            mistakes.add(key, f"{where}.{marks.shown(name)}", f"no key; {spec.key_form}")
    pairs = {
        name: _scalar(value, spec, f"{where}.{name}", mistakes)
        for name, (_, value) in found.items()
    }
    return MappingProxyType({k: text for k, text in pairs.items() if text is not _WRONG})


def _texts(at: YamlNode, spec: Spec, where: str, mistakes: Mistakes) -> Any:
    if not isinstance(at, SequenceNode):
        mistakes.add(at, where, f"is {marks.describe(at)}; it takes a list")
        return _WRONG
    items = [_scalar(item, spec, where, mistakes) for item in at.value]
    return tuple(dict.fromkeys(item for item in items if item is not _WRONG))


def _cni(at: YamlNode, where: str, mistakes: Mistakes) -> Any:
    if isinstance(at, ScalarNode):
        name = _scalar(at, specs(Cni)["name"], where, mistakes)
        return _WRONG if name is _WRONG else Cni(name=name)
    values = _section(at, Cni, where, mistakes)
    if isinstance(at, MappingNode) and not any(key.value == "name" for key, _ in at.value):
        mistakes.add(at, f"{where}.name", f"missing; {specs(Cni)['name'].form}")
    return Cni(**values)


def _items(at: YamlNode, where: str, mistakes: Mistakes) -> Iterator[tuple[YamlNode, str]]:
    """Give the items of a list of mappings, each with its place."""
    if not isinstance(at, SequenceNode):
        mistakes.add(at, where, f"is {marks.describe(at)}; it takes a list")
        return
    yield from ((item, f"{where}[{number}]") for number, item in enumerate(at.value))


def _registries(at: YamlNode, where: str, mistakes: Mistakes) -> Any:
    registries: dict[str, Registry] = {}
    for item, place in _items(at, where, mistakes):
        registry = Registry(**_section(item, Registry, place, mistakes))
        for name, problem in registry_problems(registry):
            mistakes.add(_key_of(item, name), f"{place}.{name}", problem)
        if registry.host in registries:
            mistakes.add(_key_of(item, "host"), f"{place}.host", "is in the list already")
        registries[registry.host] = registry
    return tuple(registries.values())


def _networks(at: YamlNode, where: str, mistakes: Mistakes) -> Any:
    networks: dict[str, HnsNetwork] = {}
    for item, place in _items(at, where, mistakes):
        before = mistakes.text()
        network = HnsNetwork(**_section(item, HnsNetwork, place, mistakes))
        if mistakes.text() == before:  # else each would be told twice
            for name, problem in network_problems(network):
                top = name.partition("[")[0].partition(".")[0]
                mistakes.add(_key_of(item, top), f"{place}.{name}", problem)
        if network.name and network.name.lower() in networks:
            mistakes.add(_key_of(item, "name"), f"{place}.name", "is in the list already")
        networks[network.name.lower()] = network
    return tuple(networks.values())


def _subnets(at: YamlNode, where: str, mistakes: Mistakes) -> Any:
    rows = _items(at, where, mistakes)
    return tuple(Subnet(**_section(item, Subnet, place, mistakes)) for item, place in rows)


def _source(at: YamlNode, where: str, mistakes: Mistakes) -> Any:
    try:
        source = source_of(marks.plain(at))
    except ConfigError as err:
        mistakes.add(at, where, err.message)
        return Source(kind="prompt")  # stands in, so that it is not reported as missing too
    if source.kind == "file":
        return Source(kind="file", argument=(marks.beside(source.argument[0], mistakes.path),))
    return source


READERS: Mapping[str, Callable[[YamlNode, str, Mistakes], Any]] = MappingProxyType(
    {
        "registries": _registries,
        "networks": _networks,
        "subnets": _subnets,
        "cni": _cni,
        "source": _source,
    }
)


def _scalar(at: YamlNode, spec: Spec, where: str, mistakes: Mistakes) -> Any:
    problem = _scalar_problem(at, spec)
    if problem:
        mistakes.add(at, where, problem)
        return _WRONG
    text = str(at.value)
    match spec.shape:
        case "number":
            return int(text)
        case "flag":
            return marks.plain(at)
        case "path":
            return marks.beside(text, mistakes.path)
    return text


def _scalar_problem(at: YamlNode, spec: Spec) -> str:
    """Say why a scalar does not fit its field; empty where it does."""
    if not isinstance(at, ScalarNode):
        return f"is {marks.describe(at)}; it takes {_form(spec)}"
    text = str(at.value)
    if spec.shape == "flag":
        return "" if at.tag == marks.BOOL else f"is {marks.shown(text)}; one of true, false"
    if spec.shape == "number":
        fits = at.tag == marks.INT and re.fullmatch("[0-9]{1,9}", text)
        inside = fits and spec.minimum <= int(text) <= spec.maximum
        return "" if inside else f"is {marks.shown(text)}; {_form(spec)}"
    # 1.30 stays the text 1.30, as it was written; yes and null are no texts without quotes.
    if at.tag in {marks.BOOL, marks.NULL}:
        return f"is {marks.describe(at)}; it takes {_form(spec)} (in quotes if it is meant so)"
    return "" if _fits(text, spec) else f"is {marks.shown(text)}; {_form(spec)}"


def _fits(text: str, spec: Spec) -> bool:
    if spec.allowed:
        return text in spec.allowed
    if spec.shape == "cidr":
        return _is_cidr(text)
    if spec.pattern:
        return bool(re.fullmatch(spec.pattern, text))
    return bool(text)


def _form(spec: Spec) -> str:
    if spec.form or spec.allowed:
        return spec.form or f"one of {', '.join(spec.allowed)}"
    if spec.shape == "number":
        return f"a number from {spec.minimum} to {spec.maximum}"
    words = {"cidr": "a network such as 10.244.0.0/16", "path": "a path", "flag": "true or false"}
    return words.get(spec.shape, "text")


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return "/" in text
