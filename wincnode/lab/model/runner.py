"""One run: its events, its facts, its steps; as runner.ps1 and worker.ps1 do them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC
from functools import partial
from typing import Any

from wincnode.lab.model.facts import SECTIONS
from wincnode.lab.model.failures import ERRORS, Failure
from wincnode.lab.model.guard import NetworkGuard
from wincnode.lab.model.host import BASE, Host, now, to_line
from wincnode.lab.model.output import Output
from wincnode.lab.model.reach import connectivity
from wincnode.lab.model.request import fits
from wincnode.lab.model.secrets import Secrets
from wincnode.lab.model.steps import Step, Steps
from wincnode.lab.process import FunctionProcess
from wincnode.lab.windows.machine import CURRENT_VERSION

LOCK = BASE + r"\lock"
HOLDER = BASE + r"\holder.json"
TASKS = "\\wincnode\\"
CRYPTOGRAPHY = r"HKLM\SOFTWARE\Microsoft\Cryptography"


def work(host: Host, process: FunctionProcess, folder: str) -> int:
    """Do what the scheduled task does in a run folder."""
    secrets = ""
    if host.disk.is_file(folder + r"\secrets"):
        secrets = host.disk.read_text(folder + r"\secrets")
        host.disk.delete(folder + r"\secrets")
    request = json.loads(host.disk.read(folder + r"\payload.json"))
    Runner(host, process, request, secrets, folder).run()
    unregister(host, request["plan"]["run"])
    return 0


def unregister(host: Host, run: str) -> None:
    """Remove a run's scheduled task, if it is there."""
    try:
        host.call("Unregister-ScheduledTask", TaskPath=TASKS, TaskName=f"wincnode-{run}")
    except ERRORS:
        return


def holder_of(host: Host) -> dict[str, Any] | None:
    """Give whose run it is that holds the machine, or nothing where it left no name."""
    text = host.disk.read_text(HOLDER) if host.disk.is_file(HOLDER) else ""
    holder: dict[str, Any] | None = json.loads(text) if text else None
    return holder


class Runner:
    """One run.

    Args: folder: that of a detached run; empty where the run is attached.
    """

    def __init__(
        self,
        host: Host,
        process: FunctionProcess,
        request: Mapping[str, Any],
        secrets: str,
        folder: str = "",
    ) -> None:
        self._host = host
        self._process = process
        self._request = request
        self._scripts = request["scripts"]
        self._plan = request["plan"]
        self._folder = folder
        self._journal = ""
        self._locked = False
        self._secrets = Secrets(secrets)
        self._output = Output(process, request["flush_s"])
        self._seq = 0

    def run(self) -> None:
        """Take the plan's facts and steps, and tell of each."""
        try:
            if self._folder:
                self._open_journal()
            if self._plan["mode"] == "apply" and not self._lock():
                return
            self._hello()
            for section in self._plan["facts"]:
                self._facts(section)
            end, counts = self._guarded() if "guard" in self._plan else self._steps()
        except ERRORS as error:
            self._event("log", level="error", text=self._secrets.hide(error.message))
            end, counts = "failed", {}
        # Who reads that the run has finished may start the next one at once.
        self._unlock()
        self._event("finished", outcome=end, counts=counts)
        if self._journal:
            self._host.disk.release(self._journal)

    def _open_journal(self) -> None:
        journal = self._folder + r"\journal.jsonl"
        self._host.disk.hold(journal, self._process)
        self._host.disk.create(journal)
        self._journal = journal

    def _event(self, kind: str, **fields: Any) -> None:
        self._process.check()
        self._seq += 1
        row = {"run": self._plan["run"], "seq": self._seq, "at": now(), "type": kind, **fields}
        line = to_line(row) + "\n"
        if self._journal:
            self._host.disk.append(self._journal, line)
            return
        self._output.add(line)
        self._output.flush(now=kind in {"finished", "refused"})

    def _lock(self) -> bool:
        disk = self._host.disk
        holder = None
        tries = 0
        while not (self._locked or tries >= 40 or (holder and tries >= 20)):
            tries += 1
            self._locked = disk.hold(LOCK, self._process)
            if not self._locked:
                holder = holder_of(self._host)
                self._process.pause(0.05)
        if not self._locked:
            text = "Another run holds this node."
            self._event("refused", code="locked", message=text, holder=holder)
            return False
        if not disk.is_file(LOCK):
            disk.write(LOCK, "")
        disk.write(HOLDER, to_line({"run": self._plan["run"], "who": self._plan["who"]}))
        return True

    def _unlock(self) -> None:
        if self._locked:
            self._host.disk.write(HOLDER, "")
            self._host.disk.release(LOCK)

    def _hello(self) -> None:
        machine = self._host.machine
        revision = machine.registry.data(CURRENT_VERSION, "UBR", 0)
        started = machine.booted.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        self._event(
            "hello",
            protocol=1,
            powershell=f"5.1.{machine.profile.build}.{revision}",
            build=machine.profile.build,
            computer=machine.computer,
            machine_id=str(machine.registry.data(CRYPTOGRAPHY, "MachineGuid", "")),
            user=r"NT AUTHORITY\SYSTEM" if self._folder else f"{machine.computer}\\Administrator",
            elevated=True,
            language_mode="FullLanguage",
            mode="detached" if self._folder else "attached",
            pid=self._process.pid,
            boot=machine.boot or started,
        )

    def _facts(self, wanted: Mapping[str, Any]) -> None:
        began = time.monotonic()
        name = wanted["section"]
        fact = {"section": name, "status": "unknown", "data": None, "error": None}
        try:
            self._script(f"facts/{name}")
            if name not in SECTIONS:
                raise Failure(f"The lab's model has no section {name}.")
            self._process.pause(self._host.pace_s)
            # Of all sections this one alone is asked for something.
            asked = wanted.get("asked", {}).get("targets")
            read = SECTIONS[name] if asked is None else partial(connectivity, targets=asked)
            fact |= {"status": "ok", "data": read(self._host)}
        except ERRORS as error:
            fact["error"] = self._secrets.hide(error.message)
        self._event("facts", **fact, elapsed_ms=_since(began))

    def _guarded(self) -> tuple[str, Mapping[str, int]]:
        for name in ("adapters", "guard"):
            self._script(name)
        if not self._folder:
            raise Failure("A plan with a guard needs a detached run.")
        guard = NetworkGuard(self._host, self._process, self._request, self._folder, self._event)
        return guard.run(self._steps)

    def _steps(self) -> tuple[str, Mapping[str, int]]:
        """Take the steps; gives the run's outcome, and how many steps ended how."""
        rows = self._plan["steps"]
        if rows:
            self._script("steps")
        counts: Counter[str] = Counter()
        end = "ok"
        for index, step in enumerate(rows, start=1):
            if end == "ok" and self._cancelled():
                end = "cancelled"
            began = time.monotonic()
            done = {"step": step["id"], "outcome": "skipped", "diff": [], "error": None}
            if end == "ok":
                self._event("step_started", step=step["id"], index=index, total=len(rows))
                done |= self._take(step)
            self._event("step_finished", **done, elapsed_ms=_since(began))
            counts[done["outcome"]] += 1
            if self._plan["mode"] == "apply" and done["outcome"] in {"needs_reboot", "failed"}:
                end = done["outcome"]
        if counts["failed"]:
            end = "failed"
        return end, {name: count for name, count in counts.items() if count}

    def _cancelled(self) -> bool:
        return bool(self._folder) and self._host.disk.is_file(self._folder + r"\cancel")

    def _take(self, step: Step) -> dict[str, Any]:
        steps = Steps(
            self._host,
            self._process,
            self._plan,
            self._secrets,
            detached=bool(self._folder),
            tell=self._event,
        )
        try:
            self._process.pause(self._host.pace_s)
            outcome, diff = steps.take(step, self._script)
        except ERRORS as error:
            told = {
                "message": self._secrets.hide(error.message),
                "id": self._secrets.hide(error.id),
            }
            return {"outcome": "failed", "error": told}
        return {"outcome": outcome, "diff": diff}

    def _script(self, name: str) -> None:
        """Hold a script that the model stands in for to its hash."""
        script = self._scripts.get(name)
        if script is None:
            raise Failure(f"The request has no script {name}.")
        if not fits(script):
            raise Failure(f"Script {name} differs from its hash.")


def _since(began: float) -> int:
    return int(1000 * (time.monotonic() - began))
