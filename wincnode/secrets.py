"""Text that prints as `***`, is revealed in one place only, and never stands in a file of ours."""

from __future__ import annotations

import getpass
import hmac
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wincnode.errors import ConfigError
from wincnode.programs import written

MASK = "***"
LIMIT_BYTES = 64 * 1024
COMMAND_TIMEOUT_S = 60
SOURCES = ("env", "file", "prompt", "command")
NO_PROMPT_REMEDY = "Give it as {env: NAME}, {file: PATH} or {command: [..]} instead."
FORMS = "{env: NAME}, {file: PATH}, {prompt: true} or {command: [PROGRAM, ARGUMENT]}"


class Secret:
    """A text that no print, format, repr or comparison shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself; called where a request is packed and nowhere else."""
        return self._text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would be a trace of the text

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is not written anywhere, so it cannot be pickled or copied")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a secret comes from; `argument` is one word but for a command.

    A prompt's is the place in the file that asks, so that each place is asked for on its own.
    `ansible` is none of the forms that a file of ours takes: it stands for what an Ansible
    inventory holds, whose place is the argument, and which is `held`.
    """

    kind: Literal["env", "file", "prompt", "command", "ansible"]
    argument: tuple[str, ...] = ()
    held: Secret | None = field(default=None, compare=False)


def source_of(value: object) -> Source:
    """Read a source as it stands in YAML; a message never repeats what was given.

    Raises: ConfigError: the value is of none of the four forms.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ConfigError(f"a secret is given as {FORMS}, never as text")
    kind, argument = next(iter(value.items()))
    match kind, argument:
        case "env" | "file", str() if argument:
            return Source(kind=kind, argument=(argument,))
        case "prompt", True:
            return Source(kind="prompt")
        case "command", [*words] if words and all(isinstance(word, str) for word in words):
            return Source(kind="command", argument=tuple(words))
    raise ConfigError(f"a secret is given as {FORMS}")


def resolve(source: Source | Mapping[str, object], *, what: str = "password") -> Secret:
    """Fetch the secret now; one line break at its end is not part of it.

    Args: what: how the secret is called in a prompt and in errors, such as `password of win1`.
    Raises: ConfigError: there is none, or its file is open to others.
    """
    found = source if isinstance(source, Source) else source_of(source)
    if found.held is not None:
        return found.held
    readers: dict[str, Callable[[Source, str], str]] = {
        "env": _from_environment,
        "file": _from_file,
        "prompt": _from_prompt,
        "command": _from_command,
    }
    text = readers[found.kind](found, what)
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigError(f"{what}: the {found.kind} gave nothing")
    if re.search("[\ud800-\udfff]", text):
        # What Python makes of bytes of the environment or the terminal that are no text.
        raise ConfigError(f"{what}: the {found.kind} gave what is not UTF-8")
    return Secret(text)


def refuse_prompts(settings: Iterable[str]) -> None:
    """Refuse to go on where nobody could answer.

    Args: settings: the places whose secret comes from a prompt.
    Raises: ConfigError: there is such a place.
    """
    if places := ", ".join(settings):
        raise ConfigError(
            f"{places}: {{prompt: true}} needs somebody to ask, and --no-input is given or stdin"
            " is no terminal",
            remedy=NO_PROMPT_REMEDY,
            id="config.no-input",
        )


def _from_environment(source: Source, what: str) -> str:
    name = source.argument[0]
    if name not in os.environ:
        raise ConfigError(f"{what}: the environment variable {name} is not set")
    return os.environ[name]


def _from_file(source: Source, what: str) -> str:
    path = Path(os.path.expanduser(source.argument[0]))  # noqa: PTH111 - never raises
    try:
        with path.open("rb") as opened:
            # The opened file is asked, not the path: nobody can swap it in between.
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            content = opened.read(LIMIT_BYTES + 1)
    except (OSError, ValueError) as err:
        # A name with a NUL is a ValueError.
        why = (err.strerror if isinstance(err, OSError) else "") or str(err)
        raise ConfigError(f"{what}: cannot read {path}: {why}") from err
    if os.name == "posix" and mode & ~0o600:
        raise ConfigError(
            f"{what}: {path} has mode {mode:04o}, wider than 0600",
            remedy=f"Run: chmod 600 {shlex.quote(str(path))}",
        )
    return _text(content, f"{what}: {path}")


def _from_prompt(_source: Source, what: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigError(
            f"{what}: there is no terminal to ask on",
            remedy=NO_PROMPT_REMEDY,
            id="config.no-input",
        )
    try:
        return getpass.getpass(f"{what}: ")
    except EOFError as err:
        raise ConfigError(f"{what}: the prompt was left without an answer") from err


def _from_command(source: Source, what: str) -> str:
    program = source.argument[0]
    try:
        code, output = written(source.argument, limit=LIMIT_BYTES, timeout_s=COMMAND_TIMEOUT_S)
    except (OSError, ValueError) as err:
        why = (err.strerror if isinstance(err, OSError) else "") or str(err)
        raise ConfigError(f"{what}: cannot start {program}: {why}") from err
    except subprocess.TimeoutExpired:
        # Not chained: the exception holds what the command had written.
        message = f"{what}: {program} took longer than {COMMAND_TIMEOUT_S} s"
        raise ConfigError(message) from None
    if code:
        raise ConfigError(f"{what}: {program} ended with {code}")
    return _text(output, f"{what}: {program}")


def _text(content: bytes, where: str) -> str:
    if len(content) > LIMIT_BYTES:
        raise ConfigError(f"{where}: more than {LIMIT_BYTES} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # Not chained: the exception holds the bytes.
        raise ConfigError(f"{where}: the content is not UTF-8") from None
