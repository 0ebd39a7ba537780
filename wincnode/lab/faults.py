"""What goes wrong on a simulated node, chosen by name or as a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from wincnode.lab.engine import Engine, Output, Process
from wincnode.lab.programs.wire import AT_NODES, LOSSES
from wincnode.lab.refusals import REFUSALS, Refusal
from wincnode.lab.windows.compute import FAULTS as COMPUTE_FAULTS
from wincnode.lab.windows.faults import FAULTS as MACHINE_FAULTS
from wincnode.lab.windows.hns import FAULTS as HNS_FAULTS
from wincnode.lab.windows.network import FAULTS as NETWORK_FAULTS

LONG_LINE_BYTES = 50_000_000
_PIECE_BYTES = 1 << 18
Certificate = Literal["", "sound", "expired", "other-name"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyEnd:
    """What a command writes to stderr as it ends before it has read anything."""

    stderr: str
    exit_code: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What goes wrong; k counts operations from 1, in the order of `WsmanServer.requests`."""

    drop_before: int | None = None
    """Close the connection instead of carrying operation k out."""
    reset_before: int | None = None
    """As `drop_before`, but with a reset in place of an orderly end."""
    drop_at_request: int | None = None
    """Carry operation k out, then close the connection instead of replying."""
    delay_s: float = 0.0
    """Wait before each reply."""
    garbage: bool = False
    """Answer each operation with a proxy's HTML page and HTTP 502."""
    refuse_auth: bool = False
    """Answer 401 to every credential, at the end of the handshake."""
    refuse_auth_from: int | None = None
    """Close the connection at operation k, and let nobody in from then on."""
    closed: bool = False
    """Hold the port without listening, so that connections are refused; from the start only."""
    unanswered: bool = False
    """Drop the packets of those who connect, as a firewall does; from the start only."""
    black_hole: bool = False
    """Accept connections and never answer, not even a TLS handshake."""
    long_line_bytes: int = 0
    """Let each command write one line of so many bytes that never ends."""
    early_end: EarlyEnd | None = None
    """Let each command end before it has read anything."""
    compute: tuple[str, ...] = ()
    """What is wrong with the Host Compute Service, by names of `wincnode.lab.windows.compute`."""
    network: tuple[str, ...] = ()
    """What goes wrong with the link of a node under a switch: `wincnode.lab.windows.network`."""
    link_lost_s: float = 0.0
    """How many seconds nothing reaches a node whose adapter was put under a switch."""
    hns: tuple[str, ...] = ()
    """What is wrong with the Host Network Service, by names of `wincnode.lab.windows.hns`."""
    pods: tuple[str, ...] = ()
    """What of the node's pods gets lost, by names of `wincnode.lab.programs.wire`."""
    machine: tuple[str, ...] = ()
    """What is wrong with the machine, by names of `wincnode.lab.windows.faults`."""
    clock_s: float = 0.0
    """Let the machine's clock be so many seconds ahead; below 0 it is behind."""
    power_lost_at: int | None = None
    """Cut the machine's power as it writes the k-th record of its journals, once."""
    refusal: Refusal | None = None
    """Answer one operation with a fault, such as that of a limit that is used up."""
    shell_gone_at: int | None = None
    """Lose all shells before operation k, as a restart of WinRM does."""
    envelope_kb: int = 0
    """Take no larger messages than this; 0 is Windows' own limit."""
    schemes: tuple[str, ...] = ()
    """Let nobody in but by these; none stands for those of a node."""
    certificate: Certificate = ""
    """Speak TLS, with such a certificate; from the start only."""
    latency_s: float = 0.0
    """Let bytes take so long each way."""
    bytes_per_s: float = 0.0
    """Let no more bytes pass in a second, each way; 0 is no limit."""
    loss: float = 0.0
    """Lose this share of the packets, which come again later."""
    idle_cut_s: float = 0.0
    """Forget a connection that carries nothing for so long, without a word; 0 is never."""


# The id of the error is the same in every language of Windows:
# github.com/PowerShell/PowerShell src/System.Management.Automation/resources/ParserStrings.resx
_ANTIVIRUS = """\
At line:1 char:1
+ $text = [Console]::In.ReadToEnd()
+ ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
This script contains malicious content and has been blocked by your antivirus software.
    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorRecordException
    + FullyQualifiedErrorId : ScriptContainedMaliciousContent
"""
_NOT_LOADED = "The shell cannot be started. A failure occurred during initialization."

_PLAIN: Mapping[str, Faults] = {
    "antivirus": Faults(early_end=EarlyEnd(stderr=_ANTIVIRUS, exit_code=1)),
    "black-hole": Faults(black_hole=True),
    "credssp-only": Faults(schemes=("credssp",)),
    "deny": Faults(refuse_auth=True),
    "early-exit": Faults(early_end=EarlyEnd(stderr=_NOT_LOADED, exit_code=0xFFFF0000)),
    "garbage": Faults(garbage=True),
    "link-lost": Faults(link_lost_s=math.inf),
    "long-line": Faults(long_line_bytes=LONG_LINE_BYTES),
    "no-answer": Faults(unanswered=True),
    "refuse": Faults(closed=True),
    "tls": Faults(certificate="sound"),
    "tls-expired": Faults(certificate="expired"),
    "tls-other-name": Faults(certificate="other-name"),
    **{name: Faults(compute=(name,)) for name in COMPUTE_FAULTS},
    **{name: Faults(network=(name,)) for name in NETWORK_FAULTS},
    **{name: Faults(hns=(name,)) for name in HNS_FAULTS},
    **{f"no-{name}": Faults(pods=(name,)) for name in LOSSES},
    **{name: Faults(machine=(name,)) for name in MACHINE_FAULTS},
    **{name: Faults(refusal=refusal) for name, refusal in REFUSALS.items()},
}
_COUNTED: Mapping[str, str] = {
    "deny": "refuse_auth_from",
    "drop": "drop_before",
    "lost-reply": "drop_at_request",
    "power-loss": "power_lost_at",
    "reset": "reset_before",
    "shell-gone": "shell_gone_at",
}
# With what the number counts.
_MEASURED: Mapping[str, tuple[str, str]] = {
    "idle-cut": ("idle_cut_s", "SECONDS"),
    "latency": ("latency_s", "SECONDS"),
    "link-lost": ("link_lost_s", "SECONDS"),
    "loss": ("loss", "SHARE"),
    "rate": ("bytes_per_s", "BYTES"),
    "slow": ("delay_s", "SECONDS"),
}
FAULT_NAMES = (
    *sorted(_PLAIN),
    *(f"{word}@NUMBER" for word in sorted((*_COUNTED, *REFUSALS))),
    *("clock=SECONDS", "envelope=KB", *(f"no-{word}@NODE" for word in sorted(AT_NODES))),
    *(f"{word}={unit}" for word, (_, unit) in sorted(_MEASURED.items())),
)


def parse_fault(text: str) -> Faults:
    """Read a fault by its name, such as `drop@7` or `slow=2`.

    Raises: ValueError: there is no such fault, or its number is none; says what is allowed.
    """
    if text in _PLAIN:
        return _PLAIN[text]
    word, at, number = text.partition("@")
    if at and (found := _counted(text, word, number)):
        return found
    word, equals, number = text.partition("=")
    if equals and (found := _sized(text, word, number)):
        return found
    raise ValueError(f"there is no fault {text!r}; there are {', '.join(FAULT_NAMES)}")


def _counted(text: str, word: str, number: str) -> Faults | None:
    what = word.removeprefix("no-")
    if what != word and what in AT_NODES:
        if not number:
            raise ValueError(f"the fault {text!r} needs a node's name, as in {word}@lab-2")
        return Faults(pods=(f"{what}@{number}",))
    if word not in _COUNTED and word not in REFUSALS:
        return None
    if not number.isdecimal() or int(number) < 1:
        raise ValueError(f"the fault {text!r} needs a number from 1, as in {word}@7")
    if word in REFUSALS:
        return Faults(refusal=replace(REFUSALS[word], times=int(number)))
    counted: dict[str, Any] = {_COUNTED[word]: int(number)}
    return Faults(**counted)


def _sized(text: str, word: str, number: str) -> Faults | None:
    if word == "envelope":
        return Faults(envelope_kb=max(1, int(_measured(text, number))))
    if word == "clock":
        return Faults(clock_s=_finite(text, number))
    if word not in _MEASURED:
        return None
    measured: dict[str, Any] = {_MEASURED[word][0]: _measured(text, number)}
    return Faults(**measured)


def together(faults: Iterable[Faults]) -> Faults:
    """Give one value for several faults of a node; of two that exclude each other, the last."""
    sound, found = Faults(), Faults()
    for row in faults:
        given = {
            name: getattr(row, name)
            for name in (field.name for field in fields(Faults))
            if getattr(row, name) != getattr(sound, name)
        }
        for name in {"compute", "hns", "machine", "network", "pods"} & set(given):
            given[name] = (*getattr(found, name), *given[name])
        found = replace(found, **given)
    return found


def _finite(text: str, number: str) -> float:
    try:
        measure = float(number)
    except ValueError:
        measure = math.nan
    if not math.isfinite(measure):
        raise ValueError(f"the fault {text!r} needs a number of seconds, as in clock=-400")
    return measure


def _measured(text: str, number: str) -> float:
    measure = _finite(text, number) if number[:1].isdigit() else 0
    if measure <= 0:
        raise ValueError(
            f"the fault {text!r} needs a number above 0, as in {text.partition('=')[0]}=2"
        )
    return measure


class FaultyEngine:
    """Starts an engine's commands, or what the faults of the moment put in their place."""

    def __init__(self, engine: Engine, faults: Callable[[], Faults]) -> None:
        self._engine = engine
        self._faults = faults

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        """Start a command."""
        faults = self._faults()
        if faults.early_end is not None:
            return _Ended(faults.early_end)
        size = faults.long_line_bytes
        return _LongLine(size) if size else self._engine.start(command, environment)


class _Ended:
    """Has ended before it read anything."""

    def __init__(self, end: EarlyEnd) -> None:
        self._end = end

    def write(self, data: bytes, *, end: bool) -> None:  # noqa: ARG002 - the seam's signature
        """Find that nobody reads.

        Raises: BrokenPipeError.
        """
        raise BrokenPipeError

    def read(self, timeout_s: float) -> Output:  # noqa: ARG002 - the seam's signature
        """Return what it wrote."""
        stderr = self._end.stderr.replace("\n", "\r\n").encode()
        return Output(stderr=stderr, done=True, exit_code=self._end.exit_code)

    def terminate(self) -> None:
        """Do nothing: it has ended."""


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
