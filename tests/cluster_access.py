"""What tests of the cluster's client share: kubeconfigs, and a server that says what it is told."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from wincnode.cluster.access import Right, roles
from wincnode.cluster.api import Api
from wincnode.cluster.connection import Patience
from wincnode.cluster.kubeconfig import ClusterAccess, load
from wincnode.lab.cluster import ControlPlane

RBAC = "rbac.authorization.k8s.io"
HASTE = Patience(tries=3, wait_s=0.01, longest_wait_s=0.05, connect_s=5, silent_s=5)


def kubeconfig(path: Path, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> Path:
    """Write a kubeconfig of one cluster, one user and one context, all called `one`."""
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "one", "cluster": dict(cluster)}],
        "users": [{"name": "one", "user": dict(user)}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "current-context": "one",
    }
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def administrator(kubeconfig: Path) -> Api:
    """Give a client that does not wait long."""
    return Api(load(kubeconfig), patience=HASTE)


def granted(plane: ControlPlane, rights: Sequence[Right], user: str = "ops") -> Path:
    """Bind the roles of some rights to a user, and give the user's kubeconfig."""
    grant(plane, rights, user)
    return plane.kubeconfig(user, [])


def grant(plane: ControlPlane, rights: Sequence[Right], user: str) -> None:
    """Bind the roles of some rights to a user, in place of those that were bound there."""
    for role in roles(rights):
        meta, kind = role["metadata"], role["kind"]
        plane.objects.put(f"{kind.lower()}s.{RBAC}", role)
        binding = {
            "metadata": meta,
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": meta["name"]},
            "subjects": [{"kind": "User", "apiGroup": RBAC, "name": user}],
        }
        plane.objects.put(f"{kind.lower()}bindings.{RBAC}", binding)


class Told(ThreadingHTTPServer):
    """Answers each request with the next of its answers, and remembers what was asked.

    An answer is (status, object or text or None, headers); None in its place cuts the connection.
    """

    daemon_threads = True

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Told

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        self.server.asked.append((self.command, self.path))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, body, headers = answer
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(text.encode())), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the base class


@contextmanager
def told(*answers: Any) -> Iterator[tuple[Told, Api]]:
    """Run such a server, and give it with a client of it."""
    with Told(list(answers)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server, Api(ClusterAccess(server=server.url), patience=HASTE)
        finally:
            server.shutdown()
            thread.join()


def ok(body: Any, **headers: str) -> tuple[int, Any, dict[str, str]]:
    return 200, body, headers


def failed(code: int, message: str = "no", **headers: str) -> tuple[int, Any, dict[str, str]]:
    body = {"kind": "Status", "status": "Failure", "message": message, "code": code}
    return code, body, {name.replace("_", "-"): value for name, value in headers.items()}
