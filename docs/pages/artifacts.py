"""docs/artifacts.md: what is downloaded, and what goes together."""

from __future__ import annotations

from collections.abc import Mapping

from pages.text import table, written
from wincnode.artifacts.catalogue import Artifact, load_catalogue
from wincnode.support import Support, load_support


def artifacts_page() -> str:
    """Give docs/artifacts.md: the lock file, the catalogue, and which versions go together."""
    text = written("artifacts")
    rows = "".join(map(_artifact, load_catalogue()))
    return text + ARTIFACTS_HEAD + rows + _support(load_support())


ARTIFACTS_HEAD = """\

## The catalogue

| artifact | version | URL | SHA-256 | of an archive | source |
|---|---|---|---|---|---|
"""


CHECKSUMS = {
    "digest": "`{url}`: the digits alone",
    "names": "`{url}`: digits and file name",
    "github": "`{url}`: GitHub's record of the release",
}


def _artifact(row: Artifact) -> str:
    version = f"that of {row.follows}" if row.follows else _pinned(row)
    url = row.checksum_url.replace("{url}", "URL")
    files = "" if row.archive == "none" else ", ".join(f"`{name}`" for name in row.files)
    name = f"`{row.name}`{' (optional)' if row.optional else ''}"
    checksum = CHECKSUMS[row.checksum].format(url=url)
    return f"| {name} | {version} | `{row.url}` | {checksum} | {files} | {row.source} |\n"


def _pinned(row: Artifact) -> str:
    return ", ".join(
        version if minor == "*" else f"{version} for Kubernetes {minor}"
        for minor, version in row.versions.items()
    )


def _support(support: Support) -> str:
    minors = [
        (row.minor, _lines(row.containerd), row.pause, row.source)
        for row in support.kubernetes.values()
    ]
    lines = [
        (row.line, str(row.config_version), str(row.end_of_life), row.fixed_in, row.source)
        for row in support.containerd.values()
    ]
    pauses = [
        (row.version, ", ".join(map(str, row.builds)), row.source) for row in support.pause.values()
    ]
    vulnerable = "no known vulnerability from"
    return (
        "\n## Which versions go together\n"
        + table(("Kubernetes", "containerd", "pause", "source"), minors)
        + table(("containerd", "config version", "end of life", vulnerable, "source"), lines)
        + table(("pause", "Windows builds inside", "source"), pauses)
    )


def _lines(least: Mapping[str, str]) -> str:
    return ", ".join(f"{line} from {version}" for line, version in least.items())
