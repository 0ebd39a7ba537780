"""The kubelet of a lab node: what its service does, for real as far as the cluster sees it.

Source: kubernetes/kubernetes:cmd/kubelet/app/server.go, pkg/kubelet/kubelet_node_status.go,
pkg/kubelet/kubelet.go (the intervals)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from wincnode.lab.cluster import authority
from wincnode.lab.programs import api, certificates, cni, kubelet_node, kubelet_pods, pod_watch
from wincnode.lab.programs.api import STRATEGIC, ApiFailed, Client, Json
from wincnode.lab.programs.certificates import Denied
from wincnode.lab.programs.containerd import Containerd
from wincnode.lab.programs.healthz import Healthz
from wincnode.lab.programs.kubelet_log import Log
from wincnode.lab.programs.kubelet_settings import Settings
from wincnode.lab.programs.wire import Line
from wincnode.lab.windows.machine import Machine

# nodeLeaseDurationSeconds is 40, renewed at a quarter of it; nodeStatusReportFrequency.
LEASE_S, RENEW_S, REPORT_S = 40, 10.0, 300.0
LINGER_S = 1.0
GLANCE_S = 0.1
RETRY_S = 1.0
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class Kubelet:
    """One run of a kubelet, in threads of its own, until it is ended.

    Args:
        agent: whether pods of a network's DaemonSet do their work on this node.
        failed: is called when it ends by itself.
        line: by which its pods reach others.
    """

    def __init__(
        self,
        machine: Machine,
        settings: Settings,
        runtime: Containerd,
        *,
        agent: Callable[[], bool],
        failed: Callable[[], None],
        line: Line,
    ) -> None:
        self.settings = settings
        self.agent = agent
        self._machine = machine
        self._runtime = runtime
        self._ended = threading.Event()
        self._log = Log(machine, settings.log)
        self._healthz = Healthz(machine, *settings.healthz)
        self._status: Json = {}
        self._failed = failed
        self._line = line
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Start."""
        self._log.info("Kubelet version", kubeletVersion=f"v{self.settings.version}")
        self._spawn(self._run)

    def end(self) -> None:
        """Stop; nothing of it answers any more."""
        self._ended.set()
        self._healthz.stop()

    def _spawn(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except OSError:
                # The machine's folder goes when it is no longer needed.
                if self._goes_on():
                    raise

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Let what was under way when it was ended come to its end."""
        for thread in self._threads:
            thread.join(LINGER_S)

    def _goes_on(self) -> bool:
        return not (self._ended.is_set() or self._machine.gone.is_set())

    def _run(self) -> None:
        try:
            while self._runtime.running is None and self._goes_on():
                self._ended.wait(GLANCE_S)
            client = self._client()
            folder = self._machine.path(self.settings.cert_dir)
            if not self.settings.config.get("serverTLSBootstrap"):
                certificates.self_signed(folder, self.settings.node)
            if not self._goes_on():
                return
            self._healthz.start()
            self._log.info("Started kubelet")
            client = self._certified(client)
            self._patiently(lambda: self._register(client))
            self._line.wire.attach(self.settings.node, self._address())
            self._spawn(lambda: self._pods(client))
            if self.settings.config.get("serverTLSBootstrap"):
                self._spawn(lambda: self._serving(client))
            self._beat(client)
        except (ApiFailed, Denied) as error:
            self._log.error("command failed", err=str(error))
        finally:
            self._healthz.stop()
            if self._goes_on():
                self._failed()

    def _client(self) -> Client:
        """Give the client to begin with: the bootstrap one, unless there is a valid certificate."""
        flags, machine = self.settings.flags, self._machine
        path = flags.get("kubeconfig", "")
        bootstrap = flags.get("bootstrap-kubeconfig", "")
        if not bootstrap or certificates.is_valid(machine, path):
            return api.load(machine, path)
        if not machine.path(bootstrap).is_file():
            text = "failed to run Kubelet: unable to load bootstrap kubeconfig: stat "
            raise ApiFailed(f"{text}{bootstrap}: The system cannot find the file specified.")
        client = api.load(machine, bootstrap)
        certificates.write_kubeconfig(machine, path, client, self.settings.cert_dir)
        return client

    def _certified(self, client: Client) -> Client:
        """Have a client certificate.

        Raises: ApiFailed, Denied.
        """
        if client.pem is not None:
            return client
        self._log.info(
            "Rotating certificates", logger="kubernetes.io/kube-apiserver-client-kubelet"
        )
        folder, node = self._machine.path(self.settings.cert_dir), self.settings.node
        self._patiently(lambda: certificates.obtain(client, folder, node, self._goes_on))
        self._log.info("Certificate rotation is enabled")
        return api.load(self._machine, self.settings.flags["kubeconfig"])

    def _patiently(self, work: Callable[[], object]) -> None:
        """Do something until the API server lets it be done.

        Raises: Denied.
        """
        said = ""
        while self._goes_on():
            try:
                work()
            except ApiFailed as error:
                if str(error) != said:
                    self._log.error("Unable to register node with API server", err=str(error))
                    said = str(error)
                self._ended.wait(RETRY_S)
            else:
                return
        raise Denied("the kubelet ends")

    def _register(self, client: Client) -> None:
        """Register the Node, or take the one that is there up again."""
        body = kubelet_node.node(self._machine, self.settings, self._runtime)
        path = f"/api/v1/nodes/{self.settings.node}"
        self._log.info("Attempting to register node", node=self.settings.node)
        try:
            client.call("POST", "/api/v1/nodes", body)
        except ApiFailed as error:
            if error.code != 409:
                raise
            there = client.call("GET", path)
            labels = there["metadata"].get("labels") or {}
            wanted = body["metadata"]["labels"]
            if any(labels.get(name) != value for name, value in wanted.items()):
                client.call("PATCH", path, {"metadata": {"labels": wanted}}, STRATEGIC)
            self._status = there.get("status", {})
        self._log.info("Successfully registered node", node=self.settings.node)

    def _beat(self, client: Client) -> None:
        """Renew the lease, and tell what changes, until the end."""
        clock = self._machine.clock
        renewed = reported = -REPORT_S - clock.seconds()
        while self._goes_on():
            now = clock.seconds()
            with contextlib.suppress(ApiFailed):
                if now - renewed >= RENEW_S:
                    self._renew(client)
                    renewed = now
                if self._report(client, due=now - reported >= REPORT_S):
                    reported = now
            self._ended.wait(GLANCE_S)

    def _renew(self, client: Client) -> None:
        name = self.settings.node
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": name, "leaseDurationSeconds": LEASE_S, "renewTime": moment}
        body: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec}
        try:
            there = client.call("GET", f"{LEASES}/{name}")
        except ApiFailed as error:
            if error.code != 404:
                raise
            body["metadata"] = {"name": name, "namespace": "kube-node-lease"}
            client.call("POST", LEASES, body)
            return
        client.call("PUT", f"{LEASES}/{name}", {**there, "spec": spec})

    def _report(self, client: Client, *, due: bool) -> bool:
        """Tell the Node's status when it is due, or another than before."""
        state = kubelet_node.status(self._machine, self.settings, self._runtime, self._status)
        if not due and _lasting(state) == _lasting(self._status):
            return False
        path = f"/api/v1/nodes/{self.settings.node}/status"
        client.call("PATCH", path, {"status": state}, STRATEGIC)
        if _ready(state) != _ready(self._status):
            self._log.info("Node became ready" if _ready(state) else "Node became not ready")
        self._status = state
        return True

    def _pods(self, client: Client) -> None:
        """Run the pods that are given to the node."""
        pod_watch.follow(
            client,
            self.settings.node,
            lambda pod: self._run_pod(client, pod),
            goes_on=self._goes_on,
            ended=self._ended,
        )

    def _address(self) -> str:
        return str(kubelet_node.addresses(self._machine, self.settings)[0]["address"])

    def _run_pod(self, client: Client, pod: Json) -> None:
        address = self._address()
        folder = cni.folder_of(pod)
        host = kubelet_pods.Host(
            machine=self._machine,
            containerd=self._runtime,
            client=client,
            log=self._log,
            node=self.settings.node,
            address=address,
            line=self._line,
        )

        def work() -> None:
            if folder and self._goes_on():
                cni.write(self._machine, client, pod, folder, address)

        with contextlib.suppress(ApiFailed):
            if not folder or self.agent():
                kubelet_pods.handle(host, pod, work)

    def _serving(self, client: Client) -> None:
        """Ask for the serving certificate, and wait until somebody approves it."""
        settings, folder = self.settings, self._machine.path(self.settings.cert_dir)
        if (folder / "kubelet-server-current.pem").is_file():
            return
        key, key_pem = authority.new_key()
        names = certificates.serving_names(
            settings.node, kubelet_node.addresses(self._machine, settings)
        )
        subject = authority.named(f"system:node:{settings.node}", ("system:nodes",))
        usages = ["digital signature", "server auth"]
        with contextlib.suppress(ApiFailed, Denied):
            signer = certificates.SERVING_SIGNER
            name = certificates.request(client, key, subject, signer, usages, names)
            pem = certificates.wait(client, name, self._goes_on)
            certificates.store(folder, "kubelet-server", pem + key_pem)


def _ready(state: Json) -> bool:
    rows = state.get("conditions") or ()
    return any(row["type"] == "Ready" and row["status"] == "True" for row in rows)


def _lasting(state: Json) -> Json:
    """Give a status without its times."""
    rows = [
        (row["type"], row["status"], row.get("reason"), row.get("message"))
        for row in state.get("conditions") or ()
    ]
    return {**state, "conditions": rows}
