"""What the playbooks `install` and `join` see of a node's files, as the variable `worker`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wincnode.worker import containerd, paths
from wincnode.worker.containerd import Runtime

# Each stands behind the one that it lies in. Users may read them, and so may a pod's user what is
# mounted from there; by Windows' default access to a drive they could write, too.
READABLE = (
    paths.PROGRAMS,
    paths.CONTAINERD_FOLDER,
    paths.CONTAINERD_BIN,
    paths.CONTAINERD_DATA,
    paths.REGISTRIES,
    r"C:\opt\cni",
    paths.CNI_BIN,
    r"C:\etc\cni",
    paths.CNI_CONF,
    paths.KUBELET_DATA,
    paths.DROP_INS,
    r"C:\var\log\kubelet",
    paths.POD_LOGS,
    paths.CONTAINER_LOGS,
)
# Credentials lie here.
PRIVATE = (
    paths.KUBERNETES,
    rf"{paths.KUBERNETES}\pki",
    paths.STATIC_PODS,
    paths.KUBELET_PKI,
)
# For SYSTEM and Administrators: learn.microsoft.com/windows/win32/secauthz/ace-strings
CLOSED = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
READ_BY_USERS = CLOSED + "(A;OICI;0x1200a9;;;BU)"
# Source: kubernetes-sigs/image-builder images/capi/ansible/windows/roles/runtimes;
# openshift/windows-machine-config-operator pkg/nodeconfig
EXCLUSIONS = (paths.CONTAINERD, paths.CTR, paths.RUNHCS_SHIM, paths.KUBELET)


def variables(
    runtime: Runtime, *, registries: Mapping[str, str], kubelet: str, drop_in: str
) -> Mapping[str, Any]:
    """Give the variable `worker`.

    Args:
        registries: files of the registries, by their path on the node.
        kubelet: the command of the kubelet's service. drop_in: its settings for Windows.
    """
    files = {
        paths.CONTAINERD_CONFIG: containerd.configuration(runtime),
        paths.CRICTL_CONFIG: containerd.crictl_configuration(),
        paths.DROP_IN: drop_in,
        **registries,
    }
    of_registries = sorted({path.rpartition("\\")[0] for path in registries})
    return {
        "folders": [
            *({"path": path, "sddl": READ_BY_USERS} for path in (*READABLE, *of_registries)),
            *({"path": path, "sddl": CLOSED} for path in PRIVATE),
        ],
        "exclusions": list(EXCLUSIONS),
        "files": [{"path": path, "content": text} for path, text in files.items()],
        "crictl": paths.CRICTL,
        "containerd": containerd.service_command(),
        "containerd_reads": [paths.CONTAINERD, paths.CONTAINERD_CONFIG],
        "kubelet": kubelet,
        "kubelet_reads": [
            paths.KUBELET,
            paths.LOG_RUNNER,
            paths.KUBELET_CONFIG,
            paths.DROP_IN,
        ],
    }
