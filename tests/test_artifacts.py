"""The pure part of artifacts: the catalogue, published checksums, the lock file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from wincnode.artifacts import checksums, lock
from wincnode.artifacts.catalogue import Artifact, Wanted, load_catalogue, mirrored, wanted
from wincnode.artifacts.lock import Entry, differences, parse, refuse_stale, render
from wincnode.artifacts.resolve import refuse_changed
from wincnode.errors import ArtifactError, ConfigError

CATALOGUE = load_catalogue()
PATH = Path("/fleet/wincnode.lock.yaml")
HEX = "0123456789abcdef" * 4
OTHER = "f" * 64


def rows_of(**choice: object) -> dict[str, Wanted]:
    """Give what is wanted with Kubernetes 1.36.4 and containerd 2.3.4, by name."""
    versions = {"kubernetes": "v1.36.4", "containerd": "2.3.4", **choice}
    return {row.name: row for row in wanted(CATALOGUE, **versions)}  # type: ignore[arg-type]


def test_every_node_gets_the_files_of_its_versions() -> None:
    """What is optional is not among them."""
    rows = rows_of()
    assert {name: row.version for name, row in rows.items()} == {
        "kubelet": "1.36.4",
        "kubeadm": "1.36.4",
        "kube-log-runner": "1.36.4",
        "containerd": "2.3.4",
        "crictl": "1.36.0",
    }
    assert rows["kubelet"].checksum_url == (
        "https://dl.k8s.io/release/v1.36.4/bin/windows/amd64/kubelet.exe.sha256"
    )
    assert rows["containerd"].url == (
        "https://github.com/containerd/containerd/releases/download/v2.3.4/"
        "containerd-2.3.4-windows-amd64.tar.gz"
    )
    assert rows["containerd"].checksum_url == rows["containerd"].url + ".sha256sum"


def test_optional_artifacts_come_when_asked_for() -> None:
    """They have versions of their own."""
    rows = rows_of(also=["cni-plugins", "flannel"])
    assert rows["cni-plugins"].file == "cni-plugins-windows-amd64-v1.9.1.tgz"
    assert rows["flannel"].checksum_url == (
        "https://api.github.com/repos/flannel-io/flannel/releases/tags/v0.28.9"
    )
    assert "flannel-cni-plugin" not in rows


@pytest.mark.parametrize("choice", [{"also": ["kublet"]}, {"mirrors": {"kublet": "https://m"}}])
def test_an_artifact_that_is_not_in_the_catalogue_is_refused(choice: dict[str, object]) -> None:
    """A typing error would otherwise do nothing."""
    with pytest.raises(ConfigError, match="no artifact is called 'kublet'; they are kubelet"):
        rows_of(**choice)


def test_a_mirror_keeps_files_and_checksums_under_host_and_path() -> None:
    """One for all, and another for a single artifact."""
    rows = rows_of(mirrors={"": "https://m.example/files/", "crictl": "http://10.0.0.1:8080"})
    assert rows["kubelet"].checksum_url == (
        "https://m.example/files/dl.k8s.io/release/v1.36.4/bin/windows/amd64/kubelet.exe.sha256"
    )
    assert rows["crictl"].url.startswith("http://10.0.0.1:8080/github.com/kubernetes-sigs/")
    assert mirrored("https://dl.k8s.io/a", "") == "https://dl.k8s.io/a"


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.name)
def test_a_catalogue_row_is_whole(row: Artifact) -> None:
    """It has https addresses, a source, files, and a version for every Kubernetes minor."""
    assert row.url.startswith("https://")
    assert row.source
    assert row.files
    assert row.follows or "*" in row.versions or set(row.versions) == {"1.35", "1.36", "1.37"}
    if row.archive == "none":
        assert row.url.endswith("/" + row.files[0])


@pytest.mark.parametrize(
    "content",
    [
        HEX.encode(),
        f"{HEX}\n".encode(),
        f"{HEX.upper()}\r\n".encode(),
        b"\xef\xbb\xbf" + HEX.encode(),
        f"{HEX}\r\n".encode("utf-16"),
    ],
)
def test_a_digest_alone_is_read(content: bytes) -> None:
    """With whatever end of line, case and byte order mark."""
    assert checksums.read("digest", content, file="kubelet.exe") == HEX


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "64 hexadecimal digits"),
        (HEX[:-1].encode(), "64 hexadecimal digits"),
        (f"{HEX}0".encode(), "64 hexadecimal digits"),
        (("0" * 128).encode(), "64 hexadecimal digits"),  # a SHA-512
        (f"{HEX}  kubelet.exe".encode(), "64 hexadecimal digits"),
        (f"{HEX}\n{HEX}".encode(), "64 hexadecimal digits"),
        (HEX.replace("0", "\u0660").encode(), "64 hexadecimal digits"),  # Arabic digits
        (b"<!DOCTYPE html><html>Sign in</html>", "page of HTML"),
        (b"\n <?xml version='1.0'?><Error/>", "page of HTML"),
        (b"\x80\x81", "no text"),
        (b"\xff\xfe\x00", "no text"),
        (b" " * (checksums.LIMIT_BYTES + 1), "too long"),
    ],
)
def test_what_is_no_digest_is_refused(content: bytes, problem: str) -> None:
    """A guess would let anything in."""
    with pytest.raises(ArtifactError, match=problem) as caught:
        checksums.read("digest", content, file="kubelet.exe")
    assert caught.value.id == "artifact.checksum"


@pytest.mark.parametrize(
    "content",
    [
        f"{HEX}  a.tgz\n",
        f"{HEX} *a.tgz\r\n",
        f"\ufeff{HEX}  ./release/a.tgz\n",
        f"{OTHER}  b.tgz\n\n{HEX.upper()}  a.tgz\n{OTHER}  a.tgz.asc\n",
        f"{HEX}  a.tgz\n{HEX}  build\\a.tgz\n",
    ],
)
def test_the_digest_of_a_file_is_found_by_its_name(content: str) -> None:
    """Other files may stand beside it; a folder before the name does not matter."""
    assert checksums.read("names", content.encode(), file="a.tgz") == HEX


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "no SHA-256 for a.tgz"),
        (f"{OTHER}  b.tgz\n", "no SHA-256 for a.tgz"),
        (f"{HEX}  a.tgz\n{OTHER}  a.tgz\n", "more than one SHA-256 for a.tgz"),
        (f"{HEX}\n", "in line 1"),
        (f"{OTHER}  b.tgz\n{HEX[:-1]}  a.tgz\n", "in line 2"),
        (f"{'0' * 128}  a.tgz\n", "in line 1"),
        ("<html>a.tgz</html>", "page of HTML"),
    ],
)
def test_a_list_that_does_not_name_the_file_once_is_refused(content: str, problem: str) -> None:
    """Neither the first of two nor the only one of another file will do."""
    with pytest.raises(ArtifactError, match=problem):
        checksums.read("names", content.encode(), file="a.tgz")


def release(*assets: object) -> bytes:
    """Give a release's record as GitHub's API has it."""
    return json.dumps({"tag_name": "v1", "assets": list(assets)}).encode()


def test_github_s_record_gives_the_digest_of_a_file() -> None:
    """By its name among the others."""
    record = release(
        {"name": "b.zip", "digest": None}, {"name": "a.zip", "digest": f"sha256:{HEX.upper()}"}
    )
    assert checksums.read("github", record, file="a.zip") == HEX


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no GitHub release"),
        (b'{"message": "API rate limit exceeded"}', "no GitHub release"),
        (release("a.zip"), "no SHA-256 for a.zip"),
        (release({"name": "a.zip", "digest": None}), "no SHA-256 for a.zip; GitHub records"),
        (release({"name": "a.zip", "digest": f"sha512:{HEX}"}), "no SHA-256 for a.zip; GitHub"),
        (release({"name": "a.zip", "digest": [HEX]}), "no SHA-256 for a.zip; GitHub records"),
    ],
)
def test_what_is_no_record_of_the_file_is_refused(content: bytes, problem: str) -> None:
    """GitHub has digests for files since 2025 alone."""
    with pytest.raises(ArtifactError, match=problem):
        checksums.read("github", content, file="a.zip")


LINE_ENDS = some.sampled_from(["\n", "\r\n", "\u2028", " ", "*", "  a.zip\n", HEX, OTHER, "a.zip"])


@given(
    form=some.sampled_from(["digest", "names", "github"]),
    content=some.one_of(
        some.binary(max_size=200),
        some.lists(LINE_ENDS, max_size=12).map(lambda words: "".join(words).encode()),
        some.recursive(
            some.none() | some.text(max_size=5) | some.just(f"sha256:{HEX}") | some.just("a.zip"),
            lambda inner: (
                some.lists(inner, max_size=3)
                | some.dictionaries(some.sampled_from(["assets", "name", "digest"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_whatever_a_server_sends_is_a_digest_or_refused(form: str, content: bytes) -> None:
    """Nothing else comes out, and nothing breaks."""
    try:
        found = checksums.read(form, content, file="a.zip")  # type: ignore[arg-type]
    except ArtifactError:
        return
    assert found in {HEX, OTHER}


def test_a_hostile_line_is_read_in_linear_time() -> None:
    """A list of 4 MiB of blanks ends at once."""
    content = f"{HEX}  x".encode() + b" " * (checksums.LIMIT_BYTES - 100) + b"y"
    with pytest.raises(ArtifactError, match="no SHA-256 for"):
        checksums.read("names", content, file="a.zip")


ENTRY = Entry(
    component="kubelet",
    version="1.36.10",
    url="https://dl.k8s.io/kubelet.exe",
    sha256=HEX,
    size=1234,
    verified="digest",
    checksum_url="https://dl.k8s.io/kubelet.exe.sha256",
)
CRICTL = replace(ENTRY, component="crictl", version="1.10")


def test_a_lock_file_reads_as_it_was_written() -> None:
    """The text does not depend on the order, and 1.10 stays a text."""
    text = render([ENTRY, CRICTL])
    assert parse(text, PATH) == (CRICTL, ENTRY)
    assert render([CRICTL, ENTRY]) == text
    assert lock.path_for(Path("/fleet/prod.yaml")) == Path("/fleet/prod.lock.yaml")


def mistakes_of(text: str) -> list[str]:
    """Give the mistakes that reading a lock file reports."""
    with pytest.raises(ConfigError) as caught:
        parse(text, PATH)
    return caught.value.message.splitlines()


def test_every_mistake_in_a_lock_file_is_told_at_once() -> None:
    """Each with line and field."""
    text = f"""\
schema: wincnode/lock/v1
artefacts: []
artifacts:
  - {{component: kubelet, version: [1], url: ftp://x/y, sha256: {HEX.upper()}, size: 0}}
  - component: ../x
    version: 1.36.4
    url: https://user:pw@host/x
    sha256: {HEX}
    size: 9999999999
    verified: yes
    checksum_url: https://h/x
  - {{component: kubelet, version: "1", url: "https://h/x", sha256: {HEX}, size: 1, verified: names,
     checksum_url: "https://h/y"}}
"""
    address = "an http or https address without credentials, other characters written as %XX"
    size = "a number of bytes, at most 1 GiB"
    assert mistakes_of(text) == [
        f"{PATH}:2: artefacts: unknown; did you mean artifacts?",
        f"{PATH}:4: artifacts[0].verified: missing",
        f"{PATH}:4: artifacts[0].checksum_url: missing",
        f"{PATH}:4: artifacts[0].version: is a list; it takes a version such as 1.36.4",
        f"{PATH}:4: artifacts[0].url: is 'ftp://x/y'; {address}",
        f"{PATH}:4: artifacts[0].sha256: is '{HEX.upper()[:60]}...'; 64 lower-case hexadecimal digits",
        f"{PATH}:4: artifacts[0].size: is '0'; {size}",
        f"{PATH}:5: artifacts[1].component: is '../x'; a name of docs/artifacts.md",
        f"{PATH}:7: artifacts[1].url: is 'https://***@host/x'; {address}",
        f"{PATH}:9: artifacts[1].size: is 9999999999; {size}",
        f"{PATH}:10: artifacts[1].verified: is 'yes'; one of digest, names, github, nothing",
        f"{PATH}:12: artifacts[2].component: kubelet stands on line 4 already",
    ]


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("", [f"{PATH}: empty"]),
        ("schema: wincnode/lock/v1\n", [f"{PATH}:1: artifacts: missing"]),
        ("artifacts: []\nschema: 2\n", [f"{PATH}:2: schema: is not wincnode/lock/v1"]),
        (
            "schema: wincnode/lock/v1\nartifacts: 3\n",
            [f"{PATH}:2: artifacts: is a number; it takes a list"],
        ),
        (
            "- 1\n",
            [f"{PATH}:1: is a list; it takes a mapping"]
            + [f"{PATH}:1: {word}: missing" for word in ("schema", "artifacts")],
        ),
    ],
)
def test_what_is_no_lock_file_is_refused(text: str, mistakes: list[str]) -> None:
    """A file of a later wincnode too."""
    assert mistakes_of(text) == mistakes


def test_a_stale_lock_is_refused_with_every_difference() -> None:
    """Versions, addresses, what is missing, what is too much."""
    want = rows_of(mirrors={"kubelet": "https://m.example"})
    rows = {row.name: row for row in wanted(CATALOGUE, kubernetes="1.36.4", containerd="2.3.4")}
    locked = [
        replace(ENTRY, component=row.name, version=row.version, url=row.url)
        for row in rows.values()
        if row.name != "kubeadm"
    ]
    locked = [
        replace(row, version="2.3.3") if row.component == "containerd" else row for row in locked
    ]
    locked.append(replace(ENTRY, component="flannel", version="0.28.9"))

    with pytest.raises(ConfigError) as caught:
        refuse_stale(PATH, locked, want.values())

    assert caught.value.id == "config.lock"
    assert caught.value.message.splitlines() == [
        f"{PATH}: containerd is locked at 2.3.3, not 2.3.4",
        f"{PATH}: flannel 0.28.9 is locked and not wanted",
        f"{PATH}: kubeadm 1.36.4 is not locked",
        f"{PATH}: kubelet is locked from {rows['kubelet'].url}, not {want['kubelet'].url}",
    ]
    assert differences([], []) == ()


def test_another_digest_for_a_locked_version_is_refused() -> None:
    """A version may change; what is published under one may not."""
    refuse_changed(ENTRY, [ENTRY])
    refuse_changed(replace(ENTRY, version="1.36.11", sha256=OTHER), [ENTRY])
    with pytest.raises(ArtifactError, match="locked is 0123") as caught:
        refuse_changed(replace(ENTRY, sha256=OTHER), [CRICTL, ENTRY])
    assert caught.value.id == "artifact.changed"
