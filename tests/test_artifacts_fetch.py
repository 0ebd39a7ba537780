"""Downloads from a real web server on loopback that breaks in every way that is known."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certificates
import pytest
from files_server import Files, serving

from wincnode.artifacts import web
from wincnode.artifacts.fetch import Moved, cache_folder, fetch, path_in
from wincnode.artifacts.lock import Entry
from wincnode.artifacts.web import Pace
from wincnode.errors import ArtifactError, ConfigError

CONTENT = hashlib.shake_256(b"").digest(4 * web.MIB)
OLD = b"the old version"
QUICK = Pace(tries=3, wait_s=0.01, connect_s=2, silent_s=2)


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take neither a proxy nor credentials from the machine that tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture
def files() -> Iterator[Files]:
    """Serve CONTENT as /a.bin."""
    with serving() as found:
        found.contents["/a.bin"] = CONTENT
        yield found


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Give the place in the cache, where an old version lies."""
    path = tmp_path / "cache" / "a.bin"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def entry(files: Files, path: str = "/a.bin", content: bytes = CONTENT) -> Entry:
    """Lock a content at an address of the server."""
    return Entry(
        component="a",
        version="1.0.0",
        url=files.url(path),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        verified="digest",
        checksum_url=files.url(path) + ".sha256",
    )


def refused(wanted: Entry, target: Path, pace: Pace = QUICK) -> ArtifactError:
    """Fetch in vain; the old version must stay, and nothing beside it that is wrong."""
    with pytest.raises(ArtifactError) as caught:
        fetch(wanted, target, pace=pace)
    assert target.read_bytes() == OLD
    return caught.value


def parts(target: Path) -> list[int]:
    """Give the sizes of what is kept of broken downloads."""
    return [path.stat().st_size for path in target.parent.glob("*.part")]


def test_a_file_is_downloaded_once(files: Files, target: Path) -> None:
    """Progress is told to its end; what is verified already is not asked for again."""
    moved: list[Moved] = []

    assert fetch(entry(files), target, watch=moved.append, pace=QUICK)
    assert not fetch(entry(files), target, pace=QUICK)

    assert target.read_bytes() == CONTENT
    assert moved[-1] == Moved(component="a", done=len(CONTENT), total=len(CONTENT))
    assert [step.done for step in moved] == sorted({step.done for step in moved})
    assert len(files.seen) == 1
    assert parts(target) == []


def test_a_file_that_changed_on_the_disk_is_downloaded_again(files: Files, target: Path) -> None:
    """The cache is verified each time, whatever its size says."""
    target.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))

    assert fetch(entry(files), target, pace=QUICK)

    assert target.read_bytes() == CONTENT


def test_a_download_that_is_cut_goes_on_within_the_call(files: Files, target: Path) -> None:
    """Nothing is sent twice."""
    files.cuts["/a.bin"] = [len(CONTENT) // 2]

    fetch(entry(files), target, pace=QUICK)

    assert target.read_bytes() == CONTENT
    assert files.spans("/a.bin") == ["", f"bytes={len(CONTENT) // 2}-"]
    assert files.sent["/a.bin"] == len(CONTENT)


def test_a_download_that_is_cut_at_half_goes_on_in_the_next_run(files: Files, target: Path) -> None:
    """At most 55 % is sent again; until then the old version stays."""
    files.cuts["/a.bin"] = [len(CONTENT) // 2, 0, 0, 0]
    assert refused(entry(files), target).id == "artifact.unreachable"
    assert parts(target) == [len(CONTENT) // 2]
    files.cuts.clear()
    files.sent.clear()

    fetch(entry(files), target, pace=QUICK)

    assert target.read_bytes() == CONTENT
    assert files.sent["/a.bin"] <= 0.55 * len(CONTENT)


def test_a_link_that_breaks_again_and_again_brings_the_file(files: Files, target: Path) -> None:
    """Tries count only where nothing came."""
    files.cuts["/a.bin"] = [web.MIB + 1] * 3 + [0, 0]

    fetch(entry(files), target, pace=QUICK)

    assert target.read_bytes() == CONTENT
    assert files.sent["/a.bin"] == len(CONTENT)


def test_a_server_without_ranges_sends_the_whole_again(files: Files, target: Path) -> None:
    """What was kept is overwritten, not added to."""
    files.ranges = False
    files.cuts["/a.bin"] = [len(CONTENT) // 2]

    fetch(entry(files), target, pace=QUICK)

    assert target.read_bytes() == CONTENT
    assert files.sent["/a.bin"] == len(CONTENT) * 3 // 2


def test_an_answer_of_other_bytes_is_not_added(files: Files, target: Path) -> None:
    """What is here stays as it is for a server that sends what was asked for."""
    files.shift = 10
    files.cuts["/a.bin"] = [len(CONTENT) // 2]

    error = refused(entry(files), target)

    assert "other bytes than those asked for" in error.message
    assert parts(target) == [len(CONTENT) // 2]


def test_two_at_once_download_once(files: Files, target: Path) -> None:
    """The second waits for the first and finds the file."""
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fetch, entry(files), target, pace=QUICK) for _ in range(2)]

    assert sorted(job.result() for job in jobs) == [False, True]
    assert len(files.seen) == 1


@pytest.mark.parametrize("offset", [0, 1000, len(CONTENT) // 2, len(CONTENT) - 100, -1])
def test_a_corrupted_file_is_refused(files: Files, target: Path, offset: int) -> None:
    """Wherever the wrong byte is."""
    wrong = bytearray(CONTENT)
    wrong[offset] ^= 1
    files.contents["/a.bin"] = bytes(wrong)

    assert refused(entry(files), target).id == "artifact.hash"
    assert parts(target) == []


def test_a_wrong_beginning_that_was_kept_is_thrown_away(files: Files, target: Path) -> None:
    """It may be of a file that the server has replaced since."""
    wanted = entry(files)
    kept = target.with_name(f"a.bin.{wanted.sha256[:12]}.part")
    kept.write_bytes(bytes(len(CONTENT) // 2))

    fetch(wanted, target, pace=QUICK)

    assert target.read_bytes() == CONTENT
    assert files.sent["/a.bin"] == len(CONTENT) * 3 // 2


@pytest.mark.parametrize("says_size", [True, False])
@pytest.mark.parametrize("content", [CONTENT + b"x", CONTENT * 3, b"<html>Sign in</html>"])
def test_a_file_of_another_size_is_refused(
    files: Files, target: Path, content: bytes, *, says_size: bool
) -> None:
    """At once where the server says its size; else no further than the wanted one."""
    files.contents["/a.bin"] = content
    files.says_size = says_size

    error = refused(entry(files), target)

    # A short body without a length looks like a broken link.
    short = len(content) < len(CONTENT) and not says_size
    assert error.id == ("artifact.unreachable" if short else "artifact.size")
    assert sum(parts(target)) <= len(CONTENT)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_passing_error_is_tried_again(files: Files, target: Path, status: int) -> None:
    """Servers recover."""
    files.statuses["/a.bin"] = [status, status]

    fetch(entry(files), target, pace=QUICK)

    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("statuses", "id", "requests"),
    [
        ([503] * 9, "artifact.unreachable", 3),
        ([404] * 9, "artifact.missing", 1),
        ([403] * 9, "artifact.http", 1),
        ([401] * 9, "artifact.http", 1),
        ([204] * 9, "artifact.http", 1),
    ],
)
def test_an_error_that_stays_is_told(
    files: Files, target: Path, statuses: list[int], id: str, requests: int
) -> None:
    """What no further try mends is tried once."""
    files.statuses["/a.bin"] = statuses

    error = refused(entry(files), target)

    assert error.id == id
    assert files.url("/a.bin") in error.message
    assert len(files.seen) == requests


def test_nothing_listens(files: Files, target: Path) -> None:
    """The address and the number of tries are told."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        files.base = f"http://127.0.0.1:{closed.getsockname()[1]}"

        error = refused(entry(files), target)

    assert error.id == "artifact.unreachable"
    assert "tried 3 times" in error.message


def test_a_server_that_trickles_is_given_up(files: Files, target: Path) -> None:
    """Each byte comes in time, and the file never would."""
    files.trickle_s = 0.05
    began = time.monotonic()

    error = refused(entry(files), target, Pace(tries=2, wait_s=0.01, slow_s=0.2, slow_bytes=1000))

    assert "bytes came in" in error.message
    assert time.monotonic() - began < 3


def test_a_server_that_falls_silent_is_given_up(files: Files, target: Path) -> None:
    """A connection without bytes is a broken one."""
    files.trickle_s = 1.0

    error = refused(entry(files), target, Pace(tries=2, wait_s=0.01, silent_s=0.1))

    assert "no answer in time" in error.message


def test_a_redirect_is_followed(files: Files, target: Path) -> None:
    """As dl.k8s.io and GitHub send to their stores; the range goes with it."""
    files.redirects["/latest"] = "/a.bin"
    files.cuts["/a.bin"] = [web.MIB]

    fetch(entry(files, "/latest"), target, pace=QUICK)

    assert target.read_bytes() == CONTENT
    assert files.spans("/a.bin")[1] == f"bytes={web.MIB}-"


def test_redirects_that_never_end_are_refused(files: Files, target: Path) -> None:
    """Five are followed."""
    files.redirects["/loop"] = "/loop"

    assert refused(entry(files, "/loop"), target).id == "artifact.redirect"
    assert len(files.seen) == 6


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://u:p@127.0.0.1/a"]
)
def test_a_redirect_to_elsewhere_than_the_web_is_refused(
    files: Files, target: Path, location: str
) -> None:
    """Nor are credentials taken from a server's hands, or shown."""
    files.redirects["/x"] = location

    error = refused(entry(files, "/x"), target)

    assert error.id == "artifact.redirect"
    assert "u:p" not in error.message


def test_a_redirect_from_https_to_http_is_refused(
    files: Files, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain server is not even asked; over https the same file comes."""
    pem, _ = certificates.certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    with serving(pem) as safe:
        safe.redirects["/x"] = files.url("/a.bin")
        safe.redirects["/y"] = safe.url("/a.bin")
        safe.contents["/a.bin"] = CONTENT

        assert refused(entry(safe, "/x"), target).id == "artifact.redirect"
        assert files.seen == []
        assert fetch(entry(safe, "/y"), target, pace=QUICK)


def test_an_untrusted_certificate_is_refused(tmp_path: Path, target: Path) -> None:
    """Once: trying again does not make it trusted."""
    pem, _ = certificates.certificate(tmp_path)
    with serving(pem) as safe:
        assert refused(entry(safe), target).id == "artifact.untrusted"
        assert safe.seen == []


def test_an_authorities_file_that_is_missing_is_a_mistake_of_the_configuration(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named."""
    pem, _ = certificates.certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such.pem")
    with serving(pem) as safe, pytest.raises(ConfigError, match=r"/no/such\.pem"):
        fetch(entry(safe), target, pace=QUICK)


def test_credentials_go_to_their_own_host_alone(
    files: Files, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """~/.netrc has some for the mirror, which redirects to another name."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mirror password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    files.redirects["/x"] = files.url("/a.bin").replace("127.0.0.1", "localhost")

    fetch(entry(files, "/x"), target, pace=QUICK)

    sent = {path: "Authorization" in headers for path, headers in files.seen}
    assert sent == {"/x": True, "/a.bin": False}


def test_a_proxy_of_the_environment_is_used(
    files: Files, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As curl does, unless NO_PROXY names the host."""
    with serving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.base)
        proxy.contents[files.url("/a.bin")] = CONTENT  # a proxy is asked by whole addresses

        fetch(entry(files), target, pace=QUICK)
        assert (len(proxy.seen), len(files.seen)) == (1, 0)

        target.unlink()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        fetch(entry(files), target, pace=QUICK)
        assert (len(proxy.seen), len(files.seen)) == (1, 1)


def test_a_place_that_cannot_be_written_is_a_mistake_of_the_configuration(
    files: Files, target: Path
) -> None:
    """It is not taken for a broken link."""
    blocked = target / "a.bin"  # its folder is a file

    with pytest.raises(ConfigError, match="cannot be written"):
        fetch(entry(files), blocked, pace=QUICK)


def test_the_size_is_told_by_a_request_for_one_byte(files: Files) -> None:
    """Of a server without ranges, by the length that it would send."""
    assert web.size_of(files.url("/a.bin"), pace=QUICK) == len(CONTENT)
    assert files.spans("/a.bin") == ["bytes=0-0"]
    files.ranges = False
    assert web.size_of(files.url("/a.bin"), pace=QUICK) == len(CONTENT)
    files.says_size = False
    with pytest.raises(ArtifactError, match="does not say its size"):
        web.size_of(files.url("/a.bin"), pace=QUICK)


def test_a_file_that_is_hashed_unseen_has_the_size_that_was_told(files: Files) -> None:
    """Neither more is read, nor a broken link taken for the end."""
    url = files.url("/a.bin")
    files.says_size = False
    expected = hashlib.sha256(CONTENT).hexdigest()
    assert web.hash_of(url, size=len(CONTENT), pace=QUICK) == expected
    with pytest.raises(ArtifactError, match="is larger than") as caught:
        web.hash_of(url, size=len(CONTENT) - 1, pace=QUICK)
    assert caught.value.id == "artifact.size"
    with pytest.raises(ArtifactError, match="broke off after"):
        web.hash_of(url, size=len(CONTENT) + 1, pace=QUICK)


def test_an_empty_file_is_refused(files: Files) -> None:
    """A server has no first byte of it to send."""
    files.contents["/empty"] = b""
    with pytest.raises(ArtifactError, match="has 0 bytes; from 1 byte to 1 GiB") as caught:
        web.size_of(files.url("/empty"), pace=QUICK)
    assert caught.value.id == "artifact.size"


def test_a_text_is_read_no_further_than_its_limit(files: Files) -> None:
    """One byte more tells that it is too long; a cut one is asked for again."""
    assert web.text_of(files.url("/a.bin"), limit=1000, pace=QUICK) == CONTENT[:1001]
    files.contents["/short"] = b"0123456789"
    files.cuts["/short"] = [5]
    assert web.text_of(files.url("/short"), limit=1000, pace=QUICK) == b"0123456789"
    assert len(files.spans("/short")) == 2


def test_the_cache_lies_where_the_platform_keeps_caches(files: Files) -> None:
    """Under a name that is the file's own."""
    home = Path("/home/me")
    assert cache_folder({}, home) == Path("/home/me/.cache/wincnode/artifacts")
    cache = cache_folder({"XDG_CACHE_HOME": "/var/cache"}, home)
    assert path_in(cache, entry(files)) == Path("/var/cache/wincnode/artifacts/a/1.0.0/a.bin")
    for path in ("/", "/..", "/a%2Fb", "/.a"):
        with pytest.raises(ConfigError, match="no file name"):
            path_in(cache, entry(files, path))
