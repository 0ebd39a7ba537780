"""Starts, follows, lists or cancels a run, or reboots; as bootstrap.ps1 and launcher.ps1 do it."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wincnode.lab.model import acl, guard
from wincnode.lab.model.failures import ERRORS, Failure
from wincnode.lab.model.host import BASE, Host, now, to_line
from wincnode.lab.model.output import Output
from wincnode.lab.model.reboot import reboot
from wincnode.lab.model.request import Request, Truncated, fits, read
from wincnode.lab.model.runner import HOLDER, LOCK, TASKS, Runner, holder_of, unregister
from wincnode.lab.process import FunctionProcess

RUNS = BASE + r"\runs"
PRIVATE = acl.parse("O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
ENDED = re.compile('"type":"(finished|refused)"')
UNKNOWN_RUN = "This node knows no such run."
KEPT_RUNS = 20
GOING_ON = ("starting", "running", "waiting")


def bootstrap(host: Host, process: FunctionProcess, stdin: bytes) -> int:
    """Read a request and carry it out; gives the exit code."""
    try:
        request = read(stdin)
    except Truncated as error:
        row = {"run": error.run, "seq": 0, "at": now(), "type": "refused"}
        row |= {"code": "truncated", "message": str(error)}
        process.put(to_line(row).encode("ascii") + b"\r\n")
        return 1
    Launcher(host, process, request).go()
    return 0


class Launcher:
    """Carries one request out."""

    def __init__(self, host: Host, process: FunctionProcess, request: Request) -> None:
        self._host = host
        self._disk = host.disk
        self._process = process
        self._request = request.payload
        self._secrets = request.secrets
        self._run = self._request["run"]
        self._folder = f"{RUNS}\\{self._run}"

    def go(self) -> None:
        """Carry the request's verb out."""
        verbs = {
            "attached": self._attached,
            "detached": self._detached,
            "follow": self._follow,
            "runs": self._runs,
            "cancel": self._cancel,
            "confirm": self._confirm,
            "reboot": self._reboot,
        }
        for name, script in self._request["scripts"].items():
            if not fits(script):
                self._refuse("truncated", f"The script {name} differs from its hash.")
                return
        verbs[self._request["verb"]]()

    def _event(self, kind: str, **fields: Any) -> None:
        at = now(self._host.machine.clock_off_s)
        row = {"run": self._run, "seq": 0, "at": at, "type": kind, **fields}
        self._process.put(to_line(row).encode("ascii") + b"\n")

    def _refuse(self, code: str, message: str, holder: Mapping[str, Any] | None = None) -> None:
        self._event("refused", code=code, message=message, holder=holder)

    def _attached(self) -> None:
        if self._request["plan"]["mode"] == "apply" and self._foreign([BASE, RUNS]):
            return
        Runner(self._host, self._process, self._request, self._secrets).run()

    def _detached(self) -> None:
        if self._foreign([BASE, RUNS, self._folder]):
            return
        if self._disk.is_file(self._folder + r"\claim.json"):
            self._watch()
            return
        holder = self._holder()
        if holder:
            self._refuse("locked", "Another run holds this node.", holder)
            return
        self._forget_old_runs()
        if self._claim() and not self._launch():
            return
        self._watch()

    def _reboot(self) -> None:
        if holder := self._holder():
            self._refuse("locked", "Another run holds this node.", holder)
            return
        try:
            self._event("log", level="info", text=reboot(self._host, self._run))
        except Failure as error:
            self._refuse("reboot", error.message)

    def _holder(self) -> dict[str, Any] | None:
        """Give whose run holds the machine; who has just taken it needs a moment to say so."""
        for _ in range(40):
            if not self._disk.held(LOCK):
                return None
            if self._disk.is_file(HOLDER):
                return holder_of(self._host)
            self._process.pause(0.025)
        return {"run": ""}

    def _foreign(self, folders: list[str]) -> bool:
        """Make the folders, and refuse one that is a link or another's; says whether it did."""
        wrong = next((path for path in folders if not self._private(path)), "") or next(
            (path for path in _own_files() if self._disk.is_link(path)), ""
        )
        if wrong:
            message = f"{wrong} is a link or belongs to another account."
            self._refuse("foreign_folder", message)
        return bool(wrong)

    def _private(self, path: str) -> bool:
        if self._disk.is_file(path):
            return False
        self._disk.make_folder(path, PRIVATE)
        if self._is_foreign(path):
            return False
        if self._disk.access.of(path).access() != PRIVATE.access():
            self._disk.access.set(path, acl.parse(PRIVATE.access()))
        return True

    def _is_foreign(self, path: str) -> bool:
        """Say whether a folder is a link, or owned by neither SYSTEM nor Administrators."""
        return self._disk.is_link(path) or self._disk.access.of(path).owner not in {"SY", "BA"}

    def _claim(self) -> bool:
        """Make the run this process's; False where another one was faster."""
        plan = self._request["plan"]
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        claim = {"run": self._run, "node": plan["node"], "who": plan["who"]}
        try:
            text = to_line({**claim, "started": started})
            self._disk.create(self._folder + r"\claim.json", text)
        except Failure:
            return False
        return True

    def _launch(self) -> bool:
        """Write the run's folder and start its task; False where that is refused."""
        request = self._request
        payload = {"scripts": request["scripts"], "plan": request["plan"], "flush_s": []}
        name = f"wincnode-{self._run}"
        try:
            self._disk.create(self._folder + r"\payload.json", to_line(payload))
            if self._secrets:
                self._disk.create(self._folder + r"\secrets", self._secrets)
            self._host.call("Register-ScheduledTask", **self._task(name))
            self._host.call("Start-ScheduledTask", TaskPath=TASKS, TaskName=name)
        except ERRORS as error:
            self._disk.delete_folder(self._folder)
            self._refuse("task", error.message)
            return False
        self._event("launched", folder=self._folder, task=TASKS + name)
        return True

    def _task(self, name: str) -> dict[str, Any]:
        worker = self._request["scripts"]["worker"]["text"].encode("utf-16-le")
        words = "-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand "
        return {
            "TaskPath": TASKS,
            "TaskName": name,
            "Action": {
                "Execute": "powershell.exe",
                "Argument": words + base64.b64encode(worker).decode("ascii"),
                "WorkingDirectory": self._folder,
            },
            "Principal": {
                "UserId": "S-1-5-18",
                "LogonType": "ServiceAccount",
                "RunLevel": "Highest",
            },
            "Settings": {
                "Priority": 4,
                "AllowStartIfOnBatteries": True,
                "DontStopIfGoingOnBatteries": True,
                "ExecutionTimeLimit": "06:00:00",
            },
        }

    def _follow(self) -> None:
        if self._disk.is_file(self._folder + r"\claim.json"):
            self._watch()
        else:
            self._event("died", message=UNKNOWN_RUN)

    def _watch(self) -> None:
        """Give the journal's lines as they come, to the run's end."""
        journal = self._folder + r"\journal.jsonl"
        output = Output(self._process, self._request["flush_s"])
        began = time.monotonic()
        read = 0
        ended, why = False, ""
        while not (ended or why):
            # Windows makes and holds a file in one call; here one without a line may not be held.
            there = bool(read or (self._disk.is_file(journal) and self._disk.read(journal)))
            if not there and time.monotonic() - began > 60:
                why = "The task did not start the runner within 60 s."
            # Held is asked before reading: what a dead runner wrote is read to its end.
            held = not there or self._held(self._folder)
            urgent = False
            if there:
                text = _whole_lines(self._disk.read(journal, read))
                # A client has little time to confirm.
                urgent = '"type":"guard_' in text
                read += len(text)
                ended = self._pass_on(text, output)
            if not (ended or why or held):
                why = "The runner ended without a last event."
            output.flush(now=ended or urgent or bool(why))
            if not (ended or why):
                self._process.pause(0.1)
        if why:
            self._disk.delete(self._folder + r"\secrets")
            unregister(self._host, self._run)
            self._event("died", message=why)

    def _pass_on(self, text: str, output: Output) -> bool:
        """Put out what the client has not seen; says whether the last event is among it."""
        ended = False
        for line in text.splitlines():
            seq = re.search(r'"seq":(\d+),', line)
            if seq and int(seq[1]) > self._request["since"]:
                output.add(line + "\n")
            ended = ended or bool(ENDED.search(line))
        return ended

    def _state(self, folder: str) -> str:
        journal = folder + r"\journal.jsonl"
        if not self._disk.is_file(journal):
            return "starting"
        # Held is asked before reading: what a dead runner wrote is read to its end.
        held = self._held(folder)
        end = ENDED.search(_whole_lines(self._disk.read(journal)))
        if end or not held:
            return end[1] if end else "died"
        return "waiting" if self._disk.is_file(folder + r"\waiting") else "running"

    def _held(self, folder: str) -> bool:
        """Tell whether a run goes on; what a guard has not ended yet, its task will."""
        return self._disk.is_file(folder + r"\guarded") or self._disk.held(
            folder + r"\journal.jsonl"
        )

    def _claims(self) -> dict[str, dict[str, Any]]:
        """Give the claims of all runs by their folder, the newest first."""
        folders = [f"{RUNS}\\{name}" for name in self._disk.names(RUNS)]
        found = {
            path: json.loads(self._disk.read(path + r"\claim.json"))
            for path in folders
            if self._disk.is_file(path + r"\claim.json") and not self._is_foreign(path)
        }
        return dict(sorted(found.items(), key=lambda row: str(row[1]["started"]), reverse=True))

    def _forget_old_runs(self) -> None:
        ended = [
            path
            for path in self._claims()
            if self._state(path) not in GOING_ON and not self._disk.is_file(path + r"\guarded")
        ]
        for path in ended[KEPT_RUNS:]:
            self._disk.delete_folder(path)

    def _runs(self) -> None:
        for path, claim in self._claims().items():
            rest = {name: claim[name] for name in ("node", "who", "started")}
            self._event("run_listed", id=claim["run"], state=self._state(path), **rest)

    def _confirm(self) -> None:
        done, said = guard.confirm(self._host, str(self._request["plan"]["run"]))
        if done:
            self._event("log", level="info", text=said)
        else:
            self._event("died", message=said)

    def _cancel(self) -> None:
        mark = self._folder + r"\cancel"
        if not self._disk.is_file(self._folder + r"\claim.json"):
            self._event("died", message=UNKNOWN_RUN)
        elif self._state(self._folder) in GOING_ON:
            if not self._disk.is_file(mark):
                self._disk.create(mark)
            self._event("log", level="info", text="The run stops before its next step.")
        else:
            self._event("log", level="info", text="The run has ended already.")


def _own_files() -> list[str]:
    names = ("lock", "holder.json", "manifest.json", "manifest.json.new")
    return [f"{BASE}\\{name}" for name in names]


def _whole_lines(data: bytes) -> str:
    """Give the text without half a line at its end."""
    return data[: data.rfind(b"\n") + 1].decode("ascii", "replace")
