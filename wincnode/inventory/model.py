"""What an inventory holds; a field's metadata drives loading, the JSON Schema and its docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from wincnode import node_ports
from wincnode.inventory.connection import Connection
from wincnode.inventory.fields import (
    BASE_URL,
    IMAGE,
    KEY_FORM,
    LABEL,
    LABEL_KEY,
    NODE_IP,
    REFERENCE,
    SERVER,
    TAINT,
    VERSION,
    Spec,
    entry,
)
from wincnode.inventory.network import ADAPTER, ADAPTER_FORM, NodeNetwork


@dataclass(frozen=True, kw_only=True, slots=True)
class Cni:
    """The network of the cluster; its name alone is the short form of `{name: NAME}`."""

    name: str = entry(
        "text",
        "Name of the network: `flannel`, `calico`, or `none` for one of your own.",
        default="",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        form="a name such as flannel",
    )
    mode: str | None = entry(
        "text",
        "How the network carries packets: for flannel `overlay` or `host-gw`, for Calico `vxlan`.",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        form="a word such as overlay",
    )
    vxlan_adapter: str | None = entry(
        "text",
        "Calico: the Windows adapter that carries VXLAN; the primary one by default.",
        pattern=ADAPTER,
        form=ADAPTER_FORM,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """The cluster that the nodes are to work in."""

    kubeconfig: str | None = entry("path", "Path of an administrator's kubeconfig.")
    kubernetes: str | None = entry(
        "text", "Kubernetes version of the nodes.", pattern=VERSION, form="a version such as 1.36.4"
    )
    api_server: str | None = entry(
        "text",
        "Where nodes reach the API server, such as `10.0.0.10:6443`; the kubeconfig's server "
        "by default.",
        pattern=SERVER,
        form="HOST or HOST:PORT, an IPv6 address in brackets",
    )
    cni: Cni | None = entry(  # noqa: RUF009 - it gives a dataclass field
        "cni", "Network of the cluster: its name, or fields of `cluster.cni`."
    )
    pod_cidr: str | None = entry("cidr", "Addresses of the pods, such as `10.244.0.0/16`.")
    service_cidr: str | None = entry("cidr", "Addresses of the services, such as `10.96.0.0/12`.")
    node_ports: str | None = entry(
        "text",
        "Ports of services of type NodePort, as the API server's `--service-node-port-range` has "
        "them; `30000-32767` by default.",
        pattern=node_ports.FORM,
        form="FIRST-LAST, such as 30000-32767",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """How nodes reach one registry; credentials are none of its fields: pods bring their own."""

    host: str = entry(
        "text",
        "Registry as images name it, such as `docker.io`; `_default` stands for all others.",
        default="",
        pattern=r"^(_default|[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?)$",
        form="HOST, HOST:PORT or _default",
    )
    server: str | None = entry(
        "text",
        "Where the registry itself answers; https and its host by default.",
        pattern=BASE_URL,
        form="an address without credentials, such as https://registry.example:5000",
    )
    mirrors: tuple[str, ...] = entry(
        "texts",
        "Addresses that are tried before it, in this order; a path that starts with /v2/ is taken "
        "as it is, as proxies such as Harbor's need it.",
        default=(),
        pattern=BASE_URL,
        form="an address without credentials, such as https://mirror.example:5000",
    )
    ca_file: str | None = entry(
        "path", "PEM file of the authority behind the certificates of server and mirrors."
    )
    skip_verify: bool = entry(
        "flag", "Trust any certificate, so that anyone on the way can swap images.", default=False
    )
    allow_unencrypted: bool = entry(
        "flag", "Allow http, over which anyone on the way can swap images.", default=False
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """The container runtime that the nodes get."""

    containerd: str | None = entry(
        "text", "containerd version.", pattern=VERSION, form="a version such as 2.3.4"
    )
    isolation: tuple[str, ...] = entry(
        "texts",
        "Isolations that the nodes must offer.",
        default=("process",),
        allowed=("process", "hyperv"),
    )
    hyperv_builds: tuple[str, ...] = entry(
        "texts",
        "Older builds whose images get a handler of their own on nodes with Hyper-V isolation; "
        "all supported ones by default.",
        default=(),
        # Older ones are no guests of theirs: see OLDEST_GUEST in wincnode/worker/handlers.py.
        pattern=r"^(20348|2[1-9][0-9]{3}|[3-9][0-9]{4})$",
        form="a Windows build from 20348 on",
    )
    sandbox_image: str | None = entry(
        "text",
        "Image of the pods' sandboxes; the pause image of the node's build by default.",
        pattern=IMAGE,
        form="a full reference such as registry.example/pause:3.10.2",
    )
    registries: tuple[Registry, ...] = entry(
        "registries", "Registries with mirrors or an authority of their own.", default=()
    )
    steady_s: int = entry(
        "number",
        "Seconds that containerd and the kubelet must have run before they count as started.",
        default=30,
        minimum=0,
        maximum=600,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Kubelet:
    """How the nodes' kubelet runs beside what wincnode sets."""

    extra_args: Mapping[str, str] = entry(
        "map",
        'Further flags, such as `{max-pods: "50"}`.',
        default={},
        # The path of a service is REG_EXPAND_SZ: %NAME% becomes a value, and no escape is known.
        # Source: learn.microsoft.com/windows-hardware/drivers/install/
        # hklm-system-currentcontrolset-services-registry-tree
        pattern=r"^(?!.*%[A-Za-z_][A-Za-z0-9_()]*%)[^\x00-\x1f\x7f]*$",
        form="text on one line without a variable such as %PATH%",
        key_pattern=r"^[a-z][a-z0-9-]*$",
        key_form="a flag's name without its dashes",
    )
    cloud_provider: str | None = entry(
        "text",
        "`external` where a cloud controller manager initializes nodes.",
        allowed=("external",),
    )
    server_tls_bootstrap: bool = entry(
        "flag",
        "Ask the cluster for the kubelet's serving certificate; something must approve it.",
        default=False,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifacts:
    """Where the files that nodes install come from."""

    mirror: str | None = entry(
        "text",
        "Base address of a mirror, which keeps each file under its origin's host and path.",
        pattern=BASE_URL,
        form="an http or https address without credentials, such as https://mirror.example/files",
    )
    also: tuple[str, ...] = entry(
        "texts",
        "Optional artifacts that the nodes get too, by their names in `docs/artifacts.md`.",
        default=(),
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        form="a name such as cni-plugins",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Preflight:
    """What the checks of nodes go by beside the rest of the inventory."""

    updates: str | None = entry(
        "path",
        "File of updates, overrides and holes that goes before those that ship, row by row: "
        "docs/checks.md.",
    )
    images: tuple[str, ...] = entry(
        "texts",
        "Images that each node must be able to run, beside those of its sandbox and the cluster's "
        "network; their registries are asked.",
        default=(),
        pattern=REFERENCE,
        form="an image such as mcr.microsoft.com/windows/nanoserver:ltsc2022",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One Windows machine; its name is also its name in Kubernetes."""

    name: str
    line: int = field(default=0, compare=False)
    address: str = entry(
        "text",
        "DNS name or IP address; the node's name by default.",
        default="",
        pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9.])?$|^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$",
        form="a DNS name or an IP address, without scheme and port",
    )
    groups: tuple[str, ...] = entry(
        "texts",
        "Groups that select the node.",
        default=(),
        pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*$",
        form="a word of letters, digits, `-`, `_` and `.`",
    )
    labels: Mapping[str, str] = entry(
        "map",
        "Kubernetes labels.",
        default={},
        pattern=LABEL,
        form="at most 63 letters, digits, `-`, `_` and `.`",
        key_pattern=LABEL_KEY,
        key_form=KEY_FORM,
    )
    taints: tuple[str, ...] = entry(
        "texts",
        "Kubernetes taints, such as `os=windows:NoSchedule`.",
        default=(),
        pattern=TAINT,
        form="key=value:NoSchedule, :PreferNoSchedule or :NoExecute; key and value as of a label",
    )
    node_ip: str | None = entry(
        "text",
        "Address that the node registers with; the one of its default route by default.",
        pattern=NODE_IP,
        form="an IPv4 or IPv6 address, or one of each with a comma between",
    )
    adapter: str | None = entry(
        "text",
        "Adapter that carries the pods; `network.adapter` by default.",
        pattern=ADAPTER,
        form=ADAPTER_FORM,
    )
    provider_id: str | None = entry(
        "text",
        "Name of the machine in its cloud, such as `aws:///eu-west-1a/i-0123`.",
        pattern=r"^[!-~]{1,253}$",
        form="printable ASCII characters without spaces",
    )
    kubelet: Kubelet = field(
        default_factory=Kubelet,
        metadata={"spec": Spec(doc="What differs from `kubelet`.", shape="kubelet")},
    )
    connection: Connection = field(
        default_factory=Connection,
        metadata={"spec": Spec(doc="What differs from the defaults.", shape="group")},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """All sources as one; each node carries the connection and the kubelet that hold for it.

    Args:
        path: of our own file; of the first of Ansible's where there is none.
        notes: what the user is told of, though it is no mistake.
    """

    path: Path
    cluster: Cluster = field(default_factory=Cluster)
    runtime: Runtime = field(default_factory=Runtime)
    network: NodeNetwork = field(default_factory=NodeNetwork)
    kubelet: Kubelet = field(default_factory=Kubelet)
    artifacts: Artifacts = field(default_factory=Artifacts)
    preflight: Preflight = field(default_factory=Preflight)
    connection: Connection = field(default_factory=Connection)
    nodes: tuple[Node, ...] = ()
    notes: tuple[str, ...] = ()


SECTIONS: Mapping[str, type] = MappingProxyType(
    {
        "cluster": Cluster,
        "runtime": Runtime,
        "network": NodeNetwork,
        "kubelet": Kubelet,
        "artifacts": Artifacts,
        "preflight": Preflight,
        "connection": Connection,
    }
)
