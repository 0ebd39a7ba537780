"""Secrets print as ***, come from four sources, and errors never repeat them."""

from __future__ import annotations

import copy
import json
import os
import pickle
import sys
from pathlib import Path

import pytest

from wincnode.errors import ConfigError
from wincnode.secrets import Secret, Source, resolve, source_of

TOKEN = "hunter2-7f3a"


def test_no_rendering_of_a_secret_shows_it() -> None:
    """Print, format, repr and the repr of what holds it all give ***."""
    secret = Secret(TOKEN)
    shown = [str(secret), repr(secret), f"{secret:>20}", f"{[secret]}", "%s" % secret]  # noqa: UP031
    assert all(TOKEN not in text for text in shown)
    assert shown[:2] == ["***", "***"]
    assert secret.reveal() == TOKEN


def test_a_secret_is_not_written_anywhere() -> None:
    """Pickle, copy and JSON refuse it."""
    with pytest.raises(TypeError):
        pickle.dumps(Secret(TOKEN))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(TOKEN))
    with pytest.raises(TypeError):
        json.dumps(Secret(TOKEN))


def test_secrets_are_equal_by_their_text_and_have_no_hash() -> None:
    """Two of one text are equal, text is never equal to a secret, and none is a key."""
    assert Secret(TOKEN) == Secret(TOKEN)
    assert Secret(TOKEN) != Secret("other")
    assert Secret(TOKEN) != TOKEN
    with pytest.raises(TypeError):
        hash(Secret(TOKEN))


def test_env_reads_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable's value is the secret; an unset one is named."""
    monkeypatch.setenv("WINCNODE_TEST_SECRET", TOKEN)
    assert resolve({"env": "WINCNODE_TEST_SECRET"}).reveal() == TOKEN
    monkeypatch.delenv("WINCNODE_TEST_SECRET")
    with pytest.raises(ConfigError, match="WINCNODE_TEST_SECRET is not set"):
        resolve({"env": "WINCNODE_TEST_SECRET"})


def test_bytes_that_are_no_text_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python hands them on as halves of characters, which no request carries."""
    monkeypatch.setenv("TOKEN", "a\udcff")
    with pytest.raises(ConfigError, match="env gave what is not UTF-8"):
        resolve({"env": "TOKEN"})


def test_file_of_mode_0600_is_read_without_its_last_line_break(tmp_path: Path) -> None:
    """Editors end files with a line break; it is no part of the password."""
    path = tmp_path / "password"
    path.write_bytes(TOKEN.encode() + b"\r\n")
    path.chmod(0o600)
    assert resolve({"file": str(path)}).reveal() == TOKEN


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX matter")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o700])
def test_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """A mode wider than 0600 is refused, with the command that narrows it."""
    path = tmp_path / "password"
    path.write_text(TOKEN)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="wider than 0600") as caught:
        resolve({"file": str(path)}, what="password of win1")
    assert caught.value.message.startswith("password of win1: ")
    assert "chmod 600" in caught.value.remedy
    assert TOKEN not in str(caught.value)


def test_file_that_is_missing_empty_large_or_binary_is_refused(tmp_path: Path) -> None:
    """Each is a ConfigError that names the file."""
    for content in (None, b"\n", b"x" * 70_000, b"\xff\xfe"):
        path = tmp_path / "password"
        if content is not None:
            path.write_bytes(content)
            path.chmod(0o600)
        with pytest.raises(ConfigError):
            resolve({"file": str(path)})
    with pytest.raises(ConfigError, match="password: cannot read"):
        resolve({"file": "a\0b"})


def test_command_gives_its_output() -> None:
    """The command is a list of words and no shell sees it."""
    source = {"command": [sys.executable, "-c", f"print('{TOKEN}; $HOME')"]}
    assert resolve(source).reveal() == f"{TOKEN}; $HOME"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([sys.executable, "-c", f"print('{TOKEN}'); raise SystemExit(3)"], "ended with 3"),
        ([sys.executable, "-c", "pass"], "gave nothing"),
        (["/nonexistent/program"], "cannot start"),
        (["a\0b"], "cannot start"),
    ],
)
def test_command_that_fails_is_told_without_its_output(words: list[str], reason: str) -> None:
    """The error says how the command ended and never what it printed."""
    with pytest.raises(ConfigError, match=reason) as caught:
        resolve({"command": words})
    assert TOKEN not in str(caught.value)


def test_prompt_without_a_terminal_is_refused() -> None:
    """In a CI job nobody answers: the error names the other sources."""
    if sys.stdin is not None and sys.stdin.isatty():
        pytest.skip("there is a terminal")
    with pytest.raises(ConfigError, match="no terminal") as caught:
        resolve({"prompt": True})
    assert "{env: NAME}" in caught.value.remedy


@pytest.mark.parametrize(
    "value",
    [TOKEN, None, {}, {"env": ""}, {"env": "A", "file": "b"}, {"prompt": False}, {"vault": TOKEN},
     {"command": TOKEN}, {"command": []}, {"command": [1]}, [TOKEN]],
)  # fmt: skip
def test_any_other_form_is_refused_without_repeating_it(value: object) -> None:
    """What was given may be a password, so the message does not show it."""
    with pytest.raises(ConfigError, match="a secret is given as") as caught:
        source_of(value)
    assert TOKEN not in str(caught.value)


def test_source_is_a_value() -> None:
    """Sources compare and hash, so that one prompt can serve many nodes."""
    assert source_of({"env": "A"}) == Source(kind="env", argument=("A",))
    assert len({source_of({"prompt": True}), source_of({"prompt": True})}) == 1
