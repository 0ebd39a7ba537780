"""Guards a change of the network, as guard.ps1 and restore.ps1 do it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from wincnode.lab.model import adapters, hns_networks
from wincnode.lab.model.adapters import Adapter
from wincnode.lab.model.failures import ERRORS, Failure
from wincnode.lab.model.host import BASE, Found, Host, to_line
from wincnode.lab.model.secrets import Secrets
from wincnode.lab.model.steps import Steps
from wincnode.lab.process import FunctionProcess
from wincnode.lab.windows.hns_rules import HnsError

FOLDER = BASE + r"\guard"
TASK = {"TaskPath": "\\wincnode\\", "TaskName": "wincnode-guard"}
CANCELLED = "The run was cancelled."
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
        left = [*self._restore_networks(), *self._set_adapters(45, exactly=True)]
        if not left:
            self._remove_rule("wincnode-guard")
            self.clear()
        self._tell("guard_reverted", reason=why, after=adapters.read(self._host), left=left)

    def stop(self) -> None:
        """Let the change stay; a network that is Public now and was not keeps its rule."""
        shut = [
            heir["name"]
            for was, heir in self._pairs()
            if heir and heir["category"] == "Public" != was["category"]
        ]
        if shut:
            self._add_rule("wincnode-winrm")
            self._own_rule()
            names, clients = ", ".join(shut), ", ".join(self._note["clients"])
            text = f"The network of {names} is Public now. The firewall rule wincnode-winrm lets "
            self._tell("log", level="warning", text=f"{text}{clients} in.")
        self._remove_rule("wincnode-guard")
        self.clear()

    def clear(self) -> None:
        """Leave nothing to put back."""
        clear(self._host, self._folder)

    def _start(self) -> None:
        earlier = FOLDER + r"\run"
        if self._disk.is_file(earlier):
            run = self._disk.read_text(earlier)
            if self._disk.is_file(rf"{BASE}\runs\{run}\guarded"):
                raise Failure(
                    f"Run {run} changed the network and nobody has confirmed it; the node is about "
                    "to put it back."
                )
        port = self._wants["port"]
        rows = self._host.call("Get-NetTCPConnection", State=["Established"], LocalPort=[port])
        clients = {*self._wants["clients"], *(row["RemoteAddress"] for row in rows)} - {""}
        if not clients:
            raise Failure("The guard knows no client that could come back.")
        self._note = {
            "clients": sorted(clients),
            "adapters": adapters.read(self._host),
            "networks": self._networks(),
        }
        self._disk.delete_folder(FOLDER)
        self._disk.make_folder(FOLDER)
        self._disk.write(FOLDER + r"\before.json", to_line(self._note))
        payload = {"scripts": self._request["scripts"], "plan": self._plan, "flush_s": []}
        self._disk.write(FOLDER + r"\payload.json", to_line(payload))
        self._disk.write(earlier, self._plan["run"])
        try:
            self._host.call("Register-ScheduledTask", **self._task())
            self._add_rule("wincnode-guard")
        except ERRORS as error:
            self.clear()
            text = "The network is left as it is, as nothing could guard it: "
            raise Failure(text + error.message) from error
        self._disk.write(self._folder + r"\guarded", "")

    def _task(self) -> dict[str, Any]:
        script = self._request["scripts"]["restore"]["text"].encode("utf-16-le")
        words = "-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand "
        return {
            **TASK,
            "Force": True,
            "Action": {
                "Execute": "powershell.exe",
                "Argument": words + base64.b64encode(script).decode("ascii"),
                "WorkingDirectory": FOLDER,
            },
            "Trigger": [
                {"AtStartup": True},
                {
                    "Once": True,
                    "At": datetime.now(UTC) + timedelta(minutes=1),
                    "RepetitionInterval": "00:01:00",
                },
            ],
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
        if same and self._networks() == self._note["networks"] and not counts.get("changed"):
            return ""
        for text in self._set_adapters(30, exactly=False):
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

    def _pairs(self) -> list[tuple[Adapter, Adapter | None]]:
        before, now = self._note["adapters"], adapters.read(self._host)
        rows = adapters.noted(before, now)
        return [(was, adapters.heir(was, before, now)) for was in rows]

    def _set_adapters(self, seconds: float, *, exactly: bool) -> list[str]:
        """Give what is still different, with why."""
        clock = self._host.machine.clock
        end = clock.seconds() + seconds
        while True:
            problems: list[str] = []
            for was, is_now in self._pairs():
                if is_now:
                    adapters.set_(self._host, was, is_now, problems, exactly=exactly)
            left = [
                f"{was['name']}: {text}"
                for was, is_now in self._pairs()
                for text in adapters.compare(was, is_now, exactly=exactly)
            ]
            if not left:
                return []
            if clock.seconds() >= end:
                return [*left, *dict.fromkeys(problems)]
            self._process.pause(0.5, clock)

    def _networks(self) -> list[Mapping[str, Any]]:
        if not any(row["kind"] == "hns_network" for row in self._plan["steps"]):
            return []
        hns = self._host.machine.hns
        return [dict(hns.query("network", id)) for id in hns.enumerate("network")]

    def _restore_networks(self) -> list[str]:
        """Put back those networks that the steps are about; gives what failed."""
        names = {row["key"]["name"] for row in self._plan["steps"] if row["kind"] == "hns_network"}
        if not names:
            return []
        hns, left = self._host.machine.hns, []
        now = {row["ID"]: row for row in hns.documents("network") if row["Name"] in names}
        had = {row["ID"]: row for row in self._note["networks"] if row["Name"] in names}
        for id in now.keys() - had.keys():
            try:
                hns_networks.remove(hns, id)
            except HnsError as error:
                left.append(f"network {now[id]['Name']}: {error}")
        for id in had.keys() - now.keys():
            try:
                hns_networks.create(hns, had[id])
            except HnsError as error:
                left.append(f"network {had[id]['Name']}: {error}")
        return left

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

    def _remove_rule(self, name: str) -> None:
        adapters.tried(lambda _text: None, self._host, "Remove-NetFirewallRule", Name=name)

    def _own_rule(self) -> None:
        step = {"kind": "firewall_rule", "key": {"name": "wincnode-winrm"}, "want": {}}
        steps = Steps(
            self._host, self._process, self._plan, Secrets(""), detached=True, tell=self._tell
        )
        steps.note(step, Found(values={"state": "absent"}))


def clear(host: Host, folder: str) -> None:
    """Leave nothing to put back: the mark first, then the task and the note."""
    host.disk.delete(folder + r"\guarded")
    adapters.tried(lambda _text: None, host, "Unregister-ScheduledTask", **TASK)
    host.disk.delete_folder(FOLDER)


def set_verdict(host: Host, folder: str, word: str) -> str:
    """Decide, unless somebody has; gives the word that holds."""
    try:
        host.disk.create(folder + r"\verdict", word)
    except Failure:
        return host.disk.read_text(folder + r"\verdict")
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
