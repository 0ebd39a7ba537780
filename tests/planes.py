"""Clients of the lab's control plane for tests, and objects that they send."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from wincnode.lab.cluster import ControlPlane
from wincnode.lab.programs import certificates
from wincnode.lab.programs.api import ApiFailed, Client

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PODS = "/api/v1/namespaces/default/pods"
CSRS = certificates.CSRS
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
GROUP = "system:bootstrappers:kubeadm:default-node-token"


def client(plane: ControlPlane, user: str = "admin", verbs: Any = None) -> Client:
    config = yaml.safe_load(plane.kubeconfig(user, verbs).read_text())
    pem = plane.folder / f"{user}.pem"
    row = config["users"][0]["user"]
    pem.write_bytes(
        base64.b64decode(row["client-certificate-data"]) + base64.b64decode(row["client-key-data"])
    )
    return Client(server=plane.server, ca=plane.ca_pem, pem=pem, agent="tests")


def bearer(plane: ControlPlane, token: str) -> Client:
    return Client(server=plane.server, ca=plane.ca_pem, token=token)


def config_map(name: str = "one", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def token(id: str = "abcdef", *, expires_s: float = 600, **changes: str) -> dict[str, Any]:
    end = datetime.now(UTC) + timedelta(seconds=expires_s)
    data = {
        "token-id": id,
        "token-secret": "0123456789abcdef",
        "expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": GROUP,
    }
    return {
        "metadata": {"name": f"bootstrap-token-{id}"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": data | changes,
    }


def node(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}


def soon(holds: Callable[[], Any]) -> Any:
    """Give what becomes true within two seconds."""
    end = time.monotonic() + 2
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ApiFailed) as caught:
        call()
    return caught.value.code, str(caught.value)
