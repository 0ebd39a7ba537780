"""A JoinConfiguration as a kubeadm of one version reads it.

Source: kubernetes/kubernetes:cmd/kubeadm/app/apis/kubeadm/{v1beta3,v1beta4}/types.go,
app/apis/kubeadm/validation/validation.go, app/util/config/{common,strict/strict}.go
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from wincnode.lab.cluster.users import TOKEN

GROUP = "kubeadm.k8s.io"
# The minors that read a version: app/apis/kubeadm/scheme/scheme.go through the releases.
READ_BY: Mapping[str, tuple[int, int]] = {"v1beta3": (22, 36), "v1beta4": (31, 99)}
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
CA_PATH = "C:/etc/kubernetes/pki/ca.crt"
FIELDS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {"apiVersion", "kind", "discovery", "caCertPath", "nodeRegistration", "patches"}
        | {"skipPhases", "timeouts", "dryRun", "controlPlane"}
    ),
    "discovery": frozenset({"bootstrapToken", "file", "tlsBootstrapToken", "timeout"}),
    "discovery.bootstrapToken": frozenset(
        {"token", "apiServerEndpoint", "caCertHashes", "unsafeSkipCAVerification"}
    ),
    "discovery.file": frozenset({"kubeConfigPath"}),
    "nodeRegistration": frozenset(
        {"name", "criSocket", "taints", "kubeletExtraArgs", "ignorePreflightErrors"}
        | {"imagePullPolicy", "imagePullSerial"}
    ),
    "patches": frozenset({"directory"}),
    "timeouts": frozenset(
        {"controlPlaneComponentHealthCheck", "kubeletHealthCheck", "kubernetesAPICall"}
        | {"etcdAPICall", "tlsBootstrap", "discovery", "upgradeManifests"}
    ),
}


class Refused(ValueError):
    """kubeadm does not take a configuration."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """What a node is to join, and how."""

    endpoint: str
    token: str
    tls_token: str
    pins: tuple[str, ...]
    kubeconfig: str
    name: str
    endpoint_of_cri: str
    taints: tuple[Mapping[str, str], ...]
    extra: tuple[tuple[str, str], ...]
    ignored: frozenset[str]
    ca_path: str
    patches: str
    timeouts: Mapping[str, str]

    def seconds(self, name: str, default: float) -> float:
        """Give a time limit."""
        return _seconds(self.timeouts[name]) if name in self.timeouts else default


def read(text: str, version: str, host: str) -> Join:
    """Read a configuration file.

    Args: version: kubeadm's. host: the machine's name in small letters.
    Raises: Refused: with kubeadm's words.
    """
    try:
        documents = [row for row in yaml.safe_load_all(text) if isinstance(row, dict)]
    except yaml.YAMLError as error:
        raise Refused(f"error converting YAML to JSON: yaml: {error}") from error
    body = next((row for row in documents if row.get("kind") == "JoinConfiguration"), None)
    if body is None:
        raise Refused(f"no JoinConfiguration found in the provided configuration, {GROUP}")
    short = _version(str(body.get("apiVersion", "")), version)
    if problems := list(_unknown(body)):
        raise Refused(
            f"error unmarshaling configuration schema.GroupVersionKind: strict decoding "
            f"error: {', '.join(problems)}"
        )
    node = body.get("nodeRegistration") or {}
    discovery = body.get("discovery") or {}
    token = discovery.get("bootstrapToken") or {}
    join = Join(
        endpoint=str(token.get("apiServerEndpoint", "")),
        token=str(token.get("token", "")),
        tls_token=str(discovery.get("tlsBootstrapToken") or token.get("token", "")),
        pins=tuple(token.get("caCertHashes") or ()),
        kubeconfig=str((discovery.get("file") or {}).get("kubeConfigPath", "")),
        name=str(node.get("name") or host),
        endpoint_of_cri=str(node.get("criSocket") or "npipe:////./pipe/containerd-containerd"),
        taints=tuple(node.get("taints") or ()),
        extra=tuple(_extra(node.get("kubeletExtraArgs"), short)),
        ignored=frozenset(row.lower() for row in node.get("ignorePreflightErrors") or ()),
        ca_path=str(body.get("caCertPath") or CA_PATH),
        patches=str((body.get("patches") or {}).get("directory", "")),
        timeouts=body.get("timeouts") or {},
    )
    if problems := list(_problems(join, discovery, token)):
        raise Refused("\n".join(problems))
    return join


def _version(api_version: str, version: str) -> str:
    group, _, short = api_version.partition("/")
    minor = int(version.split(".")[1])
    first, last = READ_BY.get(short, (0, -1))
    if group == GROUP and first <= minor <= last:
        return short
    if group == GROUP and short in {"v1alpha3", "v1beta1", "v1beta2", "v1beta3"}:
        raise Refused(
            f'your configuration file uses an old API spec: "{api_version}" (kind: '
            f'"JoinConfiguration"). Please use kubeadm v1.{last} instead and run '
            "'kubeadm config migrate --old-config old-config-file --new-config "
            "new-config-file', which will write the new, similar spec using a newer "
            "API version."
        )
    raise Refused(f'no kind "JoinConfiguration" is registered for version "{api_version}"')


def _unknown(body: Mapping[str, Any]) -> Iterator[str]:
    for path, known in FIELDS.items():
        at: Any = body
        for name in path.split(".") if path else ():
            at = (at or {}).get(name)
        for name in at or ():
            if name not in known:
                yield f'unknown field "{path}.{name}"' if path else f'unknown field "{name}"'


def _extra(value: Any, version: str) -> Iterator[tuple[str, str]]:
    """Read the kubelet's further flags: a list in v1beta4, a map before."""
    if not value:
        return
    if version == "v1beta3":
        if not isinstance(value, dict):
            raise Refused(
                "json: cannot unmarshal array into Go struct field "
                "NodeRegistrationOptions.nodeRegistration.kubeletExtraArgs of type "
                "map[string]string"
            )
        yield from value.items()
        return
    if isinstance(value, dict):
        raise Refused(
            "json: cannot unmarshal object into Go struct field "
            "NodeRegistrationOptions.nodeRegistration.kubeletExtraArgs of type []v1beta4.Arg"
        )
    for row in value:
        yield row["name"], row.get("value", "")


def _problems(join: Join, discovery: Mapping[str, Any], token: Mapping[str, Any]) -> Iterator[str]:
    ways = [name for name in ("bootstrapToken", "file") if discovery.get(name)]
    if len(ways) != 1:
        yield 'discovery: Invalid value: "": bootstrapToken or file must be set'
        return
    field = "discovery.bootstrapToken"
    if ways == ["bootstrapToken"]:
        if not TOKEN.fullmatch(join.token):
            yield f'{field}.token: Invalid value: "": the bootstrap token is invalid'
        host, _, port = join.endpoint.rpartition(":")
        if not host or not port.isdigit():
            yield (
                f'{field}.apiServerEndpoint: Invalid value: "{join.endpoint}": address '
                f"{join.endpoint}: missing port in address"
            )
        if not join.pins and not token.get("unsafeSkipCAVerification"):
            yield (
                f'{field}.caCertHashes: Invalid value: "": using token-based discovery without '
                "caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your "
                "kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag "
                "to continue"
            )
    elif join.kubeconfig[1:2] == ":":
        # Go's url.Parse takes the drive for a scheme.
        yield (
            f'discovery.file.kubeConfigPath: Invalid value: "{join.kubeconfig}": if a URL is '
            "used, the scheme must be https"
        )
    if not SUBDOMAIN.fullmatch(join.name.lower()):
        yield f'nodeRegistration.name: Invalid value: "{join.name}": a lowercase RFC 1123 subdomain'


def _seconds(text: str) -> float:
    """Read a duration of Go: pkg.go.dev/time#ParseDuration."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    rows = re.findall(r"([0-9.]+)(ms|h|m|s)", text)
    return sum(float(number) * units[unit] for number, unit in rows)
