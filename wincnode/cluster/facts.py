"""What a cluster says of itself, in sections, as a node does: read once, and changed never.

A section that the account may not read, or that the server does not answer, is unknown with the
reason. Sections are plain data, so that they can be saved and judged again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import yaml

from wincnode.cluster.api import CONFIG_MAPS, NODES, PODS, Api, Object, Resource
from wincnode.errors import ClusterError
from wincnode.facts import Facts
from wincnode.images.workloads import BUILD_LABEL

APPS = "apps"
DAEMON_SETS = Resource(plural="daemonsets", kind="DaemonSet", group=APPS)
DEPLOYMENTS = Resource(plural="deployments", kind="Deployment", group=APPS)
NAMESPACES = Resource(plural="namespaces", kind="Namespace", namespaced=False)
RUNTIME_CLASSES = Resource(
    plural="runtimeclasses", kind="RuntimeClass", group="node.k8s.io", namespaced=False
)
BINDINGS = Resource(
    plural="clusterrolebindings",
    kind="ClusterRoleBinding",
    group="rbac.authorization.k8s.io",
    namespaced=False,
)
ENDPOINT_SLICES = Resource(plural="endpointslices", kind="EndpointSlice", group="discovery.k8s.io")
WEBHOOKS = tuple(
    Resource(
        plural=f"{kind}webhookconfigurations",
        kind=f"{kind.capitalize()}WebhookConfiguration",
        group="admissionregistration.k8s.io",
        namespaced=False,
    )
    for kind in ("mutating", "validating")
)
INSTALLATIONS = Resource(
    plural="installations", kind="Installation", group="operator.tigera.io", namespaced=False
)
# Calico's own objects: by its API server, and as they are stored where there is none.
# Source: projectcalico/calico:manifests/calico.yaml, manifests/apiserver.yaml
POOLS = (
    Resource(
        plural="ippools", kind="IPPool", group="projectcalico.org", version="v3", namespaced=False
    ),
    Resource(plural="ippools", kind="IPPool", group="crd.projectcalico.org", namespaced=False),
)
ADDRESSES = (
    Resource(
        plural="ipamconfigurations",
        kind="IPAMConfiguration",
        group="projectcalico.org",
        version="v3",
        namespaced=False,
    ),
    Resource(
        plural="ipamconfigs", kind="IPAMConfig", group="crd.projectcalico.org", namespaced=False
    ),
)
# Where flannel's manifest puts its configuration: since 0.17, and before.
# Source: flannel-io/flannel:Documentation/kube-flannel.yml
FLANNEL_NAMESPACES = ("kube-flannel", "kube-system")
FLANNEL_CONFIG = "kube-flannel-cfg"
SYSTEM, PUBLIC = "kube-system", "kube-public"
SERVICE_OF_SLICE = "kubernetes.io/service-name"


def read(api: Api) -> Facts:
    """Read every section; what fails is unknown, with the reason.

    Raises: ClusterError: the server cannot be reached, or lets nobody in.
    """
    # Where this fails, nothing else can be said.
    sections: dict[str, Mapping[str, Any]] = {"api": _api(api)}
    errors: dict[str, str] = {}
    for name, section in SECTIONS.items():
        try:
            sections[name] = section(api)
        except ClusterError as error:
            errors[name] = error.message
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Objects of definitions that others made hold what they like.
            errors[name] = f"an object has a form of its own: {type(error).__name__}: {error}"
    return Facts(sections=sections, errors=errors)


def _api(api: Api) -> Mapping[str, Any]:
    version = str(api.version().get("gitVersion", ""))
    return {"server": api.server, "version": version, "ahead_s": round(api.connection.ahead_s)}


def _nodes(api: Api) -> Mapping[str, Any]:
    return {"rows": [_node(row) for row in api.list(NODES).items]}


def _node(row: Object) -> Mapping[str, Any]:
    meta, spec, info = row["metadata"], row.get("spec") or {}, row["status"]["nodeInfo"]
    labels = meta.get("labels") or {}
    return {
        "name": meta["name"],
        "os": info["operatingSystem"],
        "windows_build": labels.get(BUILD_LABEL, ""),
        "kubelet": info["kubeletVersion"],
        "runtime": info["containerRuntimeVersion"],
        "uuid": info.get("systemUUID", ""),
        "pod_cidrs": spec.get("podCIDRs") or [],
        "taints": [_taint(taint) for taint in spec.get("taints") or ()],
    }


def _taint(taint: Object) -> str:
    return f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"


def _workloads(api: Api) -> Mapping[str, Any]:
    rows = [(kind.kind, row) for kind in (DAEMON_SETS, DEPLOYMENTS) for row in api.list(kind).items]
    return {"rows": [_workload(kind, row) for kind, row in rows]}


def _workload(kind: str, row: Object) -> Mapping[str, Any]:
    meta, pod = row["metadata"], row["spec"]["template"]["spec"]
    options = (pod.get("securityContext") or {}).get("windowsOptions") or {}
    return {
        "kind": kind,
        "namespace": meta["namespace"],
        "name": meta["name"],
        "images": [one["image"] for one in pod["containers"]],
        "init_images": [one["image"] for one in pod.get("initContainers") or ()],
        "windows_build": str((pod.get("nodeSelector") or {}).get(BUILD_LABEL, "")),
        "systems": sorted(_systems(pod)),
        "tolerations": _tolerations(pod),
        "host_process": bool(options.get("hostProcess")),
    }


def _tolerations(owner: Object) -> list[Mapping[str, str]]:
    fields = ("key", "operator", "value", "effect")
    rows = owner.get("tolerations") or ()
    return [{name: str(one.get(name, "")) for name in fields} for one in rows]


def _systems(pod: Object) -> set[str]:
    """Give the systems that a pod's selectors let it on: both where none is asked for.

    Of affinity, each term is a way of its own, and all expressions of a term must hold.
    Source: kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node
    """
    both = {"linux", "windows"}
    selected = (pod.get("nodeSelector") or {}).get("kubernetes.io/os")
    allowed = {selected} if selected else both
    affinity = ((pod.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    terms = affinity.get("nodeSelectorTerms")
    if not terms:
        return allowed
    return allowed & set().union(*(_of_term(term) for term in terms))


def _of_term(term: Object) -> set[str]:
    found = {"linux", "windows"}
    for one in term.get("matchExpressions") or ():
        if one["key"] == "kubernetes.io/os":
            values = set(one.get("values") or ())
            found = found - values if one["operator"] == "NotIn" else found & values
    return found


def _runtime_classes(api: Api) -> Mapping[str, Any]:
    rows = []
    for row in api.list(RUNTIME_CLASSES).items:
        scheduling = row.get("scheduling") or {}
        rows.append(
            {
                "name": row["metadata"]["name"],
                "handler": row["handler"],
                "selector": scheduling.get("nodeSelector") or {},
                "tolerations": _tolerations(scheduling),
            }
        )
    return {"rows": rows}


def _network(api: Api) -> Mapping[str, Any]:
    """Give what kubeadm knows of the cluster's networks, and how large a node's part is."""
    found = api.find(CONFIG_MAPS, "kubeadm-config", namespace=SYSTEM)
    text = (found or {}).get("data", {}).get("ClusterConfiguration", "")
    networking = _mapping(text).get("networking") or {}
    return {
        "pods": _words(networking.get("podSubnet")),
        "services": _words(networking.get("serviceSubnet")),
        "node_mask": _node_mask(api.list(PODS, namespace=SYSTEM, labels=MANAGER).items),
    }


# Labels of kubeadm's static pods: kubernetes/kubernetes:cmd/kubeadm/app/util/staticpod/utils.go
MANAGER = "component=kube-controller-manager"


def _node_mask(pods: Iterable[Object]) -> int | None:
    """Give the controller manager's --node-cidr-mask-size, where its pod shows one."""
    for pod in pods:
        for word in pod["spec"]["containers"][0].get("command") or ():
            name, _, value = word.partition("=")
            if name in {"--node-cidr-mask-size", "--node-cidr-mask-size-ipv4"} and value.isdigit():
                return int(value)
    return None


def _words(value: object) -> list[str]:
    return [word for word in str(value or "").split(",") if word]


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _flannel(api: Api) -> Mapping[str, Any]:
    for namespace in FLANNEL_NAMESPACES:
        found = api.find(CONFIG_MAPS, FLANNEL_CONFIG, namespace=namespace)
        if found is not None:
            text = (found.get("data") or {}).get("net-conf.json", "")
            try:
                settings = json.loads(text)
            except ValueError:
                settings = None
            backend = settings.get("Backend") if isinstance(settings, dict) else None
            return {"config": f"{namespace}/{FLANNEL_CONFIG}", "backend": backend}
    return {"config": "", "backend": None}


def _calico(api: Api) -> Mapping[str, Any]:
    """Give what Calico's objects say; where it is not there, they are empty."""
    installation = _found(api, (INSTALLATIONS,), "default")
    addresses = _found(api, ADDRESSES, "default")
    return {
        "installation": (installation or {}).get("spec"),
        "strict_affinity": ((addresses or {}).get("spec") or {}).get("strictAffinity"),
        "pools": [
            {
                "name": row["metadata"]["name"],
                "cidr": str(row["spec"].get("cidr", "")),
                "ipip": str(row["spec"].get("ipipMode") or "Never"),
                "vxlan": str(row["spec"].get("vxlanMode") or "Never"),
                "block_size": int(row["spec"].get("blockSize", 26)),
            }
            for row in _pools(api)
        ],
    }


def _pools(api: Api) -> tuple[Object, ...]:
    for kind in POOLS:
        try:
            return api.list(kind).items
        except ClusterError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
    return ()


def _found(api: Api, kinds: Iterable[Resource], name: str) -> Object | None:
    return next((row for kind in kinds if (row := api.find(kind, name)) is not None), None)


def _bootstrap(api: Api) -> Mapping[str, Any]:
    """Give what a node finds when it joins: ConfigMaps, and who is bound to which ClusterRole."""
    info = api.find(CONFIG_MAPS, "cluster-info", namespace=PUBLIC)
    kubelet = api.find(CONFIG_MAPS, "kubelet-config", namespace=SYSTEM)
    kubeadm = api.find(CONFIG_MAPS, "kubeadm-config", namespace=SYSTEM)
    bound: dict[str, list[str]] = {}
    for row in api.list(BINDINGS).items:
        if row["roleRef"]["kind"] == "ClusterRole":
            groups = [one["name"] for one in row.get("subjects") or () if one["kind"] == "Group"]
            bound.setdefault(row["roleRef"]["name"], []).extend(groups)
    return {
        "cluster_info": bool(info and (info.get("data") or {}).get("kubeconfig")),
        "kubelet_config": bool(kubelet and (kubelet.get("data") or {}).get("kubelet")),
        "kubeadm_config": kubeadm is not None,
        "groups": [{"role": role, "groups": names} for role, names in sorted(bound.items())],
    }


def _webhooks(api: Api) -> Mapping[str, Any]:
    """Give the webhooks without whose answer no pod or no Node is made."""
    rows = []
    for kind in WEBHOOKS:
        for row in api.list(kind).items:
            rows += [_webhook(api, row, hook) for hook in row.get("webhooks") or () if _stops(hook)]
    return {"rows": rows}


def _stops(hook: Object) -> bool:
    """Tell whether a webhook that does not answer keeps pods or Nodes from being made.

    Source: kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers
    """
    wanted = {"*", "*/*", "pods", "nodes"}
    made = any(
        {"*", "CREATE"} & set(rule.get("operations") or ())
        and {"*", ""} & set(rule.get("apiGroups") or ())
        and wanted & set(rule.get("resources") or ())
        for rule in hook.get("rules") or ()
    )
    return made and hook.get("failurePolicy", "Fail") == "Fail"


def _webhook(api: Api, configuration: Object, hook: Object) -> Mapping[str, Any]:
    service = (hook.get("clientConfig") or {}).get("service")
    return {
        "name": f"{configuration['metadata']['name']}/{hook['name']}",
        "service": f"{service['namespace']}/{service['name']}" if service else "",
        "ready": _ready(api, service) if service else None,
    }


def _ready(api: Api, service: Object) -> bool:
    """Tell whether a Service has a pod that takes requests."""
    labels = f"{SERVICE_OF_SLICE}={service['name']}"
    slices = api.list(ENDPOINT_SLICES, namespace=service["namespace"], labels=labels).items
    ends = [end for row in slices for end in row.get("endpoints") or ()]
    # One that says nothing of it is to be taken as ready: kubernetes/api:discovery/v1/types.go
    return any((end.get("conditions") or {}).get("ready") is not False for end in ends)


def _namespaces(api: Api) -> Mapping[str, Any]:
    label = "pod-security.kubernetes.io/enforce"
    rows = api.list(NAMESPACES).items
    return {
        "rows": [
            {
                "name": row["metadata"]["name"],
                "enforce": (row["metadata"].get("labels") or {}).get(label, ""),
            }
            for row in rows
        ]
    }


SECTIONS: Mapping[str, Callable[[Api], Mapping[str, Any]]] = {
    "nodes": _nodes,
    "workloads": _workloads,
    "runtime_classes": _runtime_classes,
    "network": _network,
    "flannel": _flannel,
    "calico": _calico,
    "bootstrap": _bootstrap,
    "webhooks": _webhooks,
    "namespaces": _namespaces,
}
