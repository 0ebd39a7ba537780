"""Texts that publish a SHA-256, in each form of the catalogue; what they say is not trusted."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Any

from wincnode.artifacts.catalogue import Form
from wincnode.errors import ArtifactError

# A GitHub release of containerd has some 100 assets at 2 KiB each; a checksum file is far smaller.
LIMIT_BYTES = 4 * 1024 * 1024
SHA256 = r"[0-9a-f]{64}"


def read(form: Form, content: bytes, *, file: str) -> str:
    """Give the SHA-256 of a file as 64 lower-case hexadecimal digits.

    Raises: ArtifactError: the text is not of its form, or does not name the file exactly once.
    """
    text = _text(content)
    match form:
        case "digest":
            return _digest(text)
        case "names":
            return _one(_named(text, file), file)
        case "github":
            return _one(_assets(text, file), file)


def _text(content: bytes) -> str:
    if len(content) > LIMIT_BYTES:
        raise _wrong("is too long")
    # Windows tools write UTF-16 or a byte order mark where their redirection makes the file.
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _wrong("is no text") from error
    if text.lstrip().startswith("<"):
        raise _wrong("is a page of HTML or XML")
    return text


def _digest(text: str) -> str:
    found = text.strip().lower()
    if not re.fullmatch(SHA256, found):
        raise _wrong("is not the 64 hexadecimal digits of a SHA-256 alone")
    return found


def _named(text: str, file: str) -> list[str]:
    """List the digests of a file in lines of `DIGEST  NAME`, as sha256sum and shasum write them.

    A `*` marks binary mode; a name may stand with the folder that it was built in.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        digest, rest = line[:64].lower(), line[64:]
        name = rest.strip().removeprefix("*")
        if not re.fullmatch(SHA256, digest) or not rest[:1].isspace() or not name:
            raise _wrong(f"has no SHA-256 and file name in line {number}")
        if PurePosixPath(name.replace("\\", "/")).name == file:
            found.append(digest)
    return found


def _assets(text: str, file: str) -> list[str]:
    """List the digests of a file in a release's record of GitHub's API.

    Source: docs.github.com/rest/releases/releases, "Get a release by tag name"
    """
    try:
        release: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("is no JSON") from error
    assets = release.get("assets") if isinstance(release, dict) else None
    if not isinstance(assets, list):
        raise _wrong("is no GitHub release")
    digests = [
        row.get("digest") for row in assets if isinstance(row, dict) and row.get("name") == file
    ]
    found = [digest.lower() for digest in digests if isinstance(digest, str)]
    if len(found) < len(digests) or not all(map(re.compile(f"sha256:{SHA256}").fullmatch, found)):
        raise _wrong(f"has no SHA-256 for {file}; GitHub records it for files since 2025-06")
    return [digest.removeprefix("sha256:") for digest in found]


def _one(found: list[str], file: str) -> str:
    if len(set(found)) != 1:
        how = "more than one SHA-256" if found else "no SHA-256"
        raise _wrong(f"has {how} for {file}")
    return found[0]


def _wrong(problem: str) -> ArtifactError:
    return ArtifactError(f"the checksum {problem}", id="artifact.checksum")
