"""Which API server a kubeconfig points to.

Source of the form: kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig
"""

from __future__ import annotations

from pathlib import Path

from wincnode.errors import ConfigError
from wincnode.inventory import marks


def server_of(path: Path) -> str:
    """Give the server of the current context; nothing else of the file is looked at.

    Raises: ConfigError: it cannot be read, or names no server; its content is never repeated.
    """
    root = marks.compose(marks.read_text(path), path)
    config = marks.plain(root) if root is not None else None
    current = _text(config, "current-context")
    if not current:
        raise ConfigError(f"{path}: names no current-context")
    context = _named(config, "contexts", current, "context")
    if context is None:
        raise ConfigError(f"{path}: its current-context is not among its contexts")
    cluster = _named(config, "clusters", _text(context, "cluster"), "cluster")
    server = _text(cluster, "server")
    if not server:
        raise ConfigError(f"{path}: the cluster of its current-context has no server")
    return server


def _named(config: object, rows: str, name: str, part: str) -> object:
    """Give the part of the row with a name; None where there is no such row."""
    listed = config.get(rows) if isinstance(config, dict) else None
    for row in listed if isinstance(listed, list) else ():
        if _text(row, "name") == name and isinstance(row, dict):
            return row.get(part)
    return None


def _text(mapping: object, key: str) -> str:
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return value if isinstance(value, str) else ""
