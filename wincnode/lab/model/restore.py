"""Puts back what a run has changed that died, as the task wincnode-guard does by restore.ps1."""

from __future__ import annotations

import json
import re
from typing import Any

from wincnode.lab.model import guard
from wincnode.lab.model.guard import FOLDER, NetworkGuard
from wincnode.lab.model.host import BASE, Host, now, to_line
from wincnode.lab.model.runner import HOLDER, LOCK, unregister
from wincnode.lab.process import FunctionProcess

ENDED = re.compile('"type":"(finished|refused)"')
MOST_ATTEMPTS = 10


def restore(host: Host, process: FunctionProcess) -> int:
    """Put back, unless a runner lives; gives the exit code."""
    disk = host.disk
    request = json.loads(disk.read(FOLDER + r"\payload.json"))
    folder = rf"{BASE}\runs\{request['plan']['run']}"
    if not disk.hold(LOCK, process):
        return 0
    if disk.is_file(folder + r"\guarded"):
        plan = request["plan"]
        disk.write(HOLDER, to_line({"run": plan["run"], "who": plan["who"]}))
        _Restore(host, process, request, folder).go()
        disk.write(HOLDER, "")
    else:
        guard.clear(host, folder)
    disk.release(LOCK)
    return 0


class _Restore:
    def __init__(
        self, host: Host, process: FunctionProcess, request: dict[str, Any], folder: str
    ) -> None:
        self._host, self._disk, self._process = host, host.disk, process
        self._request, self._folder = request, folder
        self._journal, self._seq = self._opened()

    def go(self) -> None:
        self._disk.append(self._folder + r"\guarded", ".")
        note = json.loads(self._disk.read(FOLDER + r"\before.json"))
        network = NetworkGuard(
            self._host, self._process, self._request, self._folder, self._tell, note
        )
        outcome, counts = "failed", {}
        if guard.set_verdict(self._host, self._folder, "reverted") == "confirmed":
            # It was confirmed, and its steps were done by then.
            ended = json.loads(self._disk.read(self._folder + r"\waiting"))
            outcome, counts = ended["outcome"], ended["counts"]
            self._tell("guard_confirmed")
            network.stop()
        else:
            network.restore("The run ended before a client confirmed.")
        self._tell("finished", outcome=outcome, counts=counts)
        mark = self._folder + r"\guarded"
        if self._disk.is_file(mark) and len(self._disk.read(mark)) >= MOST_ATTEMPTS:
            network.clear()
        # A runner that died left its task.
        unregister(self._host, self._request["plan"]["run"])
        self._disk.release(self._journal)

    def _opened(self) -> tuple[str, int]:
        """Go on behind the last whole line of a run that has not told its end."""
        journal = self._folder + r"\journal.jsonl"
        data = self._disk.read(journal)
        whole = data[: data.rfind(b"\n") + 1]
        if ENDED.search(whole.decode("ascii", "replace")):
            journal = self._folder + r"\restore.jsonl"
            whole = b""
        self._disk.hold(journal, self._process)
        if journal.endswith("journal.jsonl"):
            self._disk.write(journal, whole.decode("ascii"))
        elif not self._disk.is_file(journal):
            self._disk.create(journal)
        return journal, whole.count(b"\n")

    def _tell(self, kind: str, **fields: Any) -> None:
        self._process.check()
        self._seq += 1
        row = {"run": self._request["plan"]["run"], "seq": self._seq, "at": now(), "type": kind}
        self._disk.append(self._journal, to_line({**row, **fields}) + "\n")
