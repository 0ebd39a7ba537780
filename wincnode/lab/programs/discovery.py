"""How kubeadm finds a cluster: cluster-info, its signature, and the pins of its authority.

Source: kubernetes/kubernetes:cmd/kubeadm/app/discovery/{discovery,token/token,file/file}.go,
app/util/pubkeypin/pubkeypin.go
"""

from __future__ import annotations

import base64
from typing import Any, TypeAlias

import yaml
from cryptography import x509

from wincnode.lab.cluster.authority import pin_of
from wincnode.lab.cluster.signing import PREFIX, jws
from wincnode.lab.programs.api import ApiFailed, Client
from wincnode.lab.programs.join_configuration import Join
from wincnode.lab.windows.machine import Machine

Json: TypeAlias = dict[str, Any]
CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
RETRY_S = 5.0  # app/constants/constants.go, DiscoveryRetryInterval
LIMIT_S = 300.0
AGENT = "kubeadm.exe"


class Failed(Exception):
    """The cluster was not found, or it is not to be trusted."""


def discover(machine: Machine, join: Join) -> Json:
    """Give the cluster to join: server and authority.

    Raises: Failed.
    """
    if join.kubeconfig:
        return _of_file(machine, join.kubeconfig)
    client = Client(server=f"https://{join.endpoint}", agent=AGENT)
    limit = join.seconds("discovery", LIMIT_S)
    info = _info(machine, client, join, limit)
    text = _signed(info, join)
    cluster = _cluster(text)
    if not join.pins:
        return cluster
    authorities = base64.b64decode(cluster["certificate-authority-data"]).decode()
    have = {pin_of(row) for row in x509.load_pem_x509_certificates(authorities.encode())}
    _refuse_unpinned(have, join.pins)
    trusting = Client(server=client.server, ca=authorities, agent=AGENT)
    if _info(machine, trusting, join, limit).get("kubeconfig") != text:
        raise Failed(
            "the second kubeconfig from the cluster-info ConfigMap (using validated TLS) "
            "was different from the first"
        )
    return cluster


def _info(machine: Machine, client: Client, join: Join, limit_s: float) -> dict[str, str]:
    """Wait for the signature; gives the ConfigMap's data."""
    id = join.token.partition(".")[0]
    end = machine.clock.seconds() + limit_s
    while True:
        try:
            data: dict[str, str] = client.call("GET", CLUSTER_INFO).get("data") or {}
            if PREFIX + id in data:
                return data
            problem = "could not find a JWS signature in the cluster-info ConfigMap for token ID "
            problem += f'"{id}"'
        except ApiFailed as error:
            problem = f"failed to request the cluster-info ConfigMap: {error}"
        if machine.clock.seconds() >= end or machine.gone.is_set():
            raise Failed(problem)
        machine.clock.wait(min(RETRY_S, end - machine.clock.seconds()), machine.gone)


def _signed(info: dict[str, str], join: Join) -> str:
    id, _, secret = join.token.partition(".")
    text = info.get("kubeconfig", "")
    if not text:
        raise Failed(
            "there is no kubeconfig key in the cluster-info ConfigMap. This API Server "
            "isn't set up for token bootstrapping, can't connect"
        )
    if info[PREFIX + id] != jws(text, id, secret):
        raise Failed(
            "failed to verify JWS signature of received cluster info object, can't trust "
            "this API Server"
        )
    return text


def _refuse_unpinned(have: set[str], pins: tuple[str, ...]) -> None:
    for pin in pins:
        kind, colon, digits = pin.partition(":")
        if not colon:
            raise Failed(
                "invalid discovery token CA certificate hash: invalid public key hash, "
                'expected "format:hex-value". Known format(s) are: sha256'
            )
        if kind.lower() != "sha256" or len(digits) != 64:
            raise Failed(f'invalid discovery token CA certificate hash: invalid hash "{pin}"')
    if not have & {pin.lower() for pin in pins}:
        keys = ":".join(sorted(have))
        raise Failed(
            f"cluster CA found in cluster-info ConfigMap is invalid: none of the public "
            f'keys "{keys}" are pinned'
        )


def _of_file(machine: Machine, path: str) -> Json:
    file = machine.path(path)
    if not file.is_file():
        raise Failed(
            f"failed to load admin kubeconfig: open {path}: The system cannot find the "
            "file specified."
        )
    return _cluster(file.read_text(encoding="utf-8"))


def _cluster(text: str) -> Json:
    clusters = (yaml.safe_load(text) or {}).get("clusters") or []
    if len(clusters) != 1:
        raise Failed(
            "malformed kubeconfig in the cluster-info ConfigMap: expected kubeconfig file "
            "to have either a current-context or only one cluster"
        )
    cluster: Json = clusters[0]["cluster"]
    return cluster
