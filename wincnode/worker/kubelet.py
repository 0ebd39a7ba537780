"""The command of the kubelet's service, whole: nothing but this says how it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.inventory import Node
from wincnode.worker import paths
from wincnode.worker.command_line import command_line

# Above the pods' processes, so that busy pods do not starve it.
# Source: kubernetes.io/docs/concepts/configuration/windows-resource-management, "CPU management"
PRIORITY_CLASS = "ABOVE_NORMAL_PRIORITY_CLASS"
# kube-log-runner begins another file at this size, and removes what is older than this.
LOG_SIZE = "50Mi"
LOG_AGE = "168h0m0s"
# Labels of Kubernetes's own namespaces that the kubelet may give to its node, beside all others.
# Source: kubernetes/kubernetes:staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go@v1.36.3
LABELS = frozenset(
    {
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
LABEL_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")


def service_command(node: Node) -> str:
    """Give the command of the service `kubelet`.

    The kubelet logs to stderr, which a service has not: kube-log-runner writes it into a file.
    Source: kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/kubernetes/tasks/sc.yml;
    kubernetes/kubernetes:staging/src/k8s.io/component-base/logs/kube-log-runner@v1.36.3
    Raises: ConfigError: a value that no command line carries.
    """
    return command_line(
        (
            paths.LOG_RUNNER,
            f"-log-file={paths.KUBELET_LOG}",
            f"-log-file-size={LOG_SIZE}",
            f"-log-file-age={LOG_AGE}",
            paths.KUBELET,
            *arguments(node),
        )
    )


def arguments(node: Node) -> tuple[str, ...]:
    """Give the kubelet's flags.

    kubeadm-flags.env is not among them: on Windows nothing reads it, so what it could say stands
    here and in the drop-in.
    """
    given = {"windows-priorityclass": PRIORITY_CLASS, **node.kubelet.extra_args}
    extra = (f"--{name}={value}" for name, value in sorted(given.items()))
    return ("--windows-service", *_own(node), *extra)


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Give the labels that a kubelet may set; the others are set through the API, as cluster's."""
    return {name: value for name, value in labels.items() if _allowed(name)}


def _own(node: Node) -> Iterator[str]:
    yield f"--config={paths.KUBELET_CONFIG}"
    yield f"--config-dir={paths.DROP_INS}"
    yield f"--kubeconfig={paths.KUBECONFIG}"
    yield f"--bootstrap-kubeconfig={paths.BOOTSTRAP_KUBECONFIG}"
    yield f"--cert-dir={paths.KUBELET_PKI}"
    # The host's own name may be cut to 15 characters (kubernetes/kubernetes#94267).
    yield f"--hostname-override={node.name}"
    if node.node_ip:
        yield f"--node-ip={node.node_ip}"
    if labels := own_labels(node.labels):
        yield f"--node-labels={','.join(f'{k}={v}' for k, v in sorted(labels.items()))}"
    if node.kubelet.cloud_provider:
        yield f"--cloud-provider={node.kubelet.cloud_provider}"


def _allowed(label: str) -> bool:
    namespace = label.rpartition("/")[0]
    if not _within(namespace, ("kubernetes.io", "k8s.io")):
        return True
    return label in LABELS or _within(namespace, LABEL_NAMESPACES)


def _within(namespace: str, parents: tuple[str, ...]) -> bool:
    return any(namespace == row or namespace.endswith(f".{row}") for row in parents)
