"""Connections to an API server: whom they trust, what they show, and through which proxy."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.util import make_headers

from wincnode.cluster.credentials import Identity
from wincnode.cluster.entries import is_address
from wincnode.cluster.kubeconfig import ClusterAccess
from wincnode.cluster.proxies import proxy_of
from wincnode.errors import ConfigError
from wincnode.secrets import Secret

# Requests that are under way together: rights are asked for all at once.
AT_ONCE = 8


def pools(
    access: ClusterAccess, identity: Identity, environ: Mapping[str, str]
) -> urllib3.PoolManager:
    """Give the connections for one identity.

    Raises: ConfigError: a certificate, its key or the proxy is not usable.
    """
    settings: dict[str, Any] = {"maxsize": AT_ONCE}
    if access.server.startswith("https:"):
        settings["ssl_context"] = _context(access, identity)
        settings["server_hostname"] = access.tls_server_name or None
    proxy = access.proxy_url or proxy_of(access.server, environ)
    if not proxy:
        return urllib3.PoolManager(**settings)
    if not is_address(proxy, schemes=("http", "https", "socks5", "socks5h")):
        # What stands before an @ could be a password, so that nothing of it is repeated.
        text = "the proxy is no address; it takes http or https, HOST and PORT"
        raise ConfigError(text, id="config.kubeconfig")
    parts = urlsplit(proxy)
    if parts.scheme not in {"http", "https"}:
        text = f"the proxy of {parts.hostname} is of scheme {parts.scheme}; it takes http or https"
        raise ConfigError(text, id="config.kubeconfig")
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(
        address,
        proxy_headers=make_headers(proxy_basic_auth=login) if login else None,
        **settings,
    )


def _context(access: ClusterAccess, identity: Identity) -> ssl.SSLContext:
    # Not create_default_context: since Python 3.13 it refuses authorities that kubectl takes,
    # such as those without an authority key identifier.
    # Source: docs.python.org/3/library/ssl.html, create_default_context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if access.insecure:
        # The kubeconfig says it; a warning for each request would say no more.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif access.ca:
        try:
            context.load_verify_locations(cadata=access.ca.read().reveal())
        except ssl.SSLError as err:
            text = f"{access.server}: the kubeconfig's certificate authority is no certificate"
            raise ConfigError(text, id="config.kubeconfig") from err
    else:
        context.load_default_certs()
    if identity.certificate is not None and identity.key is not None:
        _show(context, identity.certificate, identity.key, access.server)
    return context


def _show(context: ssl.SSLContext, certificate: Secret, key: Secret, server: str) -> None:
    """Load a client certificate, which ssl takes from a file alone; it is gone at once."""
    handle, name = tempfile.mkstemp(prefix="wincnode-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{certificate.reveal()}\n{key.reveal()}")
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(name, password="")
    except (ssl.SSLError, UnicodeEncodeError):
        # Not chained: the exception may hold the key.
        text = f"{server}: the client certificate and its key do not go together"
        raise ConfigError(text, id="config.kubeconfig") from None
    finally:
        Path(name).unlink()
