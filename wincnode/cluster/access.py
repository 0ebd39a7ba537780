"""The least rights that each verb needs, and whether the account has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from wincnode.cluster.api import ACCESS_REVIEWS, Api
from wincnode.cluster.pools import AT_ONCE
from wincnode.errors import ClusterRefused

# `probe` is the part of `join` that it goes on without, `test` that of `network test`; `check`
# tells what it could not see.
Task = Literal["join", "probe", "leave", "apply", "compat", "check", "test"]
TASKS: tuple[Task, ...] = ("join", "probe", "leave", "apply", "compat", "check", "test")
ROLE = "wincnode"
RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """Verbs on one resource; of the whole cluster where there is no namespace.

    Args: names: the objects that it is enough for; all of them where there is none.
    """

    tasks: tuple[Task, ...]
    verbs: tuple[str, ...]
    resource: str
    why: str
    group: str = ""
    namespace: str = ""
    names: tuple[str, ...] = ()


WRITE = ("get", "create", "patch")
RIGHTS: tuple[Right, ...] = (
    Right(
        tasks=("join",),
        verbs=("get", "create", "delete"),
        resource="secrets",
        namespace="kube-system",
        why="A bootstrap token for each node, taken back at the end of the run. RBAC knows no"
        " names of the form bootstrap-token-*.",
    ),
    Right(
        tasks=("join",),
        verbs=("get", "list", "watch"),
        resource="configmaps",
        namespace="kube-public",
        names=("cluster-info",),
        why="Where nodes reach the API server, and whether the token is signed yet.",
    ),
    Right(
        tasks=("join",),
        verbs=("get",),
        resource="configmaps",
        namespace="kube-system",
        names=("kubeadm-config", "kubelet-config"),
        why="The cluster's own settings for nodes.",
    ),
    Right(
        tasks=("join", "leave"),
        verbs=("get", "list", "watch", "patch", "delete"),
        resource="nodes",
        why="Whether the name is free, until the node is Ready, its labels and taints, cordon, and"
        " the end of a node that left.",
    ),
    Right(
        tasks=("probe",),
        verbs=("list", "watch", "create", "delete"),
        resource="pods",
        namespace="kube-system",
        why="A pod on each node that joins proves it. Whoever may create pods there may act as any"
        " service account of kube-system: without this right the join says that it proved nothing.",
    ),
    Right(
        tasks=("probe",),
        verbs=("list",),
        resource="events",
        namespace="kube-system",
        why="What the kubelet tells of that pod.",
    ),
    Right(
        tasks=("leave",),
        verbs=("get", "list", "watch"),
        resource="pods",
        why="Which pods a node has, until they are gone.",
    ),
    Right(
        tasks=("leave",),
        verbs=("create",),
        resource="pods/eviction",
        why="Pods leave the node as far as their budgets allow.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        group="node.k8s.io",
        resource="runtimeclasses",
        why="A RuntimeClass per Windows build and isolation.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        resource="configmaps",
        namespace="kube-system",
        why="What kube-proxy on Windows reads.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        group="apps",
        resource="daemonsets",
        namespace="kube-system",
        why="kube-proxy on Windows.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        resource="configmaps",
        namespace="kube-flannel",
        why="With flannel alone: what its agent on Windows reads.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        group="apps",
        resource="daemonsets",
        namespace="kube-flannel",
        why="With flannel alone: its agent on Windows.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        resource="configmaps",
        namespace="tigera-operator",
        why="With Calico alone: where its agents reach the API server.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        group="operator.tigera.io",
        resource="installations",
        why="With Calico alone: lets its operator run the agent on Windows.",
    ),
    Right(
        tasks=("apply",),
        verbs=WRITE,
        group="projectcalico.org",
        resource="ipamconfigurations",
        why="With Calico alone: strict affinity of addresses, which Windows needs.",
    ),
    Right(
        tasks=("compat",),
        verbs=("list",),
        resource="nodes",
        why="For `--images-from-cluster`: which pods run on another system than Windows.",
    ),
    Right(
        tasks=("compat",),
        verbs=("list",),
        resource="pods",
        why="For `--images-from-cluster`: the images of all pods, whoever made them; Deployments,"
        " DaemonSets and other owners are not read.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        resource="nodes",
        why="Builds, versions, taints and pod subnets of the nodes.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        resource="namespaces",
        why="Which of them admit HostProcess pods.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="apps",
        resource="daemonsets",
        why="Which system each is made for.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="apps",
        resource="deployments",
        why="Which system each is made for.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="node.k8s.io",
        resource="runtimeclasses",
        why="Which Windows builds pods can ask for.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="rbac.authorization.k8s.io",
        resource="clusterrolebindings",
        why="Whether a token may ask for a certificate.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="admissionregistration.k8s.io",
        resource="mutatingwebhookconfigurations",
        why="Which webhooks must answer.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="admissionregistration.k8s.io",
        resource="validatingwebhookconfigurations",
        why="Which webhooks must answer.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="discovery.k8s.io",
        resource="endpointslices",
        why="Whether a webhook has a pod that answers.",
    ),
    Right(
        tasks=("check",),
        verbs=("get",),
        resource="configmaps",
        namespace="kube-public",
        names=("cluster-info",),
        why="Whether nodes find the cluster by a token.",
    ),
    Right(
        tasks=("check",),
        verbs=("get",),
        resource="configmaps",
        namespace="kube-system",
        names=("kubeadm-config", "kubelet-config", "kube-flannel-cfg"),
        why="The cluster's own settings, and flannel's.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        resource="pods",
        namespace="kube-system",
        why="How large a node's pod subnet is, by the controller manager's command.",
    ),
    Right(
        tasks=("check",),
        verbs=("get",),
        resource="configmaps",
        namespace="kube-flannel",
        names=("kube-flannel-cfg",),
        why="With flannel alone: its backend.",
    ),
    Right(
        tasks=("check",),
        verbs=("get",),
        group="operator.tigera.io",
        resource="installations",
        why="With Calico alone: its settings.",
    ),
    Right(
        tasks=("check",),
        verbs=("list",),
        group="projectcalico.org",
        resource="ippools",
        why="With Calico alone: how its pools carry packets.",
    ),
    Right(
        tasks=("check",),
        verbs=("get",),
        group="projectcalico.org",
        resource="ipamconfigurations",
        why="With Calico alone: strict affinity.",
    ),
    Right(
        tasks=("test",),
        verbs=("list",),
        resource="nodes",
        why="Which nodes are Ready, and at which addresses their NodePorts answer.",
    ),
    Right(
        tasks=("test",),
        verbs=("list", "create", "delete"),
        resource="pods",
        namespace="kube-system",
        why="Pods on each node try the network, and are taken away. Whoever may create pods there"
        " may act as any service account of kube-system: without this right the test says that it"
        " proved nothing of pods.",
    ),
    Right(
        tasks=("test",),
        verbs=("list", "create", "delete"),
        resource="services",
        namespace="kube-system",
        why="The service that those pods try, by its address, its name and its NodePort.",
    ),
)


def needed(tasks: Iterable[Task], rights: Sequence[Right] = RIGHTS) -> tuple[Right, ...]:
    """Pick the rights that some tasks need."""
    wanted = set(tasks)
    return tuple(right for right in rights if wanted & set(right.tasks))


def require(api: Api, rights: Sequence[Right]) -> None:
    """Ask for all rights at once, before anything is done.

    Raises: ClusterRefused: of id cluster.forbidden; it names every right that is missing.
    """
    if missing := lacking(api, rights):
        raise ClusterRefused(
            f"{api.server}: {missing}",
            remedy="Grant it; docs/cluster.md has the roles as YAML. Nothing was done.",
            id="cluster.forbidden",
        )


def lacking(api: Api, rights: Sequence[Right]) -> str:
    """Say which of the rights the account lacks; nothing where it has them all.

    Raises: ClusterError: the cluster does not answer.
    """
    asked = [row for right in rights for row in _attributes(right)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda row: _allowed(api, row), asked))
    missing = [_said(row) for row, allowed in zip(asked, answers, strict=True) if not allowed]
    return f"the account lacks the right to {'; '.join(missing)}" if missing else ""


def roles(rights: Sequence[Right], *, name: str = ROLE) -> list[dict[str, Any]]:
    """Give the ClusterRole and the Roles that hold the rights, and no more."""
    places = dict.fromkeys(right.namespace for right in rights)
    made = []
    for namespace in sorted(places):
        rules = [_rule(right) for right in rights if right.namespace == namespace]
        where = {"namespace": namespace} if namespace else {}
        made.append(
            {
                "apiVersion": RBAC,
                "kind": "Role" if namespace else "ClusterRole",
                "metadata": {"name": name, **where},
                "rules": rules,
            }
        )
    return made


def _rule(right: Right) -> dict[str, Any]:
    names = {"resourceNames": list(right.names)} if right.names else {}
    return {
        "apiGroups": [right.group],
        "resources": [right.resource],
        **names,
        "verbs": list(right.verbs),
    }


def _attributes(right: Right) -> Iterator[Mapping[str, str]]:
    """Give the questions that a right comes to."""
    resource, _, subresource = right.resource.partition("/")
    for name in right.names or ("",):
        for verb in right.verbs:
            rows = {
                "verb": verb,
                "group": right.group,
                "resource": resource,
                "subresource": subresource,
                "namespace": right.namespace,
                "name": name,
            }
            yield {key: value for key, value in rows.items() if value}


def _allowed(api: Api, attributes: Mapping[str, str]) -> bool:
    review = {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": dict(attributes)},
    }
    answer = api.create(ACCESS_REVIEWS, review, safe=True)
    return bool(answer.get("status", {}).get("allowed"))


def _said(row: Mapping[str, str]) -> str:
    below = f"/{row['subresource']}" if "subresource" in row else ""
    group = f".{row['group']}" if "group" in row else ""
    name = f" {row['name']}" if "name" in row else ""
    where = f" in {row['namespace']}" if "namespace" in row else ""
    return f"{row['verb']} {row['resource']}{below}{group}{name}{where}"
