"""A network of the Host Network Service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value, presence

# learn.microsoft.com/virtualization/api/hcn/hns_schema
TYPES = ("NAT", "Internal", "Private", "L2Bridge", "L2Tunnel", "Overlay", "Transparent")
ADDRESS = r"[0-9A-Fa-f.:]{2,45}"
MAC = r"([0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}"
# Labels of letters, digits, - and _: learn.microsoft.com/windows-server/identity/ad-ds/plan/
# selecting-the-forest-root-domain; 255 characters: RFC 1035, 2.3.4
DOMAIN = r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?"
LAST_PORT = 65535


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A network that is wanted has a document of its name and type."""
    if values.get("state") == "absent":
        return
    missing = [name for name in ("type", "document") if name not in values]
    for name in missing:
        yield name, "missing; a network that is to be there has one"
    if missing:
        return
    try:
        found = json.loads(str(values["document"]))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        yield "document", "is no JSON object"
        return
    for field, member in (("name", "Name"), ("type", "Type")):
        if found.get(member) != values.get(field, found.get(member)):
            yield "document", f"has {member} {found.get(member)!r:.40}, and {field} is another"


KIND = Kind(
    name="hns_network",
    doc=(
        "A network of the Host Network Service. One that differs is removed with its endpoints and"
        " made anew; one that wincnode did not make is left alone. Fields that are left out are not"
        " compared."
    ),
    rule=_rule,
    example=(
        "{name: nat, type: NAT, prefixes: [172.20.0.0/16], gateways: [172.20.0.1], document:"
        ' \'{"Name": "nat", "Owner": "wincnode", "Type": "NAT", "Ipams": [{"Type": "Static",'
        ' "Subnets": [{"IpAddressPrefix": "172.20.0.0/16", "Routes": [{"NextHop": "172.20.0.1",'
        ' "DestinationPrefix": "0.0.0.0/0"}]}]}], "Flags": 16, "SchemaVersion": {"Major": 2,'
        ' "Minor": 0}}\'}'
    ),
    brings=("calls.cs", "compile", "network.cs", "networks"),
    detached_only=True,
    timeout_s=300,
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            pattern=r"[^\x00-\x1f]{1,256}",
            form="a name of at most 256 characters on one line",
            doc="Name of the network.",
        ),
        presence("Whether there is to be such a network."),
        Field(
            name="type",
            type="text",
            role="want",
            compare="text",
            allowed=TYPES,
            doc="Type of the network.",
        ),
        Field(
            name="adapter",
            type="text",
            role="want",
            compare="text",
            pattern=r"[^\x00-\x1f]{0,256}",
            form="an adapter's name of at most 256 characters on one line",
            doc="Name of the adapter that the network lies on.",
        ),
        Field(
            name="prefixes",
            type="texts",
            role="want",
            compare="set",
            pattern=ADDRESS + "/[0-9]{1,3}",
            form="a list of networks such as 10.244.1.0/24",
            doc="Addresses of the subnets.",
        ),
        Field(
            name="gateways",
            type="texts",
            role="want",
            compare="set",
            pattern=ADDRESS,
            form="a list of addresses such as 10.244.1.1",
            doc="Next hops of the default routes.",
        ),
        Field(
            name="routes",
            type="texts",
            role="want",
            compare="set",
            pattern=f"{ADDRESS}/[0-9]{{1,3}} {ADDRESS}",
            form="a list of networks with their next hops, such as 10.0.0.0/8 10.244.1.1",
            doc="Routes besides the default ones.",
        ),
        Field(
            name="vsids",
            type="texts",
            role="want",
            compare="set",
            pattern="[0-9]{1,8}",
            form="a list of numbers in quotes, such as '4096'",
            doc="VXLAN network identifiers of the subnets.",
        ),
        Field(
            name="vlans",
            type="texts",
            role="want",
            compare="set",
            pattern="[0-9]{1,4}",
            form="a list of numbers in quotes, such as '7'",
            doc="VLANs of the subnets.",
        ),
        Field(
            name="vxlan_port",
            type="number",
            role="want",
            minimum=1,
            maximum=LAST_PORT,
            doc="UDP port of VXLAN, where it is not 4789.",
        ),
        Field(
            name="dns_servers",
            type="texts",
            role="want",
            pattern=ADDRESS,
            form="a list of addresses such as 10.96.0.10",
            doc="Name servers of endpoints, in their order.",
        ),
        Field(
            name="dns_suffix",
            type="text",
            role="want",
            compare="text",
            pattern=DOMAIN,
            form="a domain such as cluster.local",
            doc="Suffix of endpoints.",
        ),
        Field(
            name="dns_search",
            type="texts",
            role="want",
            pattern=DOMAIN,
            form="a list of domains such as svc.cluster.local",
            doc="Suffixes that are tried, in their order.",
        ),
        Field(
            name="mac_ranges",
            type="texts",
            role="want",
            compare="set",
            pattern=f"{MAC} {MAC}",
            form="a list of first and last addresses, such as 00-15-5D-52-C0-00 00-15-5D-52-CF-FF",
            doc="Hardware addresses of endpoints.",
        ),
        Field(
            name="document",
            type="text",
            role="want",
            compare="never",
            pattern=r"[\s\S]{2,65536}",
            form="JSON of at most 65536 characters",
            doc="The network as HNS takes it, with the owner wincnode: docs/network.md.",
        ),
    ),
)
