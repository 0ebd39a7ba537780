"""Inventories of Ansible as a source of nodes, beside an inventory of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wincnode.errors import ConfigError
from wincnode.inventory.ansible.connection import Host, Reader
from wincnode.inventory.ansible.files import Files, is_ansible
from wincnode.inventory.ansible.resolve import Resolved, resolve
from wincnode.inventory.ansible.vault import Keys
from wincnode.inventory.fields import NO_NODE_NAME, NODE_NAME
from wincnode.inventory.marks import Mistakes, shown

__all__ = ["Found", "Host", "Keys", "Resolved", "is_ansible", "load"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The hosts of all sources that are Windows, and what the user is told of the rest."""

    hosts: tuple[Host, ...]
    notes: tuple[str, ...]


def load(paths: Sequence[Path], keys: Keys) -> Found:
    """Read inventories of Ansible in their order; later ones override, as for Ansible.

    Raises: ConfigError: everything that is wrong with them, a line each; or there is no host of
        a Windows connection.
    """
    mistakes, files = Mistakes(paths[0]), Files(keys)
    hosts, passed = resolve(paths, files, mistakes)
    reader = Reader(files, mistakes)
    found = [row for row in map(reader.read, hosts) if row is not None]
    _name(found, mistakes)
    mistakes.raise_any()
    names = ", ".join(map(str, paths))
    if not found:
        raise ConfigError(
            f"{names}: names no host with ansible_connection winrm or psrp",
            remedy="Set it for the group of the Windows hosts.",
        )
    notes = [*passed, *reader.notes.lines()]
    if left := len(hosts) - len(found):
        text = "1 host is" if left == 1 else f"{left} hosts are"
        notes.append(f"{names}: {text} left out, without ansible_connection winrm or psrp")
    return Found(hosts=tuple(found), notes=tuple(notes))


def _name(hosts: list[Host], mistakes: Mistakes) -> None:
    """Hold the names to those of nodes; they are in lower case by now."""
    seen: set[str] = set()
    for host in hosts:
        if not re.fullmatch(NODE_NAME, host.name):
            mistakes.add(host.place, shown(host.name), NO_NODE_NAME)
        elif host.name in seen:
            mistakes.add(host.place, shown(host.name), "differs from another host in case alone")
        seen.add(host.name)
