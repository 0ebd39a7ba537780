"""Bootstrap tokens: one for each node, made for one run and taken back at its end.

Source: kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from datetime import timedelta

from wincnode.cluster.api import SECRETS, Api, Object
from wincnode.errors import ClusterError
from wincnode.secrets import Secret

NAMESPACE = "kube-system"
TYPE = "bootstrap.kubernetes.io/token"
# The group that kubeadm's roles for joining nodes are bound to.
# Source: kubernetes/kubernetes:cmd/kubeadm/app/constants/constants.go, NodeBootstrapTokenAuthGroup
GROUP = "system:bootstrappers:kubeadm:default-node-token"
ALPHABET = string.digits + string.ascii_lowercase
ID_LENGTH = 6
SECRET_LENGTH = 16
OURS = "wincnode: "


def token_id(node: str) -> str:
    """Give the id of a node's token: always the same, so that no list of tokens is needed."""
    number = int.from_bytes(hashlib.sha256(node.encode()).digest())
    digits = []
    for _ in range(ID_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(digits)


def secret_name(node: str) -> str:
    """Give the name of the Secret that stands for a node's token."""
    return f"bootstrap-token-{token_id(node)}"


def create(
    api: Api, node: str, run: str, *, ttl_s: int = 1800, groups: tuple[str, ...] = (GROUP,)
) -> Secret:
    """Make a node's token, in place of one that an earlier run left over.

    Args: groups: those of the token's user, each beginning with `system:bootstrappers:`.
    Raises: ClusterError: also where a Secret of that name is not ours.
    """
    _remove(api, node, must_be_ours=True)
    token = Secret(f"{token_id(node)}.{_random(SECRET_LENGTH)}")
    # By the server's clock: by one that is late the token might be dead at once.
    expires = (api.now() + timedelta(seconds=ttl_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    api.create(
        SECRETS,
        token_object(token, node=node, run=run, expires=expires, groups=groups),
        namespace=NAMESPACE,
    )
    return token


def is_there(api: Api, node: str) -> bool:
    """Tell whether a node has a token of ours.

    Raises: ClusterError.
    """
    found = api.find(SECRETS, secret_name(node), namespace=NAMESPACE)
    return found is not None and _is_ours(found, node)


def revoke(api: Api, node: str) -> bool:
    """Take a node's token back; False where there is none, or it is not ours.

    Raises: ClusterError.
    """
    return _remove(api, node, must_be_ours=False)


def token_object(
    token: Secret, *, node: str, run: str, expires: str, groups: tuple[str, ...]
) -> Object:
    """Give the Secret that stands for a token.

    Args: expires: RFC 3339, in UTC.
    """
    id, _, secret = token.reveal().partition(".")
    rows = {
        "token-id": id,
        "token-secret": secret,
        "expiration": expires,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": ",".join(groups),
        "description": f"{OURS}lets {node} join, run {run}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(node), "namespace": NAMESPACE},
        "type": TYPE,
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in rows.items()},
    }


def _remove(api: Api, node: str, *, must_be_ours: bool) -> bool:
    name = secret_name(node)
    found = api.find(SECRETS, name, namespace=NAMESPACE)
    if found is None:
        return False
    if not _is_ours(found, node):
        if must_be_ours:
            raise ClusterError(
                f"{api.server}: the Secret {name} in {NAMESPACE} is not wincnode's for {node}",
                remedy="See whose token it is: `kubeadm token list`; delete it if it is nobody's.",
                id="cluster.foreign-token",
            )
        return False
    return api.delete(SECRETS, name, namespace=NAMESPACE, uid=found["metadata"]["uid"])


def _is_ours(found: Object, node: str) -> bool:
    encoded = (found.get("data") or {}).get("description", "")
    description = base64.b64decode(encoded).decode(errors="replace")
    return found.get("type") == TYPE and description.startswith(f"{OURS}lets {node} join, ")


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
