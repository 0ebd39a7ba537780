"""What an API server completes, restricts and refuses in objects before it keeps them.

Source: kubernetes/kubernetes:plugin/pkg/admission/noderestriction/admission.go;
kubernetes/kubelet:pkg/apis/well_known_labels.go; kubernetes/kubernetes:pkg/registry
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from wincnode.lab.cluster import status
from wincnode.lab.cluster.requests import Request
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.users import User

KUBELET_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    }
)
KUBELET_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")
RESTRICTED = "node-restriction.kubernetes.io"
# Kinds whose spec has a generation.
COUNTED = ("apps", "policy", "batch")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# Names that need not be names of hosts: pkg/apis/rbac/validation, pkg/apis/certificates/validation.
PATH_NAMES = ("rbac.authorization.k8s.io", "certificates.k8s.io")


def complete(request: Request, object: Json) -> None:
    """Fill in what a client may leave out of an object that it creates.

    Raises: ApiError: the object is not as it must be.
    """
    resource = request.resource
    if resource is None:
        return
    name = object["metadata"].get("name", "")
    if resource.group not in PATH_NAMES and not NAME.fullmatch(name):
        text = f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower '
        text += "case alphanumeric characters, '-' or '.', and must start and end with an "
        text += "alphanumeric character"
        raise status.invalid(resource.kind, name, "metadata.name", text)
    if resource.plural != "nodes" and "status" in dict(resource.subresources):
        object.pop("status", None)
    if resource.group in COUNTED or not resource.known:
        object["metadata"]["generation"] = 1
    match resource.plural:
        case "secrets":
            keep_strings(object)
            object.setdefault("type", "Opaque")
        case "namespaces":
            object["status"] = {"phase": "Active"}
        case "pods":
            object["status"] = {"phase": "Pending"}
            spec = object.setdefault("spec", {})
            spec.setdefault("restartPolicy", "Always")
            spec.setdefault("serviceAccountName", "default")
            # kubernetes/kubernetes:pkg/apis/core/v1/defaults.go (SetDefaults_PodSpec)
            spec.setdefault("terminationGracePeriodSeconds", 30)
            _tolerate(spec)
        case "certificatesigningrequests":
            object["spec"] |= {"username": request.user.name, "groups": list(request.user.groups)}
            object["status"] = {}


def keep_strings(secret: Json) -> None:
    """Move a Secret's stringData to where it is kept."""
    for name, text in secret.pop("stringData", {}).items():
        secret.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


def _tolerate(spec: Json) -> None:
    """Give a pod the tolerations that every pod has, so that it outlives a short outage."""
    have = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(row.get("key") in {key, None} for row in have):
            effect = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            have.append({"key": key, **effect})


def restrict(request: Request, before: Json | None, after: Json | None) -> None:
    """Refuse what a node may not change.

    Raises: ApiError.
    """
    node, resource = request.user.node, request.resource
    if node is None or resource is None:
        return
    why = ""
    name = str((after or before or {}).get("metadata", {}).get("name", request.name))
    match resource.plural:
        case "nodes":
            why = _node(node, name, before, after)
        case "leases":
            if name != node:
                why = "can only access node lease with the same name as the requesting node"
        case "pods":
            bound = (before or after or {}).get("spec", {}).get("nodeName")
            if bound != node:
                why = f'node "{node}" can only change pods with spec.nodeName set to itself'
    if why:
        raise status.forbidden(resource.where, name, why)


def _node(node: str, name: str, before: Json | None, after: Json | None) -> str:
    if name != node:
        return f'node "{node}" is not allowed to modify node "{name}"'
    if after is None:
        return ""
    old, new = _labels(before), _labels(after)
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    refused = ", ".join(sorted(key for key in changed if _is_refused(key)))
    if before is None:
        text = f'node "{node}" is not allowed to set the following labels: {refused}'
        return text if refused else ""
    if before.get("spec", {}).get("taints") != after.get("spec", {}).get("taints"):
        return f'node "{node}" is not allowed to modify taints'
    return f"is not allowed to modify labels: {refused}" if refused else ""


def _labels(object: Json | None) -> Mapping[str, Any]:
    labels: Mapping[str, Any] = (object or {}).get("metadata", {}).get("labels") or {}
    return labels


def _is_refused(key: str) -> bool:
    namespace = key.partition("/")[0] if "/" in key else ""
    if _is_below(namespace, RESTRICTED):
        return True
    is_kubernetes = _is_below(namespace, "kubernetes.io") or _is_below(namespace, "k8s.io")
    own = key in KUBELET_LABELS or any(_is_below(namespace, row) for row in KUBELET_NAMESPACES)
    return is_kubernetes and not own


def _is_below(namespace: str, domain: str) -> bool:
    return namespace == domain or namespace.endswith(f".{domain}")


def may_approve(signer: str) -> tuple[str, str]:
    """Give the two names of rules that a signer's approval is looked for under.

    Source: kubernetes/kubernetes:plugin/pkg/admission/certificates/util.go
    """
    return signer, f"{signer.partition('/')[0]}/*"


def forbid(request: Request, name: str, why: str) -> status.ApiError:
    """Give the refusal of a request on a resource."""
    where = request.resource.where if request.resource else {"resource": "path"}
    return status.forbidden(where, name, why)


def user_of(object: Json) -> User:
    """Give who made a certificate signing request."""
    spec = object["spec"]
    return User(name=spec["username"], groups=tuple(spec.get("groups", ())))
