"""What CI platforms are told of a report, within the number of lines that they show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wincnode.formats.problems import LEVELS, Level, Problem, groups, named
from wincnode.formats.problems import of as problems_of
from wincnode.report import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """One line for a platform.

    Args: at: the line in the inventory. id: of the check or the error; "" for how many more.
    """

    level: Level
    title: str
    message: str
    at: int = 0
    id: str = ""


def annotated(report: Report, *, most: int) -> Iterator[Annotation]:
    """Give at most so many annotations of each level.

    One for each complaint where all fit, else one for each kind of complaint; the last says how
    many more there are.
    """
    rows = problems_of(report)
    for level in LEVELS:
        here = [row for row in rows if row.level == level]
        found = [_of_one(row) for row in here]
        if len(found) > most:
            found = [_of_many(group.problems) for group in groups(here)]
        if len(found) > most:
            rest = len(found) - most + 1
            more = Annotation(
                level=level,
                title="wincnode",
                message=f"and {rest} more; the other formats of the report show all",
            )
            found = [*found[: most - 1], more]
        yield from found


def _of_one(row: Problem) -> Annotation:
    return Annotation(
        level=row.level,
        title=f"{row.node}: {row.id}",
        message="\n".join((" ".join(filter(None, (_said(row), row.remedy))), *row.details)),
        at=row.at,
        id=row.id,
    )


def _of_many(rows: tuple[Problem, ...]) -> Annotation:
    first = rows[0]
    if len(rows) == 1:
        return _of_one(first)
    nodes = named(row.node for row in rows)
    same = len({row.message for row in rows}) == 1
    said = _said(first) if same else f"{first.title or first.message}."
    return Annotation(
        level=first.level,
        title=f"{len(rows)} nodes: {first.id}",
        message=" ".join(filter(None, (f"{nodes}: {said}", first.remedy))),
        at=first.at,
        id=first.id,
    )


def _said(row: Problem) -> str:
    because = f" (because of {', '.join(row.because_of)})" if row.because_of else ""
    return f"{row.message or row.title}{because}."
