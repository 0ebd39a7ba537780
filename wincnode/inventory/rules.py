"""Which fields do not go together, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wincnode import node_ports
from wincnode.inventory.connection import Connection
from wincnode.inventory.fields import specs
from wincnode.inventory.model import Cluster, Registry
from wincnode.secrets import FORMS


def repeated_taints(taints: Iterable[str]) -> list[str]:
    """List what stands twice: taints are unique by key and effect.

    Source: validateNodeTaints in pkg/apis/core/validation/validation.go of Kubernetes.
    """
    pairs = [re.sub("=.*:", ":", taint) for taint in taints]
    return [pair for pair in dict.fromkeys(pairs) if pairs.count(pair) > 1]


def connection_problems(connection: Connection) -> list[tuple[str, str]]:
    """Say which fields of a connection do not go together, and why."""
    problems = []
    auth = connection.auth
    if auth == "basic" and connection.scheme == "http" and not connection.allow_unencrypted:
        text = "basic over http sends the password readable; use https, or allow_unencrypted: true"
        problems.append(("auth", text))
    if auth == "certificate":
        if connection.scheme != "https":
            problems.append(("scheme", "auth certificate works over https only"))
        problems += [
            (name, "missing; auth certificate needs it")
            for name in ("cert_file", "key_file")
            if not getattr(connection, name)
        ]
    elif not connection.user:
        problems.append(("user", f"missing; auth {auth} needs it"))
    # Kerberos may use the ticket that kinit left.
    if auth in {"ntlm", "basic", "credssp"} and connection.password is None:
        problems.append(("password", f"missing; auth {auth} needs it, as {FORMS}"))
    return problems


def cluster_problems(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Say which fields of the cluster cannot be, and why."""
    if text := node_ports.problem(cluster.node_ports):
        yield "node_ports", text


def registry_problems(registry: Registry) -> Iterator[tuple[str, str]]:
    """Say which fields are missing or speak against each other."""
    addresses = {"server": (registry.server or "",), "mirrors": registry.mirrors}
    if not registry.host:
        yield "host", f"missing; {specs(Registry)['host'].form}"
    if registry.host == "_default" and registry.server:
        yield "server", "_default stands for many registries, so it has no server"
    if not registry.allow_unencrypted:
        for name, rows in addresses.items():
            if any(row.startswith("http:") for row in rows):
                text = (
                    "http lets anyone on the way swap images; use https, or allow_unencrypted: true"
                )
                yield name, text
    if registry.ca_file and registry.skip_verify:
        yield "skip_verify", "trusts any certificate, so ca_file would mean nothing"
    # containerd tries TLS first where http has settings of TLS.
    # Source: containerd/containerd:core/remotes/docker/config/hosts.go@v2.3.7
    for name in ("ca_file", "skip_verify"):
        if getattr(registry, name) and _only_http(registry):
            yield name, "is about certificates, and http has none"


def _only_http(registry: Registry) -> bool:
    """Tell whether no address of the registry, its own included, is reached over TLS."""
    own = registry.server or f"https://{registry.host}"
    return all(row.startswith("http:") for row in (own, *registry.mirrors))
