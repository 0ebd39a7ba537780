"""What the node reaches: the API server and its certificate, registries, downloads."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wincnode.checks import (
    Check,
    Outcome,
    Severity,
    Target,
    TargetKind,
    Wanted,
    failed,
    passed,
    unknown,
)
from wincnode.facts import FactMissing, Facts, Section

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

# What a registry answers to GET /v2/: opencontainers/distribution-spec:spec.md (end-1).
_REGISTRY = (200, 401)
# The name of a .NET exception, as the node's script tells a certificate that is not trusted.
_UNTRUSTED = "AuthenticationFailed"
_REFUSED = "ConnectionRefused"
_MOST_ADDRESSES = 4
_TIME = "%Y-%m-%d %H:%M"


def _tried(facts: Facts, wanted: Wanted, kind: TargetKind) -> Iterator[tuple[Target, Section]]:
    """Pair each target of a kind with what came of it.

    Raises: FactMissing: the node did not try one.
    """
    targets = [target for target in wanted.targets or () if target.kind == kind]
    # Nobody reads the section where there is nothing to try.
    rows = facts.known("connectivity").rows("targets") if targets else ()
    said = {row.text("url"): row for row in rows}
    for target in targets:
        if target.url not in said:
            raise FactMissing(f"the node did not try {target.url}")
        yield target, said[target.url]


def _shown(target: Target, row: Section) -> str:
    via = f" through {row.text('via')}" if row.text("via") else ""
    status = row.setting("status")
    return f"{target.url}{via}: {row.text('error') or (status or 'connected')}"


def _api(facts: Facts, wanted: Wanted) -> Outcome:
    tried = list(_tried(facts, wanted, "api"))
    closed = [_shown(target, row) for target, row in tried if not row.flag("connected")]
    if closed:
        return failed("; ".join(closed), because=("conn.dns", "fw.profiles", "net.nic"))
    if not tried:
        return passed("no API server is named")
    return passed(f"connected to {', '.join(target.url for target, _ in tried)}")


def _api_tls(facts: Facts, wanted: Wanted) -> Outcome:
    tried = list(_tried(facts, wanted, "api"))
    if not tried:
        return passed("no API server is named")
    clock = _clock(facts)
    for target, row in tried:
        if not row.flag("connected"):
            return unknown(f"{target.url} was not reached")
        if not row.text("certificate"):
            # It may speak TLS 1.3 alone, as Go's programs can and .NET on older Windows cannot.
            text = f"{target.url} made no TLS 1.2 connection: {row.text('error')}"
            return failed(text, because=("sec.tls12",), severity=Severity.WARNING)
        outcome = judge(row.text("certificate"), target.url, wanted.authority, clock)
        if outcome is not None:
            return outcome
    names = ", ".join(target.url for target, _ in tried)
    by = "" if wanted.authority else "; who issued it is not known here"
    return passed(f"the certificate of {names} holds for that name now{by}")


def _clock(facts: Facts) -> datetime:
    text = facts.known("time").text("utc")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise FactMissing(f"time.utc is no time: {text!r}") from error


def judge(encoded: str, url: str, authority: str, now: datetime) -> Outcome | None:
    """Say what is wrong with a server's certificate; None where nothing is.

    Args: encoded: DER in base64. authority: PEM of those who may have issued it; empty: unknown.
    Raises: FactMissing: it is no certificate.
    """
    from cryptography import x509

    try:
        shown = x509.load_der_x509_certificate(base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error) as error:
        raise FactMissing("connectivity.targets has no certificate where one should be") from error
    host = urlsplit(url).hostname or ""
    names = _names(shown)
    if not any(_fits(name, host) for name in names):
        return failed(f"the certificate of {url} is for {', '.join(names) or 'no name'}")
    if not shown.not_valid_before_utc <= now <= shown.not_valid_after_utc:
        span = f"{shown.not_valid_before_utc:{_TIME}} to {shown.not_valid_after_utc:{_TIME}}"
        text = f"the certificate of {url} is valid from {span} UTC; the node has {now:{_TIME}}"
        return failed(text, because=("sys.time",))
    if not authority:
        return None
    return _issuer(shown, url, x509.load_pem_x509_certificates(authority.encode()))


def _issuer(shown: Certificate, url: str, authorities: list[Certificate]) -> Outcome | None:
    from cryptography.exceptions import InvalidSignature

    named = [row for row in authorities if row.subject == shown.issuer]
    issuer = shown.issuer.rfc4514_string()
    for row in named:
        try:
            shown.verify_directly_issued_by(row)
        except (InvalidSignature, ValueError, TypeError):
            continue
        return None
    if named:
        return failed(f"{url} belongs to another cluster: its {issuer} is not the kubeconfig's")
    text = f"{url} shows a certificate of {issuer}, which the kubeconfig does not name"
    # An authority between the two, which the server may send along, is not looked at.
    return failed(text, severity=Severity.WARNING)


def _names(shown: Certificate) -> list[str]:
    from cryptography import x509

    try:
        alternative = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in alternative.value]


def _fits(name: str, host: str) -> bool:
    """Tell whether a name of a certificate is a host's; a star stands for one label."""
    try:
        return ip_address(name) == ip_address(host)
    except ValueError:
        first, _, rest = name.lower().partition(".")
        mine, _, others = host.lower().partition(".")
        return name.lower() == host.lower() or (first == "*" and bool(mine) and rest == others)


def _registries(facts: Facts, wanted: Wanted) -> Outcome:
    groups: dict[str, list[tuple[Target, Section]]] = {}
    for target, row in _tried(facts, wanted, "registry"):
        groups.setdefault(target.name, []).append((target, row))
    if not groups:
        return passed("no registry is named")
    # Mirrors are tried in turn: one that answers is enough.
    closed = {
        name: "; ".join(_shown(target, row) for target, row in rows)
        for name, rows in groups.items()
        if not any(_answers(target, row) for target, row in rows)
    }
    if closed:
        text = "; ".join(f"{name}: {why}" for name, why in closed.items())
        return failed(text, because=("conn.dns", "fw.profiles", "conn.proxy.env", "sec.tls12"))
    return passed(f"reached {', '.join(groups)}")


def _answers(target: Target, row: Section) -> bool:
    if row.text("error") == _UNTRUSTED and target.own_trust:
        return True
    return row.setting("status") in _REGISTRY


def _downloads(facts: Facts, wanted: Wanted) -> Outcome:
    tried = list(_tried(facts, wanted, "download"))
    if not tried:
        return passed("no download is named")
    closed = [
        _shown(target, row)
        for target, row in tried
        if not 200 <= (row.setting("status") or 0) < 300
    ]
    if closed:
        return failed("; ".join(closed), because=("conn.dns", "fw.profiles", "sec.tls12"))
    return passed(f"began {', '.join(target.url for target, _ in tried)}")


def _names_of(facts: Facts, wanted: Wanted) -> Outcome:
    tried = list(_tried(facts, wanted, "dns"))
    if not tried:
        return passed("nothing is named whose address would have to be looked up")
    # What goes through a proxy is looked up there.
    rows = facts.known("connectivity").rows("targets")
    around = {urlsplit(row.text("url")).hostname for row in rows if row.text("via")}
    closed = [
        f"{target.name}: {row.text('error') or 'no address'}"
        for target, row in tried
        if not row.flag("connected") and target.name not in around
    ]
    if closed:
        return failed("; ".join(closed), because=("host.dns", "fw.profiles", "net.nic"))
    shown = [
        f"{target.name} is {', '.join(row.texts('addresses')[:_MOST_ADDRESSES])}"
        for target, row in tried
        if row.flag("connected")
    ]
    return passed("; ".join(shown) or "what is named goes through a proxy")


def _peers(facts: Facts, wanted: Wanted) -> Outcome:
    tried = list(_tried(facts, wanted, "tcp"))
    if not tried:
        return passed("no other node is named")
    # A machine that refuses has been reached all the same.
    closed = [
        f"{target.name} ({urlsplit(target.url).netloc}): {row.text('error')}"
        for target, row in tried
        if not row.flag("connected") and row.text("error") != _REFUSED
    ]
    if closed:
        return failed("; ".join(closed), because=("net.nic", "fw.profiles"))
    return passed(
        "; ".join(
            f"{'connected to' if row.flag('connected') else 'refused by'} {target.name}"
            f" ({urlsplit(target.url).netloc})"
            for target, row in tried
        )
    )


CHECKS = (
    Check(
        id="conn.dns",
        title="Names are looked up",
        severity=Severity.ERROR,
        proves="The node's resolver knows the API server, registries and mirrors by their names.",
        remedy="Set-DnsClientServerAddress -InterfaceAlias ADAPTER -ServerAddresses ADDRESS; "
        "Resolve-DnsName NAME on the node tells which server answers; or name addresses in the "
        "inventory.",
        source="https://learn.microsoft.com/dotnet/api/system.net.dns.gethostaddresses",
        needs=(),
        run=_names_of,
        asks="dns",
    ),
    Check(
        id="conn.peer",
        title="Other nodes are reached",
        severity=Severity.WARNING,
        proves="Packets go from node to node: another node of the inventory answers at its WinRM "
        "port, be it that it refuses.",
        remedy="Open the way between the nodes in firewalls and routes: pods of different nodes "
        "need it, too (UDP port 4789 for VXLAN). Where WinRM lets the client alone in, "
        "--ignore conn.peer.",
        source="https://learn.microsoft.com/dotnet/api/system.net.sockets.tcpclient.connectasync",
        needs=(),
        run=_peers,
        asks="tcp",
    ),
    Check(
        id="conn.api",
        title="The API server is reached",
        severity=Severity.ERROR,
        proves="The kubelet can register: a TCP connection to the API server comes about.",
        remedy="Open the way in firewalls and routes: Test-NetConnection HOST -Port PORT on the "
        "node; name another address in cluster.api_server where nodes use one.",
        source="Azure/AgentBaker:staging/cse/windows/networkisolatedclusterfunc.ps1@06836ee2; "
        "https://kubernetes.io/docs/reference/networking/ports-and-protocols/",
        needs=(),
        run=_api,
        asks="api",
    ),
    Check(
        id="conn.api.tls",
        title="The API server's certificate holds",
        severity=Severity.ERROR,
        proves="It names the address that nodes use, is valid now by the node's clock, and was "
        "issued by the kubeconfig's authority.",
        remedy="Add the address to the certificate (kubeadm: apiserver.certSANs, then kubeadm "
        "init phase certs apiserver), or name in cluster.api_server one that it has.",
        source="https://learn.microsoft.com/virtualization/windowscontainers/kubernetes/"
        "common-problems; https://kubernetes.io/docs/setup/best-practices/certificates/",
        needs=("time",),
        run=_api_tls,
        asks="api",
    ),
    Check(
        id="conn.registry",
        title="Registries are reached",
        severity=Severity.ERROR,
        proves="containerd can pull the sandbox image and those of the cluster's network.",
        remedy="Allow the registry and its data hosts (mcr.microsoft.com: *.data.mcr.microsoft.com)"
        " in firewall and proxy, or name a mirror in runtime.registries.",
        source="microsoft/containerregistry:docs/client-firewall-rules.md; "
        "opencontainers/distribution-spec:spec.md@967efdc0",
        needs=(),
        run=_registries,
        asks="registry",
    ),
    Check(
        id="conn.download",
        title="Downloads begin",
        severity=Severity.WARNING,
        proves="wincnode install gets its files on the node from where the lock file says.",
        remedy="Allow the hosts in firewall and proxy, name a mirror in artifacts.mirror, or let "
        "this host bring the files: wincnode install --files auto, serve or push.",
        source="wincnode.lock.yaml; kubernetes-sigs/sig-windows-tools:hostprocess/"
        "Install-Containerd.ps1@401ee6fc",
        needs=(),
        run=_downloads,
        asks="download",
    ),
)
