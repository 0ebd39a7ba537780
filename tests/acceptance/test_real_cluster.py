"""Lab nodes and wincnode against Kubernetes' own API server, controllers and kubeadm."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster_cases import inventory_text
from clusters import site
from cryptography import x509
from lab_workers import Lab, running
from real_cluster import VARIABLE, RealControlPlane, programs, real_control_plane

from wincnode.cluster import access, apply, discovery, nodes, probe, reach, tokens, trial_pods
from wincnode.cluster.api import CONFIG_MAPS, PODS, Api, Object
from wincnode.cluster.bound_pods import NAMESPACE
from wincnode.cluster.drain import Drain, drain
from wincnode.cluster.stages import StageMissed
from wincnode.cluster.trial_pods import IMAGE, Maker
from wincnode.cluster.trials import Attempt
from wincnode.errors import ClusterError, ClusterRefused
from wincnode.lab.cluster import ControlPlane, control_plane
from wincnode.lab.cluster.signing import PREFIX
from wincnode.lab.clusters import LabCluster
from wincnode.lab.origin import origin
from wincnode.lab.programs.api import ApiFailed, Client
from wincnode.lab.programs.linux_node import linux_node
from wincnode.lab.programs.wire import Line, Wire
from wincnode.secrets import Secret
from wincnode.worker import paths
from wincnode.worker.join_command import parse_join_command
from wincnode.worker.kubeadm import bootstrap_kubeconfig

pytestmark = pytest.mark.skipif(
    programs() is None, reason=f"{VARIABLE} names no folder with Kubernetes' programs"
)
RBAC = "rbac.authorization.k8s.io"
PAUSE = "registry.k8s.io/pause:3.10.2"
OTHER_BUILD = "mcr.microsoft.com/windows/nanoserver:1809-amd64"
CSRS = "certificatesigningrequests.certificates.k8s.io"
LEASES = "leases.coordination.k8s.io"
CHANGES = {"create", "update", "patch", "delete", "deletecollection"}
OURS = ("system:serviceaccount:", "system:kube-", "system:apiserver", "system:node:")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealControlPlane]:
    folder = programs()
    assert folder is not None
    with real_control_plane(tmp_path_factory.mktemp("real"), folder) as running:
        for name in ("kube-flannel", "tigera-operator"):
            running.create("namespaces", {"metadata": {"name": name}})
        # It comes with flannel's own manifest for Linux: flannel-io/flannel:Documentation
        running.create("serviceaccounts", {"metadata": {"name": "flannel"}}, "kube-flannel")
        yield running


@pytest.fixture
def api(plane: RealControlPlane) -> Api:
    return plane.api()


def soon(holds: Callable[[], Any], within_s: float = 30) -> Any:
    """Give what becomes true; the machine may be busy."""
    end = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def changes(plane: RealControlPlane) -> list[Any]:
    """Give what people asked to change, as no controller and no kubelet does.

    The log tells of a request once its answer has left, so it is read until it tells no more.
    """
    rows = _changes(plane)
    for _ in range(20):
        time.sleep(0.3)
        before, rows = rows, _changes(plane)
        if len(rows) == len(before):
            break
    return rows


def _changes(plane: RealControlPlane) -> list[Any]:
    return [
        row
        for row in plane.audit
        if row.verb in CHANGES
        and not row.dry
        and "review" not in row.resource
        and not row.user.startswith(OURS)
    ]


def asked(plane: RealControlPlane, user: str) -> list[Object]:
    """Give the certificates that a user has asked for."""
    return [row for row in plane.objects.rows(CSRS) if row["spec"]["username"] == user]


def signed(plane: RealControlPlane, user: str) -> x509.Certificate:
    """Give the certificate that the controllers made for the one that a user asked for."""
    (row,) = asked(plane, user)
    (approval,) = row["status"]["conditions"]
    assert (approval["type"], approval["reason"]) == ("Approved", "AutoApproved")
    found = x509.load_pem_x509_certificate(base64.b64decode(row["status"]["certificate"]))
    found.verify_directly_issued_by(plane.authority.certificate)
    return found


def renewed(plane: RealControlPlane, name: str) -> str:
    lease = plane.objects.get(LEASES, name, "kube-node-lease")
    return str(lease["spec"]["renewTime"]) if lease else ""


def kubelet(lab: Lab) -> Client:
    """Give a client with the certificate that the node has got."""
    pem = lab.machine.path(paths.KUBELET_CLIENT_CERTIFICATE)
    return Client(server=lab.plane.server, ca=lab.plane.ca_pem, pem=pem)


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ApiFailed) as caught:
        call()
    return caught.value.code, str(caught.value)


def bearer(plane: RealControlPlane, token: Secret) -> Client:
    return Client(server=plane.server, ca=plane.ca_pem, token=token.reveal())


def join_by_kubelet(lab: Lab, token: Secret) -> None:
    """Do what a join without kubeadm does on a node."""
    files = bootstrap_kubeconfig(server=lab.plane.server, ca_pem=lab.plane.ca_pem, token=token)
    head = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
    lab.put(paths.BOOTSTRAP_KUBECONFIG, files.reveal())
    lab.put(paths.KUBELET_CONFIG, yaml.safe_dump(head | {"serverTLSBootstrap": True}))
    lab.machine.services.start("kubelet")


@pytest.mark.parametrize(
    ("name", "way"), [("real-1", "kubeadm"), ("real-2", "kubeadm"), ("real-3", "kubelet")]
)
def test_a_node_joins(
    plane: RealControlPlane, api: Api, tmp_path: Path, name: str, way: str
) -> None:
    """The controllers approve and sign, the node authorizer takes the Node, its lease is renewed."""
    token = tokens.create(api, name, "run")
    discovery.cluster_info(api, token)
    with running(tmp_path, plane, name.upper()) as lab:
        if way == "kubeadm":
            done = lab.join(token={"token": token.reveal()})
            assert done.code == 0, done.stderr
        else:
            join_by_kubelet(lab, token)
        node = soon(lab.node)
        first = soon(lambda: renewed(plane, name))
        lab.machine.clock.advance(10)
        soon(lambda: renewed(plane, name) > first)
        soon(lambda: lab.node()["spec"].get("podCIDR"))
        me = kubelet(lab)
        others = [
            refused(lambda: me.call("POST", "/api/v1/nodes", {"metadata": {"name": "other"}})),
            refused(lambda: me.call("GET", "/api/v1/namespaces/kube-system/secrets")),
        ]
        certificate = signed(plane, f"system:bootstrap:{tokens.token_id(name)}")
        if way == "kubelet":
            (serving,) = soon(lambda: asked(plane, f"system:node:{name}"))
            assert not serving.get("status")  # nobody approves it

    assert certificate.subject.rfc4514_string() == f"CN=system:node:{name},O=system:nodes"
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.4"
    assert node["metadata"]["labels"]["node.kubernetes.io/windows-build"] == "10.0.20348"
    assert others[0] == (
        403,
        f'nodes "other" is forbidden: node "{name}" is not allowed to modify node "other"',
    )
    assert others[1][0] == 403
    with pytest.raises(ClusterError) as caught:
        nodes.refuse_other_machine(api, node, "4c4c4544-0042-3510-8052-b4c04f4a4e32")
    assert caught.value.id == "cluster.other-machine"
    assert tokens.revoke(api, name)
    soon(lambda: signature_of(plane, token) is None)


def test_a_line_of_kubeadm_itself_lets_a_node_join(plane: RealControlPlane, tmp_path: Path) -> None:
    """Its token, its address and its pin, as the real kubeadm prints them."""
    line = parse_join_command(plane.kubeadm("token", "create", "--print-join-command"))
    soon(lambda: signature_of(plane, line.token))
    info = discovery.discover(line.server, line.token, line.ca_hashes)

    with running(tmp_path, plane, "REAL-4") as lab:
        done = lab.join(token={"token": line.token.reveal(), "caCertHashes": list(line.ca_hashes)})
        assert soon(lab.node)

    assert done.code == 0, done.stderr
    assert (info.server, info.pins) == (plane.server, (plane.authority.pin,))
    with pytest.raises(ClusterError) as caught:
        discovery.discover(line.server, line.token, ["sha256:" + "0" * 64])
    assert caught.value.id == "cluster.pin"


def test_a_pod_proves_a_node(plane: RealControlPlane, api: Api, tmp_path: Path) -> None:
    """Node authorizer and NodeRestriction let it run and end; where it did not, its events say why."""
    good, bad = (probe.stage(image, 20) for image in (PAUSE, OTHER_BUILD))
    token = tokens.create(api, "real-5", "run")
    discovery.cluster_info(api, token)
    with running(tmp_path, plane, "REAL-5") as lab:
        lab.put(rf"{paths.CNI_CONF}\10-x.conf", '{"type": "x"}')
        assert lab.join(token={"token": token.reveal()}).code == 0
        soon(lambda: lab.ready().get("status") == "True")

        probe.prove(api, "real-5", good, PAUSE, run="1")
        probe.note(api, lab.node(), PAUSE)
        with pytest.raises(StageMissed) as caught:
            probe.prove(api, "real-5", bad, OTHER_BUILD, run="2")

        soon(lambda: not probes(plane))
        assert probe.is_proven(lab.node(), PAUSE)
    assert "Failed: StartError: " in caught.value.message
    assert "event of the pod: Failed: failed to create containerd task" in caught.value.message
    tokens.revoke(api, "real-5")


def probes(plane: RealControlPlane) -> list[Object]:
    """Give the pods of probes that are in the cluster."""
    return [row for row in plane.objects.rows("pods", NAMESPACE) if probe.is_ours(row)]


def bound_pods() -> list[Object]:
    """Give the pods that wincnode makes: the probe, and those of the network's test."""
    maker = Maker(run="r", operator="ada@desk", images={"windows": IMAGE, "linux": IMAGE})
    rows = [
        Attempt(trial="pod.mtu", target="n", place="10.1.0.3:8080", how=how)
        for how in ("tcp", "udp", "large")
    ]
    made = [probe.pod("nowhere", PAUSE, run="1")]
    for system in ("windows", "linux"):
        made += [
            trial_pods.server(system, maker, limit_s=9, system=system),
            trial_pods.client(system, maker, rows, number=1, limit_s=9, system=system),
        ]
    return made


@pytest.mark.parametrize("number", range(5))
def test_pods_are_of_the_strictest_level(number: int, plane: RealControlPlane, api: Api) -> None:
    """Pod Security `restricted` takes each, as it takes no pod that says less."""
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    if plane.objects.get("namespaces", "strict") is None:
        plane.create("namespaces", {"metadata": {"name": "strict", "labels": level}})
    soon(lambda: plane.objects.get("serviceaccounts", "default", "strict"))
    pod = bound_pods()[number]
    pod["metadata"]["namespace"] = "strict"

    api.create(PODS, pod, namespace="strict")
    del pod["spec"]["securityContext"]
    with pytest.raises(ClusterRefused, match='violates PodSecurity "restricted') as caught:
        api.create(PODS, pod, namespace="strict")

    assert caught.value.status in probe.REFUSALS
    api.delete(PODS, pod["metadata"]["name"], namespace="strict")


def test_pods_of_both_systems_try_the_network(
    plane: RealControlPlane, api: Api, tmp_path: Path
) -> None:
    """The API server takes the service and all pods, gives the addresses, and has none left."""
    token = tokens.create(api, "real-6", "run")
    discovery.cluster_info(api, token)
    wire, address = Wire(), "192.0.2.31"
    with (
        running(tmp_path, plane, "REAL-6", wire=wire, address=address) as lab,
        linux_node(plane, Line(wire=wire), name="linux-1", address="192.0.2.101"),
    ):
        lab.put(rf"{paths.CNI_CONF}\10-x.conf", '{"type": "x"}')
        assert lab.join(token={"token": token.reveal()}).code == 0
        soon(lambda: lab.ready().get("status") == "True")
        both = ("real-6",)

        found = reach.try_out(
            api, reach.Wish(nodes=both, peers=both, start_s=30, look_s=0.1), run="r1"
        )

        verdicts = {
            (row.attempt.trial, row.attempt.target): row.verdict.value
            for row in found.tried["real-6"]
        }
        passed = {key for key, verdict in verdicts.items() if verdict == "pass"}
        assert passed == {
            *(("pod.pods", "real-6"), ("pod.linux", "to linux-1"), ("pod.linux", "from linux-1")),
            *(("pod.udp", "linux-1"), ("pod.mtu", "linux-1")),
            *(("pod.service", "service"), ("pod.dns", "name of the service")),
        }
        assert set(verdicts.values()) == {"pass", "unknown"}
        assert found.notes == []
        assert not api.list(PODS, namespace=NAMESPACE, labels=trial_pods.selector()).items
    tokens.revoke(api, "real-6")


def signature_of(plane: RealControlPlane, token: Secret) -> str | None:
    info = plane.objects.get("configmaps", "cluster-info", "kube-public")
    found: str | None = info["data"].get(PREFIX + token.reveal()[:6])
    return found


def test_tokens_end_at_their_time(plane: RealControlPlane, api: Api) -> None:
    """The controllers sign for them, and take them away with their signature."""
    token = tokens.create(api, "late", "run", ttl_s=3)
    info = discovery.cluster_info(api, token)

    soon(lambda: signature_of(plane, token) is None)

    assert info.server == plane.server
    assert not tokens.revoke(api, "late")
    with pytest.raises(ClusterError) as caught:
        discovery.discover(plane.server.removeprefix("https://"), token, info.pins)
    assert caught.value.id == "cluster.discovery"


def test_the_documented_roles_are_enough(plane: RealControlPlane) -> None:
    """Without them every right is named that lacks; with them nothing does."""
    plane.kubeconfig("operator", groups=())
    user = plane.api("operator")
    rights = access.needed(access.TASKS)
    with pytest.raises(ClusterRefused) as caught:
        access.require(user, rights)
    for role in access.roles(rights):
        kind, meta = role["kind"], role["metadata"]
        where = meta.get("namespace", "")
        reference = {"apiGroup": RBAC, "kind": kind, "name": meta["name"]}
        subject = {"apiGroup": RBAC, "kind": "User", "name": "operator"}
        binding = {"metadata": meta, "roleRef": reference, "subjects": [subject]}
        plane.create(f"{kind.lower()}s.{RBAC}", role, where)
        plane.create(f"{kind.lower()}bindings.{RBAC}", binding, where)

    soon(lambda: _passes(lambda: access.require(user, rights)))
    tokens.create(user, "by-role", "run")

    assert "create secrets in kube-system" in caught.value.message
    assert "create pods in kube-system" in caught.value.message
    assert "create pods/eviction" in caught.value.message
    assert tokens.revoke(user, "by-role")


def _passes(call: Callable[[], None]) -> bool:
    try:
        call()
    except ClusterRefused:
        return False
    return True


def test_manifests_are_applied_once(plane: RealControlPlane, tmp_path: Path) -> None:
    """The API server takes all of them, and a second run asks it to change nothing."""
    text = inventory_text("flannel", "overlay")
    kubeconfig = f"cluster:\n  kubeconfig: {plane.kubeconfig()}\n"
    (tmp_path / "wincnode.yaml").write_text(text.replace("cluster:\n", kubeconfig))

    first = apply_all(tmp_path)
    before = len(changes(plane))
    second = apply_all(tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert len(changes(plane)) == before
    assert plane.objects.get("daemonsets.apps", "kube-proxy-windows", "kube-system")


def test_fields_of_another_manager_are_told(plane: RealControlPlane, api: Api) -> None:
    """Who and which field, in the API server's own words; force takes them over."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "ours"}}
    body |= {"metadata": {"name": "shared", "namespace": "default"}}
    api.patch(
        CONFIG_MAPS,
        "shared",
        {**body, "data": {"a": "theirs"}},
        kind="apply",
        namespace="default",
        query=(("fieldManager", "helm"),),
    )
    wanted = apply.targets(api, [body])

    with pytest.raises(ClusterError) as caught:
        apply.compare(api, wanted)
    (found,) = apply.compare(api, wanted, force=True)
    list(apply.carry_out(api, [found], force=True))

    assert caught.value.id == "cluster.conflict"
    assert 'ConfigMap shared in default: .data.a: conflict with "helm"' in caught.value.message
    assert found.rows == (("data.a", "theirs", "ours"),)
    assert [row.action for row in apply.compare(api, wanted)] == ["same"]


def apply_all(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wincnode", "cluster", "apply"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def test_nodes_are_marked_emptied_and_deleted(plane: RealControlPlane, api: Api) -> None:
    """Labels and taints by a patch that the server takes; pods leave by evictions."""
    body = {"metadata": {"name": "plain"}, "spec": {"unschedulable": False}}
    plane.create("nodes", body)
    wish = {"labels": {"tier": "front"}, "taints": ["os=windows:NoSchedule"]}
    marked = [nodes.mark(api, "plain", **wish) for _ in "ab"]
    plane.create("pods", _pod("plain"), "default")

    cordoned = [nodes.cordon(api, "plain") for _ in "ab"]
    drain(api, "plain", Drain(force=True, timeout_s=30))
    node = nodes.find(api, "plain")

    assert (marked, cordoned) == ([True, False], [True, False])
    assert node is not None
    assert node["metadata"]["labels"]["tier"] == "front"
    assert {"key": "os", "value": "windows", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert nodes.delete(api, node)
    assert nodes.find(api, "plain") is None


def _pod(node: str) -> Object:
    container = {"name": "c", "image": "registry.example/c:1"}
    spec = {"nodeName": node, "containers": [container], "terminationGracePeriodSeconds": 0}
    return {"metadata": {"name": "guest", "namespace": "default"}, "spec": spec}


def test_wincnode_joins_three_nodes(plane: RealControlPlane, tmp_path: Path) -> None:
    """From machines without anything to Ready Nodes; a second time nothing is changed."""
    names = {"web-1": "kubeadm", "web-2": "kubeadm", "web-3": "bootstrap"}
    joins = ("join web-1 web-2", "join web-3 --method bootstrap")
    with origin() as files:
        cluster = LabCluster(plane=plane, origin=files, kubeconfig=plane.kubeconfig())
        with site(tmp_path, profiles=dict.fromkeys(names, "ws2022"), cluster=cluster) as lab:
            ran = [lab.run(words) for words in ("cluster apply", "install", *joins)]
            assert {row.code for row in ran} == {0}, "\n".join(row.stderr for row in ran)
            first = changes(plane)
            again = [lab.run(words) for words in joins]
            mutations = len(changes(plane)) - len(first)

    for name in names:
        token = tokens.token_id(name)
        node = plane.objects.get("nodes", name)
        assert node is not None
        assert _condition(node, "Ready").get("status") == "True"
        assert probe.is_proven(node, PAUSE)
        certificate = signed(plane, f"system:bootstrap:{token}")
        assert certificate.subject.rfc4514_string() == f"CN=system:node:{name},O=system:nodes"
        assert plane.objects.get("secrets", f"bootstrap-token-{token}", "kube-system") is None
    outcomes = again[0].outcomes("web-1") + again[0].outcomes("web-2") + again[1].outcomes("web-3")
    assert set(outcomes) == {"ok"}
    assert {("create", "secrets"), ("delete", "secrets")} <= {
        (row.verb, row.resource) for row in first
    }
    assert mutations == 0
    assert not probes(plane)


def _condition(node: Object, type: str) -> dict[str, str]:
    rows: list[dict[str, str]] = node["status"]["conditions"]
    return next((row for row in rows if row["type"] == type), {})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("model")) as running:
        yield running


def test_the_lab_s_cluster_has_the_rights_that_kubeadm_makes(
    plane: RealControlPlane, model: ControlPlane
) -> None:
    """Each role and binding of the model is the real one, field by field."""
    kinds = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
    ours, real = (
        {
            (kind, row["metadata"].get("namespace"), row["metadata"]["name"]): [
                _sorted(row.get(field)) for field in ("rules", "roleRef", "subjects")
            ]
            for kind in kinds
            for row in at.objects.rows(f"{kind}.{RBAC}")
        }
        for at in (model, plane)
    )

    assert ours == {key: real.get(key) for key in ours}


def _sorted(value: Any) -> Any:
    """Give a value without the order of its lists, which says nothing in RBAC."""
    if isinstance(value, dict):
        return {key: _sorted(row) for key, row in value.items()}
    return sorted(map(_sorted, value), key=str) if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("namespace", "name", "key"),
    [
        ("kube-public", "cluster-info", "kubeconfig"),
        ("kube-system", "kubeadm-config", "ClusterConfiguration"),
        ("kube-system", "kubelet-config", "kubelet"),
        ("kube-system", "kube-proxy", "config.conf"),
    ],
)
def test_the_lab_s_cluster_says_what_kubeadm_writes(
    plane: RealControlPlane, model: ControlPlane, namespace: str, name: str, key: str
) -> None:
    """Each field of the model's configurations is one of the real ones."""
    texts = [at.objects.get("configmaps", name, namespace)["data"][key] for at in (model, plane)]
    ours, real = map(yaml.safe_load, texts)

    # Of kubelets on hosts where systemd-resolved runs, as kubeadm finds out by itself:
    # kubernetes/kubernetes:cmd/kubeadm/app/componentconfigs/kubelet.go
    assert set(_fields(ours)) - {".resolvConf"} <= set(_fields(real))


def _fields(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, row in value.items():
            yield from _fields(row, f"{path}.{key}")
    else:
        yield path
