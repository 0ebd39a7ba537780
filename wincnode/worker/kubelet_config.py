"""KubeletConfiguration on Windows: the drop-in over the cluster's, and a whole one of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import yaml

from wincnode.assets import PACKAGE
from wincnode.errors import ConfigError
from wincnode.inventory import Node
from wincnode.support import line_of, numbers
from wincnode.worker import paths
from wincnode.worker.documents import document

KIND = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
HEAD = "# Written by wincnode.\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One field, by its keys from the top; None as a value takes the field away."""

    field: tuple[str, ...]
    value: Any
    since: str = ""


def drop_in(node: Node, kubernetes: str) -> str:
    """Give 10-wincnode.conf: what Windows and this node need, whatever the cluster's config says.

    The kubelet merges it over config.yaml; a null takes a field away.
    Source: kubernetes/kubernetes:cmd/kubelet/app/server.go@v1.36.3 (mergeKubeletConfigurations)
    """
    return _text(_windows(node, kubernetes))


def configuration(node: Node, kubernetes: str, cluster: Mapping[str, Any]) -> str:
    """Give config.yaml for a node that joins without kubeadm.

    Args: cluster: what the cluster's ConfigMap kubelet-config says; only clusterDNS is needed.
    Raises: ConfigError: nothing says which DNS server pods are to ask, which is never guessed.
    """
    config: dict[str, Any] = {}
    _, defaults = _load()
    for entry in defaults:
        _put(config, entry.field, entry.value)
    whole = merged(merged(config, cluster), _windows(node, kubernetes))
    if not whole.get("clusterDNS"):
        raise ConfigError("the cluster's kubelet-config has no clusterDNS, which pods need")
    # An empty evictionHard would mean that nothing is ever evicted, a missing one the defaults.
    # Source: kubernetes/kubernetes:cmd/kubelet/app/server.go@v1.36.3 (loadConfigFile)
    return _text({**{key: value for key, value in whole.items() if value != {}}, **KIND})


def of_cluster(config_map: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what the cluster's ConfigMap kubelet-config says.

    Raises: ConfigError: it is no KubeletConfiguration.
    """
    try:
        found = yaml.safe_load((config_map.get("data") or {}).get("kubelet", ""))
    except yaml.YAMLError as error:
        raise ConfigError("the cluster's kubelet-config is no YAML") from error
    if not isinstance(found, Mapping | None):
        raise ConfigError("the cluster's kubelet-config is no mapping")
    return found or {}


def health(cluster: Mapping[str, Any]) -> str:
    """Give the URL at which a kubelet tells its health; nothing where the cluster turns that off.

    Args: cluster: what the cluster's ConfigMap kubelet-config says.
    Raises: ConfigError: that is no address or no port.
    Source: kubernetes/kubernetes:staging/src/k8s.io/kubelet/config/v1beta1/types.go@v1.36.3
    (healthzPort, healthzBindAddress); cmd/kubeadm/app/util/apiclient/wait.go@v1.36.3
    """
    port, text = cluster.get("healthzPort"), cluster.get("healthzBindAddress")
    port = 10248 if port is None else port
    if type(port) is not int or not 0 <= port <= 65535:
        raise ConfigError(f"the cluster's kubelet-config has the healthzPort {port!r}")
    try:
        address = ip_address(text or "127.0.0.1")
    except ValueError as error:
        raise ConfigError(
            f"the cluster's kubelet-config has the healthzBindAddress {text!r}"
        ) from error
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{host}:{port}/healthz" if port else ""


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge as the kubelet does: mappings by key, lists whole, and null takes a key away.

    Source: rfc-editor.org/rfc/rfc7386
    """
    result = {key: value for key, value in under.items() if value is not None}
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = result.get(key)
            result[key] = merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def taint(text: str) -> dict[str, str]:
    """Take `key=value:effect` apart, as the API writes a taint."""
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


def _windows(node: Node, kubernetes: str) -> dict[str, Any]:
    config: dict[str, Any] = {**KIND}
    for entry in _load()[0]:
        if numbers(line_of(kubernetes)) >= numbers(entry.since):
            _put(config, entry.field, entry.value)
    if node.taints:
        config["registerWithTaints"] = [taint(text) for text in node.taints]
    if node.provider_id:
        config["providerID"] = node.provider_id
    if node.kubelet.server_tls_bootstrap:
        config["serverTLSBootstrap"] = True
    return config


def _load() -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    rows = yaml.safe_load((PACKAGE / "data" / "kubelet.yaml").read_text(encoding="utf-8"))
    return tuple(_entries(rows["config"])), tuple(_entries(rows["defaults"]))


def _entries(rows: list[dict[str, Any]]) -> Iterator[Entry]:
    for row in rows:
        value = getattr(paths, row["path"]) if "path" in row else row["value"]
        yield Entry(field=tuple(row["field"]), value=value, since=row.get("since", ""))


def _put(config: dict[str, Any], field: tuple[str, ...], value: Any) -> None:
    *parents, last = field
    for name in parents:
        config = config.setdefault(name, {})
    config[last] = value


def _text(config: Mapping[str, Any]) -> str:
    return HEAD + document(config, sort_keys=True)
