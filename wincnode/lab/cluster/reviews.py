"""Questions about rights and identity, which are answered and not kept.

Source: kubernetes/kubernetes:pkg/registry/authorization, pkg/registry/authentication
"""

from __future__ import annotations

from wincnode.lab.cluster.requests import Request
from wincnode.lab.cluster.rights import Action, may
from wincnode.lab.cluster.status import Json, no_such_path
from wincnode.lab.cluster.store import Store
from wincnode.lab.cluster.users import User


def answer(store: Store, request: Request) -> Json:
    """Give the review with its status.

    Raises: ApiError: there is no such review.
    """
    review = request.content()
    kind = request.resource.kind if request.resource else ""
    result = {"kind": kind, "apiVersion": request.resource.api_version if request.resource else ""}
    spec = review.get("spec", {})
    match kind:
        case "SelfSubjectReview":
            user = {"username": request.user.name, "groups": list(request.user.groups)}
            return {**result, "metadata": {}, "status": {"userInfo": user}}
        case "SelfSubjectAccessReview":
            who = request.user
        case "SubjectAccessReview":
            who = User(name=spec.get("user", ""), groups=tuple(spec.get("groups") or ()))
        case _:
            raise no_such_path()
    allowed = may(store, who, _action(spec))
    return {**result, "metadata": {}, "spec": spec, "status": {"allowed": allowed}}


def _action(spec: Json) -> Action:
    if path := spec.get("nonResourceAttributes"):
        return Action(verb=path.get("verb", ""), path=path.get("path", ""))
    asked = spec.get("resourceAttributes") or {}
    return Action(
        verb=asked.get("verb", ""),
        group=asked.get("group", ""),
        resource=asked.get("resource", ""),
        subresource=asked.get("subresource", ""),
        namespace=asked.get("namespace", ""),
        name=asked.get("name", ""),
    )
