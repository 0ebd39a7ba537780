"""How many tests ran against Kubernetes' own programs."""

from __future__ import annotations

import os

import pytest
import real_cluster


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
