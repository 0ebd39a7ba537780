"""A Node is proven by a pod that runs on it, and what keeps that pod from running is told."""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from cluster_access import administrator, failed, ok, told
from lab_workers import CONFIG, CONTAINERD, TOKEN, Lab, running

from wincnode import runner
from wincnode.cluster import access, probe
from wincnode.cluster.api import Api, Object
from wincnode.cluster.bound_pods import NAMESPACE
from wincnode.cluster.drain import Drain, refusals
from wincnode.cluster.stages import StageMissed
from wincnode.commands.inspect import Session
from wincnode.commands.readiness import Goal, Proof, asked, reach
from wincnode.errors import ConfigError
from wincnode.lab.cluster import ControlPlane, control_plane
from wincnode.report import NodeReport
from wincnode.transport import Transport
from wincnode.worker import paths

PAUSE, OLDER = "registry.k8s.io/pause:3.10.2", "registry.k8s.io/pause:3.10.1"
NETWORK = rf"{paths.CNI_CONF}\10-x.conf"
NANO = "mcr.microsoft.com/windows/nanoserver"
QUOTA = {"metadata": {"name": "none", "namespace": NAMESPACE}, "spec": {"hard": {"pods": 0}}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run a cluster with one Ready node."""
    with (
        control_plane(tmp_path_factory.mktemp("plane")) as plane,
        running(tmp_path_factory.mktemp("node"), plane) as made,
    ):
        _admit(plane)
        made.put(NETWORK, '{"type": "x"}')
        assert made.join().code == 0
        soon(lambda: made.ready().get("status") == "True")
        yield made


def _admit(plane: ControlPlane) -> None:
    """Make the token that the node joins with."""
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
    plane.objects.put("secrets", secret)
    plane.controllers.react()


@pytest.fixture
def api(lab: Lab) -> Api:
    assert isinstance(lab.plane, ControlPlane)
    soon(lambda: not left(lab))
    lab.plane.audit.clear()
    return administrator(lab.plane.kubeconfig())


def soon(holds: Callable[[], Any]) -> Any:
    """Give what becomes true in a moment."""
    end = time.monotonic() + 3
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def left(lab: Lab) -> list[Object]:
    """Give the pods of probes that are in the cluster."""
    return [row for row in lab.plane.objects.rows("pods") if probe.is_ours(row)]


def prove(api: Api, image: str = PAUSE, *, timeout_s: float = 10) -> None:
    run = runner.new_run()[:12]
    probe.prove(api, "win1", probe.stage(image, timeout_s), image, run=run)


def missed(api: Api, image: str, timeout_s: float) -> str:
    with pytest.raises(StageMissed) as caught:
        prove(api, image, timeout_s=timeout_s)
    assert caught.value.stage.name == f"proven by a pod of {image}"
    return caught.value.message


def test_a_pod_of_the_pause_image_proves_a_node(lab: Lab, api: Api) -> None:
    """One list, a dry run and one watch; the pod is taken away, and the kubelet ends it."""
    prove(api)

    asked = [(row.verb, row.resource, row.dry) for row in lab.plane.audit if row.user == "admin"]
    verbs = (("list", False), ("create", True), ("create", False), ("watch", False))
    assert asked == [(verb, "pods", dry) for verb, dry in (*verbs, ("delete", False))]
    soon(lambda: not left(lab))
    assert ("system:node:win1", "delete", "pods") in {row[:3] for row in lab.plane.audit}


def test_an_image_that_ends_well_is_a_proof_too(lab: Lab, api: Api) -> None:
    """It need not wait for anything: a shell without input ends at once."""
    prove(api, f"{NANO}:ltsc2022")

    runtime = lab.worker.containerd.running
    assert runtime is not None
    assert f"{NANO}:ltsc2022" in runtime.images.rows()


def test_an_image_without_the_node_s_build_proves_nothing(api: Api) -> None:
    """The pod waits for it; its state and the kubelet's event say why."""
    message = missed(api, f"{NANO}:1809", timeout_s=1)

    assert "was last seen as Pending: ErrImagePull: rpc error: code = NotFound" in message
    assert "event of the pod: Failed: rpc error" in message.splitlines()[1]


def test_a_container_that_cannot_start_is_told_at_once(lab: Lab, api: Api) -> None:
    """An image of one build alone is fetched, and does not start on another."""
    began = time.monotonic()

    message = missed(api, f"{NANO}:1809-amd64", timeout_s=30)

    assert time.monotonic() - began < 10
    assert "Failed: StartError: " in message
    assert "The container operating system does not match the host operating system" in message
    assert left(lab) == []


def test_a_sandbox_that_cannot_be_made_is_told_by_its_event(lab: Lab, api: Api) -> None:
    """The pod's status says nothing of it."""
    pinned = f"[plugins.'io.containerd.cri.v1.images'.pinned_images]\nsandbox = '{NANO}:1809'\n"
    lab.put(paths.CONTAINERD_CONFIG, CONFIG + pinned)
    lab.worker.containerd.begin(CONTAINERD)
    try:
        message = missed(api, PAUSE, timeout_s=1)
    finally:
        lab.put(paths.CONTAINERD_CONFIG, CONFIG)
        lab.worker.containerd.begin(CONTAINERD)

    assert "event of the pod: FailedCreatePodSandBox: failed to get sandbox image" in message


def test_what_a_killed_client_has_left_is_taken_away(lab: Lab, api: Api) -> None:
    """Its pod is no reason against a drain, and the next proof begins with its end."""
    old = probe.pod("win1", PAUSE, run="old")
    lab.plane.objects.put("pods", {**old, "status": {"phase": "Running"}})
    (there,) = left(lab)

    assert list(refusals([there], Drain())) == []
    prove(api)
    soon(lambda: not left(lab))


def test_a_pod_that_somebody_deletes_proves_nothing(lab: Lab, api: Api) -> None:
    """It is gone before its container runs."""
    network = lab.machine.path(NETWORK)
    content = network.read_text()
    network.unlink()

    def delete() -> None:
        (there,) = soon(lambda: left(lab))
        lab.plane.objects.delete("pods", there["metadata"]["name"], NAMESPACE)

    began = time.monotonic()
    other = threading.Thread(target=delete)
    other.start()
    try:
        message = missed(api, PAUSE, timeout_s=10)
    finally:
        other.join()
        network.write_text(content)

    assert time.monotonic() - began < 5
    assert message.endswith("was deleted by somebody else")


def test_a_cluster_that_takes_no_such_pod_says_so(lab: Lab, api: Api) -> None:
    """A quota refuses it; nothing is left, and nothing was to be changed: it is often asked."""
    lab.plane.objects.put("resourcequotas", QUOTA)
    try:
        with pytest.raises(probe.PodRefused, match="exceeded quota: none, requested: pods=1"):
            prove(api)
    finally:
        lab.plane.objects.delete("resourcequotas", "none", NAMESPACE)

    assert left(lab) == []
    assert [row for row in lab.plane.mutations if row.user == "admin"] == []


def test_a_webhook_that_takes_no_dry_run_is_asked_in_earnest() -> None:
    """What it would say of the pod, no dry run tells."""
    none = ok({"metadata": {"resourceVersion": "1"}, "items": []})
    unfit = failed(400, 'admission webhook "x" does not support dry run')
    with told(none, unfit, failed(403, "denied by x"), failed(404)) as (server, api):
        with pytest.raises(probe.PodRefused, match="denied by x"):
            prove(api)

    rows = [(method, "dryRun=All" in path) for method, path in server.asked]
    assert rows == [("GET", False), ("POST", True), ("POST", False), ("DELETE", False)]


def test_a_join_changes_nothing_where_nothing_may_prove_the_node(lab: Lab, api: Api) -> None:
    """Each time it says so; once the quota is gone, the Node is proven."""
    assert isinstance(lab.plane, ControlPlane)
    lab.plane.objects.put("resourcequotas", QUOTA)
    try:
        notes = [reached(api), reached(api)]
    finally:
        lab.plane.objects.delete("resourcequotas", "none", NAMESPACE)
    changes = [row for row in lab.plane.mutations if row.user == "admin"]

    assert ["no pod has proven it: " in note for note in notes] == [True, True], notes
    assert ["exceeded quota: none" in note for note in notes] == [True, True], notes
    assert changes == []
    assert reached(api) == ""


def reached(api: Api) -> str:
    """Go a joined node's way to its end, and give what is noted of it."""
    proof = Proof(image=OLDER)  # of which no other test proves the Node
    goal = Goal(node="win1", kubernetes="1.36.4", build=20348, sandbox_image=PAUSE, proof=proof)
    way = reach(
        api,
        cast("Transport", None),  # only a stage that is missed asks the node
        goal,
        NodeReport(node="win1", status="done"),
        Session(connect=lambda _: cast("Transport", None), watch=lambda *_: None),
    )
    while True:
        try:
            next(way)
        except StopIteration as end:
            report: NodeReport = end.value
            return "".join(report.notes)


def test_an_account_without_the_rights_is_told_which(lab: Lab) -> None:
    """All of them are asked for; where nothing is to be proven, none is."""
    pairs = [(verb, right.resource) for right in access.needed(["probe"]) for verb in right.verbs]
    few = administrator(lab.plane.kubeconfig("few", [row for row in pairs if row[0] != "delete"]))
    all_of_them = administrator(lab.plane.kubeconfig("all", pairs))

    lacking = asked(few, Proof()).lacking

    assert lacking == "the account lacks the right to delete pods in kube-system"
    assert asked(all_of_them, Proof()).lacking == ""
    assert asked(few, Proof(wanted=False)).lacking == ""


def test_a_proof_is_of_an_image_and_the_node_s_versions(lab: Lab, api: Api) -> None:
    """Another kubelet, runtime, Windows or image is proven anew."""
    node = lab.node()
    before = probe.is_proven(node, PAUSE)

    probe.note(api, node, PAUSE)

    node = lab.node()
    assert (before, probe.is_proven(node, PAUSE)) == (False, True)
    assert not probe.is_proven(node, f"{NANO}:ltsc2022")
    for name in ("kubeletVersion", "containerRuntimeVersion", "kernelVersion"):
        newer = {**node["status"]["nodeInfo"], name: "other"}
        assert not probe.is_proven({**node, "status": {"nodeInfo": newer}}, PAUSE)


def test_the_pod_s_name_is_one_for_any_node() -> None:
    """Of every length and with dots, which are none in a host's name."""
    names = [probe.pod(node, PAUSE, run="0a")["metadata"]["name"] for node in ("a.b", "x" * 253)]

    assert names[0] == "wincnode-probe-a-b-0a"
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?", name) for name in names)


def test_an_image_must_be_a_full_reference() -> None:
    """Before anything is asked of anybody."""
    with pytest.raises(ConfigError, match="no full reference"):
        Proof(image="nanoserver")
