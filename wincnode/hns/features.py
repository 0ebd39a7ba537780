"""Which HNS knows what, by the version that it tells of itself.

The versions have gaps: what was carried back to Windows Server 2019 came with 9.3 or 9.5, and 10.0
has it not. A version is read, never guessed from the build of Windows.
Source: microsoft/hcsshim:hcn/hcnglobals.go@7c9ff7f4 (ranges), hcn/hcnsupport.go (names)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from wincnode.hcs.documents.fields import known
from wincnode.hns.documents.endpoint import HostComputeEndpoint
from wincnode.hns.documents.network import HostComputeNetwork
from wincnode.hns.documents.policies import Policy

# Bit of a network's flags: no virtual port of the host.
# Source: microsoft/hcsshim:hcn/hcnnetwork.go@7c9ff7f4
DISABLE_HOST_PORT = 1024


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class HnsVersion:
    """A version of the Host Network Service, such as 13.2."""

    major: int
    minor: int

    def __str__(self) -> str:
        """Write it as people do."""
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Versions from one on; with `within`, of that major alone."""

    first: HnsVersion
    within: bool = False

    def __contains__(self, version: HnsVersion) -> bool:
        """Tell whether a version is one of these."""
        return self.first <= version and not (self.within and version.major != self.first.major)

    def __str__(self) -> str:
        """Say which versions these are."""
        return f"{self.first} to {self.first.major}.x" if self.within else f"{self.first} or later"


def _spans(*texts: str) -> tuple[Span, ...]:
    """Read `9.3` as from there on, and `9.3..` as from there on within 9."""
    found = []
    for text in texts:
        major, _, minor = text.removesuffix("..").partition(".")
        first = HnsVersion(major=int(major), minor=int(minor))
        found.append(Span(first=first, within=text.endswith("..")))
    return tuple(found)


FEATURES: Mapping[str, tuple[Span, ...]] = MappingProxyType(
    {
        "ACL lists and ranges": _spans("7.2"),
        "HCN": _spans("9.2"),
        "RemoteSubnet": _spans("9.2"),
        "HostRoute": _spans("9.2"),
        "DSR": _spans("9.3..", "10.2"),
        "Slash32EndpointPrefixes": _spans("9.3..", "10.4"),
        "VxlanPort": _spans("10.3"),
        "AclSupportForProtocol252": _spans("11.0"),
        "IPv6DualStack": _spans("11.10"),
        "SessionAffinity": _spans("12.0"),
        "SetPolicy": _spans("13.0"),
        "L4Proxy": _spans("9.5..", "10.5..", "11.11..", "12.1..", "13.1"),
        "L4WfpProxy": _spans("13.2"),
        "TierAcl": _spans("14.0"),
        "NetworkACL": _spans("15.0"),
        "NestedIpSet": _spans("15.0"),
        "DisableHostPort": _spans("15.1"),
        "ModifyLoadbalancer": _spans("15.4"),
        "Accelnet": _spans("15.4"),
    }
)
# Policies that HNS has known as long as HCN are not among them.
POLICY_FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "HostRoute": "HostRoute",
        "RemoteSubnetRoute": "RemoteSubnet",
        "SetPolicy": "SetPolicy",
        "VxlanPort": "VxlanPort",
    }
)


def has(feature: str, version: HnsVersion) -> bool:
    """Tell whether an HNS has a feature of the table."""
    return any(version in span for span in FEATURES[feature])


def supported(version: HnsVersion) -> tuple[str, ...]:
    """List the features of a version, in the table's order."""
    return tuple(name for name in FEATURES if has(name, version))


def lacking(
    document: HostComputeNetwork | HostComputeEndpoint,
    *,
    build: int,
    version: HnsVersion | None,
) -> Iterator[str]:
    """Say what a node does not know of a document, a sentence each; nothing of it is left out.

    A policy that is left out would change what the network is, so that the document is refused.

    Args: version: None where HNS has not told it, which counts where a policy depends on it.
    """
    for feature in dict.fromkeys(_features(document)):
        spans = ", or ".join(str(span) for span in FEATURES[feature])
        if version is None:
            yield f"{feature} takes HNS {spans}, and the node's version is not known"
        elif not has(feature, version):
            yield f"{feature} takes HNS {spans}; the node has {version}"
    for path, first, _ in known(document):
        if first > build:
            yield f"{path} takes Windows build {first} or later; the node has {build}"


def _features(document: HostComputeNetwork | HostComputeEndpoint) -> Iterator[str]:
    """Give the features that a document makes use of."""
    yield "HCN"
    for policy in _policies(document):
        if feature := POLICY_FEATURES.get(policy.type or ""):
            yield feature
        if getattr(policy.settings, "policy_type", None) == "NESTEDIPSET":
            yield "NestedIpSet"
    if isinstance(document, HostComputeEndpoint):
        addresses = document.ip_configurations or ()
        if any(row.prefix_length == 32 for row in addresses):
            yield "Slash32EndpointPrefixes"
        families = {":" in (row.ip_address or "") for row in addresses}
    else:
        families = {":" in prefix for prefix in _prefixes(document)}
        if (document.flags or 0) & DISABLE_HOST_PORT:
            yield "DisableHostPort"
    if len(families) > 1:
        yield "IPv6DualStack"


def _prefixes(network: HostComputeNetwork) -> Iterator[str]:
    for ipam in network.ipams or ():
        for subnet in ipam.subnets or ():
            yield subnet.ip_address_prefix or ""


def _policies(document: Any) -> Iterator[Policy]:
    yield from document.policies or ()
    if isinstance(document, HostComputeNetwork):
        for ipam in document.ipams or ():
            for subnet in ipam.subnets or ():
                yield from subnet.policies or ()
