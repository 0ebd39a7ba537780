"""Tries what a client lists, from this process, as the node's script does it from a node."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib import error, request
from urllib.parse import SplitResult, urlsplit

from wincnode.lab.cluster.authority import NODES_SEE
from wincnode.lab.model.host import Host
from wincnode.lab.model.software_facts import ENVIRONMENT, hidden

Section: TypeAlias = dict[str, Any]
CONNECT_S, ANSWER_S = 5.0, 4.0
PORTS = {"http": 80, "https": 443}
PROXIED = frozenset({"registry", "download"})
# Names of SocketError and of WebExceptionStatus; a kind stands before those that it belongs to.
NAMES: Sequence[tuple[type[Exception], str]] = (
    (ssl.SSLError, "AuthenticationFailed"),
    (socket.gaierror, "HostNotFound"),
    (TimeoutError, "TimedOut"),
    (ConnectionRefusedError, "ConnectionRefused"),
    (ConnectionResetError, "ConnectionReset"),
)


class _Stay(request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect."""


def connectivity(host: Host, targets: Iterable[Mapping[str, str]]) -> Section:
    """Try each target."""
    return {"targets": [_tried(host, row["kind"], row["url"]) for row in targets]}


def _tried(host: Host, kind: str, url: str) -> Section:
    at = urlsplit(url)
    proxy = _proxy(host, at) if kind == "registry" else ""
    to = urlsplit(proxy) if proxy else at
    shown = f"{to.scheme}://{hidden(to.netloc)}" if proxy else ""
    said: Section = {
        "url": url,
        "via": shown,
        "connected": False,
        "status": None,
        "error": "",
        "certificate": "",
        "addresses": [],
    }
    if (end := host.machine.profile.unreached.get(kind)) is not None:
        return {**said, **_planted(end)}
    if kind == "dns":
        return {**said, **_resolved(at.hostname or "")}
    try:
        # Lab nodes know the control plane by an address of its own.
        name = "127.0.0.1" if to.hostname == NODES_SEE else to.hostname or ""
        place = (name, to.port or PORTS[to.scheme])
        with socket.create_connection(place, timeout=CONNECT_S) as link:
            said["connected"] = True
            if kind == "api":
                link.settimeout(ANSWER_S)
                said["certificate"] = _certificate(link, at.hostname or "")
        if kind in PROXIED:
            said["status"] = _status(kind, url, proxy)
    except (OSError, http.client.HTTPException) as problem:
        said["error"] = _name(problem)
    return said


def _planted(end: str | int) -> Section:
    """Give what is left of a try that a profile lets end so; TLS begins once a link is there."""
    if isinstance(end, int):
        return {"connected": True, "status": end}
    return {"connected": end == "AuthenticationFailed", "error": end}


def _resolved(name: str) -> Section:
    """Look a name up by this host's resolver."""
    try:
        rows = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as problem:
        return {"error": _name(problem)}
    return {"connected": True, "addresses": list(dict.fromkeys(str(row[4][0]) for row in rows))}


def _certificate(link: socket.socket, name: str) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(link, server_hostname=name) as tls:
        return base64.b64encode(tls.getpeercert(binary_form=True) or b"").decode()


def _status(kind: str, url: str, proxy: str) -> int:
    """Give the status of an answer; a download is asked for one byte, a registry for none."""
    proxies = request.ProxyHandler({urlsplit(url).scheme: proxy} if proxy else {})
    follow = [] if kind == "download" else [_Stay()]
    opener = request.build_opener(proxies, *follow)
    asked = request.Request(url, method="GET" if kind == "download" else "HEAD")  # noqa: S310 - https and http alone, by the inventory
    asked.add_header("User-Agent", "wincnode")
    if kind == "download":
        asked.add_header("Range", "bytes=0-0")
    try:
        with opener.open(asked, timeout=ANSWER_S) as answer:
            return int(answer.status)
    except error.HTTPError as refused:
        return refused.code


def _proxy(host: Host, at: SplitResult) -> str:
    """Give the proxy that containerd would take by the machine's variables."""
    read = host.machine.registry.data
    name = (at.hostname or "").lower()
    if name == "localhost" or name.startswith("127."):
        return ""
    for row in str(read(ENVIRONMENT, "NO_PROXY", "")).replace(" ", ",").split(","):
        entry = row.lstrip("*").lstrip(".").lower()
        if row and (not entry or name == entry or name.endswith(f".{entry}")):
            return ""
    text = str(read(ENVIRONMENT, f"{at.scheme.upper()}_PROXY", ""))
    return text if not text or "://" in text else f"http://{text}"


def _name(problem: Exception) -> str:
    """Give the name that .NET has for what went wrong."""
    cause = problem.reason if isinstance(problem, error.URLError) else problem
    return next((name for kind, name in NAMES if isinstance(cause, kind)), "ReceiveFailure")
