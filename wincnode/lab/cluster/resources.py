"""The resources that the control plane serves, and what discovery says of them.

Source of names: kubernetes/kubernetes:api/discovery; of Calico's: projectcalico/calico:manifests
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wincnode.lab.cluster.status import Json

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One kind of object.

    Args:
        subresources: name -> the kind that is sent there.
        known: whether the control plane knows the kind's fields; else lists are atomic to it.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[tuple[str, str], ...] = ()
    known: bool = True

    @property
    def name(self) -> str:
        """What the store calls it: `nodes`, `daemonsets.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """What its objects carry as apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def where(self) -> dict[str, str]:
        """What errors say of it."""
        return {"group": self.group, "resource": self.plural}


def _core(plural: str, kind: str, short: str = "", **more: Any) -> Resource:
    return Resource(
        group="", version="v1", plural=plural, kind=kind, short=tuple(short.split()), **more
    )


def _of(group: str, plural: str, kind: str, short: str = "", **more: Any) -> Resource:
    version = more.pop("version", "v1")
    return Resource(
        group=group, version=version, plural=plural, kind=kind, short=tuple(short.split()), **more
    )


RBAC = "rbac.authorization.k8s.io"
CERTIFICATES = "certificates.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
STATUS = "status"


def _status(kind: str) -> tuple[tuple[str, str], ...]:
    return ((STATUS, kind),)


BUILT_IN: tuple[Resource, ...] = (
    _core("nodes", "Node", "no", namespaced=False, subresources=_status("Node")),
    _core("namespaces", "Namespace", "ns", namespaced=False, subresources=_status("Namespace")),
    _core("secrets", "Secret"),
    _core("configmaps", "ConfigMap", "cm"),
    _core(
        "pods",
        "Pod",
        "po",
        subresources=((STATUS, "Pod"), ("eviction", "Eviction"), ("log", "Pod")),
    ),
    _core("serviceaccounts", "ServiceAccount", "sa"),
    _core("services", "Service", "svc", subresources=_status("Service")),
    _core("endpoints", "Endpoints", "ep"),
    _core("events", "Event", "ev"),
    _core("resourcequotas", "ResourceQuota", "quota", subresources=_status("ResourceQuota")),
    _core("persistentvolumes", "PersistentVolume", "pv", namespaced=False),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc"),
    _of("apps", "daemonsets", "DaemonSet", "ds", subresources=_status("DaemonSet")),
    _of("apps", "deployments", "Deployment", "deploy", subresources=_status("Deployment")),
    _of("apps", "replicasets", "ReplicaSet", "rs", subresources=_status("ReplicaSet")),
    _of("apps", "statefulsets", "StatefulSet", "sts", subresources=_status("StatefulSet")),
    _of("batch", "jobs", "Job", subresources=_status("Job")),
    _of(RBAC, "clusterroles", "ClusterRole", namespaced=False),
    _of(RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    _of(RBAC, "roles", "Role"),
    _of(RBAC, "rolebindings", "RoleBinding"),
    _of("node.k8s.io", "runtimeclasses", "RuntimeClass", namespaced=False),
    _of("coordination.k8s.io", "leases", "Lease"),
    _of(
        CERTIFICATES,
        "certificatesigningrequests",
        "CertificateSigningRequest",
        "csr",
        namespaced=False,
        subresources=(
            ("approval", "CertificateSigningRequest"),
            (STATUS, "CertificateSigningRequest"),
        ),
    ),
    _of(
        "policy",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        "pdb",
        subresources=_status("PodDisruptionBudget"),
    ),
    _of("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    _of(
        ADMISSION,
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        namespaced=False,
    ),
    _of(
        ADMISSION,
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        namespaced=False,
    ),
    _of("storage.k8s.io", "csinodes", "CSINode", namespaced=False),
    _of("storage.k8s.io", "csidrivers", "CSIDriver", namespaced=False),
    _of(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "crd crds",
        namespaced=False,
        subresources=_status("CustomResourceDefinition"),
    ),
)
# What the Tigera operator's manifests define: projectcalico/calico:manifests/operator-crds.yaml
CALICO: tuple[Resource, ...] = (
    _of("operator.tigera.io", "installations", "Installation", namespaced=False, known=False),
    _of("operator.tigera.io", "apiservers", "APIServer", namespaced=False, known=False),
    _of(
        "projectcalico.org",
        "ipamconfigurations",
        "IPAMConfiguration",
        version="v3",
        namespaced=False,
        known=False,
    ),
    _of("projectcalico.org", "ippools", "IPPool", version="v3", namespaced=False, known=False),
)
# Reviews are answered and never kept; discovery lists them for clients that look them up.
REVIEWS: tuple[Resource, ...] = (
    _of(
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        namespaced=False,
    ),
    _of("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", namespaced=False),
    _of("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", namespaced=False),
)


def defined_by(crd: Json) -> list[Resource]:
    """Give the resources that a CustomResourceDefinition makes: one for each served version."""
    spec = crd["spec"]
    names = spec["names"]
    return [
        Resource(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            kind=names["kind"],
            namespaced=spec["scope"] == "Namespaced",
            short=tuple(names.get("shortNames", ())),
            subresources=_status(names["kind"])
            if "status" in version.get("subresources", {})
            else (),
            known=False,
        )
        for version in spec["versions"]
        if version.get("served", True)
    ]


def described(resource: Resource) -> list[Json]:
    """Give a resource's rows of an APIResourceList."""
    verbs = ["create"] if resource in REVIEWS else list(VERBS)
    row: Json = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": verbs,
    }
    if resource.short:
        row["shortNames"] = list(resource.short)
    below = [
        {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": kind,
            "verbs": ["create"] if name == "eviction" else ["get", "patch", "update"],
            **({"group": "policy", "version": "v1"} if name == "eviction" else {}),
        }
        for name, kind in resource.subresources
    ]
    return [row, *below]
