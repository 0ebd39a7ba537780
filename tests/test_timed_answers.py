"""Answers that never end before they have begun, by a raw server on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from wincnode.artifacts import timed
from wincnode.artifacts.web import Pace, text_of
from wincnode.errors import ArtifactError

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACE = Pace(tries=2, wait_s=0.01, connect_s=2, silent_s=2)
LONGEST_S = 8.0


@contextlib.contextmanager
def trickling(begin: bytes, piece: bytes) -> Iterator[str]:
    """Answer each request with a begin and then a piece every 20 ms, but not for ever."""

    def answer(link: socket.socket) -> None:
        with contextlib.suppress(OSError), link:
            link.recv(65536)
            link.sendall(begin)
            until = time.monotonic() + LONGEST_S
            while piece and time.monotonic() < until:
                link.sendall(piece)
                time.sleep(0.02)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = server.accept()
                threading.Thread(target=answer, args=(link,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"", b"H"),
        (OK, b"X"),
        (OK, b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (CHUNKED, b"0"),
        (CHUNKED + b"5;", b"x"),
        (CHUNKED + b"0\r\n", b"X: y\r\n"),
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
def test_an_answer_that_trickles_ends(
    monkeypatch: pytest.MonkeyPatch, begin: bytes, piece: bytes, *, proxied: bool
) -> None:
    """Each byte comes in time, the whole never; through a proxy too."""
    monkeypatch.setattr(timed, "WINDOW_S", 0.3)
    begun = time.monotonic()

    with trickling(begin, piece) as url:
        monkeypatch.setenv("HTTP_PROXY" if proxied else "NO_PROXY", url if proxied else "*")
        monkeypatch.delenv("NO_PROXY" if proxied else "HTTP_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        at = "http://a.example/x" if proxied else url
        with pytest.raises(ArtifactError, match="tried 2 times"):
            text_of(at, limit=100_000, pace=PACE)

    assert time.monotonic() - begun < LONGEST_S / 2


def test_an_answer_with_a_word_in_advance_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 may come before it, and its body in pieces."""
    monkeypatch.setenv("NO_PROXY", "*")
    early = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"
    with trickling(early + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"") as url:
        assert text_of(url, limit=10, pace=PACE) == b"abc"
