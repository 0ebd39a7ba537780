"""What goes wrong on a simulated node, chosen by name or as a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wincnode.lab.engine import Engine, Output, Process
from wincnode.lab.windows.compute import FAULTS as COMPUTE_FAULTS
from wincnode.lab.windows.hns import FAULTS as HNS_FAULTS
from wincnode.lab.windows.network import FAULTS as NETWORK_FAULTS

LONG_LINE_BYTES = 50_000_000
_PIECE_BYTES = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """A limit that is used up: which operation answers so, and with what.

    Args: wmi: the code comes in an MSFT_WmiError instead of a WSManFault.
    """

    operation: str
    code: int
    subcode: str
    message: str
    wmi: bool


_CANNOT = "The WS-Management service cannot process the request. "
# Codes: wsmerror.h (ERROR_WSMAN_QUOTA_*). Shapes and texts, in this order:
# WinRb/WinRM tests/spec/stubs/responses/wmi_error_v2.xml, github.com/masterzen/winrm/issues/129,
# github.com/jborean93/pypsrp/issues/148.
QUOTAS: Mapping[str, Quota] = {
    "max-shells": Quota(
        operation="Create",
        code=2150859173,
        subcode="w:QuotaLimit",
        message=_CANNOT + "This user is allowed a maximum number of 30 concurrent shells, which "
        "has been exceeded. Close existing shells or raise the quota for this user.",
        wmi=True,
    ),
    "max-operations": Quota(
        operation="Command",
        code=2150859174,
        subcode="w:QuotaLimit",
        message=_CANNOT + "This user is allowed a maximum number of 1500 concurrent operations, "
        "which has been exceeded. Close existing operations for this user, or raise the quota for "
        "this user.",
        wmi=True,
    ),
    "max-commands": Quota(
        operation="Command",
        code=2150859241,
        subcode="w:InternalError",
        message=_CANNOT + "The maximum number of concurrent commands per shell has been exceeded. "
        "Retry the request later or raise the Maximum Commands per Shell quota.",
        wmi=False,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What goes wrong; k counts operations from 1, in the order of `WsmanServer.requests`."""

    drop_before: int | None = None
    """Close the connection instead of carrying operation k out."""
    drop_at_request: int | None = None
    """Carry operation k out, then close the connection instead of replying."""
    delay_s: float = 0.0
    """Wait before each reply."""
    garbage: bool = False
    """Answer each operation with a proxy's HTML page and HTTP 502."""
    refuse_auth: bool = False
    """Answer 401 to every credential, at the end of the handshake."""
    closed: bool = False
    """Hold the port without listening, so that connections are refused; from the start only."""
    black_hole: bool = False
    """Accept connections and never answer, not even a TLS handshake."""
    long_line_bytes: int = 0
    """Let each command write one line of so many bytes that never ends."""
    compute: tuple[str, ...] = ()
    """What is wrong with the Host Compute Service, by names of `wincnode.lab.windows.compute`."""
    network: tuple[str, ...] = ()
    """What goes wrong with the link of a node under a switch: `wincnode.lab.windows.network`."""
    link_lost_s: float = 0.0
    """How many seconds nothing reaches a node whose adapter was put under a switch."""
    hns: tuple[str, ...] = ()
    """What is wrong with the Host Network Service, by names of `wincnode.lab.windows.hns`."""
    quota: Quota | None = None
    """Answer one operation with the fault of a limit that is used up."""


_PLAIN: Mapping[str, Faults] = {
    "black-hole": Faults(black_hole=True),
    "deny": Faults(refuse_auth=True),
    "garbage": Faults(garbage=True),
    "link-lost": Faults(link_lost_s=math.inf),
    "long-line": Faults(long_line_bytes=LONG_LINE_BYTES),
    "refuse": Faults(closed=True),
    **{name: Faults(compute=(name,)) for name in COMPUTE_FAULTS},
    **{name: Faults(network=(name,)) for name in NETWORK_FAULTS},
    **{name: Faults(hns=(name,)) for name in HNS_FAULTS},
    **{name: Faults(quota=quota) for name, quota in QUOTAS.items()},
}
FAULT_NAMES = (
    *sorted(_PLAIN),
    *("drop@REQUEST", "link-lost=SECONDS", "lost-reply@REQUEST", "slow=SECONDS"),
)


def parse_fault(text: str) -> Faults:
    """Read a fault by its name, such as `drop@7` or `slow=2`.

    Raises: ValueError: there is no such fault, or its number is none; says what is allowed.
    """
    if text in _PLAIN:
        return _PLAIN[text]
    word, at, number = text.partition("@")
    if at and word in ("drop", "lost-reply"):
        if not number.isdecimal() or int(number) < 1:
            raise ValueError(f"the fault {text!r} needs a request's number from 1, as in {word}@7")
        if word == "drop":
            return Faults(drop_before=int(number))
        return Faults(drop_at_request=int(number))
    word, equals, number = text.partition("=")
    if equals and word == "slow":
        return Faults(delay_s=_seconds(text, number))
    if equals and word == "link-lost":
        return Faults(link_lost_s=_seconds(text, number))
    raise ValueError(f"there is no fault {text!r}; there are {', '.join(FAULT_NAMES)}")


def _seconds(text: str, number: str) -> float:
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        word = text.partition("=")[0]
        raise ValueError(f"the fault {text!r} needs a number of seconds, as in {word}=2")
    return seconds


class FaultyEngine:
    """Starts an engine's commands, or what the faults of the moment put in their place."""

    def __init__(self, engine: Engine, faults: Callable[[], Faults]) -> None:
        self._engine = engine
        self._faults = faults

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        """Start a command."""
        size = self._faults().long_line_bytes
        return _LongLine(size) if size else self._engine.start(command, environment)


class _LongLine:
    """Writes one line, made as it is read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def write(self, data: bytes, *, end: bool) -> None:
        """Take no notice of stdin."""

    def read(self, timeout_s: float) -> Output:  # noqa: ARG002 - the seam's signature
        """Return the next piece."""
        size = min(self._left, _PIECE_BYTES)
        self._left -= size
        done = not self._left
        return Output(stdout=b"x" * size, done=done, exit_code=0 if done else None)

    def terminate(self) -> None:
        """Write no more."""
        self._left = 0
