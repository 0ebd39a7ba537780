"""What a node joins with: kubeadm's JoinConfiguration, or a kubeconfig for TLS bootstrap."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from wincnode.inventory import Node
from wincnode.secrets import Secret
from wincnode.support import numbers
from wincnode.worker import paths
from wincnode.worker.documents import document
from wincnode.worker.kubelet_config import taint

# The first kubeadm that reads v1beta4; 1.37 reads no other.
# Source: kubernetes/kubernetes:CHANGELOG/CHANGELOG-1.31.md, CHANGELOG-1.37.md
V1BETA4_SINCE = (1, 31)


def join_configuration(
    node: Node, kubernetes: str, *, server: str, token: Secret, ca_hashes: Sequence[str]
) -> Secret:
    """Give the JoinConfiguration of a node, which holds the token.

    The kubelet's flags are not in it: kubeadm would write them where nothing reads them. The path
    of the CA is left out, since kubeadm's default is the right one and other systems refuse it.

    Args:
        kubernetes: version of the kubeadm on the node.
        server: `HOST:PORT` of the API server.
        ca_hashes: as `sha256:…`; one of them must be the cluster's.
    Source: kubernetes/kubernetes:cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go@v1.36.3
    """
    version = "v1beta4" if numbers(kubernetes)[:2] >= V1BETA4_SINCE else "v1beta3"
    return _yaml(
        {
            "apiVersion": f"kubeadm.k8s.io/{version}",
            "kind": "JoinConfiguration",
            "discovery": {
                "bootstrapToken": {
                    "apiServerEndpoint": server,
                    "caCertHashes": list(ca_hashes),
                    "token": token.reveal(),
                }
            },
            "nodeRegistration": {
                "criSocket": paths.CRI_ENDPOINT,
                "name": node.name,
                # An empty list says that there are none; without it kubeadm has its own mind.
                "taints": [taint(text) for text in node.taints],
            },
        }
    )


def bootstrap_kubeconfig(*, server: str, ca_pem: str, token: Secret) -> Secret:
    """Give bootstrap-kubelet.conf, which holds the token, with the names that kubeadm uses.

    Args: server: URL of the API server, as the kubelet is to use it from then on.
    Source: kubernetes/kubernetes:cmd/kubeadm/app/discovery/discovery.go@v1.36.3
    """
    authority = base64.b64encode(ca_pem.encode()).decode()
    user = "tls-bootstrap-token-user"
    context = f"{user}@kubernetes"
    return _yaml(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "kubernetes",
                    "cluster": {"certificate-authority-data": authority, "server": server},
                }
            ],
            "contexts": [{"name": context, "context": {"cluster": "kubernetes", "user": user}}],
            "current-context": context,
            "users": [{"name": user, "user": {"token": token.reveal()}}],
        }
    )


def _yaml(value: dict[str, Any]) -> Secret:
    return Secret(document(value))
