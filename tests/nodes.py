"""Lab nodes for tests, and connections to them as wincnode makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compute_double import libraries
from winps import winps

from wincnode.lab import nodes
from wincnode.lab.faults import Faults
from wincnode.lab.nodes import LabNode, Wish
from wincnode.transport import ConnectionSettings, Transport, open_transport

ENGINES = ("powershell", "model")


@contextmanager
def lab_node(
    folder: Path,
    *,
    engine: str = "powershell",
    profile: str = "ws2022",
    faults: Faults | None = None,
    speed: float = 1.0,
) -> Iterator[LabNode]:
    """Start a node called WEB-1; it ends with all its processes.

    Args: speed: of the model's clock; scripts have clocks of ours.
    """
    wish = Wish(
        profile=profile,
        faults=faults or Faults(),
        powershell=Path(winps()) if engine == "powershell" else None,
        compute=libraries() if engine == "powershell" else None,
        speed=speed if engine == "model" else 1.0,
    )
    with nodes.lab_node("web-1", wish, folder) as node:
        yield node


def settings(node: LabNode, **more: Any) -> ConnectionSettings:
    """Say how a node is reached."""
    return ConnectionSettings(
        address="127.0.0.1",
        port=node.port,
        scheme="http",
        user=nodes.USER,
        password=nodes.PASSWORD,
        **more,
    )


@contextmanager
def linked(node: LabNode) -> Iterator[Transport]:
    """Open a connection as wincnode does, and close it."""
    link = open_transport(settings(node))
    try:
        yield link
    finally:
        link.close()


def base(node: LabNode) -> Path:
    """Give the folder of wincnode on the node's disk."""
    return node.machine.path(r"C:\Program Files\wincnode")
