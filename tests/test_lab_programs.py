"""What Kubernetes' programs do on a lab node: real discovery, real certificates, a real Node."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.request import build_opener

import pytest
import yaml
from cryptography import x509
from lab_workers import KUBELET, TOKEN, Lab, running
from winps import winps

from wincnode.artifacts.catalogue import load_catalogue
from wincnode.lab import origin as origins
from wincnode.lab.cluster import ControlPlane, authority, control_plane
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.programs import (
    command_line,
    containerd,
    join_configuration,
    kubelet_settings,
)
from wincnode.lab.programs.images import normal
from wincnode.lab.windows import programs
from wincnode.lab.windows.programs import Ended
from wincnode.worker import paths


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.fixture
def lab(shared: ControlPlane, tmp_path: Path) -> Iterator[Lab]:
    for resource in ("nodes", "secrets", "installations.operator.tigera.io", "daemonsets.apps"):
        for row in shared.objects.rows(resource):
            meta = row["metadata"]
            shared.objects.delete(resource, meta["name"], meta.get("namespace", ""))
    rows = {
        "token-id": TOKEN[:6],
        "token-secret": TOKEN[7:],
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    }
    data = {name: base64.b64encode(text.encode()).decode() for name, text in rows.items()}
    meta = {"name": f"bootstrap-token-{TOKEN[:6]}", "namespace": "kube-system"}
    secret = {"type": "bootstrap.kubernetes.io/token", "metadata": meta, "data": data}
    shared.objects.put("secrets", secret)
    shared.controllers.react()
    shared.audit.clear()
    with running(tmp_path, shared) as found:
        yield found


def opened(url: str) -> IO[bytes]:
    found: IO[bytes] = build_opener().open(url)
    return found


def soon(holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + 3
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def test_a_node_joins_by_kubeadm_and_is_ready_with_its_network(lab: Lab) -> None:
    """Discovery, certificate, Node, lease; Ready only when the network's pod has been there."""
    done = lab.join()
    node = soon(lab.node)
    waits = soon(lab.ready)
    network = {
        "calicoNetwork": {"windowsDataplane": "HNS"},
        "windowsNodes": {"cniConfigDir": paths.CNI_CONF},
    }
    lab.plane.objects.put(
        "installations.operator.tigera.io", {"metadata": {"name": "default"}, "spec": network}
    )
    soon(lambda: lab.ready().get("status") == "True")
    pem = x509.load_pem_x509_certificate(
        lab.machine.path(paths.KUBELET_CLIENT_CERTIFICATE).read_bytes()
    )
    version, port = node["status"]["nodeInfo"]["kubeletVersion"], lab.machine.loopback[10248]

    assert done.code == 0, done.stderr
    assert "This node has joined the cluster" in done.stdout
    assert waits["message"].endswith("cni plugin not initialized")
    assert pem.subject.rfc4514_string() == "CN=system:node:win1,O=system:nodes"
    assert not lab.machine.path(paths.BOOTSTRAP_KUBECONFIG).exists()
    assert version == "v1.36.4"
    assert node["metadata"]["labels"]["node.kubernetes.io/windows-build"] == "10.0.20348"
    assert node["metadata"]["labels"]["tier"] == "front"
    assert "taints" not in node["spec"]  # on Windows nothing reads kubeadm-flags.env
    assert opened(f"http://127.0.0.1:{port}/healthz").read() == b"ok"
    assert soon(
        lambda: lab.plane.objects.get("leases.coordination.k8s.io", "win1", "kube-node-lease")
    )
    assert "Successfully registered node" in lab.read(paths.KUBELET_LOG)
    assert yaml.safe_load(lab.read(paths.KUBELET_CONFIG))["resolvConf"] == ""
    assert {row.user for row in lab.plane.audit} == {
        "system:anonymous",
        "system:bootstrap:abcdef",
        "system:node:win1",
    }


def test_without_the_agent_a_node_is_never_ready(lab: Lab) -> None:
    """A pod of the network that does nothing leaves the Node where it was."""
    lab.worker.cni_agent = False
    lab.plane.objects.put(
        "installations.operator.tigera.io",
        {"metadata": {"name": "default"}, "spec": {"calicoNetwork": {"windowsDataplane": "HNS"}}},
    )
    lab.join()
    soon(lambda: lab.plane.objects.rows("pods", "calico-system"))

    assert soon(lab.ready)["status"] == "False"
    assert not list(lab.machine.path(paths.CNI_CONF).iterdir())


def test_a_node_is_the_same_after_a_reboot(lab: Lab) -> None:
    """Certificate and kubeconfig are on its disk; it needs no token again."""
    lab.join()
    soon(lab.ready)
    before = lab.node()["metadata"]["uid"]
    lab.machine.services.change("kubelet", {"StartMode": "Automatic"})
    boot = lab.node()["status"]["nodeInfo"]["bootID"]
    lab.plane.objects.delete("secrets", f"bootstrap-token-{TOKEN[:6]}", "kube-system")

    lab.machine.reboot()
    soon(lambda: lab.node()["status"]["nodeInfo"]["bootID"] != boot)

    assert lab.node()["metadata"]["uid"] == before
    assert [row.verb for row in lab.plane.audit if "certificatesigning" in row.resource].count(
        "create"
    ) == 1


def test_tls_bootstrap_needs_no_kubeadm(lab: Lab) -> None:
    """A bootstrap kubeconfig and a configuration are all that a kubelet needs; taints are registered."""
    cluster = {"server": lab.plane.server}
    cluster["certificate-authority-data"] = base64.b64encode(lab.plane.ca_pem.encode()).decode()
    config = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    head = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
    taint = {"key": "os", "value": "windows", "effect": "NoSchedule"}
    lab.put(paths.BOOTSTRAP_KUBECONFIG, yaml.safe_dump(config))
    lab.put(paths.KUBELET_CONFIG, yaml.safe_dump(head | {"serverTLSBootstrap": True}))
    lab.put(rf"{paths.DROP_INS}\10-x.conf", yaml.safe_dump(head | {"registerWithTaints": [taint]}))

    lab.machine.services.start("kubelet")
    node = soon(lab.node)

    def serving() -> list[Any]:
        rows = lab.plane.objects.rows("certificatesigningrequests.certificates.k8s.io")
        return [row for row in rows if row["spec"]["signerName"] == "kubernetes.io/kubelet-serving"]

    assert node["spec"]["taints"] == [taint]
    assert soon(serving)[0]["spec"]["username"] == "system:node:win1"
    assert not serving()[0]["status"].get("certificate")


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"token": {"caCertHashes": ["sha256:" + "0" * 64]}}, 1, "are pinned"),
        ({"token": {"token": "abcdef.0000000000000000"}}, 1, "failed to verify JWS signature"),
        ({"token": {"token": "ghijkl.0000000000000000"}}, 1, "could not find a JWS signature"),
        ({"token": {"apiServerEndpoint": "127.0.0.1:1"}}, 1, "actively refused"),
        ({"node": {"criSocket": "npipe:////./pipe/x"}}, 2, "[ERROR CRI]: could not connect"),
        ({"node": {"kubeletExtraArgs": {"v": "2"}}}, 3, "cannot unmarshal object"),
        ({"apiVersion": "kubeadm.k8s.io/v1beta2"}, 3, "old API spec"),
        ({"nodeRegistration": {"nme": "x"}}, 3, 'unknown field "nodeRegistration.nme"'),
    ],
)  # fmt: skip
def test_kubeadm_says_what_is_wrong(
    lab: Lab, changes: dict[str, Any], code: int, text: str
) -> None:
    """Its own words and exit codes; nothing was written that a second try would stumble over."""
    done = Clocked(lab)(lambda: lab.join(**changes))

    assert (done.code, text in done.stderr) == (code, True), done.stderr
    assert not lab.machine.path(paths.CA_FILE).exists()


class Clocked:
    """Moves a machine's clock on while something waits for it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __call__(self, work: Callable[[], Ended]) -> Ended:
        over = threading.Event()

        def push() -> None:
            while not over.wait(0.02):
                self._lab.machine.clock.advance(30)

        thread = threading.Thread(target=push)
        thread.start()
        try:
            return work()
        finally:
            over.set()
            thread.join()


def test_nodes_may_know_the_control_plane_by_another_address(lab: Lab) -> None:
    """127.0.0.1 is the node itself on a node; the certificate holds for both."""
    endpoint = f"{authority.NODES_SEE}:{lab.plane.server.rpartition(':')[2]}"

    assert lab.join(token={"apiServerEndpoint": endpoint}).code == 0


def test_kubeadm_refuses_what_a_join_has_left(lab: Lab) -> None:
    """Files of a former join stop it before it asks anybody; a reset clears them away."""
    lab.put(paths.KUBECONFIG, "")
    lab.put(paths.CA_FILE, "")

    stopped = lab.join()
    lab.run(paths.KUBEADM, "reset", "-f")

    assert stopped.code == 2
    assert "[ERROR FileAvailable--etc-kubernetes-kubelet.conf]" in stopped.stderr
    assert "[ERROR FileAvailable--etc-kubernetes-pki-ca.crt]" in stopped.stderr
    assert [row for row in lab.plane.audit if row.user == "system:anonymous"] == []
    assert not lab.machine.path(paths.CA_FILE).exists()


def test_a_taken_name_is_refused(lab: Lab) -> None:
    """A Node that is Ready is somebody else."""
    state = {"conditions": [{"type": "Ready", "status": "True"}]}
    lab.plane.objects.put("nodes", {"metadata": {"name": "win1"}, "status": state})

    done = lab.join()

    assert 'a Node with name "win1" and status "Ready" already exists in the cluster' in done.stderr


def test_a_kubelet_without_a_port_of_health_is_not_waited_for(lab: Lab) -> None:
    """The node joins; kubeadm leaves its check out."""
    plane = lab.plane
    assert isinstance(plane, ControlPlane)
    before = plane.objects.get("configmaps", "kubelet-config", "kube-system")
    assert before
    config = yaml.safe_load(before["data"]["kubelet"]) | {"healthzPort": 0}
    plane.objects.put("configmaps", {**before, "data": {"kubelet": yaml.safe_dump(config)}})
    try:
        done = lab.join()
    finally:
        plane.objects.put("configmaps", before)

    assert done.code == 0, done.stderr
    assert "[kubelet-check] Skipping the kubelet health check" in done.stdout
    assert not lab.machine.loopback


def test_a_kubelet_that_cannot_run_says_so_in_its_log(lab: Lab) -> None:
    """The service does not start, the log has its reason, and kubeadm gives up in its time."""
    lab.machine.services.change("kubelet", {"PathName": f"{KUBELET} --pod-infra-container-image=x"})

    code = lab.machine.services.start("kubelet")
    done = Clocked(lab)(lab.join)

    assert code == 7
    assert lab.state("kubelet") == "Stopped"
    assert "unknown flag: --pod-infra-container-image" in lab.read(paths.KUBELET_LOG)
    assert "The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz'" in done.stderr


@pytest.mark.parametrize(
    ("version", "text", "problem"),
    [
        ("1.7.34", "version = 3", "config version `3` is not supported, the max version is `2`"),
        ("2.2.7", "version = 4", "version equal to or less than `3`, got `4`"),
        ("2.3.4", "version = 1", "unsupported config version `1`"),
        ("2.3.4", 'version = 3\nroot = "C:\\opt"', "failed to unmarshal TOML"),
    ],
)
def test_containerd_refuses_a_configuration(version: str, text: str, problem: str) -> None:
    """As the real one of that version does."""
    with pytest.raises(containerd.ConfigRefused, match=r"^") as caught:
        containerd.read(text, version)

    assert problem in str(caught.value)


def test_the_runtime_answers_only_while_containerd_runs(lab: Lab) -> None:
    """Nobody is at the pipe otherwise; a bad file keeps the service down."""
    ready = json.loads(lab.run(paths.CRICTL, "info").stdout)["status"]["conditions"]
    lab.machine.services.stop("containerd")
    lab.machine.clock.advance(1)
    down = [lab.run(paths.CRICTL, "info"), lab.run(paths.CTR, "version")]
    lab.put(paths.CONTAINERD_CONFIG, "version = 5")

    assert [(row["type"], row["status"]) for row in ready[:2]] == [
        ("RuntimeReady", True),
        ("NetworkReady", False),
    ]
    assert [row.code for row in down] == [1, 1]
    assert "The system cannot find the file specified" in down[0].stderr
    assert lab.machine.services.start("containerd") == 7
    assert lab.state("containerd") == "Stopped"


def test_images_are_pulled_imported_and_kept(lab: Lab) -> None:
    """A pull takes its time once; what is there survives a reboot; other namespaces see nothing."""
    lab.machine.profile.durations["image_pull"] = 300  # type: ignore[index] # a dict from YAML
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        data = json.dumps([{"RepoTags": ["pause:3.10"]}]).encode()
        row = tarfile.TarInfo("manifest.json")
        row.size = len(data)
        tar.addfile(row, io.BytesIO(data))
    lab.machine.path(r"C:\pause.tar").write_bytes(archive.getvalue())
    before = lab.machine.clock.seconds()

    Clocked(lab)(lambda: lab.run(paths.CRICTL, "pull", "mcr.microsoft.com/x:1"))
    took = lab.machine.clock.seconds() - before
    lab.run(paths.CTR, "-n", "k8s.io", "images", "import", r"C:\pause.tar")
    lab.machine.reboot()
    lab.machine.clock.advance(1)
    names = lab.run(paths.CTR, "-n", "k8s.io", "images", "ls", "-q").stdout.split()

    assert took >= 300
    assert names == ["docker.io/library/pause:3.10", "mcr.microsoft.com/x:1"]
    assert lab.run(paths.CTR, "images", "ls", "-q").stdout == ""
    assert normal("a/b@sha256:1") == "docker.io/a/b@sha256:1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r'"C:\Program Files\a.exe" -x "b c" d', [r"C:\Program Files\a.exe", "-x", "b c", "d"]),
        (r'a.exe "say \"hi\"" C:\k\ "C:\end\\"', ["a.exe", 'say "hi"', "C:\\k\\", "C:\\end\\"]),
        (r'a.exe --flag=""', ["a.exe", "--flag="]),
    ],
)
def test_command_lines_are_taken_apart_as_windows_does(text: str, words: list[str]) -> None:
    """Quotes and backslashes by CommandLineToArgvW."""
    assert command_line.split(text) == words


@pytest.mark.parametrize(("kubeadm", "version", "read"), [("1.36.4", "v1beta3", True), ("1.37.1", "v1beta3", False),
                                                          ("1.30.0", "v1beta4", False), ("1.31.0", "v1beta4", True)])  # fmt: skip
def test_each_kubeadm_reads_its_versions(kubeadm: str, version: str, read: bool) -> None:
    """v1beta3 is gone in 1.37, v1beta4 came in 1.31."""
    token = {"token": TOKEN, "apiServerEndpoint": "h:1", "unsafeSkipCAVerification": True}
    body = {"kind": "JoinConfiguration", "apiVersion": f"kubeadm.k8s.io/{version}"}
    text = yaml.safe_dump(body | {"discovery": {"bootstrapToken": token}})

    try:
        found = join_configuration.read(text, kubeadm, "win1").token == TOKEN
    except join_configuration.Refused:
        found = False

    assert found is read


def test_a_flag_is_known_until_it_was_removed(lab: Lab) -> None:
    """The kubelet of 1.34 still takes what that of 1.35 does not."""
    command = f"{paths.KUBELET} --config={paths.KUBELET_CONFIG} --pod-infra-container-image=x"
    lab.put(paths.KUBELET_CONFIG, "kind: KubeletConfiguration")
    with pytest.raises(kubelet_settings.Refused, match="unknown flag"):
        kubelet_settings.read(lab.machine, command)

    lab.put(paths.KUBELET, programs.script("kubelet", "1.34.11"))

    assert kubelet_settings.read(lab.machine, command).version == "1.34.11"


# the origin


def test_the_origin_has_every_artifact_with_its_checksum() -> None:
    """Any version, the same bytes each time, and the checksum in the catalogue's form."""
    with origins.origin() as origin:
        for row in load_catalogue():
            path = row.url.format(version="1.2.3").removeprefix("https:/")
            data = opened(origin.url + path).read()
            assert data == opened(origin.url + path).read()
            assert (
                origins.checksum(row, "1.2.3")
                == opened(
                    origin.url
                    + row.checksum_url.format(url=row.url, version="1.2.3")
                    .format(version="1.2.3")
                    .removeprefix("https:/")
                ).read()
            )

    assert origins.content(load_catalogue()[0], "1.2.3") != origins.content(
        load_catalogue()[0], "1.2.4"
    )


def test_lock_takes_the_origin_for_a_mirror(tmp_path: Path) -> None:
    """Every form of checksum vouches for its file, over https with the lab's authority."""
    signer = authority.make_authority()
    (tmp_path / "ca.pem").write_text(signer.pem)
    also = "[cni-plugins, windows-container-networking, flannel-cni-plugin, flannel]"
    inventory = tmp_path / "wincnode.yaml"
    with origins.origin(signer=signer, folder=tmp_path) as origin:
        inventory.write_text(
            f"cluster: {{kubernetes: 1.36.4}}\nruntime: {{containerd: 2.3.4}}\n"
            f"artifacts: {{mirror: '{origin.url}', also: {also}}}\n"
            "connection: {user: x, password: {env: X}}\nnodes: {a: {address: 127.0.0.1}}\n"
        )
        subprocess.run(
            [sys.executable, "-m", "wincnode", "lock", "-i", inventory],
            env={**os.environ, "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem")},
            check=True,
            capture_output=True,
        )
    rows = yaml.safe_load((tmp_path / "wincnode.lock.yaml").read_text())["artifacts"]

    assert {row["verified"] for row in rows} == {"digest", "names", "github"}
    assert len(rows) == len(load_catalogue())


# the files of programs, run by a real PowerShell engine


def test_a_program_file_runs_on_its_machine(lab: Lab) -> None:
    """A script of the node starts it by its path and gets output, stderr and exit code.

    A file that was downloaded has no mode by which Linux would start it.
    """
    lab.machine.path(paths.KUBEADM).chmod(0o644)
    script = (
        rf"$t = & '{paths.CRICTL}' info; (ConvertFrom-Json ($t -join '')).status.conditions[0].type;"
        rf"& '{paths.KUBEADM}' join --config C:\none.yaml 2>&1 | Out-String; $LASTEXITCODE"
    )
    code = base64.b64encode(script.encode("utf-16-le")).decode()
    with PowerShellEngine(Path(winps()), lab.machine) as engine:
        process = engine.start(f"powershell.exe -NoProfile -EncodedCommand {code}", {})
        process.write(b"", end=True)
        text = b""
        while not (output := process.read(30)).done:
            text += output.stdout
    lines = (text + output.stdout).decode().split()

    assert lines[0] == "RuntimeReady", text
    assert 'unable to read config from "C:\\none.yaml"' in " ".join(lines)
    assert lines[-1] == "1"
