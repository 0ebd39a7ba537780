"""A pod of ours that is bound to one Windows node: not as root, with a deadline, and no token."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wincnode.cluster.api import PODS, Object

NAMESPACE = "kube-system"
# The user of Windows' images who is no administrator; Server Core's own would be one.
# Source: kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/,
# kubernetes/kubernetes#112469
USER = "ContainerUser"
# A pod whose client was killed ends so much later than the client would have given up.
MARGIN_S = 60


def bound(
    node: str,
    name: str,
    containers: Sequence[Mapping[str, Any]],
    *,
    labels: Mapping[str, str],
    limit_s: float,
) -> Object:
    """Give a pod that the kubelet of a Node starts without a scheduler, whatever its taints.

    Args: limit_s: after which who makes the pod gives it up.

    Source: the Pod Security level `restricted`, kubernetes/pod-security-admission:policy@v0.36.3
    """
    return {
        "apiVersion": PODS.api_version,
        "kind": PODS.kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels)},
        "spec": {
            "nodeName": node,
            "os": {"name": "windows"},
            "restartPolicy": "Never",
            "tolerations": [{"operator": "Exists"}],
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "activeDeadlineSeconds": math.ceil(limit_s) + MARGIN_S,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "windowsOptions": {"runAsUserName": USER}},
            "containers": list(containers),
        },
    }
