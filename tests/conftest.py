"""What tests of the node's scripts share, and how many tests ran against Kubernetes' own programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import real_cluster
import winps

from wincnode.lab.cluster import ControlPlane, control_plane


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


def real_tests(config: pytest.Config) -> int:
    """Count the tests that ran against Kubernetes' own programs."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    rows = [row for name in ("passed", "failed") for row in reporter.stats.get(name, ())]
    return sum(row.when == "call" and "test_real_cluster.py::" in row.nodeid for row in rows)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where the programs are there and no test ran against them."""
    in_charge = not hasattr(session.config, "workerinput")  # of pytest-xdist's processes
    if in_charge and os.environ.get(real_cluster.VARIABLE) and not real_tests(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Say how many."""
    if folder := os.environ.get(real_cluster.VARIABLE):
        line = f"{real_tests(config)} tests ran against Kubernetes' own programs in {folder}"
        config.pluginmanager.get_plugin("terminalreporter").write_line(line)
