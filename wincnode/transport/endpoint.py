"""What a link's settings say before anything is sent: its URL, its pin, its contradictions."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import quote

from wincnode.errors import ConfigError
from wincnode.transport import ConnectionSettings

# learn.microsoft.com/windows/win32/winrm (installation-and-configuration, "Listener")
DEFAULT_PORTS = {"http": 5985, "https": 5986}
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")


def host_of(address: str) -> str:
    """Return the address without the brackets of an IPv6 literal.

    Raises:
        ConfigError: it is no host name and no IP literal (a URL, a user@host, a blank).
    """
    host = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        name = ""
    if len(name) > 253 or not _HOST_NAME.fullmatch(name):
        raise ConfigError(
            f"{address!r} is not a host name or an IP address",
            remedy="Give the bare name or address; scheme, port and user have their own fields.",
            id="link.address",
        )
    return name


def port_of(settings: ConnectionSettings) -> int:
    """Return the port to dial."""
    return settings.port or DEFAULT_PORTS[settings.scheme]


def endpoint_url(settings: ConnectionSettings) -> str:
    """Return the WS-Management URL, IPv6 literals in brackets (RFC 3986 3.2.2, RFC 6874)."""
    host = host_of(settings.address)
    if ":" in host:
        host = f"[{quote(host, safe=':')}]"
    return f"{settings.scheme}://{host}:{port_of(settings)}/wsman"


def node_name(settings: ConnectionSettings) -> str:
    """Return what messages call the far end: address and port."""
    return place(settings.address, port_of(settings))


def place(address: str, port: int) -> str:
    """Return an address with its port, IPv6 literals in brackets."""
    host = address.strip("[]")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def normal_fingerprint(text: str) -> str:
    """Return a SHA-256 fingerprint as 64 lower-case hex digits; "" stays "".

    Raises:
        ConfigError: it is not the SHA-256 of anything; a 40-digit Windows thumbprint is SHA-1.
    """
    digits = re.sub(r"[\s:]", "", text.lower().removeprefix("sha256:"))
    if not digits:
        return ""
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ConfigError(
            f"the certificate fingerprint {text!r} is not a SHA-256 (64 hex digits)",
            remedy="The thumbprint that Windows shows is SHA-1 and cannot be used; `wincnode trust"
            " NODE` shows the SHA-256.",
            id="link.fingerprint",
        )
    return digits


def refuse_contradictions(settings: ConnectionSettings) -> None:
    """Refuse settings that cannot work or would show a password, before any packet leaves.

    Raises:
        ConfigError: what is wrong, the first thing found.
    """
    host_of(settings.address)
    normal_fingerprint(settings.fingerprint)
    if not 0 <= settings.port <= 65535:
        raise ConfigError(f"port {settings.port} is not between 1 and 65535", id="link.address")
    if settings.read_timeout_s <= settings.operation_timeout_s or settings.operation_timeout_s < 1:
        raise ConfigError("the read timeout must be longer than the operation timeout")
    if settings.scheme == "http":
        _refuse_over_http(settings)
    if settings.auth == "certificate":
        _refuse_missing(settings.cert_file, "client certificate")
        _refuse_missing(settings.key_file, "client certificate's key")
    elif settings.auth != "kerberos" and not settings.user:
        raise ConfigError(f"{settings.address}: {settings.auth} needs a user name")
    if settings.ca_file:
        _refuse_missing(settings.ca_file, "CA file")


def _refuse_over_http(settings: ConnectionSettings) -> None:
    if settings.auth == "basic" and not settings.allow_unencrypted:
        raise ConfigError(
            f"{settings.address}: Basic over http shows the password to the network",
            remedy="Use https, or ntlm (which seals its messages over http).",
            id="link.unencrypted",
        )
    if settings.auth == "certificate" or settings.fingerprint or settings.ca_file:
        raise ConfigError(
            f"{settings.address}: certificates need https, and the scheme is http",
            remedy="Set the scheme to https (port 5986).",
            id="link.unencrypted",
        )


def _refuse_missing(path: str, what: str) -> None:
    if not os.path.isfile(path):  # noqa: PTH113 - a str all the way to requests
        raise ConfigError(f"the {what} {path!r} is not a file", id="link.file")
