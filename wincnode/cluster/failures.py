"""What an API server's refusals mean, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from wincnode.errors import ClusterError, ClusterRefused
from wincnode.events import printable

# What a server says when it may do better the next time.
PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What is asked of the API server, in the words of RBAC.

    Args: resource: with its group and subresource: `daemonsets.apps`, `pods/eviction`.
    """

    verb: str
    resource: str
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{name}{f' in {self.namespace}' * bool(self.namespace)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meaning:
    id: str
    text: str
    remedy: str = ""
    error: type[ClusterError] = ClusterError


MEANINGS: Mapping[int, _Meaning] = {
    HTTPStatus.UNAUTHORIZED: _Meaning(
        id="cluster.not-let-in",
        text="the API server does not know who is asking: ",
        remedy="See the user of the kubeconfig's context: `kubectl auth whoami`.",
        error=ClusterRefused,
    ),
    HTTPStatus.FORBIDDEN: _Meaning(
        id="cluster.forbidden",
        text="forbidden: ",
        remedy="docs/cluster.md lists the rights that each verb needs, and roles that hold them.",
        error=ClusterRefused,
    ),
    HTTPStatus.NOT_FOUND: _Meaning(id="cluster.not-found", text=""),
    HTTPStatus.CONFLICT: _Meaning(id="cluster.conflict", text=""),
    **dict.fromkeys(
        PASSING, _Meaning(id="cluster.busy", text="the API server could not do it now: ")
    ),
}
OTHER = _Meaning(id="cluster.invalid", text="the API server does not take it: ")
NONE = _Meaning(id="cluster.bad-reply", text="what answers is no API server: ")


def refusal(server: str, call: Call, status: int, body: Mapping[str, Any]) -> ClusterError:
    """Give the error for an HTTP status that is none of success.

    Args: body: the Status object; empty where the answer was none.
    """
    meaning = MEANINGS.get(status, OTHER)
    if not body and status not in PASSING:
        meaning = NONE
    said = printable(str(body.get("message") or "")) or f"HTTP status {status}"
    return meaning.error(
        f"{server}: {call}: {meaning.text}{said}",
        remedy=meaning.remedy,
        id=meaning.id,
        status=status,
        causes=(body.get("details") or {}).get("causes") or (),
    )
