"""`wincnode lock`, as a user runs it, against a mirror over https on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import certificates
import pytest
from files_server import Files, serving

from wincnode.artifacts import lock
from wincnode.artifacts.catalogue import Wanted, load_catalogue, wanted

INVENTORY = """\
cluster: {{kubernetes: {kubernetes}}}
runtime: {{containerd: {containerd}}}
{more}
connection: {{user: u, password: {{env: P}}}}
nodes: {{web-1: }}
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A folder with an inventory, and the mirror that it names."""

    folder: Path
    files: Files
    pem: Path

    def write(
        self, *, kubernetes: str = "1.36.4", containerd: str = "2.3.4", more: str = ""
    ) -> None:
        """Write the inventory."""
        text = INVENTORY.format(kubernetes=kubernetes, containerd=containerd, more=more)
        (self.folder / "wincnode.yaml").write_text(text)

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run `wincnode lock` with nothing of this machine's environment but what it needs."""
        return subprocess.run(
            [sys.executable, "-m", "wincnode", "lock", *options],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "PYTHONPATH": str(Path(__file__).parent.parent),
                "REQUESTS_CA_BUNDLE": str(self.pem),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.folder / "wincnode.lock.yaml"

    @property
    def cache(self) -> Path:
        """Where downloads lie."""
        return self.folder / ".cache" / "wincnode" / "artifacts"


def mirror_rows(files: Files, **choice: str) -> tuple[Wanted, ...]:
    """Give what is wanted of the mirror."""
    versions = {"kubernetes": "1.36.4", "containerd": "2.3.4", **choice}
    return wanted(load_catalogue(), also=("flannel",), mirrors={"": files.base}, **versions)


def content_of(row: Wanted) -> bytes:
    """Make up a file."""
    return f"{row.name} {row.version}\n".encode() * 1000


def publish(files: Files, row: Wanted) -> None:
    """Serve a file and its checksum, in the form of its row."""
    content = content_of(row)
    digest = hashlib.sha256(content).hexdigest()
    record = {"assets": [{"name": row.file, "digest": f"sha256:{digest}"}]}
    texts = {
        "digest": digest,
        "names": f"{digest}  {row.file}\n",
        "github": json.dumps(record),
    }
    files.contents[row.url.removeprefix(files.base)] = content
    files.contents[row.checksum_url.removeprefix(files.base)] = texts[row.checksum].encode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give an inventory whose mirror has all that it wants."""
    pem, _ = certificates.certificate(tmp_path)
    with serving(pem) as files:
        for row in mirror_rows(files):
            publish(files, row)
        found = Site(folder=tmp_path, files=files, pem=pem)
        found.write(more=f"artifacts: {{mirror: '{files.base}'}}")
        yield found


def test_lock_pins_every_file_without_downloading_it(site: Site) -> None:
    """URL, SHA-256, size and who vouched for it; a byte of each file is all that is asked for."""
    result = site.run()

    assert result.returncode == 0, result.stderr
    entries = lock.load(site.lock)
    rows = {row.name: row for row in mirror_rows(site.files) if row.name != "flannel"}
    assert [entry.component for entry in entries] == sorted(rows)
    for entry in entries:
        content = content_of(rows[entry.component])
        assert entry.url == rows[entry.component].url
        assert (entry.size, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert entry.verified == rows[entry.component].checksum
        assert site.files.spans(entry.url.removeprefix(site.files.base)) == ["bytes=0-0"]
    assert not site.cache.exists()


def test_lock_again_changes_nothing(site: Site) -> None:
    """The same inventory gives the same bytes, and --check agrees."""
    site.run()
    before = (site.lock.read_bytes(), site.lock.stat().st_mtime_ns)

    again, check = site.run(), site.run("--check")

    assert (again.returncode, check.returncode) == (0, 0), again.stderr + check.stderr
    assert "is current" in again.stdout
    assert (site.lock.read_bytes(), site.lock.stat().st_mtime_ns) == before


def test_check_ends_with_3_where_the_file_would_change(site: Site) -> None:
    """It says in what, writes nothing, and does so before the first lock too."""
    assert site.run("--check").returncode == 3
    assert not site.lock.exists()
    site.run()
    before = site.lock.read_bytes()
    for row in mirror_rows(site.files, kubernetes="1.36.3"):
        publish(site.files, row)
    site.write(kubernetes="1.36.3", more=f"artifacts: {{mirror: '{site.files.base}'}}")

    result = site.run("--check", "-o", "json")

    assert result.returncode == 3, result.stderr
    report = json.loads(result.stdout)
    assert (report["schema"], report["exit_code"]) == ("wincnode/lock-report/v1", 3)
    assert "kubelet is locked at 1.36.4, not 1.36.3" in report["changes"]
    assert {row["component"]: row["version"] for row in report["artifacts"]}["kubeadm"] == "1.36.3"
    assert site.lock.read_bytes() == before


def test_download_fills_the_cache_with_verified_files(site: Site) -> None:
    """Optional artifacts too; the second time nothing is downloaded."""
    site.write(more=f"artifacts: {{mirror: '{site.files.base}', also: [flannel]}}")

    first, second = site.run("--download"), site.run("--download")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    for row in mirror_rows(site.files):
        assert (site.cache / row.name / row.version / row.file).read_bytes() == content_of(row)
        assert f"{row.name}: downloaded and verified" in first.stderr
        assert f"{row.name}: is in the cache, verified" in second.stderr
    assert "kubelet: 100 % of" in first.stderr


def test_a_download_that_is_not_what_was_published_is_refused(site: Site) -> None:
    """The file names it, and the cache does not hold it."""
    site.run()
    (kubelet,) = (row for row in mirror_rows(site.files) if row.name == "kubelet")
    path = kubelet.url.removeprefix(site.files.base)
    site.files.contents[path] = content_of(kubelet)[:-1] + b"X"

    result = site.run("--download")

    assert result.returncode == 1
    assert "has not the SHA-256" in result.stderr
    assert [path.name for path in site.cache.rglob("*") if path.is_file()] == []


def test_a_checksum_that_changed_for_a_locked_version_is_refused(site: Site) -> None:
    """The lock file stays; a file that somebody replaced is no update."""
    site.run()
    before = site.lock.read_bytes()
    (kubelet,) = (row for row in mirror_rows(site.files) if row.name == "kubelet")
    site.files.contents[kubelet.checksum_url.removeprefix(site.files.base)] = b"0" * 64

    result = site.run()

    assert result.returncode == 1
    assert "locked is" in result.stderr
    assert site.lock.read_bytes() == before


@pytest.mark.parametrize(
    ("break_it", "word"),
    [
        (lambda files, row: files.contents.pop(row.url), "no such file"),
        (lambda files, row: files.contents.pop(row.checksum_url), "no checksum there"),
        (lambda files, row: files.contents.update({row.checksum_url: b"<html>"}), "page of HTML"),
        (lambda files, row: files.contents.update({row.url: b""}), "from 1 byte"),
    ],
)
def test_what_is_not_published_as_it_should_be_is_refused(
    site: Site, break_it: object, word: str
) -> None:
    """Artifact, version and address are named, and nothing is written."""
    (row,) = (row for row in mirror_rows(site.files) if row.name == "containerd")
    site.files.contents = {site.files.base + path: c for path, c in site.files.contents.items()}
    break_it(site.files, row)  # type: ignore[operator]
    site.files.contents = {
        url.removeprefix(site.files.base): c for url, c in site.files.contents.items()
    }

    result = site.run()

    assert result.returncode == 1
    assert f"containerd 2.3.4: {site.files.base}/github.com/containerd/" in result.stderr
    assert word in result.stderr
    assert not site.lock.exists()


def test_without_a_checksum_a_file_is_taken_only_on_request(site: Site) -> None:
    """The lock file and the report say that nothing vouches for it."""
    (row,) = (row for row in mirror_rows(site.files) if row.name == "crictl")
    del site.files.contents[row.checksum_url.removeprefix(site.files.base)]

    result = site.run("--allow-unverified")

    assert result.returncode == 0, result.stderr
    entries = {entry.component: entry for entry in lock.load(site.lock)}
    assert entries["crictl"].verified == "nothing"
    assert entries["crictl"].sha256 == hashlib.sha256(content_of(row)).hexdigest()
    assert entries["kubelet"].verified == "digest"
    assert "warning: crictl 1.36.0 is locked as it is; nothing vouches for it" in result.stderr


def test_a_checksum_over_http_vouches_for_nothing(site: Site) -> None:
    """A mirror of one artifact on the command line, before the inventory's."""
    with serving() as plain:
        for row in mirror_rows(plain):
            publish(plain, row)

        refused = site.run("--mirror", f"crictl={plain.base}")
        taken = site.run("--mirror", f"crictl={plain.base}", "--allow-unverified")

    assert refused.returncode == 1
    assert "a checksum over http proves nothing" in refused.stderr
    assert taken.returncode == 0, taken.stderr
    entries = {entry.component: entry for entry in lock.load(site.lock)}
    assert (entries["crictl"].verified, entries["kubelet"].verified) == ("nothing", "digest")
    assert entries["crictl"].url.startswith(plain.base)


@pytest.mark.parametrize(
    ("inventory", "options", "word"),
    [
        ({"kubernetes": "1.36"}, [], "cluster.kubernetes: 1.36 is no released version"),
        ({"kubernetes": "1.36.4+rke2r1"}, [], "no released version"),
        ({"containerd": "1.6.39"}, [], "containerd 1.6 is not known"),
        ({"kubernetes": "1.38.0", "containerd": "1.7.34"}, [], "cannot run with Kubernetes 1.38.0"),
        ({"more": "artifacts: {also: [kublet]}"}, [], "no artifact is called 'kublet'"),
        ({"more": "artifacts: {mirror: 'https://u:pw@h/x'}"}, [], "https://***@h/x"),
        ({}, ["--mirror", "https://u:pw@h/x"], "without credentials"),
        ({}, ["--check", "--download"], "give one of them"),
    ],
)
def test_what_cannot_work_is_refused_before_the_network(
    site: Site, inventory: dict[str, str], options: list[str], word: str
) -> None:
    """With the reason; a password in an address is never shown."""
    mirror = f"artifacts: {{mirror: '{site.files.base}'}}"
    site.write(**{"more": mirror, **inventory})

    result = site.run(*options)

    assert result.returncode == 2
    assert word in result.stderr
    assert "u:pw" not in result.stderr
    assert site.files.seen == []


def test_missing_versions_are_told_together(site: Site) -> None:
    """A lock needs both."""
    (site.folder / "wincnode.yaml").write_text(
        "connection: {user: u, password: {env: P}}\nnodes: {web-1: }\n"
    )

    result = site.run()

    assert result.returncode == 2
    assert "cluster.kubernetes: missing" in result.stderr
    assert "runtime.containerd: missing" in result.stderr


def test_a_broken_lock_file_is_told_and_left_alone(site: Site) -> None:
    """With file, line and field; nobody's work is overwritten."""
    site.lock.write_text("schema: wincnode/lock/v1\nartifacts: 3\n")

    result = site.run()

    assert result.returncode == 2
    assert "wincnode.lock.yaml:2: artifacts: is a number; it takes a list" in result.stderr
    assert site.lock.read_text() == "schema: wincnode/lock/v1\nartifacts: 3\n"


def test_doubtful_versions_are_warned_of_and_locked(site: Site) -> None:
    """A warning goes to stderr and into the JSON."""
    for row in mirror_rows(site.files, containerd="2.3.1"):
        publish(site.files, row)
    site.write(containerd="2.3.1", more=f"artifacts: {{mirror: '{site.files.base}'}}")

    result = site.run("-o", "json")

    assert result.returncode == 0, result.stderr
    warnings = json.loads(result.stdout)["warnings"]
    assert any("vulnerabilities that 2.3.7 fixes" in text for text in warnings)
    assert f"warning: {warnings[0]}" in result.stderr
