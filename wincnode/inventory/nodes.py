"""What holds for a node, from whichever files it comes, and what no two nodes may share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from yaml.nodes import Node as YamlNode

from wincnode.inventory.connection import Connection
from wincnode.inventory.marks import Mistakes, Place
from wincnode.inventory.model import Node
from wincnode.inventory.rules import connection_problems

if TYPE_CHECKING:
    from wincnode.inventory.ansible.connection import Host


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """What holds for a node that does not say otherwise.

    Args: stated: fields of the section `connection`. hosts: nodes of Ansible, by their names.
    """

    sections: Mapping[str, Any]
    stated: Mapping[str, Any]
    hosts: Mapping[str, Host]

    def connection(self, name: str, own: Mapping[str, Any]) -> Connection:
        """Give a node's connection: the default, over it Ansible's, over it the node's own."""
        found: Connection = self.sections["connection"]
        host = self.hosts.get(name)
        layers = [host.implied, self.stated, host.stated, own] if host else [own]
        for fields in layers:
            found = replace(found, **fields)
            if "scheme" in fields and "port" not in fields:
                found = replace(found, port=None)  # the default port belongs to its scheme
        return found

    def node(self, host: Host) -> Node:
        """Give the node of a host of Ansible that our own file does not speak of."""
        return Node(
            name=host.name,
            line=host.place.line,
            address=host.address,
            groups=host.groups,
            kubelet=self.sections["kubelet"],
            connection=self.connection(host.name, {}),
        )


def judge(
    rows: Iterable[tuple[YamlNode | Place, Node]], defaults: Defaults, mistakes: Mistakes
) -> None:
    """Note which nodes are one machine, and which connections cannot work."""
    placed: dict[tuple[str, int], str] = {}
    judged: set[Connection] = set()
    for at, node in rows:
        where = (node.address.lower(), node.connection.effective_port)
        if where in placed:
            problem = f"{where[0]} port {where[1]} is node {placed[where]} already"
            mistakes.add(at, f"nodes.{node.name}", problem)
        placed.setdefault(where, node.name)
        if node.connection in judged:  # wrong defaults are one mistake, not one per node
            continue
        judged.add(node.connection)
        host = defaults.hosts.get(node.name)
        for field, problem in connection_problems(node.connection):
            place = host.places.get(field, at) if host else at
            text = f"{problem} (connection.{field} of wincnode.yaml)" if host else problem
            mistakes.add(place, f"nodes.{node.name}.connection.{field}", text)
