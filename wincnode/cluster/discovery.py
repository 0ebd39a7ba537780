"""Whether a cluster is the one that a token or a pin speaks of, and how nodes reach it.

Source: kubernetes/kubernetes:cmd/kubeadm/app/discovery/token/token.go;
kubernetes/cluster-bootstrap:token/jws/jws.go
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wincnode.cluster.api import CONFIG_MAPS, Api, Object
from wincnode.cluster.connection import Patience
from wincnode.cluster.entries import Pem
from wincnode.cluster.kubeconfig import ClusterAccess, resolve
from wincnode.cluster.watch import one, watch
from wincnode.errors import ClusterError, ConfigError
from wincnode.secrets import Secret

NAMESPACE = "kube-public"
NAME = "cluster-info"
SIGNATURE = "jws-kubeconfig-"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterInfo:
    """How nodes reach the cluster: what its own kubeconfig for them says.

    Args: pins: of each of its authorities, as `sha256:` and hexadecimal digits.
    """

    kubeconfig: str
    server: str
    ca_pem: str
    pins: tuple[str, ...]


def signature(kubeconfig: str, token: Secret) -> str:
    """Give the detached JWS over a kubeconfig that stands in cluster-info for a token."""
    id, _, secret = token.reveal().partition(".")
    # Byte by byte what Kubernetes writes: the order of the keys and no spaces.
    header = _base64url(f'{{"alg":"HS256","kid":"{id}"}}'.encode())
    signed = f"{header}.{_base64url(kubeconfig.encode())}"
    digest = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return f"{header}..{_base64url(digest)}"


def pins(ca_pem: str) -> tuple[str, ...]:
    """Give the pin of each certificate: SHA-256 of its public key.

    Raises: ValueError: it is no PEM of certificates.
    """
    return tuple(
        "sha256:"
        + hashlib.sha256(
            row.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).hexdigest()
        for row in x509.load_pem_x509_certificates(ca_pem.encode())
    )


def cluster_info(api: Api, token: Secret, *, timeout_s: float = 60.0) -> ClusterInfo:
    """Wait until the cluster has signed for a token, and give what it signed.

    Raises: ClusterError: of id cluster.discovery where that does not come or does not fit.
    """
    end = time.monotonic() + timeout_s
    seen: Object = {}
    for rows in watch(api, one(CONFIG_MAPS, NAME, namespace=NAMESPACE), lambda: end):
        seen = rows[0] if rows else {}
        # The signature of an earlier token of the id stays for a moment.
        if _is_signed(seen, token):
            return _verified(api.server, seen, token)
    if not seen:
        raise _wrong(
            f"{api.server}: there is no ConfigMap {NAME} in {NAMESPACE}",
            "kubeadm makes it; `kubeadm init phase bootstrap-token` makes it again.",
        )
    raise _wrong(
        f"{api.server}: {NAME} was not signed for the token {_id(token)} in {timeout_s:.0f} s",
        "See whether kube-controller-manager runs with the controller bootstrapsigner.",
    )


def discover(
    server: str,
    token: Secret,
    ca_pins: Sequence[str],
    *,
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> ClusterInfo:
    """Ask a server that is not trusted yet, as `kubeadm join` does, without a kubeconfig.

    Args: server: HOST:PORT. ca_pins: any of them is enough; the token alone where there is none.
    Raises: ClusterError.
    """
    access = ClusterAccess(server=f"https://{server}", insecure=True)
    info = _verified(access.server, _read(access, patience), token)
    if not ca_pins:
        return info
    if not set(info.pins) & {pin.lower() for pin in ca_pins}:
        raise ClusterError(
            f"{access.server}: its authority has the pin {', '.join(info.pins)}; wanted is"
            f" {' or '.join(ca_pins)}",
            remedy="Another cluster answers there, or somebody stands between you and it.",
            id="cluster.pin",
        )
    trusted = ClusterAccess(server=access.server, ca=Pem(text=Secret(info.ca_pem)))
    again = _verified(access.server, _read(trusted, patience), token)
    if again.kubeconfig != info.kubeconfig:
        raise _wrong(f"{access.server}: {NAME} changed while it was read", "Run the command again.")
    return info


def _read(access: ClusterAccess, patience: Patience) -> Object:
    return Api(access, patience=patience).get(CONFIG_MAPS, NAME, namespace=NAMESPACE)


def _verified(server: str, found: Object, token: Secret) -> ClusterInfo:
    data = found.get("data") or {}
    if SIGNATURE + _id(token) not in data:
        raise _wrong(
            f"{server}: {NAME} is not signed for the token {_id(token)}",
            "The token has expired or is of another cluster; make another one.",
        )
    if not _is_signed(found, token):
        raise _wrong(
            f"{server}: the signature of {NAME} is not of the token {_id(token)}",
            "Another cluster answers there, or somebody stands between you and it.",
        )
    return parsed(data["kubeconfig"], server)


def _is_signed(found: Object, token: Secret) -> bool:
    data = found.get("data") or {}
    given = data.get(SIGNATURE + _id(token), "")
    wanted = signature(data.get("kubeconfig", ""), token)
    return hmac.compare_digest(wanted.encode(), given.encode())


def parsed(kubeconfig: str, server: str) -> ClusterInfo:
    """Read the kubeconfig of cluster-info, which names one cluster and nobody.

    Raises: ClusterError: it is no such kubeconfig.
    """
    try:
        body: Any = yaml.safe_load(kubeconfig)
        # kubeadm gives the cluster no name.
        cluster = {**body["clusters"][0], "name": "nodes"}
        context = {"name": "nodes", "context": {"cluster": "nodes", "user": "nobody"}}
        users = [{"name": "nobody", "user": {}}]
        whole = {"clusters": [cluster], "contexts": [context], "users": users}
        access = resolve([(Path(NAME), whole)], "nodes")
        ca_pem = access.ca.text.reveal() if access.ca.text else ""
        return ClusterInfo(
            kubeconfig=kubeconfig, server=access.server, ca_pem=ca_pem, pins=pins(ca_pem)
        )
    except (yaml.YAMLError, ValueError, LookupError, TypeError, ConfigError) as err:
        raise _wrong(
            f"{server}: the kubeconfig of {NAME} names no server with its authority",
            "`kubeadm init phase bootstrap-token` writes it anew.",
        ) from err


def _id(token: Secret) -> str:
    return token.reveal().partition(".")[0]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _wrong(text: str, remedy: str) -> ClusterError:
    return ClusterError(text, remedy=remedy, id="cluster.discovery")
