"""GET over http and https with care: redirects, size, silence and slowness have limits.

Proxies, further authorities and credentials come from the environment, as curl takes them:
HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE and ~/.netrc, which is looked up for each host anew.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from wincnode.artifacts import timed
from wincnode.errors import ArtifactError, ConfigError
from wincnode.events import printable

T = TypeVar("T")

MIB = 1024 * 1024
LIMIT_BYTES = 1024 * MIB
LIMIT_HOPS = 5
PIECE_BYTES = 64 * 1024
LONGEST_ASKED_S = 30.0
OR_PROXY = (
    ", or its proxy in the environment is none that is spoken to: those of http and https are"
)
# What a server says when it may do better the next time.
PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How patient a download is; all times in seconds.

    Args:
        tries: how often in a row nothing may come. wait_s: before the second try; doubles.
        silent_s: the longest time between two bytes. slow_s: the time in which slow_bytes must
            arrive.
    """

    tries: int = 5
    wait_s: float = 1.0
    connect_s: float = 10.0
    silent_s: float = 30.0
    slow_s: float = 60.0
    slow_bytes: int = PIECE_BYTES


class Passing(Exception):
    """What went wrong may be mended by trying again.

    Args: after_s: the pause that was asked for. status: of the answer; 0 where none came.
    """

    def __init__(self, message: str, *, after_s: float = 0.0, status: int = 0) -> None:
        super().__init__(message)
        self.after_s = after_s
        self.status = status


class Session(requests.Session):
    """A session whose answers keep a pace, from their first byte on.

    It does not look where a redirect leads: it would read all of the body first.
    """

    def __init__(self) -> None:
        super().__init__()
        for scheme in timed.POOLS:
            self.mount(f"{scheme}://", timed.Adapter())

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Lead nowhere; whoever asked follows the header itself."""
        return


def size_of(url: str, *, pace: Pace) -> int:
    """Give a file's size in bytes.

    Raises: ArtifactError.
    """

    def ask() -> int:
        # One byte is asked for by GET: the signed URL that a redirect leads to is for GET alone.
        with opened(url, span="bytes=0-0", pace=pace) as response:
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return 0
            return length_of(response)

    size = tried(ask, url, pace)
    if not 0 < size <= LIMIT_BYTES:
        text = "the server does not say its size" if size < 0 else f"has {size} bytes"
        raise ArtifactError(f"{url}: {text}; from 1 byte to 1 GiB are taken", id="artifact.size")
    return size


def text_of(url: str, *, limit: int, pace: Pace) -> bytes:
    """Give what is at a URL; of more than `limit` bytes, one byte more than that.

    Raises: ArtifactError.
    """

    def read() -> bytes:
        content = b""
        with opened(url, pace=pace) as response:
            for piece in pieces(response, pace):
                content += piece
                if len(content) > limit:
                    return content[: limit + 1]
        return content

    return tried(read, url, pace)


def hash_of(url: str, *, size: int, pace: Pace) -> str:
    """Give the SHA-256 of what is at a URL, without keeping it.

    Raises: ArtifactError.
    """

    def read() -> str:
        digest, got = hashlib.sha256(), 0
        with opened(url, pace=pace) as response:
            for piece in pieces(response, pace):
                digest.update(piece)
                got += len(piece)
                if got > size:
                    raise ArtifactError(f"{url}: is larger than {size} bytes", id="artifact.size")
        if got < size:
            raise Passing(f"broke off after {got} of {size} bytes")
        return digest.hexdigest()

    return tried(read, url, pace)


def tried(action: Callable[[], T], url: str, pace: Pace) -> T:
    """Do something until it works, with growing pauses.

    Raises: ArtifactError: it failed too often.
    """
    failures = 0
    while True:
        try:
            return action()
        except Passing as problem:
            failures += 1
            if failures >= pace.tries:
                raise gave_up(url, problem, pace) from problem
            asked_s = min(problem.after_s, LONGEST_ASKED_S)
            time.sleep(max(pace.wait_s * 2 ** (failures - 1), asked_s))


def gave_up(url: str, problem: Passing, pace: Pace) -> ArtifactError:
    """Give the error after the last try."""
    text = f"{url}: {problem}; tried {pace.tries} times"
    return ArtifactError(text, id="artifact.unreachable")


@contextmanager
def opened(url: str, *, pace: Pace, span: str = "") -> Iterator[requests.Response]:
    """Open a URL and what it redirects to.

    Args: span: a Range header's value; its answer may be 206, 200 or 416.
    Raises: Passing, ArtifactError.
    """
    # What is on disk and hashed are the file's own bytes, so no encoding on the way.
    headers = {"Accept-Encoding": "identity", **({"Range": span} if span else {})}
    with Session() as session:
        at = url
        for _ in range(LIMIT_HOPS + 1):
            with told(at):
                response = session.get(
                    at,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=(pace.connect_s, pace.silent_s),
                )
            with response:
                if not response.is_redirect:
                    _refuse_status(url, response)
                    yield response
                    return
                at = redirected(at, response.headers["location"])
    raise ArtifactError(f"{url}: redirects more than {LIMIT_HOPS} times", id="artifact.redirect")


def pieces(response: requests.Response, pace: Pace) -> Iterator[bytes]:
    """Give the body as it arrives.

    Raises: Passing: it is cut, silent or too slow.
    """
    since, got = time.monotonic(), 0
    while piece := _piece(response):
        yield piece
        got += len(piece)
        elapsed = time.monotonic() - since
        if elapsed > pace.slow_s:
            if got < pace.slow_bytes:
                raise Passing(f"only {got} bytes came in {elapsed:.0f} s")
            since, got = time.monotonic(), 0


def _piece(response: requests.Response) -> bytes:
    with told(response.url):
        piece: bytes = response.raw.read1(PIECE_BYTES, decode_content=False)
    return piece


def length_of(response: requests.Response) -> int:
    """Give the size of the whole file that a response tells; -1 where it tells none."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        return range_of(response)[1]
    text = response.headers.get("content-length", "")
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else -1


def range_of(response: requests.Response) -> tuple[int, int]:
    """Give where a partial answer starts, and the size of the whole; -1 for what it hides."""
    text = response.headers.get("content-range", "")
    found = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", text)
    if found is None:
        return -1, -1
    return int(found[1]), -1 if found[2] == "*" else int(found[2])


@contextmanager
def told(url: str) -> Iterator[None]:
    """Say in our words what the libraries raise."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            text = f"{url}: the server's certificate is not trusted"
            raise ArtifactError(text, id="artifact.untrusted") from error
        raise Passing("TLS broke off") from error
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        # Not chained: the libraries do not say which of the two it was, but a proxy's password.
        proxied = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
        text = f"{printable(url)}: is no address{OR_PROXY if proxied else ''}"
        raise ArtifactError(text, id="artifact.http") from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise Passing("no answer in time") from error
    except requests.exceptions.ProxyError as error:
        raise Passing("the proxy does not answer") from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise Passing("the connection broke") from error
    except OSError as error:  # REQUESTS_CA_BUNDLE names no file
        raise ConfigError(str(error)) from error


def _refuse_status(url: str, response: requests.Response) -> None:
    code = response.status_code
    if code in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return
    if code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return
    if code in PASSING:
        raise Passing(f"the server answered {code}")
    if code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise ArtifactError(f"{url}: the server has no such file", id="artifact.missing")
    raise ArtifactError(f"{url}: the server answered {code}", id="artifact.http")


def redirected(at: str, location: str) -> str:
    """Give where a redirect leads.

    Raises: ArtifactError: away from https, to no web address, or with credentials in it.
    """
    try:
        to = urljoin(at, location)
        parts = urlsplit(to)
    except ValueError as error:
        raise ArtifactError(f"{at}: redirects to no address", id="artifact.redirect") from error
    allowed = {"https"} if at.startswith("https:") else {"http", "https"}
    if parts.scheme not in allowed or "@" in parts.netloc:
        what = printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
        raise ArtifactError(f"{at}: redirects to {what}", id="artifact.redirect")
    return to
