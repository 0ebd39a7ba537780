"""What containerd would ignore in its configuration without a word, told as problems."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from wincnode.assets import PACKAGE
from wincnode.worker.handlers import HYPERVISOR, PROCESS

# A RuntimeClass's handler is a DNS label.
# Source: kubernetes/kubernetes:pkg/apis/node/validation/validation.go@v1.36.3
_HANDLER = re.compile(rf"(?=.{{1,63}}$)({PROCESS}|{HYPERVISOR}(-[0-9]{{5}})?)")
_PATH = re.compile(r"[A-Za-z]:\\[^\x00-\x1f<>:\"/|?*]+")
_PIPE = re.compile(r"\\\\\.\\pipe\\[A-Za-z0-9_.-]+")
_DURATION = re.compile(r"([0-9]+(h|m|s|ms))+")
_IMAGE = re.compile(r"[a-z0-9][-a-z0-9.:]*/[^\s]+(:[^\s/@]+|@sha256:[0-9a-f]{64})")
_ESCAPED_PATH = re.compile(r'^[^#\n]*=[^\n\']*"[^"\n]*\\', re.MULTILINE)

KINDS: Mapping[str, Callable[[Any], bool]] = {
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "flag": lambda value: isinstance(value, bool),
    "text": lambda value: isinstance(value, str),
    "texts": lambda value: isinstance(value, list) and all(isinstance(row, str) for row in value),
    "path": lambda value: _is(_PATH, value),
    "paths": lambda value: isinstance(value, list) and all(_is(_PATH, row) for row in value),
    "pipe": lambda value: _is(_PIPE, value),
    "image": lambda value: _is(_IMAGE, value),
    "duration": lambda value: _is(_DURATION, value),
}


def problems(text: str) -> tuple[str, ...]:
    """List what is wrong with a config.toml of ours; nothing where it is right."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        return (f"no TOML: {err}",)
    versions = _versions()
    known = versions.get(found.get("version", 0))
    if known is None:
        return (f"version is {found.get('version')!r}; one of {', '.join(map(str, versions))}",)
    return (*_unfit(found, known, ()), *_runtimes(found), *_escaped(text))


def _versions() -> Mapping[int, Mapping[str, Any]]:
    path = PACKAGE / "data" / "containerd.yaml"
    versions: Mapping[int, Mapping[str, Any]]
    versions = yaml.safe_load(path.read_text(encoding="utf-8"))["versions"]
    return versions


def _unfit(
    table: Mapping[str, Any], known: Mapping[str, Any], at: tuple[str, ...]
) -> Iterator[str]:
    """List the keys that are not known and the values that are of another kind, at any depth."""
    for key, value in table.items():
        where = (*at, key)
        kind = known.get(key, known.get("*"))
        if kind is None:
            yield f"{_shown(where)}: unknown; one of {', '.join(known)}"
        elif isinstance(kind, Mapping):
            if isinstance(value, Mapping):
                yield from _unfit(value, kind, where)
            else:
                yield f"{_shown(where)}: is {value!r}; a table"
        elif not KINDS[kind](value):
            yield f"{_shown(where)}: is {value!r}; {kind}"


def _runtimes(found: Mapping[str, Any]) -> Iterator[str]:
    for plugin in found.get("plugins", {}).values():
        table = plugin.get("containerd", {}) if isinstance(plugin, Mapping) else {}
        runtimes = table.get("runtimes", {})
        for name in runtimes:
            if not _HANDLER.fullmatch(name):
                yield f"handler {name!r}: no name that a RuntimeClass of ours has"
        default = table.get("default_runtime_name")
        if default and default not in runtimes:
            yield f"default_runtime_name is {default!r}, which is no handler"


def _escaped(text: str) -> Iterator[str]:
    if _ESCAPED_PATH.search(text):
        yield "a text in double quotes has a backslash; paths stand in single ones"


def _is(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _shown(where: tuple[str, ...]) -> str:
    return ".".join(f"'{word}'" if "." in word else word for word in where)
