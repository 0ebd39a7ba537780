"""What networks, their subnets, and endpoints are told beyond addresses.

Source of the settings that the schema does not have, such as `MaxPortPoolUsage`: hcsshim, whose
callers are the plugins of containerd and Calico.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from wincnode.hns.documents.fields import HCSSHIM, hcn

_GO = HCSSHIM.format("hcnpolicy.go")
On = Literal["network", "subnet", "endpoint"]
# Numbers of protocols: iana.org/assignments/protocol-numbers
TCP, UDP = 6, 17
# The Azure VFP extension of the virtual switch, without which there is no overlay.
# Source: microsoft/SDN:Kubernetes/windows/kubeadm/Kubecluster.md@242fb0c3
VFP = "E9B59CFA-2BE1-4B21-828F-B6FBDBDDC017"


@dataclass(frozen=True, kw_only=True, slots=True)
class NetAdapterName:
    """The adapter that an external network is made on."""

    policy: ClassVar[str] = "NetAdapterName"
    on: ClassVar[tuple[On, ...]] = ("network",)
    network_adapter_name: str | None = hcn(
        "NetworkAdapterName", struct="NetAdapterNameNetworkPolicySetting"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class InterfaceConstraint:
    """The interface that is meant, by any of its names."""

    policy: ClassVar[str] = "InterfaceConstraint"
    on: ClassVar[tuple[On, ...]] = ("network", "endpoint")
    interface_guid: str | None = hcn(
        "InterfaceGuid", struct="InterfaceConstraintNetworkPolicySetting"
    )
    interface_index: int | None = hcn(
        "InterfaceIndex", struct="InterfaceConstraintNetworkPolicySetting"
    )
    interface_alias: str | None = hcn(
        "InterfaceAlias", struct="InterfaceConstraintNetworkPolicySetting"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderAddress:
    """The node's address that encapsulated packets bear."""

    policy: ClassVar[str] = "ProviderAddress"
    on: ClassVar[tuple[On, ...]] = ("network", "endpoint")
    provider_address: str | None = hcn(
        "ProviderAddress", struct="ProviderAddressNetworkPolicySetting"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceMacAddress:
    """The hardware address that packets leave with."""

    policy: ClassVar[str] = "SourceMacAddress"
    on: ClassVar[tuple[On, ...]] = ("network",)
    source_mac_address: str | None = hcn(
        "SourceMacAddress", struct="SourceMacAddressNetworkPolicySetting"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class VSwitchExtension:
    """Whether an extension of the virtual switch works."""

    policy: ClassVar[str] = "VSwitchExtension"
    on: ClassVar[tuple[On, ...]] = ("network",)
    extension_id: str | None = hcn("ExtensionID", struct="VSwitchExtensionNetworkPolicySetting")
    enable: bool | None = hcn("Enable", struct="VSwitchExtensionNetworkPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class AutomaticDns:
    """Whether endpoints get the host's name servers."""

    policy: ClassVar[str] = "AutomaticDNS"
    on: ClassVar[tuple[On, ...]] = ("network",)
    enable: bool | None = hcn("Enable", struct="AutomaticDNSNetworkPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class VxlanPort:
    """The UDP port of an overlay, where it is not 4789."""

    policy: ClassVar[str] = "VxlanPort"
    on: ClassVar[tuple[On, ...]] = ("network",)
    port: int | None = hcn("Port", struct="VxlanPortPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostRoute:
    """The node reaches its own pods in an overlay; it has no settings."""

    policy: ClassVar[str] = "HostRoute"
    on: ClassVar[tuple[On, ...]] = ("network",)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteSubnetRoute:
    """Where the pods of another node of an overlay are."""

    policy: ClassVar[str] = "RemoteSubnetRoute"
    on: ClassVar[tuple[On, ...]] = ("network",)
    destination_prefix: str | None = hcn(
        "DestinationPrefix", struct="RemoteSubnetRoutePolicySetting"
    )
    isolation_id: int | None = hcn("IsolationId", struct="RemoteSubnetRoutePolicySetting")
    provider_address: str | None = hcn("ProviderAddress", struct="RemoteSubnetRoutePolicySetting")
    distributed_router_mac_address: str | None = hcn(
        "DistributedRouterMacAddress", struct="RemoteSubnetRoutePolicySetting"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SetPolicy:
    """A named set of addresses, `values` with commas between."""

    policy: ClassVar[str] = "SetPolicy"
    on: ClassVar[tuple[On, ...]] = ("network",)
    id: str | None = hcn("Id", struct="SetPolicySetting")
    name: str | None = hcn("Name", struct="SetPolicySetting")
    policy_type: Literal["IPSET", "NESTEDIPSET"] | None = hcn(
        "PolicyType", struct="SetPolicySetting"
    )
    values: str | None = hcn("Values", struct="SetPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class Vlan:
    """The VLAN of a subnet."""

    policy: ClassVar[str] = "VLAN"
    on: ClassVar[tuple[On, ...]] = ("subnet",)
    isolation_id: int | None = hcn("IsolationId", struct="VlanPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class Vsid:
    """The virtual subnet of an overlay, which others call its VNI."""

    policy: ClassVar[str] = "VSID"
    on: ClassVar[tuple[On, ...]] = ("subnet",)
    isolation_id: int | None = hcn("IsolationId", struct="VsidPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class PortMapping:
    """A port of the node that leads to a port of an endpoint of a NAT network."""

    policy: ClassVar[str] = "PortMapping"
    on: ClassVar[tuple[On, ...]] = ("endpoint",)
    protocol: int | None = hcn("Protocol", struct="PortMappingPolicySetting")
    internal_port: int | None = hcn("InternalPort", struct="PortMappingPolicySetting")
    external_port: int | None = hcn("ExternalPort", struct="PortMappingPolicySetting")
    vip: str | None = hcn("VIP", struct="PortMappingPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class Acl:
    """A rule of the firewall of an endpoint; lists have commas between.

    Args: rule_type: Host is the node's own firewall (WFP), Switch is VFP.
    """

    policy: ClassVar[str] = "ACL"
    on: ClassVar[tuple[On, ...]] = ("endpoint",)
    protocols: str | None = hcn("Protocols", source=f"{_GO}#AclPolicySetting")
    action: Literal["Allow", "Block", "Pass"] | None = hcn("Action", struct="AclPolicySetting")
    direction: Literal["In", "Out"] | None = hcn("Direction", struct="AclPolicySetting")
    local_addresses: str | None = hcn("LocalAddresses", source=f"{_GO}#AclPolicySetting")
    remote_addresses: str | None = hcn("RemoteAddresses", source=f"{_GO}#AclPolicySetting")
    local_ports: str | None = hcn("LocalPorts", source=f"{_GO}#AclPolicySetting")
    remote_ports: str | None = hcn("RemotePorts", source=f"{_GO}#AclPolicySetting")
    rule_type: Literal["Host", "Switch"] | None = hcn("RuleType", struct="AclPolicySetting")
    priority: int | None = hcn("Priority", source=f"{_GO}#AclPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class OutBoundNat:
    """What leaves with the node's address, but for what goes to the exceptions."""

    policy: ClassVar[str] = "OutBoundNAT"
    on: ClassVar[tuple[On, ...]] = ("endpoint",)
    virtual_ip: str | None = hcn("VirtualIP", struct="OutboundNatPolicySetting")
    exceptions: tuple[str, ...] | None = hcn("Exceptions", struct="OutboundNatPolicySetting")
    destinations: tuple[str, ...] | None = hcn("Destinations", struct="OutboundNatPolicySetting")
    max_port_pool_usage: int | None = hcn(
        "MaxPortPoolUsage", source=f"{_GO}#OutboundNatPolicySetting"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SdnRoute:
    """What goes through the switch to a prefix, encapsulated or not."""

    policy: ClassVar[str] = "SDNRoute"
    on: ClassVar[tuple[On, ...]] = ("endpoint",)
    destination_prefix: str | None = hcn("DestinationPrefix", struct="SDNRoutePolicySetting")
    next_hop: str | None = hcn("NextHop", struct="SDNRoutePolicySetting")
    need_encap: bool | None = hcn("NeedEncap", struct="SDNRoutePolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class Qos:
    """How much an endpoint may send, in bytes a second."""

    policy: ClassVar[str] = "QOS"
    on: ClassVar[tuple[On, ...]] = ("endpoint",)
    maximum_outgoing_bandwidth_in_bytes: int | None = hcn(
        "MaximumOutgoingBandwidthInBytes", struct="QosPolicySetting"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class EncapOverhead:
    """Bytes that encapsulation takes of a frame."""

    policy: ClassVar[str] = "EncapOverhead"
    on: ClassVar[tuple[On, ...]] = ("endpoint",)
    overhead: int | None = hcn("Overhead", struct="EncapOverheadEndpointPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class InterfaceParameters:
    """The MTU of an endpoint; one such policy an endpoint."""

    policy: ClassVar[str] = "InterfaceParameters"
    on: ClassVar[tuple[On, ...]] = ("endpoint",)
    mtu: int | None = hcn("Mtu", "2.4", struct="InterfaceParametersPolicySetting")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One policy with its settings, as networks, subnets and endpoints list them."""

    struct: ClassVar[str] = "NetworkPolicy"
    type: str | None = hcn("Type", struct="NetworkPolicy")
    settings: Any = hcn("Settings", struct="NetworkPolicy")


def policy(settings: Any) -> Policy:
    """Give the policy that has these settings."""
    return Policy(type=settings.policy, settings=settings)
