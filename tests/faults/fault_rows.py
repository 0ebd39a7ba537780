"""Rows of the fault catalogue: what a test of a fault holds, and what docs/faults.md shows of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from wincnode.errors import WincnodeError
from wincnode.lab.nodes import PASSWORD, write_inventory

Test = TypeVar("Test", bound=Callable[..., None])
# How much later than its own deadline a command may end.
GRACE_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a command, or a link, ended.

    Args: ids: of the errors of nodes, and of the checks that fail.
    """

    exit_code: int
    ids: tuple[str, ...]
    text: str
    seconds: float
    report: Mapping[str, Any]

    @property
    def node(self) -> Mapping[str, Any]:
        """The report of the only node."""
        (node,) = self.report["nodes"]
        found: Mapping[str, Any] = node
        return found

    @property
    def message(self) -> str:
        """What the only node's error says, with what to do."""
        error = self.node["error"]
        return f"{error['message']}\n{error['remedy']}"

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """How each step of the only node ended, and what its error says."""
        return tuple((row["outcome"], _said(row["error"])) for row in self.node["steps"])


def _said(error: object) -> str:
    return (
        "" if error is None else str(error.get("message", "") if isinstance(error, dict) else error)
    )


def ended(exit_code: int, stdout: str, stderr: str, seconds: float) -> Ended:
    """Read how a command ended from what it wrote."""
    report = json.loads(stdout) if stdout.startswith("{") else {"nodes": []}
    errors = [node["error"]["id"] for node in report["nodes"] if node["error"]]
    failing = [
        row["check"]
        for node in report["nodes"]
        for row in node["findings"]
        if row["verdict"] == "fail"
    ]
    return Ended(
        exit_code=exit_code,
        ids=(*errors, *failing),
        text=stdout + stderr,
        seconds=seconds,
        report=report,
    )


def raised(error: WincnodeError, seconds: float = 0.0) -> Ended:
    """Give how a link ended that raised an error."""
    text = f"{error.message}\n{error.remedy}"
    return Ended(
        exit_code=error.exit_code, ids=(error.id,), text=text, seconds=seconds, report={"nodes": []}
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One fault.

    Args:
        id: of the catalogue, F1 to F40. what: goes wrong. does: what wincnode does about it.
        error: the error's id, or the check's; empty where it ends as if nothing had happened.
        exit_code: of the process in which nothing worse happened.
        deadline_s: what the command waits for at most.
        rehearse: the values of `wincnode-lab up --fault`, or the profile, that bring it about.
    """

    id: str
    what: str
    does: str
    error: str = ""
    exit_code: int = 0
    deadline_s: float = 0.0
    rehearse: tuple[str, ...] = ()

    def holds(self, end: Ended) -> None:
        """Hold an end to the row: exit code and id, in time, no traceback, no secret."""
        assert end.exit_code == self.exit_code, (end.exit_code, end.ids, end.text[-600:])
        assert not self.error or self.error in end.ids, (end.ids, end.text[-600:])
        assert end.seconds <= self.deadline_s + GRACE_S, end.seconds
        assert "Traceback" not in end.text
        assert PASSWORD not in end.text


def fault(
    id: str,
    what: str,
    *,
    does: str,
    error: str = "",
    exit_code: int = 0,
    deadline_s: float = 0.0,
    rehearse: tuple[str, ...] = (),
) -> Callable[[Test], Test]:
    """Say which fault a test is of; docs/faults.md is made of these lines, as they stand here."""
    row = Row(
        id=id,
        what=what,
        does=does,
        error=error,
        exit_code=exit_code,
        deadline_s=deadline_s,
        rehearse=rehearse,
    )

    def mark(test: Test) -> Test:
        test.row = row  # type: ignore[attr-defined] # the fixture `row` reads it
        return test

    return mark


# What the commands of a test do on a node: two steps, which can be counted.
TWO = "name: two\nsteps:\n  - directory: {path: 'C:\\w1'}\n  - directory: {path: 'C:\\w2'}\n"
APPLY = ("apply", "playbook.yaml", "-o", "json")
PREFLIGHT = ("preflight", "-o", "json")
Run = Callable[..., Ended]


def inventory(path: Path, rows: Mapping[str, tuple[str, int]], connection: str = "") -> None:
    """Write an inventory of addresses and ports.

    Args: connection: lines of its section in place of `scheme: http` and `auth: ntlm`.
    """
    write_inventory(path, {name: port for name, (_, port) in rows.items()})
    text = path.read_text(encoding="utf-8")
    for name, (address, _) in rows.items():
        head = f"  {name}:\n    address: "
        text = text.replace(f"{head}127.0.0.1", f"{head}{address}")
    if connection:
        text = text.replace("  scheme: http\n  auth: ntlm\n", connection)
    path.write_text(text, encoding="utf-8")
