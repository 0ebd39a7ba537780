"""What tests of the node's scripts and of the cluster share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import winps

from wincnode.lab.cluster import ControlPlane, control_plane

# What a shell starts with `&` ignores ^C, and so would the clients that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[winps.Machine]:
    """A healthy Server 2022."""
    with winps.machine(tmp_path / "node") as machine:
        yield machine


@pytest.fixture(scope="module")
def shared_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a control plane for the tests of a file."""
    with control_plane(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.fixture
def plane(shared_plane: ControlPlane) -> ControlPlane:
    """Give the control plane without what an earlier test has left."""
    for resource in ("nodes", "configmaps", "pods", "secrets"):
        for row in shared_plane.objects.rows(resource):
            meta = row["metadata"]
            if resource != "configmaps" or meta.get("namespace") == "default":
                shared_plane.objects.delete(resource, meta["name"], meta.get("namespace", ""))
    shared_plane.audit.clear()
    return shared_plane
