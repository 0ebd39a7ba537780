"""With any one of the documented rights missing, a verb names it and has touched nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cluster_access import administrator, grant, granted
from cluster_cases import rendered
from nodes import base, linked

from wincnode import playbook
from wincnode.cluster import access, apply, tokens
from wincnode.cluster.access import RIGHTS, Right, Task, needed
from wincnode.cluster.api import Object
from wincnode.cluster.render import Manifest
from wincnode.commands import apply as playbooks
from wincnode.commands import join, leave
from wincnode.commands.compat_sources import from_cluster
from wincnode.commands.execution import Job
from wincnode.commands.inspect import Item, Options, Session
from wincnode.errors import ClusterRefused
from wincnode.events import Finished, Hello, Log
from wincnode.inventory import load
from wincnode.inventory.model import Inventory
from wincnode.lab import nodes
from wincnode.lab.clusters import LabCluster, lab_cluster
from wincnode.lab.nodes import LabNode, Wish
from wincnode.report import NodeReport

MODES = {"flannel": "overlay", "calico": "vxlan"}
OBJECTS = {
    cni: Manifest(name=cni, text=rendered(cni, mode)).documents() for cni, mode in MODES.items()
}
JOIN = needed(["join"])
# What a join looks for of an install.
INSTALLED = """\
name: installed
steps:
  - service: {name: containerd, command: 'C:\\containerd.exe', start: manual, state: stopped}
  - service: {name: kubelet, command: 'C:\\k\\kubelet.exe', start: manual, state: stopped}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lacking:
    """A verb whose account has all of its documented rights but one.

    Args: right: the missing one: of one verb, and of one object where it has names.
    """

    task: Task
    right: Right
    rest: tuple[Right, ...]
    cni: str = ""

    def __str__(self) -> str:
        return f"{self.task} {self.cni} {self.said}"

    @property
    def said(self) -> str:
        """Give what is to be said of the missing right."""
        right = self.right
        below = f".{right.group}" if right.group else ""
        name = f" {right.names[0]}" if right.names else ""
        where = f" in {right.namespace}" if right.namespace else ""
        return f"{right.verbs[0]} {right.resource}{below}{name}{where}"


def single(right: Right) -> Iterator[Right]:
    """Split a right into those of one verb and at most one name."""
    for name in right.names or (None,):
        for verb in right.verbs:
            yield replace(right, verbs=(verb,), names=(name,) if name else ())


def lacking(task: Task, rights: tuple[Right, ...], cni: str = "") -> Iterator[Lacking]:
    """Give a case for each single right."""
    rows = [row for right in rights for row in single(right)]
    for row in rows:
        rest = tuple(other for other in rows if other != row)
        yield Lacking(task=task, right=row, rest=rest, cni=cni)


def of_network(objects: list[Object]) -> tuple[Right, ...]:
    """Pick the documented rights of `cluster apply` that a network's manifests come to."""
    found = {(row["kind"].lower(), row["metadata"].get("namespace", "")) for row in objects}
    return tuple(
        right
        for right in needed(["apply"])
        if any(right.resource.startswith(kind) and right.namespace == at for kind, at in found)
    )


CASES = [
    *lacking("join", JOIN),
    *lacking("leave", needed(["leave"])),
    *lacking("compat", needed(["compat"])),
    *(case for cni in MODES for case in lacking("apply", of_network(OBJECTS[cni]), cni)),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lab:
    """A cluster beside a node, and verbs without a process of their own."""

    cluster: LabCluster
    node: LabNode
    inventory: Inventory
    join: Job

    def run(self, case: Lacking, kubeconfig: Path) -> None:
        """Run a case's verb with an account."""
        match case.task:
            case "join":
                self.joined(kubeconfig)
            case "leave":
                self.left(kubeconfig)
            case "compat":
                from_cluster(administrator(kubeconfig))
            case _:
                self.may_apply(kubeconfig, case.cni)

    def joined(
        self, kubeconfig: Path, watch: Callable[[Item], None] = lambda _item: None
    ) -> NodeReport:
        """Join the node; what is told of it is watched."""
        where = join.Where(kubeconfig=kubeconfig)
        with linked(self.node) as link:
            session = Session(connect=lambda _name: link, watch=lambda _name, item: watch(item))
            report = join.run(self.inventory, Options(nodes=("web-1",)), self.join, where, session)
        return report.nodes[0]

    def left(self, kubeconfig: Path) -> NodeReport:
        """Let the node leave."""
        job, where = Job(playbooks=(), command="leave"), leave.Where(kubeconfig=kubeconfig)
        with linked(self.node) as link:
            session = Session(connect=lambda _name: link, watch=lambda _name, _item: None)
            report = leave.run(self.inventory, Options(nodes=("web-1",)), job, where, session)
        return report.nodes[0]

    def may_apply(self, kubeconfig: Path, cni: str) -> None:
        """Ask for what applying a network's manifests takes, as `cluster apply` does first."""
        api = administrator(kubeconfig)
        access.require(api, apply.rights(apply.targets(api, OBJECTS[cni])))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("rights")
    with ExitStack() as stack:
        cluster = stack.enter_context(lab_cluster(folder / "cluster"))
        node = stack.enter_context(nodes.lab_node("web-1", Wish(profile="ws2022"), folder / "node"))
        nodes.write_inventory(folder / "wincnode.yaml", {"web-1": node.port}, cluster)
        inventory = load(folder / "wincnode.yaml")
        services = Job(
            playbooks=(playbook.parse(INSTALLED, folder / "installed.yaml"),), command="apply"
        )
        with linked(node) as link:
            session = Session(connect=lambda _name: link, watch=lambda _name, _item: None)
            (done,) = playbooks.run(inventory, Options(nodes=("web-1",)), services, session).nodes
        assert done.status == "done", done
        job = join.job(inventory, today=datetime.now(UTC).date())
        yield Lab(cluster=cluster, node=node, inventory=inventory, join=job)


def test_the_cases_are_all_rights_that_a_verb_needs() -> None:
    """But for those without which a verb goes on: of pods that prove something, and of a look."""
    assert {(case.task, case.right) for case in CASES} == {
        (task, row)
        for right in RIGHTS
        for task in right.tasks
        if task not in {"probe", "check", "test"}
        for row in single(right)
    }


@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(case) for case in CASES])
def test_a_missing_right_is_named_before_anything_is_done(number: int, lab: Lab) -> None:
    """That right alone, with exit code 4; no request to the node, and none that changes the cluster."""
    case, user = CASES[number], f"lacks-{number}"
    plane, asked = lab.cluster.plane, len(lab.node.server.requests)
    kubeconfig = granted(plane, case.rest, user)

    with pytest.raises(ClusterRefused) as caught:
        lab.run(case, kubeconfig)

    assert caught.value.exit_code == 4
    assert caught.value.message == f"{plane.server}: the account lacks the right to {case.said}"
    assert not [row for row in plane.mutations if row.user == user]
    assert len(lab.node.server.requests) == asked


def test_a_token_that_stays_hides_no_earlier_error(lab: Lab) -> None:
    """A run that the node refuses, and one that fails there; the Secret is named beside each."""
    plane, folder = lab.cluster.plane, base(lab.node)
    name = tokens.secret_name("web-1")
    keeping = [row for right in JOIN for row in single(right) if row.verbs != ("delete",)]
    said: list[str] = []

    def watch(item: Item) -> None:
        if isinstance(item, Hello):
            grant(plane, keeping, "ops")
        if isinstance(item, Log):
            said.append(item.text)

    def spoil(item: Item) -> None:
        watch(item)
        # The network is made; what follows is the join.
        if isinstance(item, Finished) and item.counts:
            folder.rename(folder.with_name("aside"))
            folder.symlink_to(lab.node.machine.drive)

    refused = lab.joined(granted(plane, JOIN), spoil)
    folder.unlink()
    folder.with_name("aside").rename(folder)
    plane.objects.delete("secrets", name, "kube-system")
    failed = lab.joined(granted(plane, JOIN), watch)

    assert [row.error.id for row in (refused, failed) if row.error] == [
        "node.foreign-folder",
        "run.failed",
    ]
    (note,) = (row for row in failed.notes if "cannot delete" in row)
    assert said.count(note) == 2
    assert f"or you delete the Secret {name} in kube-system" in note
    assert "cannot delete resource" in note
    assert plane.objects.get("secrets", name, "kube-system")
