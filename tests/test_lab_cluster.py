"""The lab's control plane keeps objects as Kubernetes does, to kubectl and to clients of our own."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from planes import APPLY, CONFIG_MAPS, MERGE, PODS, client, config_map, node, refused, soon

from wincnode.lab.cluster import ControlPlane
from wincnode.lab.cluster.patches import strategic
from wincnode.lab.cluster.selectors import selector


@pytest.fixture
def kubectl(plane: ControlPlane) -> Callable[..., tuple[int, str]]:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("no kubectl on the path")

    def run(*words: str, stdin: str = "", user: str = "admin") -> tuple[int, str]:
        done = subprocess.run(
            [program, "--kubeconfig", str(plane.folder / f"{user}.kubeconfig"),
             "--cache-dir", str(plane.folder / "cache"), *words],
            input=stdin, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    plane.kubeconfig()
    return run


def test_kubectl_finds_its_way(plane: ControlPlane, kubectl: Callable[..., Any]) -> None:
    """Discovery, tables, server-side apply and its conflicts, and rights, to the real client."""
    plane.objects.put(
        "nodes", {**node("win1"), "status": {"nodeInfo": {"kubeletVersion": "v1.36.4"}}}
    )
    plane.kubeconfig("low", {("get", "nodes")})
    text = yaml.safe_dump_all([config_map(a="1"), INSTALLATION])

    _, nodes = kubectl("get", "nodes")
    applied = [kubectl("apply", "--server-side", "-f", "-", stdin=text) for _ in "ab"]
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    conflict = kubectl(*other, stdin=yaml.safe_dump(config_map(a="2")))
    yes = kubectl("auth", "can-i", "get", "nodes", user="low")
    no = kubectl("auth", "can-i", "create", "pods/eviction", user="low")

    assert [row.split()[:2] for row in nodes.splitlines()][1] == ["win1", "Unknown"]
    assert "v1.36.4" in nodes
    assert {code for code, _ in applied} == {0}
    assert conflict[0] == 1
    assert 'conflict with "kubectl" using v1: .data.a' in conflict[1]
    assert (yes[0], no[0]) == (0, 1)
    assert plane.objects.get("installations.operator.tigera.io", "default")["spec"] == {"a": [1, 2]}


INSTALLATION = {
    "apiVersion": "operator.tigera.io/v1",
    "kind": "Installation",
    "metadata": {"name": "default"},
    "spec": {"a": [1, 2]},
}


# objects


def test_an_object_that_changed_meanwhile_is_not_overwritten(plane: ControlPlane) -> None:
    """An update carries the version that was read, or 409 says that it is another."""
    admin = client(plane)
    first = admin.call("POST", CONFIG_MAPS, config_map(a="1"))
    admin.call("PATCH", f"{CONFIG_MAPS}/one", {"data": {"a": "2"}}, MERGE)

    code, text = refused(lambda: admin.call("PUT", f"{CONFIG_MAPS}/one", first))

    assert code == 409
    assert text.startswith('Operation cannot be fulfilled on configmaps "one": the object has been')
    assert refused(lambda: admin.call("POST", CONFIG_MAPS, config_map()))[0] == 409


def test_a_dry_run_changes_nothing(plane: ControlPlane) -> None:
    """What would be is shown, and the audit knows that it was dry."""
    shown = client(plane).call("POST", f"{CONFIG_MAPS}?dryRun=All", config_map(a="1"))

    assert shown["data"] == {"a": "1"}
    assert plane.objects.get("configmaps", "one", "default") is None
    assert plane.audit == [("admin", "create", "configmaps", "one", True)]
    assert plane.mutations == []


def test_apply_takes_away_what_is_no_longer_said_and_nobody_else_wants(plane: ControlPlane) -> None:
    """Fields follow their managers; the same apply again changes no version."""
    admin = client(plane)
    path = f"{CONFIG_MAPS}/one?fieldManager="
    admin.call("PATCH", f"{path}a", config_map(x="1", y="1"), APPLY)
    admin.call("PATCH", f"{path}b", config_map(y="1"), APPLY)
    before = admin.call("PATCH", f"{path}a", config_map(x="1", y="1"), APPLY)

    code, text = refused(lambda: admin.call("PATCH", f"{path}b", config_map(x="2"), APPLY))
    again = admin.call("PATCH", f"{path}a", config_map(x="1", y="1"), APPLY)
    gone = admin.call("PATCH", f"{path}a", config_map(x="1"), APPLY)
    last = admin.call("PATCH", f"{path}b&force=true", config_map(x="2"), APPLY)

    assert (code, text) == (
        409,
        'Apply failed with 1 conflict: conflict with "a" using v1: .data.x',
    )
    assert again["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert gone["data"] == {"x": "1", "y": "1"}  # b still wants y
    assert last["data"] == {"x": "2"}


def test_strategic_patches_merge_lists_by_their_keys() -> None:
    """Conditions are merged by type, taints are one value, a directive deletes."""
    target = {"status": {"conditions": [{"type": "A", "status": "x"}, {"type": "B"}]}}
    patch = {
        "spec": {"taints": [{"key": "os"}]},
        "status": {"conditions": [{"type": "A", "reason": "r"}, {"$patch": "delete", "type": "B"}]},
    }

    assert strategic(target | {"spec": {"taints": [{"key": "old"}]}}, patch) == {
        "spec": {"taints": [{"key": "os"}]},
        "status": {"conditions": [{"type": "A", "status": "x", "reason": "r"}]},
    }


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ("a=1", ["x"]),
        ("a!=1", ["y", "z"]),
        ("a in (1,2),b", ["y"]),
        ("!b", ["x", "z"]),
        ("a notin (1)", ["y", "z"]),
    ],
)
def test_label_selectors_select(labels: str, found: list[str]) -> None:
    """Equality, sets and existence, as kubectl takes them."""
    rows = {"x": {"a": "1"}, "y": {"a": "2", "b": ""}, "z": {}}
    fits = selector("", labels)

    assert [name for name, row in rows.items() if fits({"metadata": {"labels": row}})] == found


def test_a_watch_tells_what_happens_after_a_version(plane: ControlPlane) -> None:
    """What stops being selected is deleted for the watch; a bookmark ends it; old versions end it."""
    admin = client(plane)
    since = admin.call("GET", CONFIG_MAPS)["metadata"]["resourceVersion"]
    body = config_map(a="1")
    admin.call("POST", CONFIG_MAPS, {**body, "metadata": {"name": "one", "labels": {"l": "1"}}})
    admin.call("PATCH", f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"l": None}}}, MERGE)
    path = f"{CONFIG_MAPS}?watch=1&labelSelector=l%3D1&allowWatchBookmarks=true&timeoutSeconds=0.1"

    seen = list(admin.watch(f"{path}&resourceVersion={since}", 5))
    plane.objects.forget()
    old = list(admin.watch(f"{path}&resourceVersion={since}", 5))

    assert [row["type"] for row in seen] == ["ADDED", "DELETED", "BOOKMARK"]
    assert [(row["type"], row["object"]["code"]) for row in old] == [("ERROR", 410)]


def test_a_watch_hears_at_once(plane: ControlPlane) -> None:
    """Nobody has to poll: an event arrives when its change is made."""
    admin = client(plane)
    since = admin.call("GET", CONFIG_MAPS)["metadata"]["resourceVersion"]
    rows = admin.watch(f"{CONFIG_MAPS}?watch=1&resourceVersion={since}", 5)
    heard: list[float] = []
    thread = threading.Thread(target=lambda: (next(rows), heard.append(time.monotonic())))
    thread.start()
    soon(lambda: [row for row in plane.audit if row.verb == "watch"])

    began = time.monotonic()
    admin.call("POST", CONFIG_MAPS, config_map())
    thread.join(2)
    rows.close()

    assert heard[0] - began < 1.5


def test_evictions_respect_budgets(plane: ControlPlane) -> None:
    """The last pod that a budget needs is not evicted, and the answer names the budget."""
    admin = client(plane)
    meta = {"name": "p", "namespace": "default", "labels": {"app": "x"}}
    ready = [{"type": "Ready", "status": "True"}]
    plane.objects.put("nodes", node("n"))
    plane.objects.put(
        "pods",
        {
            "metadata": meta,
            "spec": {"nodeName": "n"},
            "status": {"phase": "Running", "conditions": ready},
        },
    )
    budget = {"metadata": {"name": "b", "namespace": "default"}}
    budget["spec"] = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    plane.objects.put("poddisruptionbudgets.policy", budget)
    evict = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}

    code, text = refused(lambda: admin.call("POST", f"{PODS}/p/eviction", evict))
    plane.objects.delete("poddisruptionbudgets.policy", "b", "default")
    admin.call("POST", f"{PODS}/p/eviction", evict)

    assert (code, text) == (
        429,
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    assert plane.objects.get("pods", "p", "default") is None


def test_a_pod_on_a_node_ends_by_its_kubelet(plane: ControlPlane) -> None:
    """It is marked first, and goes by a second request; one that no node has goes at once."""
    admin = client(plane)
    plane.objects.put("nodes", node("n"))
    for name, where in (("bound", {"nodeName": "n"}), ("free", {})):
        spec = {**where, "containers": [{"name": "c", "image": "i"}]}
        admin.call("POST", PODS, {"metadata": {"name": name}, "spec": spec})
        admin.call("DELETE", f"{PODS}/{name}")

    (marked,) = plane.objects.rows("pods", "default")
    admin.call("DELETE", f"{PODS}/bound", {"gracePeriodSeconds": 0})

    assert marked["metadata"]["name"] == "bound"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert plane.objects.rows("pods", "default") == []


def test_a_definition_makes_a_resource(plane: ControlPlane) -> None:
    """Custom resources are served once they are defined, and 404 before."""
    admin = client(plane)
    path = "/apis/example.org/v1/things"
    before = refused(lambda: admin.call("GET", path))[0]
    spec = {
        "group": "example.org",
        "scope": "Cluster",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": True}],
    }
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    admin.call("POST", crds, {"metadata": {"name": "things.example.org"}, "spec": spec})

    admin.call("POST", path, {"metadata": {"name": "t"}, "free": {"form": [1]}})

    assert before == 404
    assert admin.call("GET", f"{path}/t")["free"] == {"form": [1]}


# workloads, outage


def test_a_daemon_set_has_a_pod_on_each_node_that_fits(plane: ControlPlane) -> None:
    """Selector and taints decide; a node that goes takes its pod with it."""
    for name, system in (("win1", "windows"), ("lin1", "linux")):
        body = node(name, taints=[{"key": "os", "value": system, "effect": "NoSchedule"}])
        body["metadata"]["labels"] = {"kubernetes.io/os": system}
        plane.objects.put("nodes", body)
    spec = {
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "i"}],
    }
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    body = {"metadata": {"name": "ds", "namespace": "default"}, "spec": {"template": template}}
    plane.objects.put("daemonsets.apps", body)

    plane.controllers.react()
    placed = [row["spec"]["nodeName"] for row in plane.objects.rows("pods", "default")]
    plane.objects.delete("nodes", "win1")
    plane.controllers.react()

    assert placed == ["win1"]
    assert plane.objects.rows("pods", "default") == []
    plane.objects.delete("daemonsets.apps", "ds", "default")


def test_an_outage_cuts_everybody_off(plane: ControlPlane) -> None:
    """Requests and watches end without an answer, and come back when it is over."""
    admin = client(plane)
    rows = admin.watch(f"{CONFIG_MAPS}?watch=1", 5)
    thread = threading.Thread(target=lambda: list(rows))
    thread.start()
    soon(lambda: [row for row in plane.audit if row.verb == "watch"])

    plane.outage = True
    thread.join(2)
    code, _ = refused(lambda: admin.call("GET", CONFIG_MAPS))
    plane.outage = False

    assert not thread.is_alive()
    assert code == 0
    assert admin.call("GET", "/version")["gitVersion"] == "v1.36.4"
