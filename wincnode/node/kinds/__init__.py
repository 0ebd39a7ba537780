"""Step kinds: each is a schema (`<kind>.py`, exporting `KIND`) beside its script (`<kind>.ps1`)."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value] | None"
Type = Literal["text", "number", "flag", "texts", "objects"]
Role = Literal["key", "want"]
Compare = Literal["exact", "text", "path", "set", "never"]
Problem: TypeAlias = "tuple[str, str]"  # field, what is wrong with it
Rule: TypeAlias = "Callable[[Mapping[str, Value]], Iterator[Problem]]"

# A full path on a drive, without what Windows forbids in names, devices, and a dot or space at the
# end of a name, which Windows takes away. A path has 259 characters; what is written beside a file
# before it takes its place has up to 37 more than the file.
# The rules stand on learn.microsoft.com/windows/win32/fileio/naming-a-file
MOST_PATH = 220
_DEVICE = r"(?i:CON|PRN|AUX|NUL|(COM|LPT)[1-9])(\.[^\\/]*)?"
PATH = (
    rf"(?!.{{{MOST_PATH + 1}}})[A-Za-z]:[\\/]"
    rf"(?!(.*[\\/])?({_DEVICE}|[^\\/]*[. ])([\\/]|$))[^<>:\"|?*\x00-\x1f]*"
)
PATH_FORM = rf"a full path such as C:\k, of at most {MOST_PATH} characters"
# A variable with its name and `=`, and a command line with the NUL behind it:
# learn.microsoft.com/windows/win32/procthread/environment-variables;
# learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-createprocessw
MOST_VARIABLE = MOST_LINE = 32766
SECRET = "$secret"  # noqa: S105 - the wire's word, not a secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a step: its value, and how the node tells whether it holds.

    `key` fields say which object is meant, `want` fields how it shall be. `exact` compares as it
    is, `text` without regard to case, `path` as Windows compares paths, `set` in any order;
    `never` is for what only says how something is made.
    A `want` field that is left out is not compared, unless it has a default. Only a `secret` field
    may hold a secret: its script hands the value to no cmdlet, whose arguments are logged.
    """

    name: str
    type: Type
    role: Role
    doc: str
    compare: Compare = "exact"
    required: bool = False
    default: str | int | bool | None = None
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""
    minimum: int = 0
    maximum: int = 2**31 - 1
    secret: bool = False


def presence(doc: str) -> Field:
    """Give the field `state` of a kind whose objects can be there or not."""
    return Field(
        name="state",
        type="text",
        role="want",
        default="present",
        allowed=("present", "absent"),
        doc=doc,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A wanted state that a step can ask for.

    Args:
        rule: says which fields do not go together. It gets the values that fit their fields, with
            defaults; a templated value is a text that it may only hold against words it knows.
        brings: other files of the node that its script loads, as `assets.node_script` names them.
        example: the fields of a step, as YAML.
    """

    name: str
    doc: str
    fields: tuple[Field, ...]
    rule: Rule | None = None
    example: str = ""
    brings: tuple[str, ...] = ()
    detached_only: bool = False
    timeout_s: int = 60

    def field(self, name: str) -> Field:
        """Give a field by its name."""
        return next(row for row in self.fields if row.name == name)


def all_kinds() -> dict[str, Kind]:
    """Give every kind by its name, in alphabetical order."""
    names = sorted(row.name for row in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.KIND.name: module.KIND for module in modules}


def wire(kind: Kind) -> dict[str, Value]:
    """Give what the runner needs to know of a kind: how its wanted fields are compared."""
    compare: dict[str, Value] = {row.name: row.compare for row in kind.fields if row.role == "want"}
    brings: dict[str, Value] = {"brings": list(kind.brings)} if kind.brings else {}
    return {"compare": compare, "detached_only": kind.detached_only, **brings}


def problems(kind: Kind, values: Mapping[str, Value]) -> Iterator[Problem]:
    """Say what is wrong with a step's values: each field by itself, then all together."""
    found = list(_field_problems(kind, values))
    yield from found
    if kind.rule is not None:
        wrong = {name for name, _ in found}
        full: dict[str, Value] = {
            row.name: row.default for row in kind.fields if row.default is not None
        }
        full |= values
        fitting = {name: value for name, value in full.items() if name not in wrong}
        yield from (row for row in kind.rule(fitting) if row[0] not in wrong)


def _field_problems(kind: Kind, values: Mapping[str, Value]) -> Iterator[Problem]:
    names = [row.name for row in kind.fields]
    for name in values:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(names)}"
            yield name, f"unknown; {hint}"
    for row in kind.fields:
        if row.name in values:
            problem = misfit(row, values[row.name])
            if problem:
                yield row.name, problem
        elif row.required:
            yield row.name, f"missing; {form(row)}"


def misfit(row: Field, value: Value) -> str:
    """Say why a value does not fit its field; empty where it does."""
    if isinstance(value, dict):
        if set(value) != {SECRET}:
            return f"is a mapping; it takes {form(row)}"
        fits = row.secret and row.type == "text"
        return "" if fits else "takes no secret: it is handed to a cmdlet, which Windows may log"
    match row.type, value:
        case "flag", bool():
            return ""
        case "number", int() if not isinstance(value, bool):
            fits = row.minimum <= value <= row.maximum
        case "text", str():
            fits = _text_fits(row, value)
        case "texts", list():
            fits = all(_item_fits(row, item) for item in value)
        case "objects", list():
            if _holds_secret(value):
                return "takes no secret: it is handed to a cmdlet, which Windows may log"
            fits = all(isinstance(item, dict) for item in value)
        case _:
            fits = False
    return "" if fits else f"is {value!r:.80}; it takes {form(row)}"


def _item_fits(row: Field, item: Value) -> bool:
    if isinstance(item, dict):
        return row.secret and set(item) == {SECRET}
    return isinstance(item, str) and _text_fits(row, item)


def _holds_secret(value: Value) -> bool:
    if isinstance(value, dict):
        return SECRET in value or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _text_fits(row: Field, text: str) -> bool:
    if row.allowed:
        return text in row.allowed
    return not row.pattern or bool(re.fullmatch(row.pattern, text))


def form(row: Field) -> str:
    """Say in words what a field takes."""
    if row.allowed:
        return f"one of {', '.join(row.allowed)}"
    if row.type == "number":
        return f"a number from {row.minimum} to {row.maximum}"
    words = {"flag": "true or false", "texts": "a list of texts", "text": "text"}
    words["objects"] = "a list of mappings"
    return row.form or words[row.type]


def split(kind: Kind, values: Mapping[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
    """Divide a step's values into key and want; defaults fill what was left out.

    What is to be absent has no other properties, so nothing else of it is wanted.
    """
    full: dict[str, Value] = {
        row.name: row.default for row in kind.fields if row.default is not None
    }
    full.update(values)
    key = {row.name: full[row.name] for row in kind.fields if _in(row, "key", full)}
    want = {row.name: full[row.name] for row in kind.fields if _in(row, "want", full)}
    return key, {"state": "absent"} if want.get("state") == "absent" else want


def _in(row: Field, role: Role, values: Mapping[str, Value]) -> bool:
    return row.role == role and row.name in values
