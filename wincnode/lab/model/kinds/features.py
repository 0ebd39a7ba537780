"""The kinds `windows_feature` and `optional_feature`."""

from __future__ import annotations

import re
from typing import Any

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows.cmdlets import CmdletError

NO_PAYLOAD = re.compile("800f(081f|09(06|07|50))")
NO_MANAGER = "This Windows has no Server Manager; take a step of kind optional_feature."
REMEDY = "The node lacks the files of the feature: give their place as source."
INSTALLED = {"Installed", "InstallPending"}
ENABLED = {"Enabled", "EnablePending"}


def get_windows_feature(host: Host, key: Values, want: Values) -> Found:
    """Give whether the feature is installed, and which of those beside it."""
    if host.machine.is_client:
        raise Failure(NO_MANAGER)
    names = [key["name"], *want.get("with", [])]
    rows = host.call("Get-WindowsFeature", Name=names)
    states = {row["Name"].lower(): row["InstallState"] for row in rows}
    for name in names:
        if name.lower() not in states and want["state"] == "present":
            raise Failure(f"This Windows has no feature {name}.")
    there = [name for name in names if states.get(name.lower()) in INSTALLED]
    values = {
        "state": "present" if key["name"] in there else "absent",
        "with": [name for name in names[1:] if name in there],
    }
    return _found(values, want, list(states.values()))


def set_windows_feature(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Install the features or remove one."""
    if want.get("state") == "absent":
        host.call("Uninstall-WindowsFeature", Name=[key["name"]])
    else:
        _install(host, "Install-WindowsFeature", want, Name=[key["name"], *want.get("with", [])])


def get_optional_feature(host: Host, key: Values, want: Values) -> Found:
    """Give whether the feature is on, which of those beside it are, and which parts are not."""
    names = [key["name"], *want.get("with", [])]
    states = {}
    for name in [*names, *want.get("without", [])]:
        state = _state(host, name)
        if state is not None:
            states[name] = state
        elif name in names and want["state"] == "enabled":
            raise Failure(f"This Windows has no optional feature {name}.")
    values = {
        "state": "enabled" if states.get(key["name"]) in ENABLED else "disabled",
        "with": [name for name in names[1:] if states.get(name) in ENABLED],
        "without": [name for name in want.get("without", []) if states.get(name) not in ENABLED],
    }
    return _found(values, want, list(states.values()))


def set_optional_feature(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Switch the features on without some parts, or one off."""
    if want.get("state") == "disabled":
        _disable(host, key["name"])
        return
    names = [key["name"], *want.get("with", [])]
    _install(host, "Enable-WindowsOptionalFeature", want, Online=True, FeatureName=names)
    for name in want.get("without", []):
        if _state(host, name) in ENABLED:
            _disable(host, name)


def _found(values: dict[str, Any], want: Values, states: list[str]) -> Found:
    if want.get("source"):
        values["source"] = want["source"]
    pending = any("Pending" in state for state in states)
    return Found(state="needs_reboot" if pending else "settled", values=values)


def _state(host: Host, name: str) -> str | None:
    rows = host.call("Get-WindowsOptionalFeature", Online=True, FeatureName=name)
    return str(rows[0]["State"]) if rows else None


def _disable(host: Host, name: str) -> None:
    host.call("Disable-WindowsOptionalFeature", Online=True, FeatureName=[name])


def _install(host: Host, cmdlet: str, want: Values, **bound: Any) -> None:
    if want.get("source"):
        bound["Source"] = want["source"]
    try:
        host.call(cmdlet, **bound)
    except CmdletError as error:
        if NO_PAYLOAD.search(error.message):
            raise Failure(f"{error.message} {REMEDY}") from error
        raise
