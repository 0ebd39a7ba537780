"""Finds the node's scripts, the templates and the playbooks, in a checkout or a wheel."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """Give `templates` or `playbooks`: inside the wheel, else beside the package in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def playbook(path: Path) -> Path:
    """Give a playbook's file; a bare name that is no file here is one of those that ship."""
    shipped = folder("playbooks") / path
    return shipped if path.name == str(path) and not path.exists() and shipped.exists() else path


@cache
def node_script(name: str) -> str:
    """Give the text of one of the node's scripts, such as `runner` or `kinds/directory`.

    Files of C#, such as `platform.cs`, keep their suffix.
    """
    file = name if name.endswith(".cs") else f"{name}.ps1"
    return (PACKAGE / "node" / file).read_text(encoding="ascii")


def script_names(folder_name: str) -> tuple[str, ...]:
    """List the scripts of `facts` or `kinds`, without their suffix, in alphabetical order."""
    return tuple(sorted(path.stem for path in (PACKAGE / "node" / folder_name).glob("*.ps1")))


def sha256(text: str) -> str:
    """Give the SHA-256 of a script's ASCII text, as the node computes it."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()
