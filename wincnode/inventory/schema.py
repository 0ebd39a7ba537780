"""The JSON Schema of an inventory and its reference page, both from the fields' metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wincnode.inventory.connection import Connection
from wincnode.inventory.fields import NODE_NAME, Spec, default_of, specs
from wincnode.inventory.model import SECTIONS, Cni, Kubelet, Node, Registry
from wincnode.inventory.network import HnsNetwork, Subnet

_WORD = {"type": "string", "minLength": 1}
_SOURCE_FORMS: dict[str, dict[str, Any]] = {
    "env": _WORD,
    "file": _WORD,
    "prompt": {"const": True},
    "command": {"type": "array", "items": {"type": "string"}, "minItems": 1},
}
_SOURCE = {
    "type": "object",
    "properties": _SOURCE_FORMS,
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


def schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) that editors complete and check inventories with."""
    parts = {name: {"$ref": f"#/$defs/{name}"} for name in SECTIONS}
    nodes = {
        "type": "object",
        "description": "The machines, by their name in Kubernetes.",
        "minProperties": 1,
        "propertyNames": {"pattern": NODE_NAME},
        "additionalProperties": {"oneOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wincnode inventory",
        "type": "object",
        "properties": {**parts, "nodes": nodes},
        "additionalProperties": False,
        "$defs": {
            **{name: _object_of(kind) for name, kind in SECTIONS.items()},
            "cni": {**_object_of(Cni), "required": ["name"]},
            "registry": {**_object_of(Registry), "required": ["host"]},
            "hns_network": {**_object_of(HnsNetwork), "required": ["name", "type"]},
            "subnet": {**_object_of(Subnet), "required": ["prefix", "gateway"]},
            "node": _object_of(Node),
        },
    }


def _object_of(kind: type) -> dict[str, Any]:
    properties = {}
    for name, spec in specs(kind).items():
        rules = {"description": spec.doc, **_rules(spec)}
        default = default_of(kind, name)
        if default not in (None, "", ()):
            rules["default"] = list(default) if isinstance(default, tuple) else default
        properties[name] = rules
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _rules(spec: Spec) -> dict[str, Any]:
    rules: dict[str, dict[str, Any]] = {
        "group": {"$ref": "#/$defs/connection"},
        "cni": {"oneOf": [_text(specs(Cni)["name"]), {"$ref": "#/$defs/cni"}]},
        "kubelet": {"$ref": "#/$defs/kubelet"},
        "registries": {"type": "array", "items": {"$ref": "#/$defs/registry"}},
        "networks": {"type": "array", "items": {"$ref": "#/$defs/hns_network"}},
        "subnets": {"type": "array", "items": {"$ref": "#/$defs/subnet"}},
        "source": _SOURCE,
        "flag": {"type": "boolean"},
        "number": {"type": "integer", "minimum": spec.minimum, "maximum": spec.maximum},
        "map": {
            "type": "object",
            "propertyNames": {"pattern": spec.key_pattern},
            "additionalProperties": _text(spec),
        },
        "texts": {"type": "array", "items": _text(spec)},
    }
    return rules.get(spec.shape) or _text(spec)


def _text(spec: Spec) -> dict[str, Any]:
    if spec.allowed:
        return {"enum": list(spec.allowed)}
    if spec.pattern:
        # A version such as 1.34 is a number to YAML; the loader takes it as it was written.
        return {"type": ["string", "number"], "pattern": spec.pattern}
    return dict(_WORD)


def page() -> str:
    """Give the reference page `docs/inventory.md`."""
    rows = [
        "# The inventory",
        "",
        "One YAML file says which cluster, which runtime and which nodes.",
        "`wincnode init` writes a commented one.",
        "Nodes may come from inventories of Ansible instead (docs/ansible.md), each given by `-i`.",
        "`nodes` may be left out then, and where a command is about the cluster alone.",
        "A mistake is reported with its line, all of them at once, before any network is touched.",
        "Relative paths start at the file's own folder.",
    ]
    for name, kind in _sections():
        rows += ["", f"## `{name}`", "", *_intro(kind), "| field | value | default | meaning |"]
        rows += ["|---|---|---|---|", *_table(kind)]
    return "\n".join(rows) + "\n"


def _sections() -> Iterator[tuple[str, type]]:
    inner: dict[str, tuple[tuple[str, type], ...]] = {
        "cluster": (("cluster.cni", Cni),),
        "runtime": (("runtime.registries[]", Registry),),
        "network": (
            ("network.networks[]", HnsNetwork),
            ("network.networks[].subnets[]", Subnet),
        ),
    }
    for name, kind in SECTIONS.items():
        yield name, kind
        yield from inner.get(name, ())
    yield "nodes.NAME", Node


def _intro(kind: type) -> list[str]:
    text = (kind.__doc__ or "").splitlines()[0]
    extra = {
        Connection: " A node's `connection` overrides single fields.",
        Kubelet: " A node's `kubelet` overrides single fields and adds to the flags.",
    }
    return [text + extra.get(kind, ""), ""]


def _table(kind: type) -> Iterator[str]:
    for name, spec in specs(kind).items():
        default = default_of(kind, name)
        shown = ", ".join(default) if isinstance(default, tuple) else default
        if isinstance(default, bool):
            shown = str(default).lower()
        cell = f"`{shown}`" if shown not in (None, "") else ""
        yield f"| `{name}` | {_value_cell(spec)} | {cell} | {spec.doc} |"


def _value_cell(spec: Spec) -> str:
    words = {
        "cidr": "a network",
        "flag": "`true` or `false`",
        "source": "a secret's source",
        "group": "fields of `connection`",
        "cni": "a name such as flannel, or fields of `cluster.cni`",
        "kubelet": "fields of `kubelet`",
        "registries": "a list of `runtime.registries[]`",
        "networks": "a list of `network.networks[]`",
        "subnets": "a list of `network.networks[].subnets[]`",
    }
    if spec.shape == "number":
        return f"a number from {spec.minimum} to {spec.maximum}"
    if spec.shape == "map":
        return f"a mapping; each key {spec.key_form}; each value {spec.form}"
    one = ", ".join(f"`{word}`" for word in spec.allowed) or spec.form
    if spec.shape == "texts":
        return f"a list of {one}"
    return one or words.get(spec.shape, "text" if spec.shape == "text" else "a path")
