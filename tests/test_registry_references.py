"""References of images and challenges of registries, as they are written."""

from __future__ import annotations

import time

import pytest

from wincnode.errors import ConfigError
from wincnode.images.reference import Reference, parse
from wincnode.registry.tokens import challenges


@pytest.mark.parametrize(
    ("text", "host", "path", "wanted"),
    [
        ("nginx", "docker.io", "library/nginx", "latest"),
        ("team/app:1", "docker.io", "team/app", "1"),
        ("index.docker.io/app", "docker.io", "library/app", "latest"),
        ("localhost/app", "localhost", "app", "latest"),
        ("localhost:5000/a/b:x", "localhost:5000", "a/b", "x"),
        ("[::1]:5000/app", "[::1]:5000", "app", "latest"),
        (
            "mcr.microsoft.com/windows/nanoserver:ltsc2022",
            "mcr.microsoft.com",
            "windows/nanoserver",
            "ltsc2022",
        ),
        (f"a.example/b:1@sha256:{'0' * 64}", "a.example", "b", f"sha256:{'0' * 64}"),
    ],
)
def test_references_are_read_as_docker_reads_them(
    text: str, host: str, path: str, wanted: str
) -> None:
    """The first word is a registry where it could be no user of Docker Hub."""
    found = parse(text)

    assert (found.host, found.path, found.wanted) == (host, path, wanted)


@pytest.mark.parametrize(
    "text",
    [
        *("", "App", "a b", "a.example/../b", "a@sha256:12", "https://a.example/b", "a" * 2000),
        *("a\x1b", "[:::::]/a", "[::1]:99999/a", "a.example:65536/a", "a.example:0/a"),
    ],
)
def test_what_is_no_reference_is_told(text: str) -> None:
    """Nothing is asked of any registry."""
    with pytest.raises(ConfigError, match="no image reference"):
        parse(text)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://a/t",service="s, t"',
            {"bearer": {"realm": "https://a/t", "service": "s, t"}},
        ),
        ('Basic realm="x", Bearer realm="y"', {"basic": {"realm": "x"}, "bearer": {"realm": "y"}}),
        ("Negotiate, Basic", {"negotiate": {}, "basic": {}}),
        ('bearer Realm = "a\\"b"', {"bearer": {"realm": 'a"b'}}),
        ('Bearer realm="unclosed', {"bearer": {}, "unclosed": {}}),
        ("", {}),
    ],
)
def test_challenges_are_read(header: str, expected: dict[str, dict[str, str]]) -> None:
    """Several in one header too."""
    assert challenges(header) == expected


@pytest.mark.parametrize(
    "header", ["A" * 4000 + "!", 'a="' * 1300, "a " * 2000 + "!", 'a="\\"' * 800]
)
def test_a_hostile_challenge_costs_no_time(header: str) -> None:
    """No more than a tenth of a second of this processor's time."""
    begun = time.process_time()
    challenges(header)
    assert time.process_time() - begun < 0.1


def test_a_reference_is_a_value() -> None:
    """Equal text, equal reference."""
    assert parse("a/b") == Reference(
        text="a/b", host="docker.io", path="a/b", tag="latest", digest=""
    )
