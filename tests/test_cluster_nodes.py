"""Nodes: whose they are, what they carry, how they become Ready, and how they are emptied."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_access import administrator, failed, ok, told

from wincnode.cluster import nodes
from wincnode.cluster.api import NODES, Api, Object
from wincnode.cluster.drain import Drain, drain, refusals, stays
from wincnode.cluster.stages import Stage, StageMissed, is_ready, pass_stages
from wincnode.errors import ClusterError
from wincnode.lab.cluster import ControlPlane, control_plane

UUID = "4C4C4544-0042-3510-8052-B4C04F4A4E32"
TURNED = "44454c4c-4200-1035-8052-b4c04f4a4e32"
OS_TAINT = {"key": "os", "value": "windows", "effect": "NoSchedule"}
CNI = Stage(
    name="the network's agent", holds=lambda node: bool(node["metadata"]["labels"]), timeout_s=0.1
)
READY = Stage(name="Ready", holds=is_ready, timeout_s=5)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path) as running:
        yield running


@pytest.fixture
def api(plane: ControlPlane) -> Api:
    return administrator(plane.kubeconfig())


def node(name: str = "win1", *, uuid: str = UUID, ready: str = "", **spec: Any) -> Object:
    conditions = [{"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "cni"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {}},
        "spec": spec,
        "status": {
            "nodeInfo": {"systemUUID": uuid, "machineID": "WIN1"},
            "conditions": conditions if ready else [],
        },
    }


@pytest.mark.parametrize(
    ("registered", "same"),
    [
        (UUID, True),
        (f"{{{UUID.lower()}}}", True),
        (TURNED, True),
        (UUID.replace("4C4C", "4C4D"), False),
        ("", None),
        ("00000000-0000-0000-0000-000000000000", None),
        ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", None),
        ("Not Settable", None),
    ],
)
def test_a_machine_is_known_by_its_uuid_however_it_is_written(
    registered: str, same: bool | None
) -> None:
    """Case, braces and the order of bytes say nothing; what firmware leaves unset tells nothing."""
    assert nodes.same_machine(node(uuid=registered), UUID) is same
    assert nodes.same_machine(node(uuid=UUID), registered) is same


def test_a_name_of_another_machine_is_refused_with_both_uuids(api: Api) -> None:
    """Nothing is taken over silently; a Node that never reported is nobody's."""
    nodes.refuse_other_machine(api, node(), UUID.lower())
    nodes.refuse_other_machine(api, {"metadata": {"name": "win1"}}, UUID)
    other = UUID.replace("4C4C", "4C4D")
    with pytest.raises(ClusterError) as caught:
        nodes.refuse_other_machine(api, node(uuid=other), UUID)
    assert caught.value.id == "cluster.other-machine"
    for part in (other, UUID, "WIN1", "the Node win1"):
        assert part in caught.value.message


def test_labels_and_taints_are_added_and_others_stay(plane: ControlPlane, api: Api) -> None:
    """A second time nothing is sent."""
    other = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}
    plane.objects.put("nodes", node(taints=[other, {**OS_TAINT, "value": "linux"}]))
    wanted = {
        "labels": {"rack": "7", "zone": ""},
        "taints": ["os=windows:NoSchedule", "gpu:NoExecute"],
    }
    assert nodes.mark(api, "win1", **wanted) is True
    assert nodes.mark(api, "win1", **wanted) is False
    found = plane.objects.get("nodes", "win1")
    assert found is not None
    assert found["metadata"]["labels"] == {"rack": "7", "zone": ""}
    gpu = {"key": "gpu", "effect": "NoExecute"}
    assert found["spec"]["taints"] == [other, OS_TAINT, gpu]
    assert [row.verb for row in plane.mutations] == ["patch"]


def test_labels_alone_do_not_wait_for_the_node_to_hold_still() -> None:
    """A patch of taints is for the Node as it was read, since it replaces the whole list."""
    found = {**node(), "metadata": {"name": "win1", "resourceVersion": "7"}}
    assert nodes.wanted_changes(found, labels={"a": "b"}, taints=()) == {
        "metadata": {"labels": {"a": "b"}}
    }
    assert nodes.wanted_changes(found, labels={}, taints=["a:NoSchedule"]) == {
        "metadata": {"resourceVersion": "7"},
        "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]},
    }


def test_a_node_that_changed_meanwhile_is_read_again() -> None:
    """The kubelet and the controllers write it all the time."""
    found = {**node(), "metadata": {"name": "win1", "uid": "1", "resourceVersion": "7"}}
    with told(ok(found), failed(409), ok(found), ok(found)) as (server, api):
        assert nodes.mark(api, "win1", labels={}, taints=["a:NoSchedule"])
    assert [method for method, _ in server.asked] == ["GET", "PATCH", "GET", "PATCH"]
    with told(ok(found)) as (_, api), pytest.raises(ClusterError, match="another one has its name"):
        nodes.mark(api, "win1", labels={}, taints=(), uid="2")


def test_a_node_is_cordoned_once_and_deleted_once(plane: ControlPlane, api: Api) -> None:
    """And only as it was read."""
    plane.objects.put("nodes", node())
    assert [nodes.cordon(api, "win1") for _ in range(2)] == [True, False]
    assert [nodes.cordon(api, "win1", unschedulable=False) for _ in range(2)] == [True, False]
    found = nodes.find(api, "win1")
    assert found is not None
    assert [nodes.delete(api, found) for _ in range(2)] == [True, False]
    assert nodes.find(api, "win1") is None


def test_a_node_that_took_the_name_is_not_deleted(plane: ControlPlane, api: Api) -> None:
    """The UID of what was read goes with the request."""
    plane.objects.put("nodes", node())
    found = nodes.find(api, "win1")
    assert found is not None
    plane.objects.delete("nodes", "win1")
    plane.objects.put("nodes", node())
    with pytest.raises(ClusterError, match="another one has its name"):
        nodes.delete(api, found)
    assert nodes.find(api, "win1") is not None


def later(*actions: Callable[[], object]) -> threading.Thread:
    """Do things one after the other, each a moment after the one before."""

    def work() -> None:
        for action in actions:
            time.sleep(0.03)
            action()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_node_passes_its_stages_in_one_watch(plane: ControlPlane, api: Api) -> None:
    """It registers, gets its network and becomes Ready; a stage that holds already costs nothing."""
    objects = plane.objects
    labelled = {**node(ready="False"), "metadata": {"name": "win1", "labels": {"a": "b"}}}
    ready = {**node(ready="True"), "metadata": {"name": "win1", "labels": {"a": "b"}}}
    thread = later(
        lambda: objects.put("nodes", node(ready="False")),
        lambda: objects.put("nodes", labelled),
        lambda: objects.put("nodes", ready),
    )
    registered = Stage(name="registered", holds=lambda _node: True, timeout_s=5)
    passed: list[str] = []
    found = pass_stages(
        api, "win1", (registered, CNI, READY), lambda stage, _node: passed.append(stage.name)
    )
    thread.join()
    assert is_ready(found)
    assert passed == ["registered", "the network's agent", "Ready"]
    assert [row.verb for row in plane.audit if row.resource == "nodes"] == ["list", "watch"]


def test_a_stage_that_is_missed_is_told_with_the_node_s_own_words(
    plane: ControlPlane, api: Api
) -> None:
    """Each stage has its own time, which begins when the one before has passed."""
    plane.objects.put("nodes", node(ready="False"))
    began = time.monotonic()
    registered = Stage(name="registered", holds=lambda _node: True, timeout_s=5)
    with pytest.raises(StageMissed) as caught:
        pass_stages(api, "win1", (registered, CNI, READY))
    assert time.monotonic() - began < 2
    assert caught.value.stage is CNI
    assert 'the Node win1 has not passed "the network\'s agent"' in caught.value.message
    assert "Ready is False, KubeletNotReady: cni" in caught.value.message


def test_a_node_that_never_registers_is_told(api: Api) -> None:
    """There is no Node whose words could be shown."""
    with pytest.raises(StageMissed, match="it has not registered") as caught:
        pass_stages(api, "win1", (CNI,))
    assert (caught.value.id, caught.value.seen) == ("cluster.not-ready", None)


def pod(name: str, owner: str = "apps/v1/ReplicaSet", **more: Any) -> Object:
    version, _, kind = owner.rpartition("/")
    owners = [{"apiVersion": version, "kind": kind, "name": "o", "uid": "o", "controller": True}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "apps",
            "labels": {"app": name},
            "ownerReferences": owners if owner else [],
            **more.pop("metadata", {}),
        },
        "spec": {"nodeName": "win1", **more.pop("spec", {})},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], **more},
    }


def budget(name: str) -> Object:
    return {
        "metadata": {"name": name, "namespace": "apps"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}},
    }


def left(plane: ControlPlane) -> list[str]:
    return [row["metadata"]["name"] for row in plane.objects.rows("pods", "apps")]


@pytest.fixture
def empty(plane: ControlPlane) -> ControlPlane:
    """A cluster with two nodes and no pods yet; pods of other nodes would be cleared away."""
    for name in ("win1", "win2"):
        plane.objects.put("nodes", node(name))
    return plane


MIRROR = {"annotations": {"kubernetes.io/config.mirror": "x"}}
EMPTYDIR = {"volumes": [{"name": "v", "emptyDir": {}}]}


def test_daemon_and_mirror_pods_stay_and_the_rest_is_evicted(empty: ControlPlane, api: Api) -> None:
    """Pods of other nodes are none of it."""
    for row in (
        pod("web"),
        pod("agent", "apps/v1/DaemonSet"),
        pod("static", "", metadata=MIRROR),
        pod("done", "batch/v1/Job", spec=EMPTYDIR, phase="Succeeded"),
        pod("elsewhere", spec={"nodeName": "win2"}),
    ):
        empty.objects.put("pods", row)
    heard: list[str] = []
    assert drain(api, "win1", Drain(timeout_s=5), heard.append) == 2
    assert left(empty) == ["agent", "elsewhere", "static"]
    assert heard == ["evicted apps/done", "evicted apps/web"]


def test_pods_that_would_lose_something_are_named_before_the_first_eviction(
    empty: ControlPlane, api: Api
) -> None:
    """Each is allowed by its own word."""
    empty.objects.put("pods", pod("cache", spec=EMPTYDIR))
    empty.objects.put("pods", pod("alone", ""))
    empty.objects.put("pods", pod("web"))
    with pytest.raises(ClusterError) as caught:
        drain(api, "win1")
    assert "apps/cache keeps data in an emptyDir" in caught.value.message
    assert "apps/alone has no controller" in caught.value.message
    assert len(left(empty)) == 3
    assert drain(api, "win1", Drain(delete_emptydir=True, force=True)) == 3
    assert left(empty) == []


def test_a_budget_is_waited_for(empty: ControlPlane, api: Api) -> None:
    """Until it lets the pod go."""
    empty.objects.put("pods", pod("web"))
    empty.objects.put("poddisruptionbudgets.policy", budget("web"))
    heard: list[str] = []

    def listen(text: str) -> None:
        heard.append(text)
        empty.objects.delete("poddisruptionbudgets.policy", "web", "apps")

    drain(api, "win1", Drain(timeout_s=5, retry_s=0.02), listen)
    assert left(empty) == []
    assert heard == ["held back by a budget: apps/web", "evicted apps/web"]


def test_a_budget_that_never_gives_way_is_named(empty: ControlPlane, api: Api) -> None:
    """The pod stays, and so does the budget's own word."""
    empty.objects.put("pods", pod("web"))
    empty.objects.put("poddisruptionbudgets.policy", budget("web"))
    with pytest.raises(ClusterError) as caught:
        drain(api, "win1", Drain(timeout_s=0.05, retry_s=0.02))
    assert caught.value.id == "cluster.drain"
    assert "held back apps/web" in caught.value.message
    assert "The disruption budget web needs 1 healthy pods" in caught.value.message
    assert left(empty) == ["web"]


def pods(version: str, *rows: Object) -> Any:
    return ok({"metadata": {"resourceVersion": version}, "items": list(rows)})


def with_uid(row: Object, uid: str, **more: str) -> Object:
    return {**row, "metadata": {**row["metadata"], "uid": uid, "resourceVersion": "1", **more}}


def test_a_drain_lasts_until_the_pods_are_gone() -> None:
    """An eviction only begins a pod's end; one that is ending already is not evicted again."""
    web, old = with_uid(pod("web"), "1"), with_uid(pod("old"), "2", deletionTimestamp="x")
    gone = ok(
        "".join(f'{{"type": "DELETED", "object": {row}}}\n' for row in map(_json, (web, old)))
    )
    with told(pods("5", old, web), (201, {}, {}), pods("6", old, web), gone) as (server, api):
        assert drain(api, "win1", Drain(timeout_s=5)) == 2
    assert [path.partition("?")[0] for _, path in server.asked] == [
        "/api/v1/pods",
        "/api/v1/namespaces/apps/pods/web/eviction",
        "/api/v1/pods",
        "/api/v1/pods",
    ]
    assert b'"uid": "1"' in server.bodies[1]
    with told(pods("5", old), pods("6", old), *[ok("")] * 9) as (_, api):
        with pytest.raises(ClusterError, match="not gone in time: apps/old"):
            drain(api, "win1", Drain(timeout_s=0.05))


def _json(row: Object) -> str:
    import json

    meta = {**row["metadata"], "resourceVersion": "7"}
    return json.dumps({**row, "metadata": meta})


ENDING = {
    "kind": "Status",
    "message": "ends",
    "details": {"causes": [{"reason": "NamespaceTerminating", "message": "being terminated"}]},
}


@pytest.mark.parametrize("first", [(403, ENDING, {}), failed(409), failed(429)])
def test_an_eviction_that_may_work_later_is_tried_again(first: Any) -> None:
    """A namespace that ends refuses evictions, and a pod may change meanwhile."""
    web = with_uid(pod("web"), "1")
    again = [ok(web)] if first[0] == 409 else []
    with told(pods("5", web), first, *again, (201, {}, {}), pods("6")) as (server, api):
        drain(api, "win1", Drain(timeout_s=5, retry_s=0.01))
    assert server.answers == []


def test_a_pod_that_another_has_replaced_is_left_alone() -> None:
    """Its name lives on, on another node."""
    with told(
        pods("5", with_uid(pod("web"), "1")), failed(409), ok(with_uid(pod("web"), "2")), pods("6")
    ) as (server, api):
        assert drain(api, "win1", Drain(timeout_s=5)) == 1
    assert len([path for _, path in server.asked if path.endswith("eviction")]) == 1


LONG_AGO = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}


def test_pods_of_a_silent_kubelet_are_waited_for_until_their_grace_period_is_over(
    empty: ControlPlane, api: Api
) -> None:
    """Nobody tells when they have ended; one whose period is over already is not even refused."""
    spec = {"nodeName": "win1", "terminationGracePeriodSeconds": 1}
    empty.objects.put("pods", pod("stuck", "", spec=EMPTYDIR, metadata=LONG_AGO))
    empty.objects.put("pods", pod("web", spec=spec))
    heard: list[str] = []
    began = time.monotonic()

    assert drain(api, "win1", Drain(timeout_s=60, silent=True), heard.append) == 1
    assert time.monotonic() - began < 20
    with pytest.raises(ClusterError, match="apps/stuck has no controller"):
        drain(api, "win1")
    with pytest.raises(ClusterError, match="not gone in time: apps/stuck, apps/web"):
        drain(api, "win1", Drain(timeout_s=0.05, force=True, delete_emptydir=True))

    assert heard == ["evicted apps/web", "not waited for, as the kubelet is silent: apps/web"]
    assert left(empty) == ["stuck", "web"]


def test_a_kubelet_is_silent_once_the_cluster_says_unknown() -> None:
    """One that says itself that it is not ready still ends its pods."""
    assert nodes.is_silent(node(ready="Unknown"))
    assert not nodes.is_silent(node(ready="False"))
    assert not nodes.is_silent(node())


def test_what_a_pod_is_decides_alone() -> None:
    """A DaemonSet of another API group is no DaemonSet."""
    assert stays(pod("a", "apps/v1/DaemonSet"))
    assert not stays(pod("a", "example.com/v1/DaemonSet"))
    assert not stays(pod("a", "apps/v1/DaemonSet", phase="Failed"))
    assert list(refusals([pod("a", "", phase="Failed", spec=EMPTYDIR)], Drain())) == []


def test_nodes_are_asked_for_by_name(api: Api) -> None:
    """A Node that is not there is nothing, not an error; asked for by get it is one."""
    assert nodes.find(api, "win1") is None
    with pytest.raises(ClusterError, match='get nodes win1: nodes "win1" not found'):
        api.get(NODES, "win1")
