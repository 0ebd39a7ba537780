"""Inventories of Ansible, written for one test and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from wincnode.errors import ConfigError
from wincnode.inventory.ansible import Found, Keys, load

HEAD = "[all:vars]\nansible_connection=winrm\nansible_user=ops\nansible_winrm_transport=ntlm\n"


def write(folder: Path, files: Mapping[str, str], *, mode: int = 0o600) -> Path:
    """Write files below a folder, readable by their owner alone unless told otherwise."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        path.chmod(mode)
    return folder


def read(
    folder: Path, files: Mapping[str, str], first: str = "", keys: Sequence[Path] = ()
) -> Found:
    """Write files and load the first of them, or what else is named."""
    write(folder, files)
    return load([folder / (first or next(iter(files)))], Keys(keys))


def refusal(
    folder: Path, files: Mapping[str, str], first: str = "", keys: Sequence[Path] = ()
) -> list[str]:
    """Give what is wrong with files, a line each, without the folder in front."""
    with pytest.raises(ConfigError) as caught:
        read(folder, files, first, keys)
    return [line.removeprefix(f"{folder}/") for line in caught.value.message.splitlines()]
