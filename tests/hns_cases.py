"""Documents of HNS networks on three builds; `python tests/hns_cases.py` writes them anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import golden_texts

from wincnode.cluster.networks import load_networks
from wincnode.hns.documents.endpoint import (
    REMOTE_ENDPOINT,
    EndpointId,
    HostComputeEndpoint,
    HostComputeNamespace,
    IpConfig,
    ModifyRequest,
    Policies,
    Query,
)
from wincnode.hns.documents.fields import BUILDS as BUILDS_OF
from wincnode.hns.documents.fields import STAMP, Version
from wincnode.hns.documents.network import Route
from wincnode.hns.documents.policies import (
    TCP,
    VFP,
    Acl,
    AutomaticDns,
    EncapOverhead,
    HostRoute,
    InterfaceConstraint,
    InterfaceParameters,
    OutBoundNat,
    PortMapping,
    ProviderAddress,
    Qos,
    RemoteSubnetRoute,
    SdnRoute,
    SetPolicy,
    SourceMacAddress,
    VSwitchExtension,
    policy,
)
from wincnode.hns.networks import Network, Subnet, Way, document

GOLDEN = Path(__file__).parent / "golden" / "hns"
ID = "11111111-2222-3333-4444-555555555555"
NIC = "Ethernet"
PODS = Subnet(prefix="10.244.1.0/24", gateway="10.244.1.1")


def external(cni: str, mode: str) -> Network:
    """Give the network that a cluster network expects of a node."""
    found = load_networks()[cni].modes[mode].external
    assert found is not None
    return found.network().on(NIC)


NETWORKS: Mapping[str, Network] = {
    # hcs-hns 7.4 (e): what containerd's plugin makes.
    "nat": Network(
        name="nat", type="NAT", subnets=(Subnet(prefix="172.20.0.0/16", gateway="172.20.0.1"),)
    ),
    "internal": Network(name="lab", type="Internal", subnets=(PODS,), dns_suffix="lab.example"),
    "private": Network(
        name="wincnode-probe", type="Private", mac_ranges=("00-15-5D-52-C0-00 00-15-5D-52-CF-FF",)
    ),
    # 7.4 (a): flannel's host-gw, as HCN takes it.
    "l2bridge": Network(
        name="cbr0",
        type="L2Bridge",
        adapter=NIC,
        subnets=(Subnet(prefix="10.244.1.0/24", gateway="10.244.1.1", vlan=100),),
        dns_servers=("10.96.0.10",),
        dns_search=("svc.cluster.local", "cluster.local"),
    ),
    "l2tunnel": Network(
        name="azure",
        type="L2Tunnel",
        adapter=NIC,
        subnets=(
            Subnet(
                prefix="10.240.0.0/16",
                gateway="10.240.0.1",
                routes=(Way(prefix="10.8.0.0/16", next_hop="10.240.0.9"),),
            ),
        ),
    ),
    # 7.4 (b): flannel's vxlan but for the flag that makes it vanish.
    "overlay": Network(
        name="flannel.4096",
        type="Overlay",
        adapter=NIC,
        subnets=(Subnet(prefix="10.244.1.0/24", gateway="10.244.1.1", vsid=4096),),
    ),
    "transparent": Network(name="outside", type="Transparent", adapter=NIC),
    # 7.4 (c): what moves the adapter before an agent does.
    "external-overlay": external("calico", "vxlan"),
    "external-l2bridge": external("flannel", "host-gw"),
}


def requests(build: int) -> Mapping[str, Any]:
    """Give what else is said to HNS: endpoints, namespaces, changes, questions."""
    # A build that does not know a policy is not asked for it.
    newer = [InterfaceParameters(mtu=1450)] if build >= BUILDS_OF["2.4"] else []
    endpoint = HostComputeEndpoint(
        name="web_cbr0",
        owner="wincnode",
        host_compute_network=ID,
        ip_configurations=(IpConfig(ip_address="10.244.1.5", prefix_length=24),),
        routes=(Route(next_hop="10.244.1.2", destination_prefix="0.0.0.0/0"),),
        mac_address="0E-2A-0A-F4-01-05",
        policies=tuple(
            policy(row)
            for row in (
                OutBoundNat(exceptions=("10.244.0.0/16", "10.96.0.0/12")),
                SdnRoute(destination_prefix="10.96.0.0/12", need_encap=True),
                ProviderAddress(provider_address="10.0.0.5"),
                PortMapping(protocol=TCP, internal_port=80, external_port=8080),
                Acl(
                    protocols="6", action="Allow", direction="In", rule_type="Switch", priority=200
                ),
                Qos(maximum_outgoing_bandwidth_in_bytes=1_000_000),
                EncapOverhead(overhead=50),
                *newer,
            )
        ),
        schema_version=STAMP,
    )
    remote = HostComputeEndpoint(
        name="Calico_ep", host_compute_network=ID, flags=REMOTE_ENDPOINT, schema_version=STAMP
    )
    of_network = Policies(
        policies=tuple(
            policy(row)
            for row in (
                HostRoute(),
                RemoteSubnetRoute(
                    destination_prefix="10.244.2.0/24",
                    isolation_id=4096,
                    provider_address="10.0.0.6",
                    distributed_router_mac_address="00-15-5D-52-C0-01",
                ),
                SetPolicy(id="1", name="nodes", policy_type="IPSET", values="10.0.0.5,10.0.0.6"),
                SourceMacAddress(source_mac_address="00-15-5D-52-C0-02"),
                AutomaticDns(enable=True),
                VSwitchExtension(extension_id=VFP, enable=True),
                InterfaceConstraint(interface_alias=NIC),
            )
        )
    )
    return {
        "endpoint": [endpoint, remote],
        "namespace": [HostComputeNamespace(owner="wincnode", schema_version=STAMP)],
        "changes": [
            ModifyRequest(
                resource_type="Endpoint", request_type="Add", settings=EndpointId(endpoint_id=ID)
            ),
            ModifyRequest(resource_type="Policy", request_type="Add", settings=of_network),
        ],
        "query": [
            Query(
                schema_version=Version(major=2, minor=0),
                flags=0,
                filter=json.dumps({"Name": "cbr0"}),
            )
        ],
    }


def values(build: int) -> Mapping[str, Any]:
    """Give every document by its name, as typed values."""
    networks = {name: [document(network)] for name, network in NETWORKS.items()}
    return {**networks, **requests(build)}


def texts() -> Mapping[str, str]:
    """Give every golden file by its name."""
    return golden_texts.texts(values)


if __name__ == "__main__":
    golden_texts.write(GOLDEN, texts())
