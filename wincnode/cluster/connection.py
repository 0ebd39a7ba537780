"""HTTPS to one API server: trust, proxies, patience, and every failure in our words."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3 import exceptions

from wincnode import __version__
from wincnode.cluster.credentials import Credentials, Identity
from wincnode.cluster.failures import PASSING, Call, refusal
from wincnode.cluster.kubeconfig import ClusterAccess
from wincnode.cluster.pools import pools
from wincnode.errors import ClusterError, ClusterUnreachable

LIMIT_BYTES = 64 * 1024 * 1024
JSON = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long the API server is waited for; all times in seconds.

    Args: tries: of what may be asked twice. wait_s: before the second try; doubles.
        silent_s: the longest time between two bytes of an answer.
    """

    tries: int = 5
    wait_s: float = 0.5
    longest_wait_s: float = 10.0
    connect_s: float = 10.0
    silent_s: float = 30.0

    def pause(self, failures: int, *, asked_s: float = 0.0) -> float:
        """Give how long to wait after so many failures; the server may ask for more."""
        return min(max(self.wait_s * 2.0 ** (failures - 1), asked_s), self.longest_wait_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request; `safe` is one that may be sent twice, because it changes nothing."""

    call: Call
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    content_type: str = JSON
    safe: bool = False


class Passing(Exception):
    """What went wrong may be mended by trying again; the error is what to raise otherwise."""

    def __init__(self, error: ClusterError, *, after_s: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.after_s = after_s


class Connection:
    """Sends requests to one API server; it may be used by several threads."""

    def __init__(self, access: ClusterAccess, patience: Patience, *, may_ask: bool) -> None:
        self.access = access
        self.patience = patience
        # What stands before an @ could be a password.
        parts = urlsplit(access.server)
        self.server = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self.ahead_s = 0.0
        self._credentials = Credentials(access, may_ask=may_ask)
        self._lock = threading.Lock()
        self._pools: tuple[Identity, urllib3.PoolManager] | None = None

    def send(self, request: Request) -> dict[str, Any]:
        """Send a request and give the object of its answer.

        Raises: ClusterError, ConfigError.
        """
        failures = 0
        while True:
            try:
                with self.opened(request) as response:
                    return self._object(request, self._read(request, response))
            except Passing as problem:
                failures += 1
                if not request.safe or failures >= self.patience.tries:
                    raise problem.error from problem
                time.sleep(self.patience.pause(failures, asked_s=problem.after_s))

    @contextmanager
    def opened(
        self, request: Request, *, silent_s: float | None = None
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Open the answer of a request, whose status is one of success.

        Args: silent_s: instead of the patience's.
        Raises: Passing, ClusterError, ConfigError.
        """
        identity = self._credentials.identity()
        response = self._sent(request, identity, silent_s)
        if response.status == HTTPStatus.UNAUTHORIZED and self._credentials.renew(identity):
            response.drain_conn()
            response = self._sent(request, self._credentials.identity(), silent_s)
        try:
            self._note_clock(response)
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                self._refuse(request, response)
            yield response
        finally:
            # A stream that was not read to its end is no use to the next request.
            response.close()

    @contextmanager
    def told(self, call: Call) -> Iterator[None]:
        """Say in our words what the library raises."""
        try:
            yield
        except exceptions.SSLError as err:
            raise self._of_tls(call, err) from err
        except exceptions.NameResolutionError as err:
            text = f"{self.server}: {call}: the resolver knows no such name"
            raise ClusterUnreachable(text) from err
        except exceptions.NewConnectionError as err:  # which is a ConnectTimeoutError too
            raise self._passing(call, "nothing listens there") from err
        except (exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError) as err:
            raise self._passing(call, "no answer in time") from err
        except exceptions.ProxyError as err:
            raise self._passing(call, "the proxy does not let through") from err
        except (exceptions.HTTPError, OSError) as err:
            raise self._passing(call, "the connection broke") from err

    def bad_reply(self, call: Call, why: str) -> ClusterError:
        """Give the error for an answer that no API server sends."""
        text = f"{self.server}: {call}: what answers is no API server: {why}"
        return ClusterError(text, id="cluster.bad-reply")

    def _passing(self, call: Call, why: str) -> Passing:
        return Passing(ClusterUnreachable(f"{self.server}: {call}: {why}"))

    def _of_tls(self, call: Call, err: Exception) -> Exception:
        if "CERTIFICATE_VERIFY_FAILED" not in str(err):
            return self._passing(call, "TLS broke off")
        why = str(err).partition("CERTIFICATE_VERIFY_FAILED] ")[2].partition(" (_ssl")[0]
        return ClusterUnreachable(
            f"{self.server}: {call}: the certificate is not trusted: {why}",
            id="cluster.untrusted",
        )

    def _sent(
        self, request: Request, identity: Identity, silent_s: float | None
    ) -> urllib3.BaseHTTPResponse:
        query = f"?{urlencode(request.query)}" if request.query else ""
        silent = self.patience.silent_s if silent_s is None else silent_s
        with self.told(request.call):
            return self._pool(identity).request(
                request.method,
                f"{self.access.server}{request.path}{query}",
                body=None if request.body is None else json.dumps(request.body).encode(),
                headers=self._headers(request, identity),
                timeout=urllib3.Timeout(connect=self.patience.connect_s, read=silent),
                retries=False,
                preload_content=False,
            )

    def _headers(self, request: Request, identity: Identity) -> urllib3.HTTPHeaderDict:
        headers = urllib3.HTTPHeaderDict({"Accept": JSON, "User-Agent": f"wincnode/{__version__}"})
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        if identity.authorization is not None:
            headers["Authorization"] = identity.authorization.reveal()
        for name, value in self.access.impersonate:
            headers.add(name, value)
        return headers

    def _read(self, request: Request, response: urllib3.BaseHTTPResponse) -> bytes:
        with self.told(request.call):
            content = response.read(LIMIT_BYTES + 1)
        if len(content) > LIMIT_BYTES:
            raise self.bad_reply(request.call, "more than 64 MiB")
        return content

    def _refuse(self, request: Request, response: urllib3.BaseHTTPResponse) -> None:
        content = self._read(request, response)
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        is_status = isinstance(body, dict) and body.get("kind") == "Status"
        error = refusal(self.server, request.call, response.status, body if is_status else {})
        if response.status in PASSING:
            raise Passing(error, after_s=_seconds(response.headers.get("retry-after", "")))
        raise error

    def _note_clock(self, response: urllib3.BaseHTTPResponse) -> None:
        """Note how far the server's clock is ahead of ours."""
        try:
            date = parsedate_to_datetime(response.headers["date"])
        except (KeyError, ValueError):
            return
        self.ahead_s = date.timestamp() - time.time()

    def _object(self, request: Request, content: bytes) -> dict[str, Any]:
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.bad_reply(request.call, "it is no JSON object")
        return found

    def _pool(self, identity: Identity) -> urllib3.PoolManager:
        """Give the connections of an identity; another client certificate needs others."""
        with self._lock:
            if self._pools is None or self._pools[0].certificate != identity.certificate:
                self._pools = identity, pools(self.access, identity, os.environ)
            return self._pools[1]


def _seconds(text: str) -> float:
    """Read a Retry-After of seconds; the API server sends no dates."""
    return float(text) if text.isascii() and text.isdigit() else 0.0
