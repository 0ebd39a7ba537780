"""Takes one step: compares it with what is there, sets it, and asks again; as steps.ps1.

The script also ends a step that hangs; nothing of this model hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from wincnode.lab.model.compare import same
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import MANIFEST, Found, Host, to_line
from wincnode.lab.model.kinds import KINDS
from wincnode.lab.model.secrets import Secrets, holds_secret
from wincnode.lab.process import FunctionProcess

Step: TypeAlias = Mapping[str, Any]
Diff: TypeAlias = list[dict[str, Any]]
SETTLE_S = 0.5
LONGEST_SHOWN = 65536


class Steps:
    """The steps of one run.

    Args:
        detached: whether the run outlives the connection.
        tell: takes an event's type and its fields.
    """

    def __init__(
        self,
        host: Host,
        process: FunctionProcess,
        plan: Mapping[str, Any],
        secrets: Secrets,
        *,
        detached: bool,
        tell: Callable[..., None],
    ) -> None:
        self._host = host
        self._process = process
        self._plan = plan
        self._secrets = secrets
        self._detached = detached
        self._tell = tell

    def take(  # noqa: C901 - as the script does it
        self, step: Step, script: Callable[[str], None]
    ) -> tuple[str, Diff]:
        """Take a step; gives its outcome, and what differed before.

        Args: script: proves that the request brings a script.

        Raises: Failure, CmdletError.
        """
        clock = self._host.machine.clock
        began = clock.seconds()
        if holds_secret(step["key"]):
            raise Failure("A key names an object, so it cannot be a secret.")
        key, want = (self._secrets.resolve(step[part]) for part in ("key", "want"))
        self._allow(step)
        script(f"kinds/{step['kind']}")
        kind = KINDS.get(step["kind"])
        if kind is None:
            raise Failure(f"The lab's model has no kind {step['kind']}.")
        if kind.run and self._plan["mode"] == "apply":
            kind.run(self._host, want, lambda event, **more: self._event(step, event, more))
        found = kind.get(self._host, key, want)
        diff = self._compare(step, want, found)
        outcome = self._without_change(diff, found)
        if outcome:
            return outcome, diff
        outcome = "ok"
        if kind.set:
            self.note(step, found)
            kind.set(self._host, key, want, found)
            outcome = "changed"
        while True:
            found = kind.get(self._host, key, want)
            fields = ", ".join(row["field"] for row in self._compare(step, want, found))
            if found.state in {"needs_reboot", "policy_owned"}:
                return found.state, diff
            if found.state == "settled" and not fields:
                return outcome, diff
            if found.state == "settled":
                raise Failure(f"Still different after it was set: {fields}.")
            if clock.seconds() - began >= step["timeout_s"]:
                raise Failure(f"Not settled after {step['timeout_s']} s: {fields}.")
            self._process.pause(SETTLE_S, clock)

    def _event(self, step: Step, event: str, more: Mapping[str, Any]) -> None:
        self._tell(event, step=step["id"], **more)

    def _allow(self, step: Step) -> None:
        kind = step["kind"]
        only = self._plan["kinds"][kind]["detached_only"]
        if only and not self._detached and self._plan["mode"] == "apply":
            raise Failure(f"A step of kind {kind} needs a detached run.")

    def _without_change(self, diff: Diff, found: Found) -> str:
        """Give the outcome of a step that sets nothing; empty where it must."""
        if not diff:
            return "needs_reboot" if found.state == "needs_reboot" else "ok"
        if found.state == "policy_owned":
            return found.state
        return "" if self._plan["mode"] == "apply" else "would_change"

    def _compare(self, step: Step, want: Mapping[str, Any], found: Found) -> Diff:
        rules = self._plan["kinds"][step["kind"]]["compare"]
        return [
            {
                "field": field,
                "have": _cut(self._shown(step, field, found.values.get(field))),
                "want": _cut(self._shown(step, field, want[field])),
            }
            for field in sorted(want)
            if want[field] is not None
            and not same(found.values.get(field), want[field], rules.get(field, "exact"))
        ]

    def _shown(self, step: Step, field: str, value: Any) -> Any:
        return self._secrets.shown(step["want"].get(field), value)

    def note(self, step: Step, found: Found) -> None:
        """Keep in the manifest what was there before wincnode: a thing's first entry.

        Entries of a list come in several runs. Who takes back what earlier runs did makes nothing
        his own.
        """
        if self._plan.get("undo"):
            return
        disk, rows = self._host.disk, self._host.manifest()
        mine = {"kind": step["kind"], "key": step["key"]}
        missing = found.values.get("missing", [])
        known = [
            {str(entry).lower() for entry in row["before"].get("missing", missing)}
            for row in rows
            if to_line({name: row[name] for name in mine}) == to_line(mine)
        ]
        if any({entry.lower() for entry in missing} <= there for there in known):
            return
        before = {name: self._shown(step, name, value) for name, value in found.values.items()}
        rows.append({**mine, "before": before, "run": self._plan["run"]})
        disk.write(MANIFEST + ".new", to_line({"entries": rows}))
        disk.put_in_place(MANIFEST + ".new", MANIFEST)


def _cut(value: Any) -> Any:
    """Cut a text that is too long for the client's lines, by the characters of .NET."""
    if isinstance(value, list):
        return [_cut(item) for item in value]
    units = value.encode("utf-16-le", "surrogatepass") if isinstance(value, str) else b""
    if len(units) <= 2 * LONGEST_SHOWN:
        return value
    head = units[: 2 * LONGEST_SHOWN].decode("utf-16-le", "surrogatepass")
    return f"{head}... ({len(units) // 2} characters)"
