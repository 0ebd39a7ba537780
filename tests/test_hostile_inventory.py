"""Hostile values in the inventory: refused by file, line and field, or the same in a node's files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hostile import ALL, VALUES
from test_worker_command_line import divided

from wincnode.commands import lock
from wincnode.commands.inspect import Inspection
from wincnode.commands.install import worker_variables
from wincnode.errors import ConfigError
from wincnode.facts import Facts
from wincnode.inventory import Inventory, load, marks
from wincnode.inventory.fields import specs
from wincnode.inventory.model import SECTIONS, Cni, Node, Registry
from wincnode.inventory.network import HnsNetwork, Subnet
from wincnode.node.kinds import MOST_LINE
from wincnode.rendering import to_yaml
from wincnode.secrets import Secret
from wincnode.worker import kubeadm, kubelet, kubelet_config, registries
from wincnode.worker.kubelet_flags import flag_mistakes, load_flags

TODAY = date(2026, 9, 1)
FLAGS = load_flags()
KUBERNETES = "1.36.4"
BASE: dict[str, Any] = {
    "cluster": {"kubernetes": KUBERNETES, "api_server": "api.example:6443"},
    "runtime": {"containerd": "2.3.7"},
    "kubelet": {},
    "artifacts": {},
    "connection": {"user": "ada", "password": {"env": "P"}},
    "nodes": {"web-1": {"address": "127.0.0.1"}},
}
# What the path of an address takes.
IN_ADDRESS = frozenset({"dash", "single", "expression", "long"})
There = Callable[[Inventory, str], object]
SUBNET = {"prefix": "172.20.0.0/16", "gateway": "172.20.0.1"}
NETWORK = {"name": "lab", "type": "NAT", "subnets": [SUBNET]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One field: where a value is put into it, what is refused, and where it arrives.

    Args:
        at: section, field, and so on; `*` is the name of a node, `0` the first of a list.
        wrap: what stands around the value. there: what a node would get of it.
        here: the field is this host's own, and no node gets it.
    """

    field: str
    at: tuple[str, ...]
    wrap: Callable[[str], Any] = str
    refused: frozenset[str] = ALL
    there: There | None = None
    here: bool = False


def section(name: str, **more: Any) -> Row:
    """Give the row of a field that stands in a section of its own."""
    return Row(field=name, at=tuple(name.split(".")), **more)


def of_node(name: str, **more: Any) -> Row:
    return Row(field=f"nodes.{name}", at=("nodes", "web-1", *name.split(".")), **more)


def registry(name: str, wrap: Callable[[str], Any], **more: Any) -> Row:
    """Give the row of a field of a registry."""
    made = lambda value: [{"host": "docker.io"} | {name: wrap(value)}]  # noqa: E731
    field = f"runtime.registries.{name}"
    return Row(field=field, at=("runtime", "registries"), wrap=made, **more)


def network(name: str, value: Callable[[str], Any] = str, **more: Any) -> Row:
    """Give the row of a field of a network of HNS."""
    made = lambda text: [NETWORK | {name: value(text)}]  # noqa: E731
    field = f"network.networks.{name}"
    return Row(field=field, at=("network", "networks"), wrap=made, **more)


def subnet(name: str, value: Callable[[str], Any] = str) -> Row:
    """Give the row of a field of a subnet of such a network."""
    made = lambda text: [NETWORK | {"subnets": [SUBNET | {name: value(text)}]}]  # noqa: E731
    field = f"network.networks.subnets.{name}"
    return Row(field=field, at=("network", "networks"), wrap=made)


def hosts(inventory: Inventory) -> dict[str, Any]:
    """Give the hosts.toml of the first registry, read."""
    files = registries.registry_files(inventory.runtime.registries, {})
    return tomllib.loads(files[next(name for name in files if name.endswith("hosts.toml"))])


def argument(inventory: Inventory, _value: str) -> object:
    """Give what the kubelet gets behind a flag."""
    words = divided(kubelet.service_command(inventory.nodes[0]))
    return next(word for word in words if word.startswith("--max-pods=")).partition("=")[2]


def provider(inventory: Inventory, _value: str) -> object:
    return yaml.safe_load(kubelet_config.drop_in(inventory.nodes[0], KUBERNETES))["providerID"]


def mirrored(inventory: Inventory, value: str) -> object:
    """Give the value where every file comes from below it."""
    rows, _ = lock.plan(inventory, today=TODAY, mirrors={})
    return value if all(row.url.startswith(f"https://m.example/{value}/") for row in rows) else ""


HERE: dict[str, Any] = {"here": True}
ROWS: tuple[Row, ...] = (
    section("cluster.kubeconfig", **HERE),
    section("cluster.kubernetes"),
    section("cluster.api_server"),
    section("cluster.cni.name"),
    section("cluster.cni.mode"),
    # tests/test_cluster.py finds it in the manifests.
    Row(
        field="cluster.cni.vxlan_adapter",
        at=("cluster", "cni"),
        wrap=lambda value: {"name": "calico", "vxlan_adapter": value},
        refused=frozenset({"lines", "long"}),
    ),
    section("cluster.pod_cidr"),
    section("cluster.service_cidr"),
    section("cluster.node_ports"),
    section("runtime.containerd"),
    section("runtime.hyperv_builds", wrap=lambda value: [value]),
    section("runtime.sandbox_image", wrap=lambda value: f"registry.example/{value}:1"),
    registry("host", str),
    registry(
        "server",
        lambda value: f"https://r.example/{value}",
        refused=ALL - IN_ADDRESS,
        there=lambda inventory, _: hosts(inventory)["server"].removeprefix("https://r.example/"),
    ),
    registry(
        "mirrors",
        lambda value: [f"https://r.example/{value}"],
        refused=ALL - IN_ADDRESS,
        there=lambda inventory, _: next(iter(hosts(inventory)["host"])).removeprefix(
            "https://r.example/"
        ),
    ),
    registry("ca_file", str, **HERE),
    section("kubelet.extra_args", wrap=lambda value: {value: "x"}),
    *(
        Row(
            field=f"{where}kubelet.extra_args",
            at=(*at, "kubelet", "extra_args"),
            wrap=lambda value: {"max-pods": value},
            refused=frozenset({"lines", "long"}),
            there=argument,
        )
        for where, at in (("", ()), ("nodes.", ("nodes", "web-1")))
    ),
    section(
        "artifacts.mirror",
        wrap=lambda value: f"https://m.example/{value}",
        refused=ALL - IN_ADDRESS,
        there=mirrored,
    ),
    section("artifacts.also", wrap=lambda value: [value]),
    section("preflight.updates", **HERE),
    section("preflight.images", wrap=lambda value: [value], **HERE),
    # Held against the names that a node tells.
    section("network.adapter", **HERE),
    network("name"),
    network("adapter", **HERE),
    network("dns_servers", lambda value: [value]),
    network("dns_suffix"),
    network("dns_search", lambda value: [value]),
    network("mac_ranges", lambda value: [value]),
    subnet("prefix"),
    subnet("gateway"),
    subnet("routes", lambda value: [f"10.0.0.0/8 {value}"]),
    section("connection.user", **HERE),
    section("connection.ca_file", **HERE),
    section("connection.fingerprint", **HERE),
    section("connection.cert_file", **HERE),
    section("connection.key_file", **HERE),
    Row(field="nodes", at=("nodes",), wrap=lambda value: {value: {}}),
    of_node("address", **HERE),
    of_node("groups", **HERE),
    of_node("labels", wrap=lambda value: {value: "x"}),
    of_node("labels", wrap=lambda value: {"tier": value}),
    of_node("taints", wrap=lambda value: [f"{value}:NoSchedule"]),
    of_node("taints", wrap=lambda value: [f"k={value}:NoSchedule"]),
    of_node("node_ip"),
    of_node("adapter", **HERE),
    of_node(
        "provider_id",
        refused=frozenset({"typographic", "lines", "separators", "long"}),
        there=provider,
    ),
)


INNER = {"cni": Cni, "registries": Registry, "networks": HnsNetwork, "subnets": Subnet}


def open_fields() -> Iterator[str]:
    """Name each field that takes a text of one's own."""
    for name, owner in [*SECTIONS.items(), ("nodes", Node)]:
        yield from open_fields_of(name, owner)


def open_fields_of(name: str, owner: type) -> Iterator[str]:
    for field, spec in specs(owner).items():
        if spec.shape in INNER:
            yield from open_fields_of(f"{name}.{field}", INNER[spec.shape])
        elif spec.shape == "kubelet":
            yield f"{name}.kubelet.extra_args"
        elif spec.shape not in {"flag", "number", "group", "source"} and not spec.allowed:
            yield f"{name}.{field}"


def test_every_field_has_a_row() -> None:
    """A field that comes to the inventory needs a statement of what becomes of hostile values."""
    assert {row.field for row in ROWS} - {"nodes"} == set(open_fields())


def put(row: Row, value: str) -> dict[str, Any]:
    """Put a value into its field of an inventory that is right otherwise."""
    text = {**BASE, "nodes": {"web-1": dict(BASE["nodes"]["web-1"])}}
    at: dict[str, Any] = text
    for word in row.at[:-1]:
        at[word] = dict(at.get(word, {}))
        at = at[word]
    at[row.at[-1]] = row.wrap(value)
    return text


def judged(folder: Path, text: dict[str, Any]) -> tuple[str, Inventory | None]:
    """Give what is said of an inventory before any network, or the inventory."""
    path = folder / "wincnode.yaml"
    path.write_text(to_yaml(text), encoding="utf-8")
    try:
        found = load(path)
    except ConfigError as error:
        return error.message, None
    flags = flag_mistakes(found, FLAGS)
    return (marks.positioned(flags, path), None) if flags else ("", found)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.here], ids=lambda row: row.field)
def test_a_value_arrives_as_it_is_or_is_refused_by_its_field(row: Row, tmp_path: Path) -> None:
    """Nothing on the way quotes, cuts or expands it."""
    for name, value in VALUES.items():
        said, found = judged(tmp_path, put(row, value))
        assert bool(said) == (name in row.refused), (name, said)
        if found is None:
            # A key has at most 1,024 characters: yaml.org/spec/1.1, 7.3.1
            field = "not YAML" if name == "long" and "not YAML" in said else row.field
            assert said.startswith(f"{tmp_path}/wincnode.yaml:1: "), said[:200]
            assert field.rpartition(".")[2] in said, said[:200]
        elif row.there is not None:
            assert row.there(found, value) == value, name


def test_a_variable_in_a_flag_is_refused(tmp_path: Path) -> None:
    """The service manager would put its value there; a percent sign alone is nothing to it."""
    (row,) = [row for row in ROWS if row.there is argument and row.at[0] == "kubelet"]

    assert "%PATH%" in judged(tmp_path, put(row, "a%SystemRoot%b"))[0]
    assert judged(tmp_path, put(row, "memory.available<5%,nodefs.available<10%"))[0] == ""


def test_a_command_line_has_an_end(tmp_path: Path) -> None:
    """Values that fit one by one may be too long together."""
    extra = dict.fromkeys(("max-pods", "system-reserved"), "x" * (MOST_LINE // 2))
    said, _ = judged(tmp_path, {**BASE, "kubelet": {"extra_args": extra}})

    assert "wincnode.yaml:1: nodes.web-1: its labels and kubelet.extra_args" in said
    assert f"Windows takes {MOST_LINE}" in said


def test_an_authority_keeps_its_line_ends(tmp_path: Path) -> None:
    """A certificate's file arrives byte by byte."""
    (tmp_path / "ca.pem").write_bytes(b"-----BEGIN\r\n\xe2\x80\xa8$()\r")
    row = {"host": "docker.io", "ca_file": "ca.pem"}
    runtime = {"containerd": "2.3.7", "registries": [row]}
    _, found = judged(tmp_path, {**BASE, "runtime": runtime})

    assert found is not None
    seen = Inspection(computer="web-1", build=20348, facts=Facts(sections={}), findings=())
    more = worker_variables(found, today=TODAY)(found.nodes[0], seen)
    texts = [row["content"] for row in more["worker"]["files"] if row["path"].endswith("ca.crt")]
    assert texts == ["-----BEGIN\r\n\u2028$()\r"]


@pytest.mark.parametrize("word", ["0815", "1e3", "12e4567", "y", "N", "1_000", "0o17", ".5", "+1"])
def test_a_text_that_go_takes_for_a_number_stays_a_text(word: str, tmp_path: Path) -> None:
    """Kubernetes' YAML reads more words as numbers and truths than Python's does."""
    node = {"provider_id": word, "taints": [f"k={word.strip('+._')}:NoSchedule"]}
    _, found = judged(tmp_path, {**BASE, "nodes": {"web-1": node}})

    assert found is not None
    text = kubelet_config.drop_in(found.nodes[0], KUBERNETES)
    join = kubeadm.join_configuration(
        found.nodes[0], KUBERNETES, server="a:1", token=Secret("t"), ca_hashes=[]
    ).reveal()
    assert f"providerID: '{word}'\n" in text
    assert f"value: '{word.strip('+._')}'\n" in text + join
