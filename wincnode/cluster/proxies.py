"""Which proxy stands before an address, as Go's programs read the environment.

Source of the rules: pkg.go.dev/golang.org/x/net/http/httpproxy
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

PORTS = {"https": 443, "http": 80}
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def proxy_of(server: str, environ: Mapping[str, str]) -> str:
    """Give the URL of the proxy for a server's URL; empty where there is none."""
    parts = urlsplit(server)
    name = f"{parts.scheme}_proxy"
    proxy = environ.get(name.upper()) or environ.get(name) or ""
    host, port = (parts.hostname or "").rstrip("."), parts.port or PORTS[parts.scheme]
    if not proxy or _is_local(host):
        return ""
    rules = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if any(_exempts(rule.strip().lower(), host, port) for rule in rules.split(",")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _exempts(rule: str, host: str, port: int) -> bool:
    """Tell whether one entry of NO_PROXY is about a host."""
    if rule in {"", "*"}:
        return rule == "*"
    address = _address(host)
    name, wanted = _split(rule)
    if "/" in rule:
        return address is not None and _holds(rule, address)
    if wanted not in {"", str(port)}:
        return False
    if address is not None:
        return _address(name) == address
    suffix = name.removeprefix("*")
    return host == suffix or host.endswith(f".{suffix.removeprefix('.')}")


def _holds(network: str, address: Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _split(rule: str) -> tuple[str, str]:
    """Divide HOST:PORT; a bare IPv6 address has no port."""
    if _address(rule) is not None:
        return rule, ""
    host, colon, port = rule.rpartition(":")
    host, port = (host, port) if colon else (rule, "")
    return host.removeprefix("[").removesuffix("]"), port


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
