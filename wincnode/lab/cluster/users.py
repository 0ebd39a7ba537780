"""Who asks: client certificates of the cluster's authority, bootstrap tokens, other tokens.

Source: kubernetes/kubernetes:plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go;
kubernetes/cluster-bootstrap:util/secrets/secrets.go
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from wincnode.lab.cluster import status
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"
NODES = "system:nodes"
BOOTSTRAPPERS = "system:bootstrappers"
TOKEN_TYPE = "bootstrap.kubernetes.io/token"  # noqa: S105 - the type's name
TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Who asks, and what they belong to."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def node(self) -> str | None:
        """The node that asks, if one does."""
        is_node = NODES in self.groups and self.name.startswith("system:node:")
        return self.name.removeprefix("system:node:") if is_node else None


ANONYMOUS = User(name="system:anonymous", groups=("system:unauthenticated",))


def identify(
    store: Store, tokens: Mapping[str, User], certificate: bytes | None, authorization: str
) -> User:
    """Say who a request comes from.

    Args: certificate: the client's, which TLS has verified. authorization: the header's value.
    Raises: ApiError: a token is not right.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer":
        user = tokens.get(token) or _bootstrapper(store, token)
        if user is None:
            raise status.unauthorized()
        return user
    if certificate is not None:
        return _of_certificate(certificate)
    return ANONYMOUS


def _of_certificate(der: bytes) -> User:
    subject = x509.load_der_x509_certificate(der).subject
    (name,) = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    groups = [str(row.value) for row in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return User(name=str(name.value), groups=(*groups, AUTHENTICATED))


def _bootstrapper(store: Store, token: str) -> User | None:
    parts = TOKEN.fullmatch(token)
    if parts is None:
        return None
    secret = store.get("secrets", f"bootstrap-token-{parts[1]}", "kube-system")
    if secret is None or secret.get("type") != TOKEN_TYPE:
        return None
    data = texts(secret)
    right = (
        hmac.compare_digest(data.get("token-secret", ""), parts[2])
        and data.get("token-id") == parts[1]
        and data.get("usage-bootstrap-authentication") == "true"
        and not has_expired(data, store.now())
    )
    extra = [row for row in data.get("auth-extra-groups", "").split(",") if row]
    if not right or not all(map(EXTRA_GROUP.fullmatch, extra)):
        return None
    groups = sorted({BOOTSTRAPPERS, *extra})
    return User(name=f"system:bootstrap:{parts[1]}", groups=(*groups, AUTHENTICATED))


def texts(secret: Json) -> dict[str, str]:
    """Give what a Secret holds as texts."""
    data = secret.get("data") or {}
    return {name: base64.b64decode(value).decode("utf-8") for name, value in data.items()}


def expiry(data: Mapping[str, str]) -> datetime | None:
    """Give when a bootstrap token ends; nothing where it never does.

    Raises: ValueError: the text is no time, and so the token counts as expired.
    """
    text = data.get("expiration", "")
    return datetime.fromisoformat(text) if text else None


def has_expired(data: Mapping[str, str], now: datetime) -> bool:
    """Say whether a bootstrap token has ended."""
    try:
        end = expiry(data)
        left = end - now if end else None
    except (ValueError, TypeError):  # no time, or one without a zone
        return True
    return left is not None and left <= timedelta(0)
