"""The inventory file to values; every mistake is reported at once, with line and field."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from wincnode.errors import ConfigError
from wincnode.inventory import marks
from wincnode.inventory.connection import Connection
from wincnode.inventory.fields import NODE_NAME, Spec, specs
from wincnode.inventory.marks import Mistakes
from wincnode.inventory.model import (
    SECTIONS,
    Cni,
    Inventory,
    Kubelet,
    Node,
    Registry,
)
from wincnode.inventory.rules import (
    connection_problems,
    registry_problems,
    repeated_taints,
)
from wincnode.secrets import Source, source_of

_WRONG = object()  # a value that was reported already
GROUPS = {"group": Connection, "kubelet": Kubelet}


def load(path: Path) -> Inventory:
    """Read and validate an inventory; no network is touched.

    Raises: ConfigError: everything that is wrong with the file, a line each.
    """
    return parse(marks.read_text(path), path)


def parse(text: str, path: Path) -> Inventory:
    """Validate an inventory's text; relative paths in it start at the file's folder."""
    mistakes = Mistakes(path)
    root = marks.compose(text, path)
    if root is None:
        raise ConfigError(f"{path}: empty", remedy="Write one with `wincnode init`.")
    found = marks.entries(root, "", mistakes)
    marks.refuse_unknown(found, (*SECTIONS, "nodes"), "", mistakes)
    sections = {
        name: kind(**_section(found[name][1], kind, name, mistakes)) if name in found else kind()
        for name, kind in SECTIONS.items()
    }
    if "nodes" not in found:
        mistakes.add(1, "nodes", "missing; a mapping of node names")
    nodes = _nodes(found["nodes"][1], sections, mistakes) if "nodes" in found else ()
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


def _nodes(at: YamlNode, defaults: Mapping[str, Any], mistakes: Mistakes) -> tuple[Node, ...]:
    found = marks.entries(at, "nodes", mistakes)
    if not found:
        mistakes.add(at, "nodes", "names no node")
    nodes: list[Node] = []
    places: dict[tuple[str, int], str] = {}
    judged: set[Connection] = set()
    for name, (key, value) in found.items():
        node = _node(name, key, value, defaults=defaults, mistakes=mistakes)
        place = (node.address.lower(), node.connection.effective_port)
        if place in places:
            problem = f"{place[0]} port {place[1]} is node {places[place]} already"
            mistakes.add(key, f"nodes.{name}", problem)
        places.setdefault(place, name)
        if node.connection not in judged:  # wrong defaults are one mistake, not one per node
            judged.add(node.connection)
            for field, problem in connection_problems(node.connection):
                mistakes.add(key, f"nodes.{name}.connection.{field}", problem)
        nodes.append(node)
    return tuple(nodes)


def _node(
    name: str, key: YamlNode, at: YamlNode, *, defaults: Mapping[str, Any], mistakes: Mistakes
) -> Node:
    where = f"nodes.{name}"
    if not re.fullmatch(NODE_NAME, name):
        problem = "no Kubernetes node name: lower-case letters, digits, `-` and `.`"
        mistakes.add(key, where, problem)
    values = _section(at, Node, where, mistakes)
    for twice in repeated_taints(values.get("taints", ())):
        problem = f"{twice} is given twice; a key and an effect go together once"
        mistakes.add(_key_of(at, "taints"), f"{where}.taints", problem)
    own = values.pop("connection", {})
    values["address"] = values.get("address") or name
    values["kubelet"] = _kubelet(defaults["kubelet"], values.get("kubelet", {}))
    connection = replace(defaults["connection"], **own)
    if "scheme" in own and "port" not in own:
        connection = replace(connection, port=None)  # the default port belongs to its scheme
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
        case "registries" | "cni" | "source":
            readers = {"registries": _registries, "cni": _cni, "source": _source}
            return readers[spec.shape](at, where, mistakes)
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


def _registries(at: YamlNode, where: str, mistakes: Mistakes) -> Any:
    if not isinstance(at, SequenceNode):
        mistakes.add(at, where, f"is {marks.describe(at)}; it takes a list")
        return _WRONG
    registries: dict[str, Registry] = {}
    for number, item in enumerate(at.value):
        place = f"{where}[{number}]"
        registry = Registry(**_section(item, Registry, place, mistakes))
        for name, problem in registry_problems(registry):
            mistakes.add(_key_of(item, name), f"{place}.{name}", problem)
        if registry.host in registries:
            mistakes.add(_key_of(item, "host"), f"{place}.host", "is in the list already")
        registries[registry.host] = registry
    return tuple(registries.values())


def _source(at: YamlNode, where: str, mistakes: Mistakes) -> Any:
    try:
        source = source_of(marks.plain(at))
    except ConfigError as err:
        mistakes.add(at, where, err.message)
        return Source(kind="prompt")  # stands in, so that it is not reported as missing too
    if source.kind == "file":
        return Source(kind="file", argument=(marks.beside(source.argument[0], mistakes.path),))
    return source


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
