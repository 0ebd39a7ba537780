"""The kinds `port_range` and `port_exclusion`."""

from __future__ import annotations

import re

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import SYSTEM32


def get_range(host: Host, key: Values, _want: Values) -> Found:
    """Give the dynamic ports."""
    text = _netsh(host, key, "show", "dynamicportrange").stdout
    numbers = [int(number) for number in re.findall(r"(\d+)\s*$", text, re.MULTILINE)]
    if len(numbers) != 2:
        raise Failure(f"netsh.exe showed no port range: {_line(text)}")
    return Found(values={"start": numbers[0], "count": numbers[1]})


def set_range(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Set the dynamic ports."""
    _check(_netsh(host, key, "set", "dynamicportrange", want["start"], want["count"]))


def get_exclusion(host: Host, key: Values, _want: Values) -> Found:
    """Give whether an administrator has the ports kept."""
    text = _netsh(host, key, "show", "excludedportrange").stdout
    last = key["start"] + key["count"] - 1
    kept = re.search(rf"^\s*{key['start']}\s+{last}\s+\*\s*$", text, re.MULTILINE)
    return Found(values={"state": "present" if kept else "absent"})


def set_exclusion(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Keep the ports, or no longer."""
    verb = "add" if want["state"] == "present" else "delete"
    ports = (key["start"], key["count"])
    _check(_netsh(host, key, verb, "excludedportrange", *ports, "persistent"))


def _netsh(host: Host, key: Values, verb: str, what: str, *rest: object) -> programs.Ended:
    words = ["interface", key["family"], verb, what, key["protocol"], *map(str, rest)]
    return programs.run(host.machine, SYSTEM32 + r"\netsh.exe", words)


def _check(ended: programs.Ended) -> None:
    if ended.code:
        raise Failure(f"netsh.exe ended with {ended.code}: {_line(ended.stdout)}")


def _line(text: str) -> str:
    """Give lines as PowerShell puts them into a text."""
    return " ".join(text.split("\n")[:-1])
