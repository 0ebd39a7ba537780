"""The kind `defender_exclusion`."""

from __future__ import annotations

from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows import defender


def get(host: Host, key: Values, want: Values) -> Found:
    """Give whether there is such an exclusion; without Defender all is as wanted."""
    if (host.service("WinDefend") or {}).get("State") != "Running":
        return Found(values={"state": want["state"]})
    registry, kind = host.machine.registry, key["type"]
    name = key["value"].lower().lstrip(".")
    protected = defender.is_protected(registry)
    by_policy = name in defender.names(registry, defender.POLICY, kind)
    locally = name in defender.names(registry, defender.KEY, kind) and not protected
    values = {"state": "present" if by_policy or locally else "absent"}
    if protected or by_policy:
        return Found(state="policy_owned", values=values)
    return Found(state="settled" if values["state"] == want["state"] else "settling", values=values)


def set(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Add the exclusion or take it away."""
    verb = "Add" if want["state"] == "present" else "Remove"
    parameter = f"Exclusion{key['type'].capitalize()}"
    host.call(f"{verb}-MpPreference", **{parameter: [key["value"]]})
