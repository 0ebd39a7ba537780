"""A link of a lab node that is slow, lossy, forgetful or shut: bytes take their time on it."""

from __future__ import annotations

import queue
import random
import socket
import threading
import time
from dataclasses import dataclass, field

# What one packet of Ethernet carries, and how many wait in a router before it takes no more.
SEGMENT_BYTES = 1460
QUEUED = 16
MOST_FILLERS = 8
SMALL_BUFFER_BYTES = 8192
# The least that TCP waits before it sends again what was lost: RFC 6298 2.4, and Linux' 0.2 s.
RESEND_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a link does; each is 0 where it does not.

    Args:
        latency_s: seconds each way. bytes_per_s: no more pass, each way.
        loss: share of packets that have to be sent again.
        idle_cut_s: after so long without a byte nothing passes any more.
    """

    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    loss: float = 0.0
    idle_cut_s: float = 0.0


@dataclass(kw_only=True, slots=True)
class _State:
    """What both ways of a connection share: when it last carried a byte."""

    used_s: float
    # The same packets are lost in every run of a test.
    draw: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - of packets
    cut: bool = False
    ended: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, near: socket.socket) -> None:
        """Note the end of one way; the second one closes what the ways met in."""
        with self.lock:
            self.ended += 1
            if self.ended == 2:
                near.close()


def shaped(connection: socket.socket, shape: Shape) -> socket.socket:
    """Give the far end of a link that does so to a connection; the connection where it is sound."""
    if shape == Shape():
        return connection
    near, far = socket.socketpair()
    state = _State(used_s=time.monotonic())
    for source, target in ((connection, near), (near, connection)):
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue(QUEUED)
        taking = threading.Thread(target=_take, args=(source, waiting, shape, state), daemon=True)
        giving = threading.Thread(target=_give, args=(target, waiting, near, state), daemon=True)
        taking.start()
        giving.start()
    return far


def _take(
    source: socket.socket, waiting: queue.Queue[tuple[float, bytes]], shape: Shape, state: _State
) -> None:
    """Read what is sent and say when it is due at the other end; nothing is the end."""
    size = SEGMENT_BYTES if shape.bytes_per_s else 1 << 16
    free_s = due_s = 0.0
    data = b"-"
    while data:
        try:
            data = source.recv(size)
        except OSError:
            data = b""
        now = time.monotonic()
        state.cut |= 0 < shape.idle_cut_s < now - state.used_s
        state.used_s = now
        if state.cut and data:
            continue
        free_s = max(free_s, now) + (len(data) / shape.bytes_per_s if shape.bytes_per_s else 0)
        lost = state.draw.random() < shape.loss
        again_s = max(RESEND_S, 2 * shape.latency_s) if lost else 0
        due_s = max(due_s, free_s + shape.latency_s + again_s)
        waiting.put((due_s, data))


def _give(
    target: socket.socket,
    waiting: queue.Queue[tuple[float, bytes]],
    near: socket.socket,
    state: _State,
) -> None:
    """Write what is due, and take what nobody reads any more, to the end."""
    lost = False
    data = b"-"
    while data:
        due_s, data = waiting.get()
        if lost:
            continue
        time.sleep(max(0.0, due_s - time.monotonic()))
        try:
            if data:
                target.sendall(data)
            else:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            lost = True
    state.end(near)


def filled(listening: socket.socket) -> list[socket.socket]:
    """Fill a socket's queue, which nobody empties, so that the kernel drops further SYNs.

    Source: tcp_v4_conn_request drops one while the accept queue is full,
    torvalds/linux:net/ipv4/tcp_input.c@v6.12 (tcp_conn_request)
    """
    listening.listen(0)
    fillers: list[socket.socket] = []
    while len(fillers) < MOST_FILLERS:
        filler = socket.socket()
        fillers.append(filler)
        filler.settimeout(0.1)
        try:
            filler.connect(listening.getsockname())
        except TimeoutError:
            break
    return fillers


def small_buffers(listening: socket.socket) -> None:
    """Let what waits wait at the client, as on a slow link; connections inherit it.

    A client's own buffer grows with the largest segment, which on loopback is 64 KB.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
