"""A program: calls of the Host Compute Service that a node carries out whoever is listening.

Its calls run in their order up to the first that fails; then every call of `finally` is tried, so
that nothing stays behind. It travels as JSON: docs/hcs.md describes the form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from wincnode.errors import WincnodeError
from wincnode.hcs.calls import ACTIONS, Action, required, takes
from wincnode.hcs.references import CALL_ID, decode, encode

VERSION = 1
OWNER = "wincnode"
# No call of a smoke test waits longer. The longest known wait is 4 minutes.
# Source: microsoft/hcsshim:internal/timeout/timeout.go@7c9ff7f4
MOST_S = 600
_KEYS = {"id", "do", "limit_s", "args", "accept", "undoes"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call.

    Args:
        id: its name in the program. limit_s: seconds that it may take.
        accept: HRESULTs that count as success; in `finally` alone.
        undoes: the call whose work it takes back; it is skipped where that one never ran. In
            `finally` alone.
    """

    id: str
    action: Action
    limit_s: int = 60
    accept: tuple[int, ...] = ()
    undoes: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Calls, and what is done after them in any case."""

    calls: tuple[Call, ...]
    ending: tuple[Call, ...] = ()
    owner: str = OWNER

    @property
    def limit_s(self) -> int:
        """Give the seconds that it takes at most."""
        return sum(call.limit_s for call in (*self.calls, *self.ending))


def to_json(program: Program) -> dict[str, Any]:
    """Give a program as the executors read it."""
    return {
        "version": VERSION,
        "owner": program.owner,
        "calls": [_call(call) for call in program.calls],
        "finally": [_call(call) for call in program.ending],
    }


def _call(call: Call) -> dict[str, Any]:
    action = call.action
    row: dict[str, Any] = {
        "id": call.id,
        "do": action.do,
        "limit_s": call.limit_s,
        "args": {one.name: encode(getattr(action, one.name)) for one in fields(action)},
    }
    if call.accept:
        row["accept"] = [f"0x{code:08x}" for code in call.accept]
    if call.undoes:
        row["undoes"] = call.undoes
    return row


def from_json(text: str) -> Program:
    """Read a program.

    Raises: WincnodeError: it is none; the message names the call and what is wrong with it.
    """
    try:
        row = json.loads(text)
    except ValueError as error:
        raise WincnodeError(f"a program is no JSON: {error}") from error
    if not isinstance(row, dict) or set(row) != {"version", "owner", "calls", "finally"}:
        raise WincnodeError("a program has version, owner, calls and finally, and nothing else")
    if row["version"] != VERSION:
        raise WincnodeError(f"a program has version {VERSION}, not {row['version']!r:.20}")
    if not isinstance(row["owner"], str) or not row["owner"]:
        raise WincnodeError("a program's owner is a text")
    parts = {part: tuple(_read(part, row[part])) for part in ("calls", "finally")}
    return Program(calls=parts["calls"], ending=parts["finally"], owner=row["owner"])


def _read(part: str, rows: object) -> Iterator[Call]:
    if not isinstance(rows, list):
        raise WincnodeError(f"{part} is no list of calls")
    for at, row in enumerate(rows):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise WincnodeError(f"{part}[{at}]: a call has an id")
        try:
            yield _read_call(row)
        except WincnodeError as error:
            raise WincnodeError(f"call {row['id']!r:.80}: {error.message}") from error


def _read_call(row: Mapping[str, Any]) -> Call:
    if missing := {"id", "do", "limit_s", "args"} - set(row):
        raise WincnodeError(f"lacks {', '.join(sorted(missing))}")
    if unknown := set(row) - _KEYS:
        raise WincnodeError(f"has an unknown key {min(unknown)!r:.80}")
    if not CALL_ID.fullmatch(row["id"]):
        raise WincnodeError("an id has small letters, digits and _, and begins with a letter")
    action = ACTIONS.get(row["do"]) if isinstance(row["do"], str) else None
    if action is None:
        raise WincnodeError(f"there is no verb {row['do']!r:.80}")
    limit_s = row["limit_s"]
    if not isinstance(limit_s, int) or isinstance(limit_s, bool):
        raise WincnodeError("limit_s is a whole number of seconds")
    undoes = row.get("undoes", "")
    if not isinstance(undoes, str):
        raise WincnodeError("undoes is the id of a call")
    return Call(
        id=row["id"],
        action=_action(action, row["args"]),
        limit_s=limit_s,
        accept=tuple(_codes(row.get("accept", []))),
        undoes=undoes,
    )


def _codes(rows: object) -> Iterator[int]:
    try:
        yield from (int(row, 16) for row in rows)  # type: ignore[attr-defined]  # caught below
    except (TypeError, ValueError) as error:
        raise WincnodeError("accept is a list of HRESULTs such as 0x80370110") from error


def _action(action: type[Action], args: object) -> Action:
    if not isinstance(args, dict):
        raise WincnodeError("args is a mapping")
    names = takes(action)
    if unknown := set(args) - set(names):
        raise WincnodeError(f"{action.do} takes no {min(unknown)!r:.80}")
    if missing := required(action) - set(args):
        raise WincnodeError(f"{action.do} lacks {', '.join(sorted(missing))}")
    values = {name: decode(value) for name, value in args.items()}
    # Whether each value fits is told by `wincnode.hcs.rules`.
    make: Callable[..., Action] = action
    return make(
        **{name: tuple(row) if isinstance(row, list) else row for name, row in values.items()}
    )
