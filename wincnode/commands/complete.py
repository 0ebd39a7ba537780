"""What a shell may complete; a file that cannot be read completes to nothing."""

from __future__ import annotations

from pathlib import Path

from wincnode.errors import ConfigError


def names(inventory: Path, incomplete: str, *, groups: bool = True) -> list[str]:
    """List the nodes of an inventory, and its groups, that begin as typed."""
    from wincnode.inventory import load

    try:
        nodes = load(inventory).nodes
    except ConfigError:
        return []
    found = [node.name for node in nodes]
    if groups:
        found += [group for node in nodes for group in node.groups]
    return [name for name in dict.fromkeys(found) if name.startswith(incomplete)]


def yaml_files(incomplete: str) -> list[str]:
    """List the YAML files and the folders that begin as typed."""
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
        if (path.is_dir() or path.suffix in {".yaml", ".yml"})
        and (hidden or not path.name.startswith("."))
    ]


def check_ids(incomplete: str) -> list[str]:
    """List the ids of checks that begin as typed."""
    from wincnode import checks

    return [check.id for check in checks.all_checks() if check.id.startswith(incomplete)]
