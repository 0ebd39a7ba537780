"""What an inventory holds; a field's metadata drives loading, the JSON Schema and its docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from wincnode.secrets import Source

Shape = Literal["text", "path", "cidr", "number", "flag", "texts", "map", "source", "group", "cni"]

# RFC 1123 subdomain, as the API server holds a Node's name to it
# (kubernetes/kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go@v1.34.0).
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
NODE_NAME = rf"^(?=.{{1,253}}$){_SUBDOMAIN}$"
# kubernetes.io/docs/concepts/overview/working-with-objects/labels, "Syntax and character set"
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = rf"((?=[^/]{{1,253}}/){_SUBDOMAIN}/)?{_WORD}"
LABEL_KEY = f"^{_KEY}$"
LABEL = f"^({_WORD})?$"
KEY_FORM = "at most 63 letters, digits, `-`, `_` and `.`, after an optional DNS name and `/`"
VERSION = r"^v?\d+\.\d+(\.\d+)?([-+][0-9A-Za-z.-]+)?$"
SERVER = r"^([A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
# A taint's key and value are those of a label (validateNodeTaints in
# kubernetes/kubernetes:pkg/apis/core/validation/validation.go@v1.34.0).
TAINT = f"^{_KEY}(=({_WORD})?)?:(NoSchedule|PreferNoSchedule|NoExecute)$"
# A credential in an address would end up in lock files and messages.
BASE_URL = r"^https?://[^\s/@?#]+(/[^\s?#]*)?$"
# Source: learn.microsoft.com/windows/win32/winrm, "Installation and configuration for Windows
# Remote Management", section "Listener and service defaults".
PORTS = MappingProxyType({"https": 5986, "http": 5985})


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What one field of the file accepts."""

    doc: str
    shape: Shape
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""
    key_pattern: str = ""
    key_form: str = ""
    minimum: int = 0
    maximum: int = 0


def _entry(shape: Shape, doc: str, *, default: Any = None, **rules: Any) -> Any:
    spec = Spec(doc=doc, shape=shape, **rules)
    if isinstance(default, dict):
        return field(default_factory=lambda: MappingProxyType({}), metadata={"spec": spec})
    return field(default=default, metadata={"spec": spec})


def specs(owner: type) -> dict[str, Spec]:
    """Give the fields of a section that may stand in the file, in their order."""
    return {row.name: row.metadata["spec"] for row in fields(owner) if "spec" in row.metadata}


def default_of(owner: type, name: str) -> Any:
    """Give what holds when a field is left out; None where nothing does."""
    row: Field[Any] = next(row for row in fields(owner) if row.name == name)
    return row.default if row.default is not MISSING else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cni:
    """The network of the cluster; its name alone is the short form of `{name: NAME}`."""

    name: str = _entry(
        "text",
        "Name of the network: `flannel`, `calico`, or `none` for one of your own.",
        default="",
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        form="a name such as flannel",
    )
    mode: str | None = _entry(
        "text",
        "How the network carries packets: for flannel `overlay` or `host-gw`, for Calico `vxlan`.",
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        form="a word such as overlay",
    )
    # NUL to US and lone surrogates cannot stand in YAML as such.
    vxlan_adapter: str | None = _entry(
        "text",
        "Calico: the Windows adapter that carries VXLAN; the primary one by default.",
        pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]{1,256}$",
        form="at most 256 printable characters",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """The cluster that the nodes are to work in."""

    kubeconfig: str | None = _entry("path", "Path of an administrator's kubeconfig.")
    kubernetes: str | None = _entry(
        "text", "Kubernetes version of the nodes.", pattern=VERSION, form="a version such as 1.36.4"
    )
    api_server: str | None = _entry(
        "text",
        "Where nodes reach the API server, such as `10.0.0.10:6443`; the kubeconfig's server "
        "by default.",
        pattern=SERVER,
        form="HOST or HOST:PORT, an IPv6 address in brackets",
    )
    cni: Cni | None = _entry(  # noqa: RUF009 - it gives a dataclass field
        "cni", "Network of the cluster: its name, or fields of `cluster.cni`."
    )
    pod_cidr: str | None = _entry("cidr", "Addresses of the pods, such as `10.244.0.0/16`.")
    service_cidr: str | None = _entry("cidr", "Addresses of the services, such as `10.96.0.0/12`.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """The container runtime that the nodes get."""

    containerd: str | None = _entry(
        "text", "containerd version.", pattern=VERSION, form="a version such as 2.3.4"
    )
    isolation: tuple[str, ...] = _entry(
        "texts",
        "Isolations that the nodes must offer.",
        default=("process",),
        allowed=("process", "hyperv"),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifacts:
    """Where the files that nodes install come from."""

    mirror: str | None = _entry(
        "text",
        "Base address of a mirror, which keeps each file under its origin's host and path.",
        pattern=BASE_URL,
        form="an http or https address without credentials, such as https://mirror.example/files",
    )
    also: tuple[str, ...] = _entry(
        "texts",
        "Optional artifacts that the nodes get too, by their names in `docs/artifacts.md`.",
        default=(),
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        form="a name such as cni-plugins",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """How a node is reached over WinRM."""

    scheme: str = _entry("text", "Transport.", default="https", allowed=("https", "http"))
    port: int | None = _entry(
        "number", "TCP port; 5986 for https and 5985 for http.", minimum=1, maximum=65535
    )
    auth: str = _entry(
        "text",
        "How to log on.",
        default="ntlm",
        allowed=("ntlm", "basic", "kerberos", "credssp", "certificate"),
    )
    user: str | None = _entry("text", r"Account, such as `Administrator` or `CORP\ops`.")
    password: Source | None = _entry(  # noqa: RUF009 - it gives a dataclass field
        "source",
        "Where the password comes from: `{env: NAME}`, `{file: PATH}` (mode 0600), "
        "`{prompt: true}` or `{command: [..]}`; never the password itself.",
    )
    ca_file: str | None = _entry("path", "PEM file of the authority behind the certificates.")
    fingerprint: str | None = _entry(
        "text",
        "SHA-256 of the node's certificate, trusted instead of an authority.",
        pattern=r"^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$",
        form="64 hexadecimal digits (SHA-256)",
    )
    cert_file: str | None = _entry("path", "PEM file of the client certificate.")
    key_file: str | None = _entry("path", "PEM file of the client certificate's key.")
    connect_timeout_s: int = _entry(
        "number", "Seconds until a silent address is given up.", default=5, minimum=1, maximum=600
    )
    allow_unencrypted: bool = _entry(
        "flag",
        "Allow basic over http, which sends the password readable to everyone on the way.",
        default=False,
    )

    @property
    def effective_port(self) -> int:
        """The port that is used: the given one, else the scheme's."""
        return self.port or PORTS[self.scheme]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One Windows machine; its name is also its name in Kubernetes."""

    name: str
    line: int = field(default=0, compare=False)
    address: str = _entry(
        "text",
        "DNS name or IP address; the node's name by default.",
        default="",
        pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9.])?$|^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$",
        form="a DNS name or an IP address, without scheme and port",
    )
    groups: tuple[str, ...] = _entry(
        "texts",
        "Groups that select the node.",
        default=(),
        pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*$",
        form="a word of letters, digits, `-`, `_` and `.`",
    )
    labels: Mapping[str, str] = _entry(
        "map",
        "Kubernetes labels.",
        default={},
        pattern=LABEL,
        form="at most 63 letters, digits, `-`, `_` and `.`",
        key_pattern=LABEL_KEY,
        key_form=KEY_FORM,
    )
    taints: tuple[str, ...] = _entry(
        "texts",
        "Kubernetes taints, such as `os=windows:NoSchedule`.",
        default=(),
        pattern=TAINT,
        form="key=value:NoSchedule, :PreferNoSchedule or :NoExecute; key and value as of a label",
    )
    connection: Connection = field(
        default_factory=Connection,
        metadata={"spec": Spec(doc="What differs from the defaults.", shape="group")},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """One file: the cluster, the runtime, its files, and the nodes with their whole connections."""

    path: Path
    cluster: Cluster = field(default_factory=Cluster)
    runtime: Runtime = field(default_factory=Runtime)
    artifacts: Artifacts = field(default_factory=Artifacts)
    connection: Connection = field(default_factory=Connection)
    nodes: tuple[Node, ...] = ()


SECTIONS: Mapping[str, type] = MappingProxyType(
    {"cluster": Cluster, "runtime": Runtime, "artifacts": Artifacts, "connection": Connection}
)
