"""All sources of Ansible to hosts with the variables that hold for each.

Source: get_vars in ansible/ansible:lib/ansible/vars/manager.py@v2.19.14, with Ansible's default
settings: `all`, then groups, each first from the inventory and then from files, then the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wincnode.inventory.ansible import files
from wincnode.inventory.ansible.files import Files, VariableFiles
from wincnode.inventory.ansible.groups import ALL, Family, Tree
from wincnode.inventory.ansible.variables import Values
from wincnode.inventory.marks import Mistakes, Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """A host of any kind with the variables of its connection.

    Args: groups: sorted, with those that its groups are in, without `all`.
    """

    name: str
    place: Place
    groups: tuple[str, ...]
    values: Values


def resolve(
    paths: Sequence[Path], read: Files, mistakes: Mistakes
) -> tuple[list[Resolved], list[str]]:
    """Read sources in their order; gives their hosts, and what was passed over.

    Raises: ConfigError: a file cannot be read, or everything that is wrong with groups.
    """
    tree, passed = Tree(), list[str]()
    for path in paths:
        for source in files.sources(path):
            passed += files.read(source, read, tree, mistakes)
    family = Family(tree, mistakes)
    beside = VariableFiles(list(paths), read, mistakes)
    shared: dict[tuple[str, ...], Values] = {}
    hosts = []
    for host in tree.hosts.values():
        groups = family.groups_of(host.name)
        if groups not in shared:
            shared[groups] = _of_groups(groups, tree, beside)
        values = shared[groups] | host.values
        for base in beside.bases:
            values |= beside.of(base, "host_vars", host.name)
        found = Resolved(
            name=host.name, place=host.place, groups=tuple(sorted(groups)), values=values
        )
        hosts.append(found)
    return hosts, passed


def _of_groups(groups: tuple[str, ...], tree: Tree, beside: VariableFiles) -> Values:
    values = dict(tree.groups[ALL].values)
    for name in groups:
        values |= tree.groups[name].values
    for members in ((ALL,), groups):
        for base in beside.bases:
            for name in members:
                values |= beside.of(base, "group_vars", name)
    return values
