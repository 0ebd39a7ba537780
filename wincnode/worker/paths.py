r"""Where everything lies on a node, and how it is reached there.

The folders are those that the networks' manifests, image-builder and kubeadm agree on.
Source: kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/{kubernetes,runtimes};
kubernetes/kubernetes:cmd/kubeadm/app/constants/constants.go@v1.36.3 (/var/lib/kubelet,
/etc/kubernetes), which resolve on the system drive.
"""

from __future__ import annotations

PROGRAMS = r"C:\k"
KUBELET = rf"{PROGRAMS}\kubelet.exe"
KUBEADM = rf"{PROGRAMS}\kubeadm.exe"
LOG_RUNNER = rf"{PROGRAMS}\kube-log-runner.exe"
CRICTL = rf"{PROGRAMS}\crictl.exe"
CRICTL_CONFIG = rf"{PROGRAMS}\crictl.yaml"
# The variable that tells crictl of its file.
# Source: kubernetes-sigs/cri-tools:docs/crictl.md
CRICTL_CONFIG_VARIABLE = "CRI_CONFIG_FILE"

# The program folder is the default of containerd, and so are root and state.
# Source: containerd/containerd:defaults/defaults_windows.go@v2.3.7
CONTAINERD_FOLDER = r"C:\Program Files\containerd"
CONTAINERD_BIN = rf"{CONTAINERD_FOLDER}\bin"
CONTAINERD = rf"{CONTAINERD_BIN}\containerd.exe"
CTR = rf"{CONTAINERD_BIN}\ctr.exe"
RUNHCS_SHIM = rf"{CONTAINERD_BIN}\containerd-shim-runhcs-v1.exe"
CONTAINERD_CONFIG = rf"{CONTAINERD_FOLDER}\config.toml"
CONTAINERD_DATA = r"C:\ProgramData\containerd"
CONTAINERD_ROOT = rf"{CONTAINERD_DATA}\root"
CONTAINERD_STATE = rf"{CONTAINERD_DATA}\state"
REGISTRIES = rf"{CONTAINERD_DATA}\certs.d"
CONTAINERD_LOG = rf"{CONTAINERD_DATA}\containerd.log"
CONTAINERD_PIPE = r"\\.\pipe\containerd-containerd"
CONTAINERD_TTRPC_PIPE = rf"{CONTAINERD_PIPE}.ttrpc"
CRI_ENDPOINT = "npipe:////./pipe/containerd-containerd"

CNI_BIN = r"C:\opt\cni\bin"
CNI_CONF = r"C:\etc\cni\net.d"

KUBELET_DATA = r"C:\var\lib\kubelet"
KUBELET_CONFIG = rf"{KUBELET_DATA}\config.yaml"
INSTANCE_CONFIG = rf"{KUBELET_DATA}\instance-config.yaml"
KUBEADM_FLAGS = rf"{KUBELET_DATA}\kubeadm-flags.env"
KUBELET_PKI = rf"{KUBELET_DATA}\pki"
KUBELET_CLIENT_CERTIFICATE = rf"{KUBELET_PKI}\kubelet-client-current.pem"
DROP_INS = rf"{KUBELET_DATA}\config.d"
DROP_IN = rf"{DROP_INS}\10-wincnode.conf"

KUBERNETES = r"C:\etc\kubernetes"
KUBECONFIG = rf"{KUBERNETES}\kubelet.conf"
BOOTSTRAP_KUBECONFIG = rf"{KUBERNETES}\bootstrap-kubelet.conf"
STATIC_PODS = rf"{KUBERNETES}\manifests"
CA_FILE = rf"{KUBERNETES}\pki\ca.crt"

KUBELET_LOG = r"C:\var\log\kubelet\kubelet.log"
POD_LOGS = r"C:\var\log\pods"
CONTAINER_LOGS = r"C:\var\log\containers"

# kubeadm and graceful shutdown look the kubelet up by this name.
# Source: kubernetes/kubernetes:pkg/kubelet/nodeshutdown/nodeshutdown_manager_windows.go@v1.36.3
KUBELET_SERVICE = "kubelet"
CONTAINERD_SERVICE = "containerd"
