"""Holds answers to a pace: a server may send a byte of a line now and then for ever.

The timeouts of the libraries are those between two bytes. Source: requests.readthedocs.io,
"Timeouts"; of answers 100, http.client takes any number.
"""

from __future__ import annotations

import io
import math
import socket
import time
from http.client import HTTPResponse
from typing import Any

import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

# In which the status and the headers must come; after them, as much of the body as LEAST_BYTES.
WINDOW_S = 60.0
LEAST_BYTES = 64 * 1024


class _Timed(io.RawIOBase):
    """What a socket gives, while it gives enough of it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._least = math.inf
        self._begin()

    def _begin(self) -> None:
        self._until, self._got = time.monotonic() + WINDOW_S, 0

    def has_begun(self) -> None:
        """Take it that the headers are there."""
        self._least = LEAST_BYTES
        self._begin()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._until:
            if self._got < self._least:
                raise TimeoutError("the answer comes too slowly")
            self._begin()
        got: int | None = self._raw.readinto(buffer)
        self._got += got or 0
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer that is read at a pace."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self._timed = _Timed(sock.makefile("rb", buffering=0))
        self.fp = io.BufferedReader(self._timed)

    def begin(self) -> None:
        super().begin()
        self._timed.has_begun()


class _Http(HTTPConnection):
    response_class = _Response


class _Https(HTTPSConnection):
    response_class = _Response


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


POOLS = {"http": _HttpPool, "https": _HttpsPool}


class Adapter(requests.adapters.HTTPAdapter):
    """Sends requests over connections whose answers keep the pace, through proxies too."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> urllib3.ProxyManager:
        """Make the pools of a proxy."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager
