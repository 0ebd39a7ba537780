"""Guards a change of the network, as guard.ps1 and restore.ps1 do it."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from wincnode.lab.model import adapters, guard_networks
from wincnode.lab.model.adapters import Adapter
from wincnode.lab.model.failures import ERRORS, Failure
from wincnode.lab.model.host import BASE, Found, Host, to_line
from wincnode.lab.model.secrets import Secrets
from wincnode.lab.model.steps import Steps
from wincnode.lab.process import FunctionProcess

FOLDER = BASE + r"\guard"
TASK = {"TaskPath": "\\wincnode\\", "TaskName": "wincnode-guard"}
CANCELLED = "The run was cancelled."
# What more of them could not put back is tried at starts of the machine alone.
MOST_ATTEMPTS = 10
ESSENTIAL = (": address", ": route", ": DNS", ": DHCP", ": adapter")
Ended = tuple[str, Mapping[str, int]]


class NetworkGuard:
    """The guard of one run.

    Args: tell: takes an event's type and its fields. note: what was there before.
    """

    def __init__(
        self,
        host: Host,
        process: FunctionProcess,
        request: Mapping[str, Any],
        folder: str,
        tell: Callable[..., None],
        note: Mapping[str, Any] | None = None,
    ) -> None:
        self._host = host
        self._disk = host.disk
        self._process = process
        self._request = request
        self._plan = request["plan"]
        self._wants = self._plan["guard"]
        self._folder = folder
        self._tell = tell
        self._note: Mapping[str, Any] = note or {}

    def run(self, steps: Callable[[], Ended]) -> Ended:
        """Take the steps; gives how the run ended.

        Raises: Failure, CmdletError: nothing could guard it, so that nothing was changed.
        """
        self._start()
        ended: Ended = ("failed", {})
        try:
            ended = steps()
            why = self._judge(ended)
        except ERRORS as error:
            why = error.message
        if why and set_verdict(self._host, self._folder, "reverted") == "reverted":
            self.restore(why)
            cancelled = ended[0] == "cancelled" or why == CANCELLED
            return ("cancelled" if cancelled else "failed"), ended[1]
        self.stop()
        return ended

    def restore(self, why: str) -> None:
        """Put the network back; the task stays where something is left."""
        # Asked first: what has moved is seen while its port is there.
        touched: tuple[str, ...] = ()
        after: Sequence[Adapter] = ()
        with contextlib.suppress(*ERRORS):
            touched = self._touched()
        left = guard_networks.restore(self._host.machine, self._plan, self._note)
        try:
            left += self._set_adapters(45, touched, exactly=True)
        except ERRORS as error:
            left.append(f"adapters: {error.message}")
        # A domain's network may be Public yet: Windows alone can make it the domain's again.
        try:
            if not left:
                self._save_door()
        except ERRORS as error:
            left.append(f"firewall: {error.message}")
        if not left:
            self.remove_door()
            self.clear()
        with contextlib.suppress(*ERRORS):
            after = adapters.read(self._host)
        self._told("guard_reverted", reason=why, after=after, left=left)

    def stop(self) -> None:
        """Let the change stay."""
        self._save_door()
        self.remove_door()
        self.clear()

    def clear(self) -> None:
        """Leave nothing to put back."""
        clear(self._host, self._folder)

    def remove_door(self) -> None:
        """Let nobody in any more but whom the machine's own rules do."""
        self._remove_rule("wincnode-guard")

    def register(self, *, each_minute: bool) -> None:
        """Make the task that puts back at each start of the machine, and each minute.

        Raises: CmdletError.
        """
        self._host.call("Register-ScheduledTask", **self._task(each_minute=each_minute))

    def _start(self) -> None:
        earlier = FOLDER + r"\run"
        if self._disk.is_file(earlier):
            run = self._disk.read_text(earlier)
            mark = rf"{BASE}\runs\{run}\guarded"
            if self._disk.is_file(mark) and len(self._disk.read(mark)) < MOST_ATTEMPTS:
                # Its task may be gone, and with it who puts back.
                self.register(each_minute=True)
                raise Failure(
                    f"Run {run} changed the network and nobody has confirmed it; the node is about "
                    "to put it back."
                )
            # What ten attempts could not put back, and people neither, is what this begins with.
            self._disk.delete(mark)
        port = self._wants["port"]
        rows = self._host.call("Get-NetTCPConnection", State=["Established"], LocalPort=[port])
        # No rule takes the scope of a link-local address.
        seen = {row["RemoteAddress"].partition("%")[0] for row in rows}
        clients = ({*self._wants["clients"]} | seen) - {""}
        if not clients:
            raise Failure("The guard knows no client that could come back.")
        self._note = {
            "clients": sorted(clients),
            "adapters": adapters.read(self._host),
            "networks": guard_networks.noted(self._host.machine, self._plan),
            "hns": guard_networks.answers(self._host.machine.hns),
        }
        self._disk.delete_folder(FOLDER)
        self._disk.make_folder(FOLDER)
        self._disk.write(FOLDER + r"\before.json", to_line(self._note))
        payload = {"scripts": self._request["scripts"], "plan": self._plan, "flush_s": []}
        self._disk.write(FOLDER + r"\payload.json", to_line(payload))
        self._disk.write(earlier, self._plan["run"])
        try:
            self.register(each_minute=True)
            self._add_rule("wincnode-guard")
        except ERRORS as error:
            self.clear()
            text = "The network is left as it is, as nothing could guard it: "
            raise Failure(text + error.message) from error
        self._disk.write(self._folder + r"\guarded", "")

    def _task(self, *, each_minute: bool) -> dict[str, Any]:
        script = self._request["scripts"]["restore"]["text"].encode("utf-16-le")
        words = "-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand "
        minute = {"Once": True, "RepetitionInterval": "00:01:00"}
        minute["At"] = datetime.now(UTC) + timedelta(minutes=1)
        return {
            **TASK,
            "Force": True,
            "Action": {
                "Execute": "powershell.exe",
                "Argument": words + base64.b64encode(script).decode("ascii"),
                "WorkingDirectory": FOLDER,
            },
            "Trigger": [{"AtStartup": True}, *([minute] if each_minute else ())],
            "Principal": {
                "UserId": "S-1-5-18",
                "LogonType": "ServiceAccount",
                "RunLevel": "Highest",
            },
            "Settings": {
                "Priority": 4,
                "AllowStartIfOnBatteries": True,
                "DontStopIfGoingOnBatteries": True,
                "ExecutionTimeLimit": "00:10:00",
            },
        }

    def _judge(self, ended: Ended) -> str:
        """Bring over what Windows did not, and wait for a client; gives why it is put back."""
        outcome, counts = ended
        if outcome in {"failed", "cancelled"}:
            return "A step failed." if outcome == "failed" else CANCELLED
        same = adapters.read(self._host) == self._note["adapters"]
        if (
            same
            and guard_networks.noted(self._host.machine, self._plan) == self._note["networks"]
            and not counts.get("changed")
        ):
            return ""
        for text in self._set_adapters(30, self._touched(), exactly=False):
            self._tell("log", level="warning", text=f"Not brought over: {text}")
            if any(word in text for word in ESSENTIAL):
                return f"What the node had did not come along: {text}"
        within_s = self._wants["confirm_within_s"]
        said = to_line({"outcome": outcome, "counts": counts})
        self._disk.write(self._folder + r"\waiting", said)
        self._tell(
            "guard_waiting",
            deadline=(datetime.now(UTC) + timedelta(seconds=within_s)).isoformat(),
            within_s=within_s,
            before=self._note["adapters"],
            after=adapters.read(self._host),
        )
        why = self._wait(within_s)
        if not why:
            self._tell("guard_confirmed")
        return why

    def _wait(self, within_s: float) -> str:
        clock = self._host.machine.clock
        end = clock.seconds() + within_s
        while clock.seconds() < end and not self._disk.is_file(self._folder + r"\verdict"):
            if self._disk.is_file(self._folder + r"\cancel") and (
                set_verdict(self._host, self._folder, "reverted") == "reverted"
            ):
                # Seconds, so that the reply to who cancels still leaves.
                self._process.pause(3, clock)
                return CANCELLED
            self._process.pause(0.1)
        if set_verdict(self._host, self._folder, "reverted") == "reverted":
            return f"No client came back and confirmed within {within_s} s."
        return ""

    def _told(self, kind: str, **fields: Any) -> None:
        """Tell it; where the disk takes nothing, the network matters more."""
        with contextlib.suppress(Failure, OSError):
            self._tell(kind, **fields)

    def _pairs(self, touched: Collection[str]) -> list[tuple[Adapter, Adapter | None]]:
        before, now = self._note["adapters"], adapters.read(self._host)
        rows = adapters.noted(before, now, touched)
        return [(was, adapters.heir(was, before, now)) for was in rows]

    def _touched(self) -> tuple[str, ...]:
        """Give the adapters that the change is about: the networks' and whichever has moved."""
        before = self._note["adapters"]
        return (
            *guard_networks.adapters_of(self._plan, self._note),
            *adapters.moved(before, adapters.read(self._host)),
        )

    def _set_adapters(
        self, seconds: float, touched: Collection[str], *, exactly: bool
    ) -> list[str]:
        """Give what is still different, with why."""
        clock = self._host.machine.clock
        end = clock.seconds() + seconds
        while True:
            problems: list[str] = []
            for was, is_now in self._pairs(touched):
                if is_now:
                    adapters.set_(self._host, was, is_now, problems, exactly=exactly)
            left = [
                f"{was['name']}: {text}"
                for was, is_now in self._pairs(touched)
                for text in adapters.compare(was, is_now, exactly=exactly)
            ]
            if not left:
                return []
            if clock.seconds() >= end:
                return [*left, *dict.fromkeys(problems)]
            self._process.pause(0.5, clock)

    def _add_rule(self, name: str) -> None:
        self._remove_rule(name)
        self._host.call(
            "New-NetFirewallRule",
            Name=name,
            DisplayName=f"wincnode: WinRM for who changes the network ({name})",
            Enabled="True",
            Direction="Inbound",
            Action="Allow",
            Protocol="TCP",
            LocalPort=[str(self._wants["port"])],
            RemoteAddress=self._note["clients"],
            Profile=["Any"],
        )

    def _save_door(self) -> None:
        """Keep a door where a network is Public now and was not; the manifest has it.

        So does one that Windows has yet to identify, as it may call it Public then.

        Raises: Failure, CmdletError.
        """
        shut = [
            (heir or was)["name"]
            for was, heir in self._pairs(())
            if _may_be_shut(was["category"], heir["category"] if heir else "")
        ]
        if not shut:
            return
        self._add_rule("wincnode-winrm")
        self._own_rule()
        names, clients = ", ".join(shut), ", ".join(self._note["clients"])
        text = f"The network of {names} is Public now, or is not identified yet. "
        text += f"The firewall rule wincnode-winrm lets {clients} in."
        self._told("log", level="warning", text=text)

    def _remove_rule(self, name: str) -> None:
        adapters.tried(lambda _text: None, self._host, "Remove-NetFirewallRule", Name=name)

    def _own_rule(self) -> None:
        step = {"kind": "firewall_rule", "key": {"name": "wincnode-winrm"}, "want": {}}
        steps = Steps(
            self._host, self._process, self._plan, Secrets(""), detached=True, tell=self._tell
        )
        steps.note(step, Found(values={"state": "absent"}))


def _may_be_shut(was: str, now: str) -> bool:
    return now == "Public" != was or (not now and was in {"Private", "DomainAuthenticated"})


def clear(host: Host, folder: str) -> None:
    """Leave nothing to put back: the mark first, then the task and the note."""
    host.disk.delete(folder + r"\guarded")
    adapters.tried(lambda _text: None, host, "Unregister-ScheduledTask", **TASK)
    host.disk.delete_folder(FOLDER)


def set_verdict(host: Host, folder: str, word: str) -> str:
    """Decide, unless somebody has; gives the word that holds."""
    path = folder + r"\verdict"
    try:
        host.disk.create(path, word)
    except Failure:
        if host.disk.is_file(path):
            return host.disk.read_text(path)
        # A disk that takes nothing keeps nobody from going back; then nothing waits.
        if word != "reverted":
            raise
        host.disk.delete(folder + r"\waiting")
    return word


def confirm(host: Host, run: str) -> tuple[bool, str]:
    """Confirm what waits; gives whether that came in time, and what is said to that."""
    if not run and host.disk.is_file(FOLDER + r"\run"):
        run = host.disk.read_text(FOLDER + r"\run")
    folder = rf"{BASE}\runs\{run}"
    if not re.fullmatch("[0-9a-f]{32}", run) or not host.disk.is_file(folder + r"\waiting"):
        return False, "No change of the network waits here to be confirmed."
    if set_verdict(host, folder, "confirmed") == "confirmed":
        return True, f"The change of the network is confirmed, run {run}."
    return False, "It is too late: the node puts its network back, or has done so."
