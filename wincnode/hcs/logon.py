r"""Who may log on as a service: without that right no virtual machine starts.

A machine's process runs as an account of its own in the group NT VIRTUAL MACHINE\Virtual Machines,
to whom a policy may not give the right. Only a failure makes it matter, so that it is no rung.
Source: [MS-DTYP] 2.4.2.4 (S-1-5-83-0); support.microsoft.com KB 2779204;
learn.microsoft.com/windows/win32/secauthz/account-rights-constants
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from wincnode.errors import BadReply
from wincnode.hcs.account_calls import RightHolders
from wincnode.hcs.errors import Meanings
from wincnode.hcs.lifecycles import LOOKER
from wincnode.hcs.outcomes import Outcome, outcome
from wincnode.hcs.program import Call, Program
from wincnode.hcs.rules import checked
from wincnode.hcs.rungs import RungId, Step, Tried
from wincnode.hcs.shapes import Shape
from wincnode.hcs.smoke import Verdict, described

# The program's id beside those of rungs.
ID: Final = "logon-right"
ProgramId: TypeAlias = RungId | Literal["logon-right"]
MACHINES = "S-1-5-83-0"
RIGHT, DENIAL = "SeServiceLogonRight", "SeDenyServiceLogonRight"
# What makes a virtual machine.
RUNGS: frozenset[RungId] = frozenset({"vm", "hyperv", "hosted", "lcow"})
# The cause in data/codes.yaml that it explains.
CAUSE = "logon.type"
ASK_S = 30
MOST_TOLD = 20
_SID = re.compile(r"S-1-(?:\d{1,10}|0x[0-9A-Fa-f]{1,12})(?:-\d{1,10}){0,15}")
_GROUP = "NT VIRTUAL MACHINE\\Virtual Machines"
COMES_AND_GOES = (
    "The right is there now, and may come and go with Group Policy, at whose refresh the service"
    f" vmms puts it back: give it to {_GROUP} in the policy itself (`Log on as a service`), run"
    " `gpupdate /force`, then restart vmms or vmcompute."
)
# Themselves, Everyone, SERVICE and Authenticated Users: a denial to others, such as Guests, is none
# to them. Source: learn.microsoft.com/windows/win32/secauthz/well-known-sids
COVERING = frozenset({MACHINES, "S-1-1-0", "S-1-5-6", "S-1-5-11"})
DENIED = (
    f"See that `Deny log on as a service` ({DENIAL}), which denies the right explicitly, names"
    f" neither {_GROUP} nor a group that it belongs to; run `gpupdate /force`, then restart vmms"
    " or vmcompute."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Logon:
    """Who may log on as a service, and who may not, by SIDs.

    Args: allowed, denied: None where it is not known, for which `why` says the reason.
    """

    allowed: tuple[str, ...] | None = None
    denied: tuple[str, ...] | None = None
    why: str = ""

    @property
    def told(self) -> str:
        """Say what that means to virtual machines."""
        unknown = f"is unknown: {self.why}"
        if self.allowed is None:
            return f"whether {MACHINES} has the right to log on as a service {unknown}"
        if MACHINES not in self.allowed:
            holders = f"holders: {_listed(self.allowed)}" if self.allowed else "nobody holds it"
            return f"{MACHINES} lacks the right to log on as a service ({holders})"
        text = f"{MACHINES} has the right to log on as a service at this moment"
        if self.denied is None:
            return f"{text}, and whether it is denied {unknown}"
        return f"{text}, and it is denied to {_listed(self.denied)}" if self.denied else text

    @property
    def advice(self) -> str:
        """Say what to do where that is not to give the right; empty where it is, or may be."""
        if self.allowed is None or MACHINES not in self.allowed:
            return ""
        return DENIED if COVERING & set(self.denied or ()) else COMES_AND_GOES


def programs(steps: Sequence[Step]) -> Iterator[tuple[ProgramId, tuple[RungId, ...], Program]]:
    """Give what is run for rungs: id, the ids that it needs, and program.

    Before the first machine it is asked who may log on: afterwards is too late for a verdict that
    is told as soon as it is there.
    """
    asked = False
    for step in steps:
        if not isinstance(step, Tried):
            continue
        if step.rung.id in RUNGS and not asked:
            asked = True
            yield ID, step.needs, program()
        yield step.rung.id, step.needs, step.program


def program() -> Program:
    """Ask who holds the right and who is denied it; nothing is changed, and nothing cleared."""
    calls = (
        Call(id="allowed", action=RightHolders(right=RIGHT), limit_s=ASK_S),
        Call(id="denied", action=RightHolders(right=DENIAL), limit_s=ASK_S),
    )
    return checked(Program(calls=calls, owner=LOOKER))


def read(answer: Any, known: Meanings) -> Logon:
    """Read what a machine answered.

    Args: answer: the program's result; None where it did not run.
    """
    if answer is None:
        return Logon(why="it was not asked")
    try:
        came = outcome(answer)
        if came.refused:
            return Logon(why=came.refused)
        why = described(came.broken, known) if came.broken else ""
        return Logon(allowed=_sids(came, "allowed"), denied=_sids(came, "denied"), why=why)
    except BadReply as error:
        return Logon(why=f"the answer has another form: {error.message}")


def explained(row: Verdict, logon: Logon | None) -> Verdict:
    """Add to a rung that failed for the right who has it."""
    causes = [reason.cause.id for reason in row.reasons[:1]]
    if logon is None or row.status != "fail" or causes != [CAUSE]:
        return row
    return replace(row, evidence=f"{row.evidence}; {logon.told}", advice=row.advice or logon.advice)


def _sids(came: Outcome, call: str) -> tuple[str, ...] | None:
    """Give the SIDs of a call; None where it did not succeed.

    Raises: BadReply.
    """
    if not any(row.id == call and row.status == "ok" for row in came.calls):
        return None
    rows = Shape(came.result(call), call).value.get("sids")
    if not isinstance(rows, list) or not all(
        isinstance(sid, str) and _SID.fullmatch(sid) for sid in rows
    ):
        raise BadReply(f"{call}.sids is {rows!r:.60}, not a list of SIDs")
    return tuple(rows)


def _listed(sids: tuple[str, ...]) -> str:
    more = len(sids) - MOST_TOLD
    return ", ".join(sids[:MOST_TOLD]) + (f" and {more} more" if more > 0 else "")
