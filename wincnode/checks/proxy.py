"""Proxies of the machine: those of variables, which Go's programs use, and WinHTTP's."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import FactMissing, Facts, Section

_BY_PROXY = 2  # the bit of WinHttpSettings that says so
# Names of services end so: kubernetes.io/docs/concepts/services-networking/dns-pod-service
_SERVICES = ".svc"


@dataclass(frozen=True, kw_only=True, slots=True)
class WinHttp:
    """WinHTTP's proxy; empty where there is none."""

    proxy: str = ""
    bypass: str = ""


def winhttp(digits: str) -> WinHttp:
    """Read the value that `netsh winhttp set proxy` writes: numbers and texts with their lengths.

    Raises: FactMissing: it has another form.
    Source: learn.microsoft.com/troubleshoot/windows-server/group-policy/
    use-group-policy-apply-winhttp-proxy-settings-clients shows the value of direct access alone;
    the rest: docs.rs/proxyconf/latest/proxyconf/internet_settings/modern.
    """
    if not digits:
        return WinHttp()
    try:
        data = bytes.fromhex(digits)
        _, _, flags, length = struct.unpack_from("<4I", data)
        proxy = data[16 : 16 + length].decode("ascii")
        (rest,) = struct.unpack_from("<I", data, 16 + length)
        bypass = data[20 + length : 20 + length + rest].decode("ascii")
    except (ValueError, struct.error) as error:
        raise FactMissing(f"proxy.winhttp has an unknown form: {digits[:40]}") from error
    return WinHttp(proxy=proxy, bypass=bypass) if flags & _BY_PROXY else WinHttp()


def _place(proxy: str) -> str:
    """Give host and port of a proxy, the first of several for schemes."""
    first = proxy.split(";", maxsplit=1)[0].rpartition("=")[2]
    parts = urlsplit(first if "//" in first else f"//{first}")
    return f"{parts.hostname or ''}:{parts.port or 80}"


def _winhttp(facts: Facts, _wanted: Wanted) -> Outcome:
    proxies = facts.known("proxy")
    found = winhttp(proxies.text("winhttp"))
    machine = proxies.section("machine")
    variable = machine.text("https_proxy") or machine.text("http_proxy")
    shown = f"WinHTTP: {found.proxy or 'direct'}; variables: {variable or 'direct'}"
    if bool(found.proxy) != bool(variable):
        return failed(f"{shown}; one of them has no proxy")
    if found.proxy and _place(found.proxy) != _place(variable):
        return failed(f"{shown}; these are two proxies")
    return passed(shown)


def _needed(wanted: Wanted) -> tuple[str, ...]:
    """List what no proxy can reach: the API server, the cluster's subnets, names of services."""
    server = urlsplit(wanted.server if "//" in wanted.server else f"//{wanted.server}").hostname
    return (*((server,) if server else ()), *wanted.subnets, _SERVICES)


def covers(no_proxy: str, place: str) -> bool:
    """Tell whether NO_PROXY leaves out a host, a subnet, or the names below a suffix.

    Source: golang/net:http/httpproxy/proxy.go (Config.NoProxy)
    """
    for row in no_proxy.split(","):
        entry = row.strip().lower()
        low = place.lower()
        if entry in {"*", low}:
            return True
        name = entry.removeprefix("*").removeprefix(".")
        if name and (low.lstrip(".") == name or low.endswith(f".{name}")):
            return True
        if "/" in entry and _holds(entry, place):
            return True
    return False


def _holds(entry: str, place: str) -> bool:
    try:
        outer = ip_network(entry, strict=False)
        inner = ip_network(place, strict=False) if "/" in place else ip_network(ip_address(place))
    except ValueError:
        return False
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network):
        return inner.subnet_of(outer)
    return False


def _variables(facts: Facts, wanted: Wanted) -> Outcome:
    machine = facts.known("proxy").section("machine")
    proxy = machine.text("https_proxy") or machine.text("http_proxy")
    if not proxy:
        return passed("no proxy is set for the machine")
    missing = _missing(machine.text("no_proxy"), wanted)
    if missing:
        return failed(f"{proxy} is used for {', '.join(missing)}, which NO_PROXY does not name")
    return passed(f"{proxy}, not for {machine.text('no_proxy')}")


def _missing(no_proxy: str, wanted: Wanted) -> list[str]:
    return [place for place in _needed(wanted) if not covers(no_proxy, place)]


def _services(facts: Facts, wanted: Wanted) -> Outcome:
    proxies = facts.known("proxy")
    services = proxies.section("services")
    machine = proxies.section("machine")
    wrong, seen = [], []
    for name in services.data:
        own: Section = services.section(name)
        proxy = str(own.data.get("https_proxy") or own.data.get("http_proxy") or "")
        seen.append(f"{name}: {proxy or 'direct'}")
        # A variable of the service takes the place of the machine's.
        no_proxy = str(own.data.get("no_proxy", machine.text("no_proxy")))
        missing = _missing(no_proxy, wanted) if proxy else []
        if missing:
            wrong.append(f"{name} uses {proxy} for {', '.join(missing)}")
    if wrong:
        return failed("; ".join(wrong), because=("conn.proxy.env",))
    return passed("; ".join(seen) or "no service has a proxy of its own")


CHECKS = (
    Check(
        id="conn.proxy.winhttp",
        title="WinHTTP and programs use one proxy",
        severity=Severity.WARNING,
        proves="Windows Update and features come by the same way as images and downloads.",
        remedy="netsh winhttp set proxy HOST:PORT bypass-list=LIST, or netsh winhttp reset proxy; "
        "and the same in HTTPS_PROXY for the machine.",
        source="https://learn.microsoft.com/troubleshoot/windows-server/group-policy/"
        "use-group-policy-apply-winhttp-proxy-settings-clients",
        needs=("proxy",),
        run=_winhttp,
    ),
    Check(
        id="conn.proxy.env",
        title="The proxy is left out for the cluster",
        severity=Severity.WARNING,
        proves="The kubelet and containerd reach the API server, pods and services directly.",
        remedy="[Environment]::SetEnvironmentVariable('NO_PROXY', 'LIST', 'Machine') with the API "
        "server, the pod and service subnets, .svc and the nodes; then restart the services.",
        source="kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks.go (HTTPProxyCheck, "
        "HTTPProxyCIDRCheck)",
        needs=("proxy",),
        run=_variables,
    ),
    Check(
        id="conn.proxy.svc",
        title="Proxies of services leave out the cluster",
        severity=Severity.INFO,
        proves="containerd and the kubelet, whose services have variables of their own, reach "
        "the cluster directly.",
        remedy="Set NO_PROXY in the value Environment (REG_MULTI_SZ) under "
        "HKLM\\SYSTEM\\CurrentControlSet\\Services\\NAME, and restart the service.",
        source="golang/net:http/httpproxy/proxy.go; https://kubernetes.io/docs/setup/"
        "production-environment/tools/kubeadm/install-kubeadm/",
        needs=("proxy",),
        run=_services,
    ),
)
