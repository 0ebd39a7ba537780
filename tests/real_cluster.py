"""A control plane of Kubernetes' own programs, on loopback: etcd, API server, controllers.

WINCNODE_K8S_BIN names their folder; tests/controlplane builds them. Its objects are made by the
real kubeadm. There is no scheduler among them: a thread binds pods to the node that they name.

Flags: kubernetes/kubernetes:cmd/kubeadm/app/phases/controlplane/manifests.go
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from cluster_access import base64_of, kubeconfig
from cryptography.hazmat.primitives import serialization

from wincnode.cluster.api import PODS, Api, Object, Resource
from wincnode.cluster.connection import Patience
from wincnode.cluster.kubeconfig import load
from wincnode.cluster.watch import Watched, watch
from wincnode.errors import ClusterError
from wincnode.lab.cluster import authority
from wincnode.lab.cluster.server import Audited
from wincnode.lab.cluster.users import MASTERS
from wincnode.lab.nodes import closed_port

VARIABLE = "WINCNODE_K8S_BIN"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubeadm")
POD_NETWORK, SERVICES = "10.244.0.0/16", "10.96.0.0/12"
START_S = 120.0
GLANCE_S = 0.1
# Metadata of each request as it comes in: what is asked, before it is allowed or not.
# See kubernetes.io/docs/tasks/debug/debug-cluster/audit, "Audit policy".
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["ResponseStarted", "ResponseComplete", "Panic"],
    "rules": [{"level": "Metadata"}],
}
LIFE_S = 3600.0
PATIENCE = Patience(wait_s=GLANCE_S)


def programs() -> Path | None:
    """Give the folder of the programs, where there is one.

    Raises: FileNotFoundError: it is named, but not all of them are in it.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    lacking = [name for name in PROGRAMS if not os.access(Path(named) / name, os.X_OK)]
    if lacking:
        raise FileNotFoundError(f"{VARIABLE}={named}: there is no {', '.join(lacking)}")
    return Path(named)


class Objects:
    """What is in the cluster, by resources such as `daemonsets.apps`, all of version v1."""

    def __init__(self, api: Callable[[], Api]) -> None:
        self._api = api

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """Give an object, or nothing."""
        return self._api().find(_resource(resource), name, namespace=namespace)

    def rows(self, resource: str, namespace: str = "") -> list[Object]:
        """Give the objects of a resource, of all namespaces where none is given."""
        return list(self._api().list(_resource(resource), namespace=namespace).items)


def _resource(text: str) -> Resource:
    plural, _, group = text.partition(".")
    return Resource(plural=plural, kind="", group=group)


class RealControlPlane:
    """One control plane, while it runs; what tests of the lab's need, it has under the same name.

    `started_s` is how long it took until it was ready.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.authority = authority.make_authority()
        self.objects = Objects(self.api)
        self.started_s = 0.0
        self._programs = programs
        self._port = closed_port()
        self._etcd = closed_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def server(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_pem(self) -> str:
        """The certificate of its authority."""
        return self.authority.pem

    @property
    def kubernetes(self) -> str:
        """Its version."""
        return str(self.api().version()["gitVersion"]).removeprefix("v")

    @property
    def audit(self) -> list[Audited]:
        """Every request so far, in the order in which they came."""
        lines = (self.folder / "audit.log").read_text(encoding="utf-8").splitlines()
        return [_audited(json.loads(line)) for line in lines]

    def api(self, user: str = "admin") -> Api:
        """Give a client."""
        return Api(load(self.kubeconfig(user)), patience=PATIENCE)

    def kubeconfig(self, user: str = "admin", groups: Iterable[str] = (MASTERS,)) -> Path:
        """Write a kubeconfig with a client certificate, unless it is there."""
        path = self.folder / f"{user}.kubeconfig"
        if not path.exists():
            key, key_pem = authority.new_key()
            subject = authority.named(user, tuple(groups))
            pem = self.authority.issue(subject, key.public_key(), usage=authority.CLIENT)
            cluster = {"server": self.server}
            cluster["certificate-authority-data"] = base64_of(self.ca_pem)
            credentials = {"client-certificate-data": base64_of(pem)}
            kubeconfig(path, cluster, credentials | {"client-key-data": base64_of(key_pem)})
        return path

    def create(self, resource: str, object: Object, namespace: str = "") -> None:
        """Create an object, as an administrator."""
        self.api().create(_resource(resource), object, namespace=namespace)

    def start(self) -> None:
        """Start the programs and wait until the controllers do their work."""
        began = time.monotonic()
        self._write_keys()
        self._run("etcd", *self._etcd_flags())
        self._run("kube-apiserver", *self._server_flags())
        api = self.api()
        self._wait("kube-apiserver", self._is_ready)
        self._run("kube-controller-manager", *self._controller_flags())
        self._make_objects()
        self._wait(
            "kube-controller-manager",
            lambda: self.objects.get("serviceaccounts", "default", "kube-system") is not None,
        )
        threading.Thread(target=_bind, args=(api,), daemon=True).start()
        self.started_s = time.monotonic() - began

    def stop(self) -> None:
        """End all that was started, the last one first."""
        for process in reversed(self._processes):
            process.kill()
            process.wait(30)

    def kubeadm(self, *words: str) -> str:
        """Run the real kubeadm as an administrator of this cluster; gives what it says.

        Raises: AssertionError: it did not end well.
        """
        command = [str(self._programs / "kubeadm"), *words]
        command += ["--kubeconfig", str(self.kubeconfig())]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=START_S
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _run(self, name: str, *flags: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [str(self._programs / name), *flags]
            self._processes.append(
                subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
            )

    def _wait(self, name: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + START_S
        while not holds():
            ended = [process.args for process in self._processes if process.poll() is not None]
            if ended or time.monotonic() > end:
                log = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
                raise AssertionError(f"{name} is not ready; {ended} ended\n{log[-4000:]}")
            time.sleep(GLANCE_S)

    def _is_ready(self) -> bool:
        with contextlib.suppress(ClusterError):
            return self.objects.get("namespaces", "kube-public") is not None
        return False

    def _write_keys(self) -> None:
        key = self.authority.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        serving, serving_pem = authority.new_key()
        certificate = self.authority.issue(
            authority.named("kube-apiserver"),
            serving.public_key(),
            usage=authority.SERVER,
            names=authority.loopback("kubernetes", "kubernetes.default"),
        )
        _, accounts = authority.new_key()
        for name, text in {
            "ca.key": key.decode(),
            "ca.crt": self.ca_pem,
            "apiserver.key": serving_pem,
            "apiserver.crt": certificate,
            "accounts.key": accounts,
            "audit.yaml": yaml.safe_dump(AUDIT),
        }.items():
            file = self.folder / name
            file.touch(mode=0o600)
            file.write_text(text, encoding="ascii")

    def _etcd_flags(self) -> list[str]:
        url, peers = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{closed_port()}"
        return [
            *(f"--listen-client-urls={url}", f"--advertise-client-urls={url}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            *(f"--initial-cluster=default={peers}", "--data-dir=etcd", "--unsafe-no-fsync"),
        ]

    def _server_flags(self) -> list[str]:
        return [
            *(f"--etcd-servers=http://127.0.0.1:{self._etcd}", "--bind-address=127.0.0.1"),
            *(f"--secure-port={self._port}", f"--service-cluster-ip-range={SERVICES}"),
            # It takes no address on loopback for that of the service `kubernetes`.
            *("--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none"),
            *("--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key"),
            *("--client-ca-file=ca.crt", "--authorization-mode=Node,RBAC"),
            *("--enable-admission-plugins=NodeRestriction", "--enable-bootstrap-token-auth=true"),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            *("--service-account-key-file=accounts.key", "--allow-privileged=true"),
            "--service-account-signing-key-file=accounts.key",
            *("--audit-policy-file=audit.yaml", "--audit-log-path=audit.log"),
        ]

    def _controller_flags(self) -> list[str]:
        return [
            *(f"--kubeconfig={self.kubeconfig()}", "--controllers=*,bootstrapsigner,tokencleaner"),
            *("--cluster-signing-cert-file=ca.crt", "--cluster-signing-key-file=ca.key"),
            *("--root-ca-file=ca.crt", "--service-account-private-key-file=accounts.key"),
            *("--use-service-account-credentials=true", "--leader-elect=false"),
            *("--allocate-node-cidrs=true", f"--cluster-cidr={POD_NETWORK}"),
            *(f"--service-cluster-ip-range={SERVICES}", "--secure-port=0"),
        ]

    def _make_objects(self) -> None:
        """Let kubeadm make what `kubeadm init` makes for nodes that join."""
        head = {"apiVersion": "kubeadm.k8s.io/v1beta4"}
        cluster = {
            **head,
            "kind": "ClusterConfiguration",
            "kubernetesVersion": f"v{self.kubernetes}",
            "controlPlaneEndpoint": f"127.0.0.1:{self._port}",
            "networking": {"podSubnet": POD_NETWORK, "serviceSubnet": SERVICES},
        }
        init = {
            **head,
            "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": "192.0.2.1"},
            "nodeRegistration": {"criSocket": "unix:///run/containerd/containerd.sock"},
        }
        file = self.folder / "kubeadm.yaml"
        file.write_text(yaml.safe_dump_all([cluster, init]), encoding="utf-8")
        for phase in (("bootstrap-token", "--skip-token-print"), ("upload-config", "all")):
            self.kubeadm("init", "phase", *phase, "--config", str(file))
        self.kubeadm("init", "phase", "addon", "kube-proxy", "--config", str(file))


@contextmanager
def real_control_plane(folder: Path, programs: Path) -> Iterator[RealControlPlane]:
    """Run a control plane; what it writes goes to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    plane = RealControlPlane(folder, programs)
    with ExitStack() as stack:
        stack.callback(plane.stop)
        plane.start()
        yield plane


def _audited(row: Any) -> Audited:
    reference = row.get("objectRef") or {}
    group = f".{reference['apiGroup']}" if reference.get("apiGroup") else ""
    below = f"/{reference['subresource']}" if reference.get("subresource") else ""
    return Audited(
        user=row["user"]["username"],
        verb=row["verb"],
        resource=f"{reference.get('resource', row['requestURI'])}{below}{group}",
        name=reference.get("name", ""),
        dry="dryRun=All" in row["requestURI"],
    )


def _bind(api: Api) -> None:
    """Be the scheduler of DaemonSets' pods, which name their node; for as long as anybody answers.

    Source: kubernetes/kubernetes:pkg/controller/daemon/util (ReplaceDaemonSetPodNodeNameNodeAffinity)
    """
    end = time.monotonic() + LIFE_S
    with contextlib.suppress(ClusterError):
        waiting = Watched(resource=PODS, fields="spec.nodeName=")
        for pods in watch(api, waiting, lambda: end):
            for pod in pods:
                _bind_one(api, pod)


def _bind_one(api: Api, pod: Object) -> None:
    meta = pod["metadata"]
    wanted = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    terms = wanted.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    for term in terms.get("nodeSelectorTerms") or ():
        for row in term.get("matchFields") or ():
            node = {"apiVersion": "v1", "kind": "Node", "name": row["values"][0]}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}}
            with contextlib.suppress(ClusterError):  # somebody has deleted it meanwhile
                api.create(
                    PODS,
                    {**binding, "target": node},
                    namespace=meta["namespace"],
                    name=meta["name"],
                    subresource="binding",
                )
