"""What programs leave behind, in words: an earlier one's leftovers, and what this one still has."""

from __future__ import annotations

from collections.abc import Iterator

from wincnode.hcs.outcomes import CallOutcome, Outcome

# What frees a disk or a machine that nothing else ends, and what is left of it after that.
ADVICE = (
    "Reboot the node, which frees it; `wincnode hcs rm NODE` then removes what is left, and `fltmc"
    " filters` there lists the drivers that may hold a layer."
)


def kept(came: Outcome) -> tuple[CallOutcome, ...]:
    """Give the calls of `finally` that did not take down what had been made."""
    done = {call.id for call in came.calls if call.status == "ok"}
    # What was never made whole need not be given back whole.
    return tuple(call for call in came.unreleased if call.id.rpartition("_")[0] in done)


def notes(came: Outcome) -> Iterator[str]:
    """Say what was found of an earlier program, and what stays of this one."""
    for row in came.leftovers:
        if row.removed:
            yield f"removed a {row.kind} that an earlier smoke test left: {row.id}"
        else:
            yield f"a {row.kind} of an earlier smoke test stays: {row.id}: {row.error}"
    for call in kept(came):
        words = f": {call.words}" if call.words else ""
        number = f" with 0x{call.code:08X}" if call.code is not None else ""
        yield f"{call.do} ({call.id}) failed{number}{words}; a reboot frees it"
