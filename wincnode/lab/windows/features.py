"""Features of a simulated Windows, as Server Manager and DISM show them.

A server's role is made of features of DISM. What needs a reboot is pending until the boot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

# Install states of a server and states of DISM for the same:
# learn.microsoft.com/previous-versions/windows/desktop/mgmtprovider/msft-serverfeature
STATES = {
    "Installed": "Enabled",
    "InstallPending": "EnablePending",
    "UninstallPending": "DisablePending",
    "Removed": "DisabledWithPayloadRemoved",
    "Available": "Disabled",
}
HYPERV = "Microsoft-Hyper-V"
PARTS = {
    "Hyper-V": (HYPERV, f"{HYPERV}-Offline", f"{HYPERV}-Online"),
    "Hyper-V-PowerShell": (f"{HYPERV}-Management-PowerShell",),
}
# What comes with a feature: kubernetes-sigs/image-builder
# images/capi/ansible/windows/roles/systemprep/tasks/main.yml, which takes one of them away again.
CHILDREN = {HYPERV: PARTS["Hyper-V"][1:]}
REBOOT = {"Containers", *PARTS["Hyper-V"]}
BOOTED = {"EnablePending": "Enabled", "DisablePending": "Disabled"}
ON = {"Enabled", "EnablePending"}


class Missing(LookupError):
    """The files of a feature are not on the machine."""


class Features:
    """The features of a machine.

    Args: states: of a server's roles by their names, or of a client's features.
    `sources` says where the files of a feature came from.
    """

    def __init__(self, states: Mapping[str, str]) -> None:
        self._roles: dict[str, Sequence[str]] = {}
        self._states: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.load(states)

    def load(self, states: Mapping[str, str]) -> None:
        """Put features in, by the names and states that Server Manager or DISM has for them."""
        for name, state in states.items():
            self._roles[name] = PARTS.get(name, (name,))
            self._states |= dict.fromkeys(self._roles[name], STATES.get(state, state))

    def roles(self) -> dict[str, str]:
        """Give the install state of each role of a server."""
        return {name: self._role(parts) for name, parts in self._roles.items()}

    def states(self) -> dict[str, str]:
        """Give DISM's state of each feature."""
        return dict(self._states)

    def turn(self, names: Sequence[str], *, on: bool, source: str = "") -> None:
        """Switch roles or features on or off, with what belongs to them.

        Args: source: where the files of a removed feature are; empty where none were brought.
        Raises: LookupError: there is no such feature. Missing: its files are not there.
        """
        parts = [part for name in names for part in self._parts(name)]
        if on and not source and any("Removed" in self._states[part] for part in parts):
            raise Missing
        if source:
            self.sources |= dict.fromkeys(names, source)
        for part in parts:
            self._states[part] = _turned(part, self._states[part], on=on)

    def boot(self) -> None:
        """Finish what was pending."""
        self._states = {name: BOOTED.get(state, state) for name, state in self._states.items()}

    def _role(self, parts: Sequence[str]) -> str:
        """Give the state of the part that is the furthest from being installed."""
        states = {self._states[part] for part in parts}
        return next(role for role, state in reversed(STATES.items()) if state in states)

    def _parts(self, name: str) -> Iterator[str]:
        known = {row.lower(): row for row in (*self._roles, *self._states)}
        name = known[name.lower()]
        for part in self._roles.get(name, (name,)):
            yield part
            yield from (child for child in CHILDREN.get(part, ()) if child in self._states)


def _turned(name: str, state: str, *, on: bool) -> str:
    if (state in ON) == on:
        return state
    if state in BOOTED:  # what was pending is taken back
        return "Enabled" if on else "Disabled"
    if name in REBOOT:
        return "EnablePending" if on else "DisablePending"
    return "Enabled" if on else "Disabled"
