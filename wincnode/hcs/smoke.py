"""What the rungs of the ladder showed of a node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from wincnode.errors import BadReply
from wincnode.hcs.codes import code
from wincnode.hcs.errors import Meanings, Reason, explain, meaning, recognise
from wincnode.hcs.lifecycles import MARK
from wincnode.hcs.outcomes import CallOutcome, Outcome, outcome
from wincnode.hcs.remains import ADVICE, kept, notes
from wincnode.hcs.results import properties, service, systems
from wincnode.hcs.rungs import Missing, Rung, RungId, Skipped, Step
from wincnode.hcs.shapes import Shape

Status = Literal["pass", "fail", "skipped", "unknown"]
# ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, ERROR_NOT_FOUND as HRESULTs: what image.layers says
# where there is no runtime, no folder UtilityVM, no image.
NO_RUNTIME, NO_UTILITY_VM, NO_IMAGE = 0x80070002, 0x80070003, 0x80070490
# ERROR_MOD_NOT_FOUND and ERROR_PROC_NOT_FOUND as HRESULTs.
NO_EXPORT = frozenset({0x8007007E, 0x8007007F})
REMEDIES: Mapping[Missing, str] = {
    "build": "Use Windows Server 2019 or later, as Kubernetes asks for.",
    "hypervisor": "Turn on virtualization in the firmware, or nested on a virtual machine, see that"
    " `bcdedit` has hypervisorlaunchtype Auto, and reboot.",
    "rung": "See what that rung says.",
    "feature": "Run `wincnode install`, which installs it and reboots the node where it may.",
    "image": "Let it be pulled, or name an image of the node's Windows build with --image.",
    "runtime": "Run `wincnode install` first, which installs containerd.",
    "wish": "",
}
COMPILING = (
    "The node compiles wincnode's files of C# once in each run: let PowerShell of SYSTEM use"
    " Add-Type, csc.exe and its own TEMP; docs/security.md has the hashes of the files."
)
# HCS_E_OPERATION_TIMEOUT
OPERATION_TIMEOUT = 0x80370118
_VERSION = re.compile(r"\b10\.0\.(\d{5})(?:\.(\d{1,6}))?")
_LONGEST = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a rung showed.

    Args:
        evidence: in words. reasons: likely causes of a failure, the likeliest first.
        missing: why it was skipped; None where it was not. because: ids of what explains it.
        kept: whether the node could not give back what the rung made.
        advice: what to do, where that is not the remedy of a cause or of the rung.
        notes: what else the reader should know, such as what stayed behind.
    """

    rung: Rung
    status: Status
    evidence: str
    reasons: tuple[Reason, ...] = ()
    missing: Missing | None = None
    because: tuple[str, ...] = ()
    kept: bool = False
    advice: str = ""
    notes: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """Say what to do: the remedy of the likeliest cause, or the rung's own."""
        if self.status == "pass":
            return ""
        if self.missing is not None:
            return REMEDIES[self.missing]
        if self.advice:
            return self.advice
        return self.reasons[0].cause.remedy if self.reasons else self.rung.remedy

    @property
    def proven(self) -> bool:
        """Whether nothing is left to be shown."""
        return self.status == "pass" or self.missing == "wish"


def skipped(step: Skipped) -> Verdict:
    """Give the verdict on a rung that was not tried."""
    return Verdict(
        rung=step.rung,
        status="skipped",
        evidence=step.text,
        missing=step.missing,
        because=step.because,
    )


def judged(rung: Rung, answer: Any, known: Meanings, *, missing: tuple[str, ...] = ()) -> Verdict:
    """Give the verdict on what a node answered.

    Args: answer: the result of the rung's program; None where it did not run. missing: the rungs
        that it needed and that had not succeeded.
    """
    if answer is None:
        return _not_run(rung, missing)
    try:
        came = outcome(answer)
        if came.refused:
            return _unknown(rung, f"the node runs no program: {came.refused}", COMPILING)
        found = _failed(rung, came.broken, known) if came.broken else _succeeded(rung, came, known)
    except BadReply as error:
        return _unknown(rung, f"the answer has another form: {error.message}")
    return replace(_given_back(found, came, known), notes=tuple(map(_short, notes(came))))


def together(verdicts: Mapping[RungId, Verdict]) -> tuple[Verdict, ...]:
    """Put each verdict in the light of the others.

    A rung that fails as a lower one does follows from it. A probe that fails where a container
    runs is itself at fault.
    """
    return tuple(_in_context(row, verdicts) for row in verdicts.values())


def unanswered(steps: tuple[Step, ...], verdicts: Mapping[RungId, Verdict], why: str) -> Any:
    """Give verdicts with an unknown one for each rung that was to be tried and came to nothing."""
    found: dict[RungId, Verdict] = {}
    for step in steps:
        if isinstance(step, Skipped):
            found[step.rung.id] = skipped(step)
        else:
            found[step.rung.id] = verdicts.get(step.rung.id) or _unknown(step.rung, why)
    return found


def _in_context(row: Verdict, verdicts: Mapping[RungId, Verdict]) -> Verdict:
    if row.status != "fail":
        return row
    upper = [one for one in verdicts.values() if row.rung.id in one.rung.outdoes]
    proof = next((one for one in upper if one.status == "pass"), None)
    # What cannot be given back stays, whoever passes after it.
    if proof and not row.kept:
        text = f"{row.evidence}; but {proof.rung.id} passed, so the probe itself may be wrong"
        return replace(row, status="unknown", evidence=text, reasons=())
    below = [verdicts[id] for id in row.rung.alike if id in verdicts]
    same = [one for one in below if one.status == "fail" and _same(one, row)]
    return replace(row, because=tuple(f"smoke.{one.rung.id}" for one in same))


def _same(lower: Verdict, upper: Verdict) -> bool:
    causes = {reason.cause.id for reason in lower.reasons[:1]}
    return bool(causes & {reason.cause.id for reason in upper.reasons[:1]})


def _not_run(rung: Rung, missing: tuple[str, ...]) -> Verdict:
    if not missing:
        return _unknown(rung, "the node did not answer for it")
    names = ", ".join(missing)
    return Verdict(
        rung=rung,
        status="skipped",
        evidence=f"not tried: it needs {names}",
        missing="rung",
        because=tuple(f"smoke.{name}" for name in missing),
    )


def _unknown(rung: Rung, text: str, advice: str = "") -> Verdict:
    return Verdict(rung=rung, status="unknown", evidence=_short(text), advice=advice)


def _failed(rung: Rung, call: CallOutcome, known: Meanings) -> Verdict:
    """Explain the call that ended a program."""
    if call.do == "image.layers" and call.code in {NO_RUNTIME, NO_UTILITY_VM, NO_IMAGE}:
        text = call.words or "there is no such image"
        missing: Missing = "runtime" if call.code == NO_RUNTIME else "image"
        return Verdict(rung=rung, status="skipped", evidence=_short(text), missing=missing)
    told = described(call, known)
    if call.do == "hive.empty" and call.code in NO_EXPORT:
        return _unknown(rung, f"the probe cannot be made here: {told}")
    return Verdict(rung=rung, status="fail", evidence=told, reasons=_reasons(call, known))


def _reasons(call: CallOutcome, known: Meanings) -> tuple[Reason, ...]:
    value = call.error.code if call.error and call.error.code else call.code
    if not value and call.status == "timeout":
        value = OPERATION_TIMEOUT
    # Which call it was tells as much as its words: a file of a layer is no other's.
    found = explain(value, known, f"{call.do}: {call.words}") if value else ()
    return found or recognise(call.words, known)[1]


def described(call: CallOutcome, known: Meanings) -> str:
    """Say which call failed how, in the node's words or else in Windows' own."""
    how = f"did not end in {call.ms / 1000:.0f} s" if call.status == "timeout" else "failed"
    text = f"{call.do} ({call.id}) {how}"
    if call.code is not None:
        one = code(call.code, known.names)
        text += f" with {one.hex} {one.name}".rstrip()
    words = call.words or (meaning(code(call.code, known.names), known) if call.code else "")
    # What Windows' words leave out is the subject.
    words = words.removeprefix("... ")
    return _short(f"{text}: {words}" if words else text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


def _succeeded(rung: Rung, came: Outcome, known: Meanings) -> Verdict:
    """Judge what a program gave that was carried out whole.

    Raises: BadReply: it gave something of another form.
    """
    match rung.id:
        case "service":
            number = len(systems(came.result("systems"), "systems"))
            return _passed(rung, f"it answers; {number} compute systems of wincnode")
        case "schema":
            return _schema(rung, came)
        case "storage":
            return _storage(rung, came)
        case "vm" | "lcow":
            state = properties(came.result("state"), "state").state
            status: Status = "pass" if state == "Running" else "fail"
            return Verdict(rung=rung, status=status, evidence=f"the machine is {state}")
        case "process" | "hyperv" | "hosted":
            return _version(rung, came, known)


def _given_back(found: Verdict, came: Outcome, known: Meanings) -> Verdict:
    """Hold a rung to what it left: one that passed and keeps something on the node has failed."""
    stays = kept(came)
    if not stays:
        return found
    if found.status != "pass":
        return replace(found, kept=True)
    text = f"{found.evidence}; but it could not be taken down: {described(stays[0], known)}"
    return replace(
        found,
        status="fail",
        evidence=_short(text),
        reasons=_reasons(stays[0], known),
        kept=True,
        advice=ADVICE,
    )


def _passed(rung: Rung, text: str) -> Verdict:
    return Verdict(rung=rung, status="pass", evidence=text)


def _schema(rung: Rung, came: Outcome) -> Verdict:
    found = service(came.result("basic"), "basic")
    versions = ", ".join(f"{major}.{minor}" for major, minor in sorted(found.schemas))
    text = f"it understands schema {versions or 'none'}"
    # A.X stands for A.0 to A.X.
    if found.newest < 1:
        return Verdict(rung=rung, status="fail", evidence=f"{text}, which has no 2.1")
    return _passed(rung, text)


def _storage(rung: Rung, came: Outcome) -> Verdict:
    read, below = (_text(came, name) for name in ("read", "below"))
    if read != MARK:
        text = "a file that was written to a layer reads otherwise"
        return Verdict(rung=rung, status="fail", evidence=text)
    if below != MARK:
        text = "a file of the layer below reads otherwise through the filter"
        return Verdict(rung=rung, status="fail", evidence=text)
    return _passed(rung, "a layer was attached, written and read, with the layer below it")


def _text(came: Outcome, call: str) -> str:
    return Shape(came.result(call), call).text("text", "")


def _version(rung: Rung, came: Outcome, known: Meanings) -> Verdict:
    """Judge the process that says its Windows."""
    row = Shape(came.result("done"), "done")
    ended = row.number("exit_code")
    said = f"{row.text('stdout', '')}\n{row.text('stderr', '')}"
    if ended:
        one = code(ended, known.names)
        text = f"`ver` in the container ended with {ended} {one.name}".rstrip()
        reasons = explain(ended, known, said)
        return Verdict(
            rung=rung, status="fail", evidence=_short(f"{text}: {said}"), reasons=reasons
        )
    if version := _VERSION.search(said):
        return _passed(rung, f"a container says that it is Windows {version[0]}")
    text = f"`ver` in the container ended well and named no version: {said}"
    return Verdict(rung=rung, status="fail", evidence=_short(text))
