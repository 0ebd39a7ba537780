"""What a check proves, an id, a code or a log means, and what to do: from their declarations."""

from __future__ import annotations

import codecs
import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wincnode import checks
from wincnode.causes import Cause
from wincnode.checks import Check
from wincnode.cluster.trial_table import TRIALS
from wincnode.diagnosis import pointed
from wincnode.error_ids import ErrorId, load_error_ids
from wincnode.errors import ConfigError
from wincnode.events import printable
from wincnode.hcs.codes import Code
from wincnode.hcs.errors import Meanings, Reason, load_meanings, meaning, ranked, recognise
from wincnode.hcs.wording import plain, readings

# Of a long log its end counts: some 2,000 lines.
LONGEST = 256 * 1024
SHOWN_CAUSES = 3
_ID = re.compile(r"[a-z]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A code that was recognised, as a pipeline reads it."""

    code: str
    name: str
    component: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Likely:
    """A likely cause. `code` is empty where words alone point to it."""

    id: str
    title: str
    cause: str
    remedy: str
    source: str
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What is known of a text.

    Args:
        code: the number that says most, or the id; empty where words alone were understood.
        name: the code's, or the id of the likeliest cause.
        causes: the likeliest first. recognised: every code, those without a cause as well.
    """

    code: str = ""
    name: str = ""
    component: str = ""
    meaning: str = ""
    causes: tuple[Likely, ...] = ()
    recognised: tuple[Named, ...] = ()

    @property
    def exit_code(self) -> int:
        """Give 1 where no cause is known."""
        return 0 if self.causes else 1


def explain(text: str, known: Meanings | None = None) -> Explanation:
    """Explain an id, a code, or what a program said.

    Args: known: the tables, where they have been read already.
    Raises: ConfigError: it has the form of an id and is none; the message names the nearest.
    """
    if _ID.fullmatch(text):
        return _of_id(text)
    known = known or load_meanings()
    lines = readings(plain(text))
    codes, reasons = recognise("\n".join(lines), known)
    words = (Reason(cause=row.cause, code=None, seen=True) for row in pointed(lines, known.causes))
    return _explanation(codes, ranked([*reasons, *words]), known)


def read(arguments: Sequence[str], stdin: bytes | None = None) -> str:
    """Give the text that is asked about: words, the end of a file's, or of what came on stdin.

    Raises: ConfigError: there is nothing to explain, or a file cannot be read.
    """
    if stdin is not None:
        return _end(stdin)
    if len(arguments) == 1 and (path := _file(arguments[0])):
        try:
            return _end(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if text := " ".join(arguments).strip():
        return text
    raise ConfigError("there is nothing to explain", remedy="Give an id, a code, words or a file.")


def ids() -> list[str]:
    """List all ids that can be explained."""
    return sorted(id for rows in _tables() for id in rows)


def to_text(found: Explanation) -> str:
    """Give an explanation for people."""
    head = f"{found.code} ({found.component or 'unknown'}): {found.name or 'no name is known'}"
    lines = [head] * bool(found.code)
    lines += [f"  meaning: {found.meaning}"] * bool(found.meaning)
    for place, row in enumerate(found.causes[:SHOWN_CAUSES]):
        what = "also possible" if place else "likely cause"
        lines += [f"{what}: {row.title} [{row.id}]"] if row.title else []
        lines += [f"  cause: {row.cause}"] * bool(row.cause)
        lines += [f"  remedy: {row.remedy}"] + [f"  source: {row.source}"] * bool(row.source)
    if not found.causes:
        lines.append("no cause is known")
    others = [row for row in found.recognised if row.code != found.code]
    lines += [
        f"also there: {row.code} ({row.component or 'unknown'}): {row.name}" for row in others
    ]
    return "\n".join(printable(line, limit=2000) for line in lines)


def to_json(found: Explanation) -> str:
    """Give an explanation for pipelines; what is empty is null."""
    document = {key: value or None for key, value in asdict(found).items()}
    for key in ("causes", "recognised"):
        document[key] = [_nulls(row) for row in document[key] or ()]
    return json.dumps(document, indent=2)


def _nulls(row: Mapping[str, str]) -> dict[str, str | None]:
    return {key: value or None for key, value in row.items()}


def _file(name: str) -> Path | None:
    """Give the file that an argument names; a long text is no name of one."""
    try:
        return path if (path := Path(name)).is_file() else None
    except (OSError, ValueError):
        return None


def _end(data: bytes) -> str:
    """Decode the end of a log; PowerShell 5.1 writes UTF-16 with a mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")[-LONGEST:]
    return data[-LONGEST:].decode("utf-8-sig", errors="replace")


def _explanation(codes: Sequence[Code], reasons: Sequence[Reason], known: Meanings) -> Explanation:
    named = tuple(_named(one, known) for one in codes)
    causes = tuple(_likely(reason) for reason in reasons)
    first = next((reason.code for reason in reasons if reason.code), None)
    main = first or (codes[0] if codes and not reasons else None)
    if main:
        shown = _named(main, known)
        return Explanation(**asdict(shown), causes=causes, recognised=named)
    if not reasons:
        return Explanation(recognised=named)
    cause = reasons[0].cause
    return Explanation(name=cause.id, component=_component(cause), causes=causes, recognised=named)


def _named(one: Code, known: Meanings) -> Named:
    return Named(code=one.hex, name=one.name, component=one.component, meaning=meaning(one, known))


def _likely(reason: Reason) -> Likely:
    row = reason.cause
    return Likely(
        id=row.id,
        title=row.title,
        cause=row.cause,
        remedy=row.remedy,
        source=row.source,
        code=reason.code.hex if reason.code else "",
    )


def _component(cause: Cause) -> str:
    return cause.id.partition(".")[0] if cause.where == ("other",) else cause.where[0]


def _tables() -> Iterator[Mapping[str, Check | ErrorId | Cause]]:
    """Give what has an id, table by table; the last is the slowest to read."""
    yield {check.id: check for check in checks.all_checks()}
    yield {**load_error_ids(), **_rungs(), **_trials()}
    yield load_meanings().causes


def _rungs() -> Mapping[str, ErrorId]:
    """Give the rungs of the smoke ladder, whose failure ends it with 1."""
    # With all their documents, they take as long to load as all else here.
    from wincnode.hcs.rungs import RUNGS

    return {
        f"smoke.{rung.id}": ErrorId(
            id=f"smoke.{rung.id}",
            exit_code=1,
            title=rung.title,
            meaning=rung.proves,
            remedy=rung.remedy,
            source=rung.source,
        )
        for rung in RUNGS
    }


def _trials() -> Mapping[str, ErrorId]:
    """Give what pods try, whose failure ends a test of the network with 1."""
    return {
        trial.id: ErrorId(
            id=trial.id,
            exit_code=1,
            title=trial.title,
            meaning=trial.proves,
            remedy=trial.remedy,
            source=trial.source,
        )
        for trial in TRIALS
    }


def _of_id(id: str) -> Explanation:
    match next((rows[id] for rows in _tables() if id in rows), None):
        case Check() as row:
            return _declared(id, row.title, f"check, {row.severity.value}", row.proves, row)
        case ErrorId() as row:
            return _declared(id, row.title, f"exit code {row.exit_code}", row.meaning, row)
        case Cause() as row:
            return _declared(id, row.title, _component(row), row.cause, row)
    near = difflib.get_close_matches(id, ids(), n=3)
    raise ConfigError(
        f"no check, error or cause has the id {id!r}",
        remedy=f"Did you mean {', '.join(near)}?"
        if near
        else "docs/checks.md, docs/errors.md, docs/causes.md and docs/codes.md list the ids.",
    )


def _declared(
    id: str, title: str, component: str, meaning: str, row: Check | ErrorId | Cause
) -> Explanation:
    known = Likely(id=id, title="", cause="", remedy=row.remedy, source=row.source)
    return Explanation(code=id, name=title, component=component, meaning=meaning, causes=(known,))
