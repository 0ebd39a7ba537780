"""Who is asking: a header and a client certificate, from the kubeconfig or its exec plugin.

Source of the plugin's interface: kubernetes/client-go:plugin/pkg/client/auth/exec/exec.go
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wincnode.cluster.entries import fits_header
from wincnode.cluster.kubeconfig import ClusterAccess, Plugin
from wincnode.errors import ClusterRefused, ConfigError
from wincnode.secrets import Secret

# Somebody who logs on in a browser takes longer than a program that looks something up.
INTERACTIVE_S = 600
SILENT_S = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What one request shows of its sender.

    Args: authorization: the whole value of the header.
    """

    authorization: Secret | None = None
    certificate: Secret | None = None
    key: Secret | None = None
    expires: datetime | None = None


class Credentials:
    """Gives the identity of each request; a plugin runs once, and again when that has expired.

    Args: may_ask: whether a plugin may talk to whoever sits at the terminal.
    """

    def __init__(self, access: ClusterAccess, *, may_ask: bool) -> None:
        self._access = access
        self._may_ask = may_ask
        self._lock = threading.Lock()
        self._given: Identity | None = None

    def identity(self) -> Identity:
        """Give the identity to use now.

        Raises: ConfigError: a file cannot be read. ClusterRefused: the plugin gave none.
        """
        access = self._access
        if access.server.startswith("http:"):
            return Identity()  # as kubectl: others could read it on the way
        authorization = _authorization(access)
        if access.certificate:
            certificate, key = access.certificate.read(), access.key.read()
            return Identity(authorization=authorization, certificate=certificate, key=key)
        if authorization is not None or access.plugin is None:
            return Identity(authorization=authorization)
        with self._lock:
            if self._given is None or _expired(self._given):
                self._given = _ask(access.plugin, access, may_ask=self._may_ask)
            return self._given

    def renew(self, refused: Identity) -> bool:
        """Forget what the server refused; tells whether there may be something better now."""
        with self._lock:
            if self._given is refused:
                self._given = None
                return True
        return False


def _authorization(access: ClusterAccess) -> Secret | None:
    if token := _token(access):
        return Secret(f"Bearer {token}")
    if access.username:
        password = access.password.reveal() if access.password else ""
        pair = f"{access.username}:{password}".encode()
        return Secret(f"Basic {base64.b64encode(pair).decode()}")
    return None


def _token(access: ClusterAccess) -> str:
    """Give the token; that of a file, which somebody may renew, goes before the written one."""
    written = access.token.reveal() if access.token else ""
    if access.token_file is None:
        return written
    try:
        found = Path(access.token_file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        if written:
            return written
        # Not chained: the exception may hold the bytes.
        raise _unread(access.token_file) from None
    if not fits_header(found):
        raise _unread(access.token_file)
    return found or written


def _unread(path: Path) -> ConfigError:
    return ConfigError(f"{path}: cannot be read as a token", id="config.kubeconfig")


def _expired(identity: Identity) -> bool:
    return identity.expires is not None and identity.expires <= datetime.now(UTC)


def _ask(plugin: Plugin, access: ClusterAccess, *, may_ask: bool) -> Identity:
    """Run the plugin; what it writes to stderr is for whoever sits there."""
    interactive = _interactive(plugin, may_ask=may_ask)
    environ = {
        **os.environ,
        **dict(plugin.env),
        "KUBERNETES_EXEC_INFO": json.dumps(_told(plugin, access, interactive=interactive)),
    }
    try:
        done = subprocess.run(
            [plugin.command, *plugin.args],
            env=environ,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=INTERACTIVE_S if interactive else SILENT_S,
            check=False,
        )
    except OSError as err:
        text = f"the kubeconfig's plugin {plugin.command} cannot be started: {err.strerror}"
        raise _failed(text, plugin.install_hint) from err
    except subprocess.TimeoutExpired as err:
        text = f"the kubeconfig's plugin {plugin.command} took longer than {err.timeout:.0f} s"
        # Not chained: the exception holds what the plugin had written.
        raise _failed(text) from None
    if done.returncode:
        text = f"the kubeconfig's plugin {plugin.command} ended with {done.returncode}"
        raise _failed(text, "Run it by hand to see why.")
    try:
        return _identity(json.loads(done.stdout), plugin)
    except (ValueError, TypeError, AttributeError):
        # Not chained: the exception may hold what the plugin wrote.
        text = f"the kubeconfig's plugin {plugin.command} wrote no ExecCredential"
        raise _failed(text, f"It must answer in {plugin.api_version}.") from None


def _interactive(plugin: Plugin, *, may_ask: bool) -> bool:
    if plugin.interactive == "Never":
        return False
    somebody = may_ask and sys.stdin is not None and sys.stdin.isatty()
    if plugin.interactive == "Always" and not somebody:
        text = f"the kubeconfig's plugin {plugin.command} must ask, and there is nobody to answer"
        raise _failed(text, "Run wincnode in a terminal, without --no-input.")
    return somebody


def _told(plugin: Plugin, access: ClusterAccess, *, interactive: bool) -> Mapping[str, Any]:
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.provide_cluster_info:
        authority = access.ca.read().reveal()
        rows = {
            "server": access.server,
            "tls-server-name": access.tls_server_name,
            "insecure-skip-tls-verify": access.insecure,
            "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
            "proxy-url": access.proxy_url,
            "config": plugin.config,
        }
        spec["cluster"] = {name: value for name, value in rows.items() if value}
    return {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}


def _identity(answer: Mapping[str, Any], plugin: Plugin) -> Identity:
    """Read an ExecCredential.

    Raises: ValueError, TypeError, AttributeError: it is none.
    """
    status = answer["status"] if answer.get("apiVersion") == plugin.api_version else {}
    token = status.get("token")
    certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
    if bool(certificate) != bool(key) or not (token or certificate):
        raise ValueError
    # One that ends its header would show the token in an error of the library.
    if token and not fits_header(token):
        raise ValueError
    expires = status.get("expirationTimestamp")
    if expires and datetime.fromisoformat(expires).tzinfo is None:
        raise ValueError
    return Identity(
        authorization=Secret(f"Bearer {token}") if token else None,
        certificate=Secret(certificate) if certificate else None,
        key=Secret(key) if key else None,
        expires=datetime.fromisoformat(expires) if expires else None,
    )


def _failed(text: str, remedy: str = "") -> ClusterRefused:
    return ClusterRefused(text, remedy=remedy, id="cluster.plugin")
