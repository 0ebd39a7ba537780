"""The kind `compute_programs`."""

from __future__ import annotations

from collections.abc import Callable

from wincnode.lab.model.compute import Executor
from wincnode.lab.model.host import Found, Host, Values


def get(_host: Host, _key: Values, _want: Values) -> Found:
    """Give that nothing is to be changed: what programs make, they take away."""
    return Found()


def run(host: Host, want: Values, tell: Callable[..., None]) -> None:
    """Carry programs out whose needed ones have succeeded; tell of each."""
    done: set[str] = set()
    for row in want["programs"]:
        missing = [name for name in row.get("needs", ()) if name not in done]
        if missing:
            tell("program_finished", program=row["id"], result=None, missing=missing)
            continue
        with host.machine.mutex:
            result = Executor(compute=host.machine.compute).run(row["program"])
        if not result.get("refused") and all(call["status"] == "ok" for call in result["calls"]):
            done.add(row["id"])
        tell("program_finished", program=row["id"], result=result)
