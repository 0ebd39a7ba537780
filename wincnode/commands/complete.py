"""What a shell may complete; a file that cannot be read completes to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wincnode.errors import ConfigError

YAML = frozenset({".yaml", ".yml"})


def names(inventories: Sequence[Path], incomplete: str, *, groups: bool = True) -> list[str]:
    """List the nodes of inventories, and their groups, that begin as typed."""
    from wincnode.inventory import gather

    try:
        nodes = gather(inventories).nodes
    except ConfigError:
        return []
    found = [node.name for node in nodes]
    if groups:
        found += [group for node in nodes for group in node.groups]
    return [name for name in dict.fromkeys(found) if name.startswith(incomplete)]


def inventories(incomplete: str) -> list[str]:
    """List the folders and the files that may be inventories, and begin as typed."""
    return yaml_files(incomplete, YAML | {".ini", ".json"})


def yaml_files(incomplete: str, suffixes: frozenset[str] = YAML) -> list[str]:
    """List the files of some kinds, and the folders, that begin as typed."""
    folder, _, start = incomplete.rpartition("/")
    at = Path(f"{folder}/" if folder or incomplete.startswith("/") else ".")
    try:
        found = sorted(path for path in at.iterdir() if path.name.startswith(start))
    except OSError:
        return []
    lead = incomplete[: len(incomplete) - len(start)]
    hidden = start.startswith(".")
    return [
        f"{lead}{path.name}{'/' * path.is_dir()}"
        for path in found
        if (path.is_dir() or path.suffix in suffixes) and (hidden or not path.name.startswith("."))
    ]


def check_ids(incomplete: str) -> list[str]:
    """List the ids of checks that begin as typed."""
    from wincnode import checks

    return [check.id for check in checks.all_checks() if check.id.startswith(incomplete)]
