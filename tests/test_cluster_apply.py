"""Manifests reach the cluster once, by an account that may do no more than it must."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cluster_access import RBAC, administrator, granted
from cluster_cases import CASES, inventory_text, rendered

from wincnode.cluster import access, apply, discovery, nodes, tokens
from wincnode.cluster.access import RIGHTS, needed, require
from wincnode.cluster.api import CONFIG_MAPS, Api, Object
from wincnode.cluster.drain import drain
from wincnode.cluster.render import Manifest
from wincnode.cluster.stages import Stage, pass_stages
from wincnode.commands import cluster_apply
from wincnode.commands.cluster_render import Options
from wincnode.errors import ClusterError, ClusterRefused, ConfigError
from wincnode.lab.cluster import ControlPlane, control_plane


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """A control plane with the namespaces of both networks."""
    with control_plane(tmp_path / "plane") as running:
        for name in ("kube-flannel", "tigera-operator"):
            running.objects.put("namespaces", {"metadata": {"name": name}})
        yield running


@pytest.fixture
def api(plane: ControlPlane) -> Api:
    return administrator(plane.kubeconfig())


def documents(cni: str, mode: str) -> list[Object]:
    return Manifest(name=cni, text=rendered(cni, mode)).documents()


class Command:
    """`wincnode cluster apply` on an inventory."""

    def __init__(self, folder: Path, plane: ControlPlane) -> None:
        self._folder = folder
        self._plane = plane
        self.wants("flannel", "overlay")

    def wants(self, cni: str, mode: str) -> None:
        kubeconfig = self._plane.kubeconfig()
        text = inventory_text(cni, mode).replace(
            "cluster:\n", f"cluster:\n  kubeconfig: {kubeconfig}\n"
        )
        (self._folder / "wincnode.yaml").write_text(text)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "wincnode", "cluster", "apply", *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def run(self, *, only: Sequence[str] = (), **more: Any) -> cluster_apply.Outcome:
        """Do the same without a process."""
        chosen = Options(inventory=self._folder / "wincnode.yaml", only=only, builds=[20348])
        return cluster_apply.run(cluster_apply.Job(render=chosen, **more))


@pytest.fixture
def command(tmp_path: Path, plane: ControlPlane) -> Command:
    return Command(tmp_path, plane)


def test_plan_apply_and_nothing_left_to_do(plane: ControlPlane, command: Command) -> None:
    """The plan changes nothing, and after it was carried out there is none."""
    planned = command("--plan", "--exit-code")
    assert (planned.returncode, plane.mutations) == (3, [])
    assert "+ create DaemonSet kube-proxy-windows in kube-system\n" in planned.stdout
    assert "11 of 11 objects pending; nothing was changed." in planned.stdout
    done = command()
    assert done.returncode == 0, done.stderr
    assert "applied DaemonSet kube-proxy-windows in kube-system\n" in done.stderr
    assert len(plane.mutations) == 11
    again = command("--check", "--exit-code", "-o", "json")
    report = json.loads(again.stdout)
    assert (again.returncode, report["schema"]) == (0, "wincnode/cluster-apply/v1")
    assert {row["action"] for row in report["objects"]} == {"same"}


def test_a_second_run_writes_nothing(plane: ControlPlane, command: Command) -> None:
    """Each network in each of its modes; dry runs change nothing."""
    for cni, mode in CASES:
        command.wants(cni, mode)
        command.run()
        before = len(plane.mutations)
        assert not any(row.action != "same" for row in command.run().differences)
        assert len(plane.mutations) == before


def test_only_what_is_named_is_applied(plane: ControlPlane, command: Command) -> None:
    """A name that is none is told with those that are."""
    command.run(only=["runtime-classes"])
    assert {row.resource for row in plane.mutations} == {"runtimeclasses"}
    with pytest.raises(ConfigError, match="one of runtime-classes, flannel, kube-proxy"):
        command.run(only=["nothing"])


def test_a_field_that_somebody_changed_is_shown_and_put_back(
    plane: ControlPlane, command: Command
) -> None:
    """What others added beside it stays."""
    command.run()
    key = ("configmaps", "kube-proxy-windows", "kube-system")
    found = plane.objects.get(*key)
    assert found is not None
    name = next(iter(found["data"]))
    was = found["data"][name]
    plane.objects.put(
        "configmaps", {**found, "data": {**found["data"], name: f"# edited\n{was}", "mine": "x"}}
    )
    planned = command.run(plan=True)
    changed = [row for row in planned.differences if row.action == "change"]
    assert [str(row.target) for row in changed] == ["ConfigMap kube-proxy-windows in kube-system"]
    lines = [text for _, text in cluster_apply.lines(planned)]
    assert "      -# edited" in lines
    command.run()
    after = plane.objects.get(*key)
    assert after is not None
    assert after["data"] == {name: was, "mine": "x"}


def test_fields_of_another_manager_are_told_and_not_taken(
    plane: ControlPlane, api: Api, command: Command
) -> None:
    """Who and which field, for all objects at once; nothing at all is written."""
    target = apply.targets(api, documents("flannel", "overlay"))[-1]
    theirs = json.loads(json.dumps(target.object))
    container = theirs["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "registry.example/kube-proxy:mine"
    api.patch(
        target.resource,
        "kube-proxy-windows",
        theirs,
        kind="apply",
        namespace="kube-system",
        query=(("fieldManager", "helm"), ("force", "true")),
    )
    before = len(plane.mutations)
    refused = command("--build", "20348")
    assert refused.returncode == 1
    assert 'conflict with "helm"' in refused.stderr
    assert f'containers[name="{container["name"]}"].image' in refused.stderr
    assert "--force-conflicts" in refused.stderr
    assert len(plane.mutations) == before
    planned = command.run(plan=True, force=True)
    rows = [row for found in planned.differences for row in found.rows if "image" in row[0]]
    assert [(field, have) for field, have, _ in rows] == [
        ("spec.template.spec.containers[0].image", "registry.example/kube-proxy:mine")
    ]
    command.run(force=True)
    assert not any(row.action != "same" for row in command.run(plan=True).differences)


def test_a_missing_namespace_is_told_before_the_first_object(
    plane: ControlPlane, command: Command
) -> None:
    """What the network relies on is not there; nothing is half done."""
    plane.objects.delete("namespaces", "kube-flannel")
    with pytest.raises(ClusterError, match='namespaces "kube-flannel" not found'):
        command.run()
    assert plane.mutations == []


def test_a_kind_that_the_cluster_does_not_know_is_told(api: Api) -> None:
    """All of them at once."""
    rows = [
        {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "Nonsense", "metadata": {"name": "a"}},
    ]
    with pytest.raises(ClusterError) as caught:
        apply.targets(api, rows)
    assert caught.value.id == "cluster.unknown-kind"
    assert "no Thing (example.com/v1), Nonsense (v1)" in caught.value.message


def test_namespaces_and_rights_come_first(plane: ControlPlane, api: Api) -> None:
    """Whatever the order in which they were written; what goes into a namespace that comes too."""
    rows: list[Object] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}},
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "s", "namespace": "n"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}},
    ]
    wanted = apply.targets(api, rows)
    assert [row.resource.kind for row in wanted] == [
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ConfigMap",
    ]
    list(apply.carry_out(api, apply.compare(api, wanted)))
    assert {row.action for row in apply.compare(api, wanted)} == {"same"}


def test_a_secret_s_values_are_not_shown(api: Api) -> None:
    """That they differ is."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "kube-system"},
        "data": {"key": "dG9w"},
    }
    wanted = apply.targets(api, [secret])
    list(apply.carry_out(api, apply.compare(api, wanted)))
    wanted = apply.targets(api, [{**secret, "data": {"key": "c2VjcmV0"}}])
    assert [row.rows for row in apply.compare(api, wanted)] == [(("data.key", "***", "***"),)]


@pytest.mark.parametrize(("cni", "mode"), CASES)
def test_the_documented_rights_cover_each_network(
    plane: ControlPlane, api: Api, cni: str, mode: str
) -> None:
    """The table of docs/cluster.md is what `apply` asks for."""
    keys = {(row.group, row.resource, row.namespace) for row in needed(["apply"])}
    asked = apply.rights(apply.targets(api, documents(cni, mode)))
    assert {(row.group, row.resource, row.namespace) for row in asked} <= keys


def test_the_documented_roles_are_enough(plane: ControlPlane) -> None:
    """An account with these roles and no others does all that the verbs do."""
    kubeconfig = granted(plane, RIGHTS)
    api = administrator(kubeconfig)
    require(api, RIGHTS)
    for cni, mode in CASES:
        wanted = apply.targets(api, documents(cni, mode))
        list(apply.carry_out(api, apply.compare(api, wanted, force=True), force=True))
    token = tokens.create(api, "win1", "r-1")
    discovery.cluster_info(api, token, timeout_s=5)
    tokens.revoke(api, "win1")
    plane.objects.put("nodes", {"metadata": {"name": "win1"}, "spec": {}})
    pass_stages(api, "win1", [Stage(name="there", holds=lambda _node: True, timeout_s=5)])
    nodes.mark(api, "win1", labels={"a": "b"}, taints=["a:NoSchedule"])
    nodes.cordon(api, "win1")
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "o", "controller": True}
    meta = {"name": "web", "namespace": "apps", "ownerReferences": [owner]}
    plane.objects.put("pods", {"metadata": meta, "spec": {"nodeName": "win1"}})
    assert drain(api, "win1") == 1
    found = nodes.find(api, "win1")
    assert found is not None
    assert nodes.delete(api, found)
    with pytest.raises(ClusterRefused, match="configmaps other"):
        api.get(CONFIG_MAPS, "other", namespace="kube-public")


def test_each_missing_right_is_named_before_anything_is_done(plane: ControlPlane) -> None:
    """All at once, with verb, resource, name and namespace."""
    rights = needed(task for task in access.TASKS if task not in {"check", "test"})
    fewer = [replace(right, verbs=right.verbs[:-1]) for right in rights]
    api = administrator(granted(plane, [row for row in fewer if row.verbs]))
    with pytest.raises(ClusterRefused) as caught:
        require(api, rights)
    assert caught.value.id == "cluster.forbidden"
    told = caught.value.message.partition("the right to ")[2].split("; ")
    assert told == [
        "delete secrets in kube-system",
        "watch configmaps cluster-info in kube-public",
        "delete nodes",
        "delete pods in kube-system",
        "list events in kube-system",
        "watch pods",
        "create pods/eviction",
        "patch runtimeclasses.node.k8s.io",
        "patch configmaps in kube-system",
        "patch daemonsets.apps in kube-system",
        "patch configmaps in kube-flannel",
        "patch daemonsets.apps in kube-flannel",
        "patch configmaps in tigera-operator",
        "patch installations.operator.tigera.io",
        "patch ipamconfigurations.projectcalico.org",
    ]
    assert plane.mutations == []


def test_an_account_that_may_not_apply_applies_nothing(
    plane: ControlPlane, command: Command
) -> None:
    """The rights are asked for before the first object."""
    with pytest.raises(ClusterRefused, match="lacks the right to get runtimeclasses"):
        command.run(kubeconfig=plane.kubeconfig("few", []))
    assert plane.mutations == []


def test_each_verb_needs_its_own_rights_alone() -> None:
    """Joining needs no eviction, leaving no secrets."""
    assert "pods/eviction" not in {row.resource for row in needed(["join"])}
    assert "secrets" not in {row.resource for row in needed(["leave"])}
    assert set(needed(access.TASKS)) == set(RIGHTS)
