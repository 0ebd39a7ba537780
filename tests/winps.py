"""Finds the PowerShell engine that runs the node's scripts here, and sends requests to it."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from wincnode import assets, runner
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.windows.machine import Machine as LabMachine
from wincnode.lab.windows.profiles import load_profile

Events: TypeAlias = "list[dict[str, Any]]"
Bindings: TypeAlias = "list[tuple[str, str]]"  # command, its line of the trace
RUN = "0123456789abcdef0123456789abcdef"
TRACER = Path(__file__).parent / "trace.ps1"


def winps() -> str:
    """Give the path of winps, or skip the test."""
    beside = Path(__file__).parents[2] / "shared" / "winps" / "winps"
    path = os.environ.get("WINCNODE_WINPS", str(beside))
    if not Path(path).is_file():
        if os.environ.get("WINCNODE_REQUIRE_POWERSHELL"):
            pytest.fail(f"no winps at {path}, though WINCNODE_REQUIRE_POWERSHELL is set")
        pytest.skip(f"no winps at {path}; set WINCNODE_WINPS")
    return path


def command(first: str = "") -> list[str]:
    """Give the constant command line with the bootstrap in it; `first` is run before it."""
    text = first + assets.node_script("bootstrap")
    code = base64.b64encode(text.encode("utf-16-le")).decode()
    words = ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]
    return [winps(), *words, "-EncodedCommand", code]


def script(text: str) -> dict[str, str]:
    """Give a script as a request carries it."""
    return {"sha256": assets.sha256(text), "text": text}


def request(verb: str = "attached", **changes: Any) -> dict[str, Any]:
    """Give a payload; `steps`, `facts`, `mode` and `scripts` are put where they belong."""
    run = changes.pop("run", RUN)
    steps = changes.pop("steps", [])
    kinds = {f"kinds/{step['kind']}" for step in steps if step["kind"] in KINDS}
    scripts = {name: script(assets.node_script(name)) for name in (*NAMES, *sorted(kinds))}
    scripts |= {name: script(text) for name, text in changes.pop("scripts", {}).items()}
    kinds_rows = {kind: {"compare": {}, "detached_only": False} for kind in KINDS}
    plan = {
        "protocol": 1,
        "run": run,
        "node": "win1",
        "mode": changes.pop("mode", "check"),
        "who": {"operator": "ada", "host": "desk", "pid": 7, "command": "install"},
        "facts": changes.pop("facts", []),
        "kinds": kinds_rows | changes.pop("kinds", {}),
        "steps": steps,
    }
    launcher = script(assets.node_script("launcher"))
    payload = {"verb": verb, "run": run, "since": 0, "flush_s": [0], "launcher": launcher}
    return payload | {"scripts": scripts, "plan": plan} | changes


def step(
    kind: str, key: dict[str, Any], want: dict[str, Any], *, name: str = "1", timeout_s: float = 10
) -> dict[str, Any]:
    """Give a step as a plan carries it."""
    return {"id": name, "kind": kind, "key": key, "want": want, "timeout_s": timeout_s}


def probe(text: str, *, timeout_s: float = 10) -> dict[str, Any]:
    """Give what a request holds that takes one step of a kind of its own, `Get-WnProbe`."""
    return {
        "mode": "apply",
        "kinds": {"probe": {"compare": {}, "detached_only": False}},
        "scripts": {"kinds/probe": text},
        "steps": [step("probe", {}, {"state": "present"}, timeout_s=timeout_s)],
    }


def of(events: Events, kind: str) -> Events:
    """Give the events of a kind."""
    return [event for event in events if event["type"] == kind]


def outcomes(events: Events) -> list[str]:
    """List how the steps ended."""
    return [event["outcome"] for event in of(events, "step_finished")]


def messages(events: Events) -> list[str]:
    """List why steps failed."""
    return [event["error"]["message"] for event in of(events, "step_finished") if event["error"]]


def packed(payload: Mapping[str, Any]) -> bytes:
    """Give the lines that go to the bootstrap; `secrets` of the payload get their own."""
    return runner.pack(
        {name: value for name, value in payload.items() if name != "secrets"},
        payload.get("secrets"),
    )


KINDS = assets.script_names("kinds")
NAMES = ("runner", "runs", "steps", "worker")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A Windows machine of one test, on which a request runs without a network."""

    engine: PowerShellEngine

    @property
    def model(self) -> LabMachine:
        """What the machine holds."""
        return self.engine.machine

    @property
    def drive(self) -> Path:
        """Where drive C lies."""
        return self.model.drive

    @property
    def base(self) -> Path:
        """The folder of wincnode on the machine."""
        return self.drive / "Program Files" / "wincnode"

    def send(self, stdin: bytes, *, first: str = "") -> list[dict[str, Any]]:
        """Send a request and give the events that came back; anything else fails the test."""
        done = subprocess.run(
            command(first),
            input=stdin,
            capture_output=True,
            env=self.engine.environment,
            timeout=120,
            check=False,
        )
        try:
            return [json.loads(line) for line in done.stdout.splitlines() if line]
        except ValueError:
            raise AssertionError(done.stdout.decode() + done.stderr.decode()) from None

    def bindings(self, verb: str = "attached", **changes: Any) -> tuple[Bindings, Events]:
        """Send a valid request and tell what was bound to parameters of cmdlets."""
        trace = self.model.folder / "trace.log"
        self.engine.prologue = TRACER.read_text()
        self.engine.variables["TRACE"] = str(trace)
        events = self.send(packed(request(verb, **changes)), first=self.engine.prologue)
        bound = list(bindings(trace.read_text()))
        trace.unlink()
        return bound, events

    def says(self, text: str) -> list[str]:
        """Run a text in PowerShell on the machine and give the lines that it writes."""
        return says(self.engine, text)

    def run(self, verb: str = "attached", **changes: Any) -> list[dict[str, Any]]:
        """Send a valid request and give its events."""
        return self.send(packed(request(verb, **changes)))


def says(engine: PowerShellEngine, text: str) -> list[str]:
    """Run a text in PowerShell on an engine's machine and give the lines that it writes."""
    done = subprocess.run(
        [winps(), "-NoProfile", "-NonInteractive", "-Command", text],
        env=engine.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout.splitlines()


def bindings(trace: str) -> Iterator[tuple[str, str]]:
    """Read a trace of parameter binding: (cmdlet, what was bound).

    A plain function's bindings stand under no heading; module logging leaves them out too.
    """
    above: list[tuple[int, str]] = []
    for line in trace.splitlines():
        _, _, text = line.partition(" : ")
        depth = len(text) - len(text.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        heading = re.search(r"BIND .*(?:args|parameters:) \[(.+)\]$", above[-1][1] if above else "")
        if heading and "BIND arg" in text:
            yield heading[1], text.strip()
        above.append((depth, text))


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Run a healthy Server 2022 in an empty folder."""
    model = LabMachine(load_profile("ws2022"), folder, computer="WIN1")
    with PowerShellEngine(Path(winps()), model) as engine:
        yield Machine(engine=engine)
