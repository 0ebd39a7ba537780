"""What a code of Windows means to containers: its words, its likely causes, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wincnode.causes import Cause, causes_of, load_causes, read_yaml
from wincnode.hcs.codes import Code, Names, canonical, code, find, load_names
from wincnode.hcs.wording import squeezed

_TABLE = "codes.yaml"
# A code of these says what happened to a call, not to containers: others go before it.
_GENERAL = {"win32", "com", "ntstatus", "security"}
_PREFIX = re.compile(r"^[A-Z0-9]+_(?:E_|S_)?")
# Fewer letters of a message that was cut off are those of several.
_LEAST_LETTERS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Meanings:
    """All that is known: names of numbers, Windows' words for names, and causes by id."""

    names: Names
    messages: Mapping[str, tuple[str, ...]]
    causes: Mapping[str, Cause]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """A possible cause.

    Args: code: the one that makes it possible; None where words alone do.
        seen: whether words of the text point to it.
    """

    cause: Cause
    code: Code | None
    seen: bool


def load_meanings() -> Meanings:
    """Read the tables; a mistake in them is a bug of ours."""
    table = read_yaml(_TABLE)
    return Meanings(
        names=load_names(),
        messages={name: tuple(words) for name, words in table["messages"].items()},
        causes={**load_causes(), **causes_of(table["causes"])},
    )


def load_code_causes() -> Mapping[str, Cause]:
    """Read the causes that are of codes and of other programs' words, by id."""
    return causes_of(read_yaml(_TABLE)["causes"])


def meaning(one: Code, known: Meanings) -> str:
    """Give Windows' words for a code, or else those of its name."""
    if words := known.messages.get(canonical(one.name)):
        return words[0]
    return _PREFIX.sub("", one.name).replace("_", " ").lower()


def explain(value: int, known: Meanings, text: str = "") -> tuple[Reason, ...]:
    """Give the likely causes of one code, the likeliest first.

    Args: text: what was said beside it.
    """
    return ranked(_reasons([code(value, known.names)], text, known))


def recognise(text: str, known: Meanings) -> tuple[tuple[Code, ...], tuple[Reason, ...]]:
    """Give the codes of a text with their possible causes: by number, or else by Windows' words."""
    codes = find(text, known.names)
    reasons = tuple(_reasons(codes, text, known))
    if not reasons:
        said = tuple(_said(text, known))
        codes, reasons = (*codes, *said), tuple(_reasons(said, text, known))
    return codes, reasons


def ranked(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Give each cause once, the likeliest first."""
    ordered = sorted(reasons, key=_order)
    return tuple({reason.cause.id: reason for reason in reversed(ordered)}.values())[::-1]


def _order(reason: Reason) -> tuple[int, bool]:
    """Words beside a code tell which of its causes it is; where they are missing it is unlikely."""
    rank = 2 * reason.cause.rank
    if reason.code and reason.cause.near:
        rank += -3 if reason.seen else 5
    return rank, reason.code is not None and reason.code.component in _GENERAL


def _reasons(codes: Iterable[Code], text: str, known: Meanings) -> Iterator[Reason]:
    for one in codes:
        for cause in _causes(one, known):
            near = cause.near
            yield Reason(cause=cause, code=one, seen=bool(near and near.search(text)))


def _causes(one: Code, known: Meanings) -> list[Cause]:
    """Give the causes that name a code, or else those of its whole family."""
    name = canonical(one.name)
    rows = known.causes.values()
    return [row for row in rows if name in row.codes] or [
        row
        for row in rows
        if name and any(name.startswith(family[:-1]) for family in row.codes if family[-1] == "*")
    ]


def _said(text: str, known: Meanings) -> Iterator[Code]:
    """Give the codes whose words are in the text, and in no longer words of another code."""
    heard = squeezed(text)
    hits = {
        words: name
        for name, messages in known.messages.items()
        for words in (squeezed(message).strip(".") for message in messages)
        if words in heard or _cut_off(words, heard)
    }
    numbers = {name: value for value, name in known.names.items()}
    names = [
        name
        for words, name in hits.items()
        if not any(words in longer for longer in hits if longer != words)
    ]
    yield from (code(numbers[name], known.names) for name in dict.fromkeys(names))


def _cut_off(words: str, heard: str) -> bool:
    """Tell whether a text ends within the words, as those of tables do."""
    return any(heard.endswith(words[:length]) for length in range(_LEAST_LETTERS, len(words)))
