"""What is in a cluster that `kubeadm init` has made, and in none other.

Source: kubernetes/kubernetes:cmd/kubeadm/app/phases/bootstraptoken/{node,clusterinfo},
app/phases/{kubelet,uploadconfig,addons/proxy}; plugin/pkg/auth/authorizer/rbac/bootstrappolicy
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator

import yaml

from wincnode.lab.cluster import rights
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
BOOTSTRAP = "system:bootstrappers:kubeadm:default-node-token"
CERTIFICATES = "certificates.k8s.io"
CSRS = "certificatesigningrequests"
RBAC = "rbac.authorization.k8s.io"
Subject = tuple[str, str]  # kind, name


def fill(
    store: Store, *, server: str, ca_data: str, kubernetes: str, pods: str, services: str
) -> None:
    """Put in what kubeadm makes.

    Args: ca_data: the authority's PEM in base64. pods, services: the networks.
    """
    for name in NAMESPACES:
        row = {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}
        _put(store, "namespaces", "v1", "Namespace", {**row, "status": {"phase": "Active"}})
    for rules in (_default_roles(), _kubeadm_roles()):
        for resource, kind, body in rules:
            _put(store, resource, f"{RBAC}/v1", kind, body)
    cluster = {"server": server, "certificate-authority-data": ca_data}
    info: Json = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "", "cluster": cluster}],
    }
    info |= {"contexts": [], "current-context": "", "preferences": {}, "users": []}
    _config_map(store, "kube-public", "cluster-info", kubeconfig=info)
    endpoint = server.removeprefix("https://")
    networks = {"dnsDomain": "cluster.local", "podSubnet": pods, "serviceSubnet": services}
    _config_map(
        store,
        "kube-system",
        "kubeadm-config",
        ClusterConfiguration={
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "certificatesDir": "/etc/kubernetes/pki",
            "clusterName": "kubernetes",
            "controlPlaneEndpoint": endpoint,
            "imageRepository": "registry.k8s.io",
            "kubernetesVersion": f"v{kubernetes.removeprefix('v')}",
            "networking": networks,
        },
    )
    _config_map(store, "kube-system", "kubelet-config", kubelet=_kubelet(services))
    _config_map(store, "kube-system", "kube-proxy", **{"config.conf": _proxy(pods)})


def _kubelet(services: str) -> Json:
    """Give the kubelet's configuration as kubeadm uploads it on Linux.

    Source: kubernetes/kubernetes:cmd/kubeadm/app/componentconfigs/kubelet.go
    """
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"cacheTTL": "0s", "enabled": True},
            "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook", "webhook": {}},
        "cgroupDriver": "systemd",
        "clusterDNS": [_tenth(services)],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": "",
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": 10248,
        "resolvConf": "/run/systemd/resolve/resolv.conf",
        "rotateCertificates": True,
        "staticPodPath": "/etc/kubernetes/manifests",
    }


def _tenth(network: str) -> str:
    """Give where the cluster's DNS is: cmd/kubeadm/app/constants/constants.go (GetDNSIP)."""
    return str(ipaddress.ip_network(network)[10])


def _proxy(pods: str) -> Json:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clusterCIDR": pods,
        "clientConnection": {"kubeconfig": "/var/lib/kube-proxy/kubeconfig.conf"},
        "mode": "iptables",
    }


def _default_roles() -> Iterator[tuple[str, str, Json]]:
    everyone = (("Group", "system:authenticated"), ("Group", "system:unauthenticated"))
    paths = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
    public = {"verbs": ["get"], "nonResourceURLs": paths}
    discovery = {"verbs": ["get"]}
    discovery["nonResourceURLs"] = [*paths, "/api", "/api/*", "/apis", "/apis/*"]
    discovery["nonResourceURLs"] += ["/openapi", "/openapi/*"]
    access = "selfsubjectaccessreviews"
    reviews = [
        _rule("create", f"{access} selfsubjectrulesreviews", "authorization.k8s.io"),
        _rule("create", "selfsubjectreviews", "authentication.k8s.io"),
    ]
    bootstrap = _rule("create get list watch", CSRS, CERTIFICATES)
    yield from _wide("system:public-info-viewer", [public], everyone)
    yield from _wide("system:discovery", [discovery], everyone[:1])
    yield from _wide("system:basic-user", reviews, everyone[:1])
    yield from _wide("system:node-bootstrapper", [bootstrap], ())
    for name in ("nodeclient", "selfnodeclient"):
        rules = [_rule("create", f"{CSRS}/{name}", CERTIFICATES)]
        yield from _wide(f"system:certificates.k8s.io:{CSRS}:{name}", rules, ())


def _kubeadm_roles() -> Iterator[tuple[str, str, Json]]:
    token, nodes = ("Group", BOOTSTRAP), ("Group", "system:nodes")
    prefix = f"system:certificates.k8s.io:{CSRS}"
    yield _binding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", [token])
    yield _binding("kubeadm:node-autoapprove-bootstrap", f"{prefix}:nodeclient", [token])
    yield _binding(
        "kubeadm:node-autoapprove-certificate-rotation", f"{prefix}:selfnodeclient", [nodes]
    )
    yield from _wide("kubeadm:get-nodes", [_rule("get", "nodes")], (token,))
    public, system = "kube-public", "kube-system"
    anonymous = ("User", "system:anonymous")
    yield from _narrow(public, "kubeadm:bootstrap-signer-clusterinfo", "cluster-info", [anonymous])
    yield from _narrow(system, "kubeadm:nodes-kubeadm-config", "kubeadm-config", [token, nodes])
    yield from _narrow(system, "kubeadm:kubelet-config", "kubelet-config", [token, nodes])
    yield from _narrow(system, "kube-proxy", "kube-proxy", [token])


def _rule(verbs: str, resources: str, group: str = "", names: Iterable[str] = ()) -> Json:
    rule: Json = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return {**rule, "resourceNames": list(names)} if names else rule


def _wide(
    name: str, rules: list[Json], subjects: Iterable[Subject]
) -> Iterator[tuple[str, str, Json]]:
    yield rights.CLUSTER_ROLES, "ClusterRole", {"metadata": {"name": name}, "rules": rules}
    if subjects:
        yield _binding(name, name, subjects)


def _binding(name: str, role: str, subjects: Iterable[Subject]) -> tuple[str, str, Json]:
    body = {"metadata": {"name": name}, "subjects": _subjects(subjects)}
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return rights.CLUSTER_BINDINGS, "ClusterRoleBinding", {**body, "roleRef": reference}


def _narrow(
    namespace: str, name: str, config_map: str, subjects: Iterable[Subject]
) -> Iterator[tuple[str, str, Json]]:
    meta = {"name": name, "namespace": namespace}
    rules = [_rule("get", "configmaps", names=[config_map])]
    reference = {"apiGroup": RBAC, "kind": "Role", "name": name}
    yield rights.ROLES, "Role", {"metadata": meta, "rules": rules}
    binding = {"metadata": meta, "subjects": _subjects(subjects), "roleRef": reference}
    yield rights.BINDINGS, "RoleBinding", binding


def _subjects(rows: Iterable[Subject]) -> list[Json]:
    return [{"apiGroup": RBAC, "kind": kind, "name": name} for kind, name in rows]


def _config_map(store: Store, namespace: str, name: str, **data: Json) -> None:
    texts = {key: yaml.safe_dump(value) for key, value in data.items()}
    meta = {"name": name, "namespace": namespace}
    _put(store, "configmaps", "v1", "ConfigMap", {"metadata": meta, "data": texts})


def _put(store: Store, resource: str, version: str, kind: str, body: Json) -> None:
    store.put(resource, {"apiVersion": version, "kind": kind, **body})


def flannel(store: Store, pods: str) -> None:
    """Put in what flannel has on the Linux nodes, with the backend that Windows takes part in.

    Source: flannel-io/flannel:Documentation/kube-flannel.yml, Documentation/backends.md
    """
    meta = {"name": "kube-flannel", "labels": {"k8s-app": "flannel"}}
    _put(store, "namespaces", "v1", "Namespace", {"metadata": meta, "status": {"phase": "Active"}})
    backend = {"Type": "vxlan", "VNI": 4096, "Port": 4789}
    data = {"net-conf.json": json.dumps({"Network": pods, "Backend": backend})}
    where = {"name": "kube-flannel-cfg", "namespace": "kube-flannel"}
    _put(store, "configmaps", "v1", "ConfigMap", {"metadata": where, "data": data})


def allow(store: Store, user: str, rules: Iterable[tuple[str, str]]) -> None:
    """Give a user rights: pairs of verb and resource, such as ("get", "pods/eviction")."""
    for resource, kind, body in _wide(
        f"lab:{user}",
        [{"verbs": [verb], "apiGroups": ["*"], "resources": [name]} for verb, name in rules],
        (("User", user),),
    ):
        _put(store, resource, f"{RBAC}/v1", kind, body)
