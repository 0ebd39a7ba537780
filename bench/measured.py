"""What a program costs: its seconds, its processor's seconds, its memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOOK_S = 0.05
# One alone has one core, whatever the machine has: then it is the lab that is measured.
PROCESSES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of a client against nodes of the lab.

    Args:
        wall_s, cpu_s: of the client and all processes that it waited for.
        peak_mib: resident memory of its first process at its most.
        load: of the machine, when it began.
        lab: what the nodes paid: cpu_s, requests, bytes_in, bytes_out, starts.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    code: int
    load: float
    lab: Mapping[str, float]


class Lab:
    """Nodes that run in processes of their own."""

    def __init__(
        self, processes: Sequence[subprocess.Popen[str]], asked: Mapping[str, Any]
    ) -> None:
        self._processes = processes
        self.nodes: dict[str, str] = asked["nodes"]
        rows = list(self.nodes.items())
        shares = [dict(rows[first :: len(processes)]) for first in range(len(processes))]
        told = self._ask([{**asked, "nodes": share} for share in shares])
        ports = {name: port for row in told for name, port in row.items()}
        self.ports: dict[str, int] = {name: ports[name] for name in self.nodes}

    def _ask(self, words: Sequence[object]) -> list[Any]:
        """Tell each process its words, then wait for all their answers."""
        for process, word in zip(self._processes, words, strict=True):
            if process.stdin is None:
                raise ValueError("the lab has no pipes")
            process.stdin.write(json.dumps(word) + "\n")
            process.stdin.flush()
        return [json.loads(row.stdout.readline()) for row in self._processes if row.stdout]

    def _cost(self) -> dict[str, float]:
        rows = self._ask(["cost"] * len(self._processes))
        return {name: sum(row[name] for row in rows) for name in rows[0]}

    def run(self, words: Sequence[str], *, folder: Path, **environment: str) -> Run:
        """Run a client to its end; its output goes to the files `out` and `err` of the folder."""
        before = self._cost()
        load = os.getloadavg()[0]
        began = time.monotonic()
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            client = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env={**os.environ, **environment},
            )
            peak_mib, ended = 0.0, 0
            while not ended:
                peak_mib = max(peak_mib, _peak_mib(client.pid))
                time.sleep(LOOK_S)
                ended, status, used = os.wait4(client.pid, os.WNOHANG)
        wall_s = time.monotonic() - began
        client.returncode = os.waitstatus_to_exitcode(status)
        after = self._cost()
        return Run(
            wall_s=wall_s,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_mib=peak_mib,
            code=client.returncode,
            load=load,
            lab={name: after[name] - before[name] for name in after},
        )


def _peak_mib(pid: int) -> float:
    """Give a process's largest resident memory so far; wait4 tells that of its parent, if larger.

    Source: proc(5), VmHWM, which begins anew at exec.
    """
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


@contextmanager
def lab(
    nodes: Mapping[str, str],
    *,
    rtt_s: float,
    work_s: float,
    read_s: float = 0.0,
    powershell: str = "",
) -> Iterator[Lab]:
    """Run nodes, each with its fault or none.

    Args:
        rtt_s: seconds that each reply waits. work_s: seconds of work of a node for all its facts.
        read_s: seconds that another client's command takes. powershell: a real engine instead.
    """
    asked = {"nodes": dict(nodes), "rtt_s": rtt_s, "work_s": work_s, "read_s": read_s}
    with ExitStack() as stack:
        processes = [stack.enter_context(_process()) for _ in range(PROCESSES)]
        yield Lab(processes, {**asked, "powershell": powershell})


@contextmanager
def _process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "fleet_lab.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.stdin:
                process.stdin.close()


HEADS = (
    "",
    "wall s",
    "client CPU s",
    "client peak MiB",
    "lab CPU s",
    "requests",
    "starts",
    "MB up",
)


def table(rows: Mapping[str, Run], nodes: Mapping[str, int]) -> str:
    """Draw runs side by side, as a table of Markdown; requests and starts are for each node."""
    lines = [HEADS, ("---",) * len(HEADS)]
    for name, run in rows.items():
        count = nodes[name]
        lines.append(
            (
                name,
                f"{run.wall_s:.1f}",
                f"{run.cpu_s:.1f}",
                f"{run.peak_mib:.0f}",
                f"{run.lab['cpu_s']:.1f}",
                f"{run.lab['requests'] / count:.1f} a node",
                f"{run.lab['starts'] / count:.1f} a node",
                f"{run.lab['bytes_in'] / 1e6:.1f}",
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def say(text: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
