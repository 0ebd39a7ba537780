"""Puts back what a run has changed that died, as the task wincnode-guard does: takeover.ps1."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from wincnode.lab.model import guard
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.guard import FOLDER, MOST_ATTEMPTS, NetworkGuard
from wincnode.lab.model.host import BASE, Host, now, to_line
from wincnode.lab.model.runner import HOLDER, LOCK, unregister
from wincnode.lab.process import FunctionProcess

ENDED = re.compile('"type":"(finished|refused)"')
DIED = "The run ended before a client confirmed."
LOST = (
    f"{DIED} What was there before cannot be read: its networks are removed, the rest is left to"
    " Windows."
)
# How long starts of the machine try what ten attempts could not.
LONGEST = timedelta(days=1)


def restore(host: Host, process: FunctionProcess) -> int:
    """Put back, unless a runner lives; gives the exit code."""
    disk = host.disk
    request = json.loads(disk.read(FOLDER + r"\payload.json"))
    folder = rf"{BASE}\runs\{request['plan']['run']}"
    if not disk.hold(LOCK, process):
        return 0
    # A runner that died left its task.
    unregister(host, request["plan"]["run"])
    one = _Restore(host, process, request, folder)
    attempts = one.attempts()
    began = disk.written(FOLDER + r"\run")
    # A run's folder that somebody has removed says nothing of the network.
    if disk.is_folder(folder) and attempts is None:
        one.network.remove_door()
        guard.clear(host, folder)
    elif (attempts is None or attempts >= MOST_ATTEMPTS) and datetime.now(UTC) - began >= LONGEST:
        # It is left to people, who may have mended it: the note is kept, and the door stays.
        if attempts is not None:
            disk.write(folder + r"\before.json", disk.read_text(FOLDER + r"\before.json"))
        guard.clear(host, folder)
    else:
        one.go()
    disk.release(LOCK)
    return 0


class _Restore:
    def __init__(
        self, host: Host, process: FunctionProcess, request: dict[str, Any], folder: str
    ) -> None:
        self._host, self._disk, self._process = host, host.disk, process
        self._request, self._folder = request, folder
        self._journal, self._seq = "", 0
        # A disk may lose it in spite of all.
        note: dict[str, Any] = {"clients": [], "adapters": [], "networks": [], "hns": True}
        with contextlib.suppress(ValueError):
            note = json.loads(self._disk.read(FOLDER + r"\before.json"))
        self._lost = not note["adapters"]
        self.network = NetworkGuard(host, process, request, folder, self._tell, note)

    def attempts(self) -> int | None:
        """Give how many there were; None where there is nothing to put back."""
        mark = self._folder + r"\guarded"
        return len(self._disk.read(mark)) if self._disk.is_file(mark) else None

    def go(self) -> None:
        plan = self._request["plan"]
        # A disk that is full is no reason to stay cut off.
        with contextlib.suppress(Failure, OSError):
            self._disk.write(HOLDER, to_line({"run": plan["run"], "who": plan["who"]}))
            self._disk.append(self._folder + r"\guarded", ".")
            self._journal, self._seq = self._opened()
        outcome, counts = "failed", {}
        if guard.set_verdict(self._host, self._folder, "reverted") == "confirmed":
            # It was confirmed, and its steps were done by then.
            outcome = "ok"
            with contextlib.suppress(ValueError):
                ended = json.loads(self._disk.read(self._folder + r"\waiting"))
                outcome, counts = ended["outcome"], ended["counts"]
            self._say("guard_confirmed")
            self.network.stop()
        else:
            self.network.restore(LOST if self._lost else DIED)
        self._say("finished", outcome=outcome, counts=counts)
        if (self.attempts() or 0) >= MOST_ATTEMPTS:
            self.network.register(each_minute=False)
        self._disk.release(self._journal)
        with contextlib.suppress(Failure, OSError):
            self._disk.write(HOLDER, "")

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

    def _say(self, kind: str, **fields: Any) -> None:
        with contextlib.suppress(Failure, OSError):
            self._tell(kind, **fields)

    def _tell(self, kind: str, **fields: Any) -> None:
        self._process.check()
        self._seq += 1
        row = {"run": self._request["plan"]["run"], "seq": self._seq, "at": now(), "type": kind}
        self._disk.append(self._journal, to_line({**row, **fields}) + "\n")
