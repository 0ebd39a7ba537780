"""What process runs which journeys, and what is told of them at the end."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import killed
import pytest
import real_cluster


def pytest_configure() -> None:
    """Draw anew each day; the processes of pytest-xdist inherit the seed."""
    os.environ.setdefault(killed.SEED, datetime.now(UTC).date().isoformat())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one process with what its tests share, but for those that share nothing."""
    for item in items:
        if item.path.name not in {"test_killed_joins.py", "test_guard.py"}:
            item.add_marker(pytest.mark.xdist_group(item.path.name))


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
    """Say how many, and how to draw the same moments again."""
    config.pluginmanager.get_plugin("terminalreporter").write_line(
        f"clients were killed at moments drawn by {killed.SEED}={os.environ[killed.SEED]}"
    )
    if folder := os.environ.get(real_cluster.VARIABLE):
        line = f"{real_tests(config)} tests ran against Kubernetes' own programs in {folder}"
        config.pluginmanager.get_plugin("terminalreporter").write_line(line)
