"""Who may do what: the role-based rules that are stored in the cluster, and the nodes' own.

Source: kubernetes/kubernetes:plugin/pkg/auth/authorizer/rbac/rbac.go;
plugin/pkg/auth/authorizer/node/node_authorizer.go;
plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go (NodeRules)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store
from wincnode.lab.cluster.users import MASTERS, User

ROLES = "roles.rbac.authorization.k8s.io"
CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"
BINDINGS = "rolebindings.rbac.authorization.k8s.io"
CLUSTER_BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io"
LEASES = "kube-node-lease"
READ = ("get", "list", "watch")
# What any node may do with any object: group and resource -> verbs.
NODE_VERBS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "services"): READ,
    ("", "events"): ("create", "update", "patch"),
    ("node.k8s.io", "runtimeclasses"): READ,
    ("storage.k8s.io", "csidrivers"): READ,
    ("certificates.k8s.io", "certificatesigningrequests"): (*READ, "create"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What somebody wants to do; `path` where it is with no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    field_selector: str = ""

    @property
    def full(self) -> str:
        """The resource as rules name it: `pods/eviction`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def may(store: Store, user: User, action: Action) -> bool:
    """Say whether a user may do something."""
    if MASTERS in user.groups:
        return True
    if user.node is not None and _node_may(store, user.node, action):
        return True
    return any(_fits(rule, action) for rule in _rules(store, user, action.namespace))


def refusal(user: User, action: Action) -> str:
    """Say what a user may not do, in the API server's words.

    Source: kubernetes/apiserver:pkg/endpoints/handlers/responsewriters/errors.go
    """
    if action.path:
        return f'User "{user.name}" cannot {action.verb} path "{action.path}"'
    text = f'User "{user.name}" cannot {action.verb} resource "{action.full}"'
    text += f' in API group "{action.group}"'
    if action.namespace:
        return f'{text} in the namespace "{action.namespace}"'
    return f"{text} at the cluster scope"


def _rules(store: Store, user: User, namespace: str) -> Iterator[Json]:
    for binding in store.rows(CLUSTER_BINDINGS):
        if _binds(binding, user):
            yield from _role(store, binding["roleRef"], "")
    if namespace:
        for binding in store.rows(BINDINGS, namespace):
            if _binds(binding, user):
                yield from _role(store, binding["roleRef"], namespace)


def _binds(binding: Json, user: User) -> bool:
    return any(
        (row["kind"] == "User" and row["name"] == user.name)
        or (row["kind"] == "Group" and row["name"] in user.groups)
        for row in binding.get("subjects") or ()
    )


def _role(store: Store, reference: Json, namespace: str) -> list[Json]:
    is_wide = reference["kind"] == "ClusterRole"
    role = store.get(
        CLUSTER_ROLES if is_wide else ROLES, reference["name"], "" if is_wide else namespace
    )
    rules: list[Json] = (role or {}).get("rules") or []
    return rules


def _fits(rule: Json, action: Action) -> bool:
    if not _in(action.verb, rule.get("verbs")):
        return False
    if action.path:
        return any(
            action.path == row or (row.endswith("*") and action.path.startswith(row[:-1]))
            for row in rule.get("nonResourceURLs") or ()
        )
    names = rule.get("resourceNames")
    below = f"*/{action.subresource}" if action.subresource else ""
    resources: Iterable[str] = rule.get("resources") or ()
    return (
        _in(action.group, rule.get("apiGroups"))
        and (_in(action.full, resources) or (bool(below) and below in resources))
        and (not names or action.name in names)
    )


def _in(word: str, allowed: Any) -> bool:
    return word in (allowed or ()) or "*" in (allowed or ())


def _node_may(store: Store, node: str, action: Action) -> bool:
    """Say whether a node may do something; what it writes is looked at on admission."""
    own = action.name == node
    match action.group, action.resource:
        case "", "nodes":
            reads = action.verb in READ and (own or _selects(action, "metadata.name", node))
            # Whose node is written is for admission to say.
            return reads or action.verb in {"create", "update", "patch"}
        case "", "pods":
            selected = _selects(action, "spec.nodeName", node)
            return action.verb not in {"list", "watch"} or selected
        case "", "configmaps" | "secrets":
            return action.verb in READ and _refers(store, node, action)
        case "coordination.k8s.io", "leases":
            return action.namespace == LEASES and (own or action.verb == "create")
        case "storage.k8s.io", "csinodes":
            return own or action.verb == "create"
    return action.verb in NODE_VERBS.get((action.group, action.full), ())


def _selects(action: Action, field: str, value: str) -> bool:
    return f"{field}={value}" in action.field_selector.split(",")


def _refers(store: Store, node: str, action: Action) -> bool:
    """Say whether a pod on the node mounts or reads the object."""
    words = {"configmaps": ("configMap", "configMapRef", "configMapKeyRef")}
    kinds = words.get(action.resource, ("secret", "secretRef", "secretKeyRef"))
    pods = (
        pod
        for pod in store.rows("pods", action.namespace)
        if pod.get("spec", {}).get("nodeName") == node
    )
    return any(_mentions(pod["spec"], kinds, action.name) for pod in pods)


def _mentions(value: Any, kinds: tuple[str, ...], name: str) -> bool:
    if isinstance(value, list):
        return any(_mentions(row, kinds, name) for row in value)
    if not isinstance(value, dict):
        return False
    for kind in kinds:
        row = value.get(kind)
        if isinstance(row, dict) and name in {row.get("name"), row.get("secretName")}:
            return True
    return any(_mentions(row, kinds, name) for row in value.values())
