"""What became of a program, as its executor tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from wincnode.errors import BadReply
from wincnode.hcs.results import ResultError, result_error
from wincnode.hcs.shapes import Shape

VERSION = 1
Status = Literal["ok", "failed", "timeout", "skipped"]
STATUSES: tuple[str, ...] = get_args(Status)


@dataclass(frozen=True, kw_only=True, slots=True)
class CallOutcome:
    """One call.

    Args:
        code: the HRESULT, None where there is none. message: the executor's own words.
        error: what Windows says, where it says so in a document; `said` where in plain text.
    """

    id: str
    do: str
    status: Status
    ms: int = 0
    code: int | None = None
    message: str = ""
    error: ResultError | None = None
    said: str = ""
    result: Any = None

    @property
    def words(self) -> str:
        """Give all that was said of it, a line each."""
        rows = [self.message, self.said, self.error.words if self.error else ""]
        return "\n".join(dict.fromkeys(row for row in rows if row))


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftover:
    """Something of an earlier program, and whether it could be removed."""

    kind: str
    id: str
    removed: bool
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All calls.

    Args: refused: why the node could run no program at all; empty where it could.
    """

    calls: tuple[CallOutcome, ...] = ()
    ending: tuple[CallOutcome, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    refused: str = ""

    @property
    def broken(self) -> CallOutcome | None:
        """Give the call that ended the program; None where all were made."""
        return next((call for call in self.calls if call.status in {"failed", "timeout"}), None)

    @property
    def unreleased(self) -> tuple[CallOutcome, ...]:
        """Give the calls of `finally` that should have worked and did not."""
        return tuple(call for call in self.ending if call.status in {"failed", "timeout"})

    def result(self, call: str) -> Any:
        """Give what a call gave.

        Raises: BadReply: it gave nothing.
        """
        for row in self.calls:
            if row.id == call and row.status == "ok":
                return row.result
        raise BadReply(f"calls: {call} has no result")


def outcome(value: Any, path: str = "result") -> Outcome:
    """Read what an executor tells of a program.

    Raises: BadReply: it has another shape; the message names the path.
    """
    row = Shape(value, path)
    if row.number("version") != VERSION:
        raise BadReply(f"{path}.version is {row.number('version')}, not {VERSION}")
    return Outcome(
        calls=tuple(_calls(row, "calls")),
        ending=tuple(_calls(row, "finally")),
        leftovers=tuple(
            Leftover(
                kind=one.text("kind"),
                id=one.text("id"),
                removed=one.flag("removed"),
                error=one.text("error", ""),
            )
            for one in row.rows("leftovers")
        ),
        refused=row.text("refused", ""),
    )


def _calls(row: Shape, key: str) -> Iterator[CallOutcome]:
    for one in row.rows(key):
        status = one.text("status")
        if status not in STATUSES:
            raise BadReply(f"{one.path}.status is {status!r:.60}, not one of {', '.join(STATUSES)}")
        error = one.value.get("error")
        said = error if isinstance(error, str) else ""
        yield CallOutcome(
            id=one.text("id"),
            do=one.text("do"),
            status=cast("Status", status),
            ms=one.number("ms", 0),
            code=_code(one),
            message=one.text("message", ""),
            error=None if said or error is None else _windows(error, f"{one.path}.error"),
            said=said,
            result=one.value.get("result"),
        )


def _windows(error: Any, path: str) -> ResultError | None:
    return None if error == "" else result_error(error, path)


def _code(row: Shape) -> int | None:
    text = row.text("hresult", "")
    if not text:
        return None
    try:
        return int(text, 16) & 0xFFFFFFFF
    except ValueError as error:
        raise BadReply(f"{row.path}.hresult is {text!r:.60}, not an HRESULT") from error
