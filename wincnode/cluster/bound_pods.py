"""A pod of ours that is bound to one node: not as root, with a deadline, and no token."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from wincnode.cluster.api import PODS, Object

System = Literal["windows", "linux"]
NAMESPACE = "kube-system"
# The user of Windows' images who is no administrator; Server Core's own would be one.
# Source: kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/,
# kubernetes/kubernetes#112469
USER = "ContainerUser"
# On Linux any that is not root's: images' own may be.
LINUX_USER = 1000
# A pod whose client was killed ends so much later than the client would have given up.
MARGIN_S = 60
# Who a pod is, and who a container may become.
# Source: kubernetes.io/docs/concepts/security/pod-security-standards, "Restricted"
WHO: Mapping[System, Mapping[str, Any]] = {
    "windows": {"runAsNonRoot": True, "windowsOptions": {"runAsUserName": USER}},
    "linux": {
        "runAsNonRoot": True,
        "runAsUser": LINUX_USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}
MAY: Mapping[System, Mapping[str, Any]] = {
    # Windows refuses pods that say what Linux may.
    # Source: kubernetes/kubernetes:pkg/apis/core/validation/validation.go@v1.36.3 (validateWindows)
    "windows": {},
    "linux": {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
    },
}


def bound(
    node: str,
    name: str,
    containers: Sequence[Mapping[str, Any]],
    *,
    labels: Mapping[str, str],
    limit_s: float,
    system: System = "windows",
) -> Object:
    """Give a pod that the kubelet of a Node starts without a scheduler, whatever its taints.

    Args: limit_s: after which who makes the pod gives it up. system: of the node.

    Source: the Pod Security level `restricted`, kubernetes/pod-security-admission:policy@v0.36.3
    """
    return {
        "apiVersion": PODS.api_version,
        "kind": PODS.kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels)},
        "spec": {
            "nodeName": node,
            "os": {"name": system},
            "restartPolicy": "Never",
            "tolerations": [{"operator": "Exists"}],
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "activeDeadlineSeconds": math.ceil(limit_s) + MARGIN_S,
            "terminationGracePeriodSeconds": 1,
            "securityContext": dict(WHO[system]),
            "containers": [{**row, **MAY[system]} for row in containers],
        },
    }
