"""Many simulated nodes in one process; bench/measured.py runs several of them.

It reads what to run from the first line of stdin (JSON), and tells their ports in the first line
of stdout. Each further line of stdin is answered by what they have cost so far; the end of stdin
ends them.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from certificates import certificate

from wincnode.facts import FURTHER, SECTIONS
from wincnode.lab.engine import Engine, Process
from wincnode.lab.faults import Faults, parse_fault
from wincnode.lab.model import ModelEngine
from wincnode.lab.model.host import now, to_line
from wincnode.lab.model.request import unpack
from wincnode.lab.nodes import PASSWORD, USER, Wish, closed_port, lab_node
from wincnode.lab.process import FunctionProcess
from wincnode.lab.server import WsmanServer
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile

ANSI = "\x1b[2J\x1b]0;gone\x07<script>alert(1)</script>::set-env name=A::b\x00\u202e"
# Ansible's plugin sends a command line of PowerShell; wincnode's own names its full path.
FOREIGN = "PowerShell "


class Answering:
    """A node's engine, which answers PowerShell that is not wincnode's without starting one.

    Args: pace_s: seconds that each such command takes.
    """

    def __init__(self, engine: Engine, pace_s: float) -> None:
        self._engine = engine
        self._pace_s = pace_s

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        """Start a command."""
        if command.startswith(FOREIGN):
            return FunctionProcess(self._answer, needs_stdin=False)
        return self._engine.start(command, environment)

    def _answer(self, process: FunctionProcess, _stdin: bytes) -> int:
        process.pause(self._pace_s)
        process.put(b"20348\r\n")
        return 0


class Hostile:
    """Tells nothing but lies: each section of facts is full of what a terminal would obey."""

    def start(self, _command: str, _environment: Mapping[str, str]) -> Process:
        """Start a command, whatever it is."""
        return FunctionProcess(self._lie, needs_stdin=True)

    def _lie(self, process: FunctionProcess, stdin: bytes) -> int:
        rows: list[dict[str, Any]] = [
            {"type": "facts", "section": name, "status": "ok", "data": {"build": ANSI * 200}}
            for name in (*SECTIONS, *FURTHER)
        ]
        rows.append({"type": "finished", "outcome": ANSI, "counts": {}})
        run = unpack(stdin)["run"]
        for number, row in enumerate(rows, start=1):
            line = to_line({"run": run, "seq": number, "at": now(), **row})
            process.put(line.encode("ascii") + b"\n")
        return 0


@contextmanager
def silent_port() -> Iterator[int]:
    """Hold a port whose queue is full, so that the kernel drops whoever knocks further."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            knock = stack.enter_context(socket.socket())
            knock.setblocking(False)
            knock.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


class Fleet:
    """The nodes that run."""

    def __init__(self, stack: ExitStack, asked: Mapping[str, Any], folder: Path) -> None:
        self._stack = stack
        self._asked = asked
        self._folder = folder
        self.servers: list[WsmanServer] = []
        self._certificate = certificate(folder)[0]

    def port(self, name: str, fault: str) -> int:
        """Start a node; gives where it listens, or would."""
        if fault == "unreachable":
            return closed_port()
        if fault == "dropped packets":
            return self._stack.enter_context(silent_port())
        rtt = Faults(delay_s=self._asked["rtt_s"])
        if fault == "untrusted certificate":
            return self._served(Hostile(), rtt, tls=(self._certificate, self._certificate))
        if fault == "hostile facts":
            return self._served(Hostile(), rtt)
        profile = fault if fault == "sec.langmode" else "ws2022"
        faults = rtt if fault in {"", profile} else parse_fault(fault)
        return self._node(name, profile, replace(faults, delay_s=max(faults.delay_s, rtt.delay_s)))

    def _served(self, engine: Engine, faults: Faults, **more: Any) -> int:
        users = {USER: PASSWORD}
        server = self._stack.enter_context(WsmanServer(engine, users=users, faults=faults, **more))
        self.servers.append(server)
        return server.port

    def _node(self, name: str, profile: str, faults: Faults) -> int:
        folder = self._folder / name
        if self._asked["powershell"]:
            wish = Wish(profile=profile, faults=faults, powershell=Path(self._asked["powershell"]))
            server = self._stack.enter_context(lab_node(name, wish, folder)).server
            self.servers.append(server)
            return server.port
        machine = Machine(load_profile(profile), folder, computer=name.upper())
        pace_s = self._asked["work_s"] / len((*SECTIONS, *FURTHER))
        engine = self._stack.enter_context(ModelEngine(machine, pace_s=pace_s))
        return self._served(Answering(engine, self._asked["read_s"]), faults)

    def cost(self) -> dict[str, float]:
        """Tell what the nodes have cost so far."""
        times = os.times()
        return {
            "cpu_s": times.user + times.system + times.children_user + times.children_system,
            "requests": sum(server.http_requests for server in self.servers),
            "bytes_in": sum(server.bytes_in for server in self.servers),
            "bytes_out": sum(server.bytes_out for server in self.servers),
            "starts": sum(server.requests.count("Command") for server in self.servers),
        }


def main() -> None:
    """Run nodes until the end of stdin."""
    asked = json.loads(sys.stdin.readline())
    with (
        tempfile.TemporaryDirectory(prefix="wincnode-bench-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        fleet = Fleet(stack, asked, Path(folder))
        say({name: fleet.port(name, fault) for name, fault in asked["nodes"].items()})
        for _ in sys.stdin:
            say(fleet.cost())


def say(value: Any) -> None:
    """Answer in one line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
