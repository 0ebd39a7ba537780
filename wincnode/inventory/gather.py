"""Several sources to one inventory: at most one of our own, and any number of Ansible's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wincnode.errors import ConfigError
from wincnode.inventory import marks
from wincnode.inventory.load import parse
from wincnode.inventory.model import Inventory


def gather(paths: Sequence[Path], vault_passwords: Sequence[Path] = ()) -> Inventory:
    """Read all sources; cluster, runtime and defaults come from our own file, if there is one.

    Args: vault_passwords: files, or programs, that give the passwords of ansible-vault.
    Raises: ConfigError: everything that is wrong with a source, a line each.
    """
    # Imported here because most commands read no inventory of Ansible.
    from wincnode.inventory import ansible

    theirs = [path for path in paths if ansible.is_ansible(path)]
    own = [path for path in paths if path not in theirs]
    if len(own) > 1:
        raise ConfigError(
            f"{own[0]} and {own[1]} are both inventories of wincnode",
            remedy="Give one, and as many of Ansible as you like.",
        )
    if not theirs:
        return parse(marks.read_text(own[0]), own[0])
    found = ansible.load(theirs, ansible.Keys(vault_passwords))
    hosts = {host.name: host for host in found.hosts}
    if own:
        inventory = parse(marks.read_text(own[0]), own[0], hosts)
    else:
        inventory = parse("{}", theirs[0], hosts)
    return replace(inventory, notes=found.notes)
