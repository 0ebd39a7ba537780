"""For each cause a line that points to it, as its program writes it, and whose line that is.

The forms of lines: kubernetes/klog klog.go (structured), sirupsen/logrus text_formatter.go.
"""

from __future__ import annotations

K = "E1124 10:00:00.000001    4242 run.go:72] "
FAILED = K + '"command failed" err="failed to run Kubelet: '
PULL = 'desc = failed to pull and unpack image \\"registry.k8s.io/pause:3.10\\": '
CSR = K + '"Failed while requesting a signed certificate from the control plane" err="'
C = 'time="2026-11-24T10:00:00Z" level='
NODE = (
    "https://10.0.0.1:6443: the Node win1 has not passed 'connected to the network of pods' in"
    " 900 s: Ready is False, KubeletNotReady: "
)

LINES: dict[str, tuple[str, str]] = {
    "cause.flag": (
        "kubelet",
        "Error: failed to parse kubelet flag: unknown flag: --pod-infra-container-image",
    ),
    "cause.feature-gate": (
        "kubelet",
        (
            "Error: failed to set feature gates from initial flags-based config: unrecognized feature"
            " gate: WinDSR"
        ),
    ),
    "cause.label-flag": (
        "kubelet",
        (
            "Error: failed to validate kubelet flags: unknown 'kubernetes.io' or 'k8s.io' labels"
            " specified with --node-labels: [node-role.kubernetes.io/worker]"
        ),
    ),
    "cause.config-missing": (
        "kubelet",
        (
            "Error: failed to load kubelet config file, path: C:/var/lib/kubelet/config.yaml, error:"
            ' failed to read kubelet config file "C:/var/lib/kubelet/config.yaml", error: open C:...'
        ),
    ),
    "cause.config": (
        "kubelet",
        (
            "Error: failed to load kubelet config file, path: C:/var/lib/kubelet/config.yaml, error:"
            " json: cannot unmarshal string into Go struct field KubeletConfiguration.maxPods"
        ),
    ),
    "cause.config-windows": (
        "kubelet",
        K + '"command failed" err="failed to validate kubelet configuration, error: invalid'
        ' configuration: singleProcessOOMKill is not supported on Windows, path: &TypeMeta{}"',
    ),
    "cause.client-ca": (
        "kubelet",
        FAILED + "failed to construct kubelet dependencies: unable to load client CA file"
        ' D:/etc/kubernetes/pki/ca.crt: open D:/etc/kubernetes/pki/ca.crt: not found"',
    ),
    "cause.port-taken": (
        "kubelet",
        K + '"Failed to listen and serve" err="listen tcp 0.0.0.0:10250: bind: Only one usage of'
        ' each socket address is normally permitted."',
    ),
    "cause.node-ip": (
        "kubelet",
        K + '"Failed to set some node status fields" err="failed to validate nodeIP: node IP:'
        ' \\"10.9.9.9\\" not found in the host\'s network interfaces"',
    ),
    "cause.cloud-provider": ("node", r"C:\k\kubelet.exe --cloud-provider=external"),
    "cause.containerd-config": (
        "node",
        (
            "configuration of containerd: containerd: expected containerd config version equal to or"
            " less than `3`, got `4`"
        ),
    ),
    "cause.cri-plugin": (
        "containerd",
        C + 'warning msg="failed to load plugin" error="invalid plugin config: no corresponding'
        ' runtime configured" id=io.containerd.cri.v1.runtime type=io.containerd.cri.v1',
    ),
    "cause.cri-disabled": (
        "kubeadm",
        "error: rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService",
    ),
    "cause.pipe-taken": (
        "containerd",
        'containerd: failed to get listener for main endpoint: open //./pipe/containerd: denied"',
    ),
    "cause.runtime-config": (
        "kubelet",
        (
            'I1124 10:00:00.000001    4242 server.go:1425] "CRI implementation should be updated to'
            ' support RuntimeConfig. Falling back to using cgroupDriver from kubelet config."'
        ),
    ),
    "cause.runtime-silent": (
        "kubelet",
        FAILED + "validate service connection: validate CRI v1 runtime API for endpoint"
        ' \\"npipe:////./pipe/containerd-containerd\\": rpc error: code = Unavailable"',
    ),
    "cause.runtime-down": ("node", NODE + "container runtime is down"),
    "cause.containerd-absent": ("node", "service containerd: not installed"),
    "cause.containerd-stopped": ("node", "service containerd: Stopped, exit code 0"),
    "cause.image-build": (
        "kubelet",
        K + f'"RunPodSandbox failed" err="{PULL}no match for platform in manifest: not found"',
    ),
    "cause.image-mismatch": (
        "kubelet",
        K + '"RunPodSandbox failed" err="hcs::CreateComputeSystem 4f: The container operating'
        ' system does not match the host operating system.: unknown"',
    ),
    "cause.hypervisor": (
        "containerd",
        C + 'error msg="hcs::CreateComputeSystem 4f: The virtual machine could not be started'
        ' because a required feature is not installed."',
    ),
    "cause.layer-denied": (
        "containerd",
        C + 'error msg="failed to extract layer sha256:0a: hcsshim::ImportLayer - failed failed in'
        ' Win32: Access is denied. (0x5): unknown"',
    ),
    "cause.image-pull": (
        "kubelet",
        K + f'"RunPodSandbox failed" err="{PULL}failed to resolve reference: failed to do request:'
        ' dial tcp: lookup registry.k8s.io: no such host"',
    ),
    "cause.disk": (
        "kubelet",
        (
            'I1124 10:00:00.000001    4242 eviction_manager.go:381] "Eviction manager: attempting to'
            ' reclaim" resourceName="ephemeral-storage"'
        ),
    ),
    "cause.pod-network": (
        "containerd",
        C + 'error msg="RunPodSandbox failed, error" error="failed to setup network for sandbox'
        ' \\"4f\\": plugin type=\\"win-overlay\\" failed (add)"',
    ),
    "cause.no-network": (
        "node",
        NODE + "container runtime network not ready: NetworkReady=false"
        " reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not"
        " initialized",
    ),
    "cause.unknown-ca": (
        "kubelet",
        K + '"Unable to register node with API server" err="Post \\"https://10.0.0.1:6443/nodes\\":'
        ' tls: failed to verify certificate: x509: certificate signed by unknown authority"',
    ),
    "cause.clock": (
        "kubeadm",
        (
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid:"
            " current time 2021-01-01T00:00:00Z is before 2026-01-01T00:00:00Z"
        ),
    ),
    "cause.server-san": ("kubeadm", "x509: certificate is valid for 10.96.0.1, not 10.0.0.1"),
    "cause.server-name": (
        "kubelet",
        K + '"Unable to register node with API server" err="dial tcp: lookup api.corp: no such'
        ' host"',
    ),
    "cause.server-silent": (
        "kubelet",
        K + '"Unable to register node with API server" err="dial tcp 10.0.0.1:6443: connectex: A'
        ' connection attempt failed."',
    ),
    "cause.proxy": (
        "kubelet",
        K + '"Unable to register node with API server" err="proxyconnect tcp: EOF"',
    ),
    "cause.other-node": (
        "kubelet",
        K
        + '"Unable to register node with API server" err="nodes \\"b\\" is forbidden: node \\"a\\"'
        ' is not allowed to modify node \\"b\\""',
    ),
    "cause.labels-refused": (
        "kubelet",
        K
        + '"Unable to register node with API server" err="nodes \\"a\\" is forbidden: node \\"a\\"'
        ' is not allowed to set the following labels: x.node-restriction.kubernetes.io/y"',
    ),
    "cause.register-forbidden": (
        "kubelet",
        K + '"Unable to register node with API server, reason is forbidden" err="nodes is'
        ' forbidden: User \\"system:node:a\\" cannot create resource \\"nodes\\""',
    ),
    "cause.bootstrap-gone": (
        "kubelet",
        FAILED + 'unable to load bootstrap kubeconfig: stat C:/etc/kubernetes: not found"',
    ),
    "cause.token-refused": (
        "kubelet",
        FAILED + 'cannot create certificate signing request: Unauthorized"',
    ),
    "cause.csr-forbidden": (
        "kubelet",
        FAILED + "cannot create certificate signing request: certificatesigningrequests is"
        ' forbidden: User \\"system:bootstrap:abcdef\\" cannot create resource'
        ' "certificatesigningrequests" in API group "certificates.k8s.io" at the cluster scope',
    ),
    "cause.csr-denied": (
        "kubelet",
        CSR + 'certificate signing request is denied, reason: No, message: "',
    ),
    "cause.csr-pending": (
        "kubeadm",
        "error: failed while waiting for TLS bootstrap: context deadline exceeded",
    ),
    "cause.token-unsigned": (
        "kubeadm",
        (
            "couldn't validate the identity of the API Server: could not find a JWS signature in the"
            ' cluster-info ConfigMap for token ID "abcdef"'
        ),
    ),
    "cause.token-signature": (
        "kubeadm",
        (
            "failed to verify JWS signature of received cluster info object, can't trust this API"
            " Server"
        ),
    ),
    "cause.ca-pin": (
        "kubeadm",
        (
            "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys"
            ' "sha256:0a" are pinned'
        ),
    ),
    "cause.cluster-info": (
        "kubeadm",
        (
            'failed to request the cluster-info ConfigMap: configmaps "cluster-info" is forbidden:'
            ' User "system:anonymous" cannot get resource "configmaps"'
        ),
    ),
    "cause.not-kubeadm": (
        "kubeadm",
        'failed to get config map: configmaps "kubeadm-config" not found',
    ),
    "cause.node-exists": (
        "kubeadm",
        'a Node with name "win1" and status "Ready" already exists in the cluster.',
    ),
    "cause.leftovers": (
        "kubeadm",
        "[ERROR FileAvailable-C:-etc-kubernetes-kubelet.conf]: already exists",
    ),
    "cause.kubeadm-config": (
        "kubeadm",
        (
            'your configuration file uses an old API spec: "kubeadm.k8s.io/v1beta3" (kind:'
            ' "JoinConfiguration").'
        ),
    ),
    "cause.version-skew": (
        "kubeadm",
        (
            "this version of kubeadm only supports deploying clusters with the control plane version"
            " >= 1.35.0. Current version: v1.33.1"
        ),
    ),
    "cause.kubelet-path": (
        "kubeadm",
        "[ERROR KubeletVersion]: couldn't get kubelet version: cannot execute 'kubelet --version'",
    ),
    "cause.kubelet-unhealthy": (
        "kubeadm",
        "[kubelet-check] The kubelet is not healthy after 4m0.0s",
    ),
    "cause.kubelet-absent": ("node", "service kubelet: not installed"),
    "cause.never-started": ("node", "service kubelet: Stopped, exit code 1077"),
    "cause.no-service": ("node", "service kubelet: Stopped, exit code 1053"),
    "cause.kubelet-ended": ("node", "service kubelet: Stopped, exit code 1067"),
    "cause.service-account": ("node", r"event 7041: kubelet, CORP\svc (2026-11-24T10:00:00Z)"),
    "cause.dependency": ("node", "event 7001: kubelet, containerd, %%1068 (2026-11-24T10:00:00Z)"),
}
