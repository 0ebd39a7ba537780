"""`wincnode leave`: out of the cluster, and the machine as it was before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import desk, outcomes
from clusters import Ran, Site, site
from journeys import goes_back, holds, left
from nodes import ENGINES, base, lab_node, linked

from wincnode import assets, runner
from wincnode.events import FactsRead
from wincnode.lab.windows.machine import CONTROL
from wincnode.lab.windows.registry import Value
from wincnode.plan import Plan, Step, to_wire
from wincnode.worker import paths

ENVIRONMENT = CONTROL + r"\Session Manager\Environment"
SERVICE = r"""
name: a service
steps:
  - directory: {path: C:\ours}
  - service: {name: ours, command: C:\ours.exe}
"""
FOREIGN = r"C:\k\foreign.txt"
POD = {
    "metadata": {
        "name": "shop",
        "namespace": "apps",
        "labels": {"app": "shop"},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop", "controller": True}
        ],
    },
    "spec": {"nodeName": "web-1", "containers": []},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}
OTHER = {"nodeInfo": {"systemUUID": "11111111-2222-3333-4444-555555555555"}, "conditions": []}
BUDGET = {
    "metadata": {"name": "shop", "namespace": "apps"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "shop"}}},
}


def test_a_machine_is_what_it_was_before(tmp_path: Path) -> None:
    """Nothing is left of two playbooks that were taken."""
    goes_back(tmp_path, "model")


def test_the_manifest_is_read_within_limits_and_grows_by_no_reset(tmp_path: Path) -> None:
    """Both engines tell the same of it; what is too long to be told is named."""
    rows = [
        {
            "kind": "file",
            "key": {"path": r"C:\x"},
            "before": {"state": "present", "content": "x" * 40_000},
        },
        {"kind": "service", "key": {"name": "x"}, "before": {"depends_on": [], "account": None}},
    ]
    step = Step(id="1", kind="file", title="", key={"path": r"C:\y"}, want={"state": "absent"})
    undo = Plan(node="web-1", steps=(step,), undo=True)
    found = []
    for engine in ENGINES:
        with lab_node(tmp_path / engine, engine=engine) as node, linked(node) as link:
            base(node).mkdir()
            (base(node) / "manifest.json").write_text(json.dumps({"entries": rows}))
            node.machine.path(r"C:\y").write_text("new")
            run = runner.new_run()
            list(runner.attached(link, run=run, plan=to_wire(undo, run=run, mode="apply", who={})))
            assert not node.machine.path(r"C:\y").exists()
            events = runner.read_facts(link, node="web-1", sections=("ownership",))
            found += [event.data or event.error for event in events if isinstance(event, FactsRead)]

    assert found[0] == found[1]
    assert found[0]["entries"] == [
        {**rows[0], "before": {"state": "present"}, "too_long": ["content"]},
        {**rows[1], "too_long": []},
    ]


def test_what_is_somebody_else_s_stays(tmp_path: Path) -> None:
    """A file in a folder of ours, a service, a later entry of Path; and the folder is named."""
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, assets.playbook(Path("prepare.yaml")).read_text())
        here.apply()
        machine = node.machine
        machine.path(FOREIGN).write_text("mine")
        machine.services.create({"Name": "theirs", "PathName": r"C:\theirs.exe"})
        path = machine.registry.get(ENVIRONMENT, "Path")
        assert path is not None
        later = Value(kind=path.kind, data=rf"{path.data};C:\theirs")
        machine.registry.set(ENVIRONMENT, "Path", later)

        report, again = left(here), left(here)

        assert again["steps"] == []
        assert machine.path(FOREIGN).read_text() == "mine"
        assert "theirs" in {row["Name"] for row in machine.services.rows()}
        entries = str(machine.registry.data(ENVIRONMENT, "Path")).split(";")
        assert r"C:\theirs" in entries
        assert r"C:\k" not in entries
        assert report["notes"] == [r"stays as it is: folder C:\k: something else is in it"]


def test_a_reset_that_failed_goes_on_with_the_same_command(tmp_path: Path) -> None:
    """What failed and what is left to do are named; nothing becomes wincnode's own meanwhile."""
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, SERVICE)
        before = holds(node)
        here.apply()
        services = node.machine.services
        services.create({"Name": "theirs", "PathName": r"C:\theirs.exe"})
        services.change("theirs", {"ServiceDependencies": ["ours"]})
        services.start("theirs")
        failed = left(here, code=1)["error"]
        services.stop("theirs")
        again = left(here)

        assert failed["id"] == "node.not-reset"
        assert "StopService returned 3" in failed["message"]
        assert r"left to do: service ours, directory C:\ours" in failed["message"]
        assert set(outcomes(again)) == {"changed"}
        services.delete("theirs")
        assert holds(node) == before


def test_nothing_leaves_unless_somebody_says_so(tmp_path: Path) -> None:
    """Without a terminal and without --yes nothing is asked and nothing is touched."""
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, "name: x\nsteps:\n  - directory: {path: C:\\k}\n")
        refused = here.run("leave")
        both = here.run("leave", "--yes", "--cluster-only", "--machine-only")

        assert (refused.returncode, both.returncode) == (2, 2)
        assert "--yes" in refused.stderr
        assert not node.server.requests


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Site]:
    """Run a cluster with a node."""
    with site(tmp_path) as made:
        yield made


def requests(lab: Site) -> list[str]:
    """Give what an administrator changed of nodes and pods."""
    rows = [row for row in lab.cluster.plane.mutations if row.user == "admin"]
    return [
        f"{row.verb} {row.resource}" for row in rows if row.resource.startswith(("node", "pod"))
    ]


def test_a_node_is_drained_its_machine_reset_and_the_node_deleted(lab: Site) -> None:
    """A budget is respected, --plan changes nothing, and a second time nothing is to do."""
    node, objects = lab.nodes["web-1"], lab.cluster.plane.objects
    before = holds(node)
    for words in ("install", "join"):
        ended = lab.run(words)
        assert ended.code == 0, ended.stderr
    objects.put("pods", POD)
    objects.put("poddisruptionbudgets.policy", BUDGET)
    already = len(requests(lab))

    shown = lab.run("leave --plan")
    held = lab.run("leave --yes --drain-timeout 1")
    still_ready = node.machine.path(paths.KUBECONFIG).exists()
    objects.delete("poddisruptionbudgets.policy", "shop", "apps")
    done = lab.run("leave --yes")
    again = lab.run("leave --yes")

    notes = shown.of("web-1")["notes"]
    assert notes[0] == "the Node is cordoned; evicted: apps/shop"
    assert {"pod_sandboxes", "service", "file", "directory"} <= kinds(shown)
    assert held.of("web-1")["error"]["id"] == "cluster.drain"
    assert still_ready
    assert done.code == again.code == 0, done.stderr + again.stderr
    assert requests(lab)[already:] == [
        "patch nodes",
        "create pods/eviction",
        "create pods/eviction",
        "delete nodes",
    ]
    assert objects.get("nodes", "web-1") is None
    # As with kubeadm, what the network's agent wrote is not ours to take away.
    after = holds(node)
    for path in ("etc", "etc/cni", "etc/cni/net.d", "etc/cni/net.d/10-flannel.conf"):
        after["files"].pop(path)
    assert after == before
    assert again.of("web-1")["steps"] == []


def kinds(ran: Ran) -> set[str]:
    """Give the kinds of a plan's steps."""
    return {step["kind"] for step in ran.of("web-1")["steps"]}


def test_a_node_without_its_machine_is_deleted_alone(lab: Site) -> None:
    """The machine is not asked; another machine's Node is never taken for one's own."""
    objects, server = lab.cluster.plane.objects, lab.nodes["web-1"].server
    objects.put("nodes", {"metadata": {"name": "web-1"}, "spec": {}, "status": OTHER})
    refused = lab.run("leave --yes")
    asked = len(server.requests)
    done = lab.run("leave --yes --cluster-only")

    assert refused.of("web-1")["error"]["id"] == "cluster.other-machine"
    assert done.of("web-1")["status"] == "done"
    assert objects.get("nodes", "web-1") is None
    assert len(server.requests) == asked


def test_a_machine_of_another_cluster_is_left_alone(lab: Site) -> None:
    """Its own cluster could not be told; --machine-only is for a cluster that is gone."""
    machine = lab.nodes["web-1"].machine
    file = machine.path(paths.KUBECONFIG)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("clusters:\n- cluster:\n    server: https://10.9.9.9:6443\n")

    refused = lab.run("leave --yes")

    assert refused.of("web-1")["error"]["id"] == "cluster.other-cluster"
    assert "https://10.9.9.9:6443" in refused.of("web-1")["error"]["message"]
    assert file.exists()


def test_a_node_whose_kubelet_is_silent_is_not_waited_for(lab: Site) -> None:
    """Its pods would never be told gone; a machine that is gone too has a word of its own."""
    objects, machine = lab.cluster.plane.objects, lab.nodes["web-1"]
    ready = [{"type": "Ready", "status": "Unknown"}]
    status = {"nodeInfo": {}, "conditions": ready}
    objects.put("nodes", {"metadata": {"name": "web-1"}, "spec": {}, "status": status})
    spec = {**POD["spec"], "terminationGracePeriodSeconds": 1}
    objects.put("pods", {**POD, "spec": spec})

    done = lab.run("leave --yes")
    machine.server.stop()
    gone = lab.run("leave --yes")

    assert done.code == 0, done.stderr
    assert "not waited for, as the kubelet is silent: apps/shop" in done.stderr
    assert objects.get("nodes", "web-1") is None
    assert gone.code == 4
    assert "--cluster-only" in gone.of("web-1")["error"]["remedy"]
