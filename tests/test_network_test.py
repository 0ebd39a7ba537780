"""`wincnode network test`: each thing that is tried is a finding, and a cell of a matrix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cluster_access import granted
from files_server import serving
from network_check_cases import facts as facts_of
from nodes import ENGINES, lab_node, linked
from test_cluster_rights import single
from test_connectivity import closed_port, row

from wincnode.checks import Finding, Severity, Target, Verdict, Wanted
from wincnode.cluster.access import needed
from wincnode.cluster.trial_table import TRIALS
from wincnode.commands import network_test
from wincnode.commands.inspect import Options, Session
from wincnode.commands.network_test import Wish
from wincnode.commands.targets import MOST_PEERS, peers
from wincnode.commands.tried_targets import judged, places
from wincnode.errors import ClusterRefused, ConfigError, NodeUnreachable
from wincnode.facts import Facts
from wincnode.formats import FORMATS, render
from wincnode.formats.matrix import matrices
from wincnode.inventory import parse
from wincnode.inventory.model import Inventory
from wincnode.lab.cluster import ControlPlane, control_plane
from wincnode.report import NodeReport, Report, to_data
from wincnode.transport import Transport

OK, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
TARGETS = (
    Target(kind="api", name="api", url="https://10.0.0.9:6443"),
    Target(kind="registry", name="docker.io", url="https://mirror:5000/v2/"),
    Target(kind="registry", name="docker.io", url="https://docker.io/v2/"),
    Target(kind="download", name="kubelet", url="https://dl.k8s.io/kubelet.exe"),
    Target(kind="dns", name="mirror", url="dns://mirror"),
    Target(kind="tcp", name="web-2", url="tcp://10.0.0.2:5986"),
)


def test_each_target_is_judged_by_itself() -> None:
    """A mirror that fails is a warning as long as its registry answers."""
    rows = [
        row("https://10.0.0.9:6443", connected=False, error="TimedOut"),
        row("https://mirror:5000/v2/", connected=False, error="HostNotFound"),
        row("https://docker.io/v2/", status=401),
        row("https://dl.k8s.io/kubelet.exe", status=206),
        row("dns://mirror", connected=False, error="HostNotFound"),
        row("tcp://10.0.0.2:5986"),
    ]
    sections = {**facts_of("ws2022"), "connectivity": {"targets": rows}}

    found = judged(Facts(sections=sections), Wanted(targets=TARGETS))

    assert [(one.check, one.target, one.verdict, one.severity) for one in found] == [
        ("conn.api", "10.0.0.9:6443", FAIL, Severity.ERROR),
        ("conn.api.tls", "10.0.0.9:6443", UNKNOWN, Severity.ERROR),
        ("conn.registry", "mirror:5000 for docker.io", FAIL, Severity.WARNING),
        ("conn.registry", "docker.io", OK, Severity.WARNING),
        ("conn.download", "dl.k8s.io", OK, Severity.WARNING),
        ("conn.dns", "mirror", FAIL, Severity.ERROR),
        ("conn.peer", "web-2", OK, Severity.WARNING),
    ]
    assert places(Wanted(targets=TARGETS)) == ("10.0.0.9:6443", "mirror:5000")


def inventory(*, nodes: str, cluster: str = "", runtime: str = "", folder: Path) -> Inventory:
    text = (
        f"cluster: {{{cluster}}}\nruntime: {{{runtime}}}\n"
        f"connection: {{user: u, password: {{env: P}}}}\nnodes: {{{nodes}}}\n"
    )
    return parse(text, folder / "wincnode.yaml")


def test_a_node_tries_those_that_follow_it(tmp_path: Path) -> None:
    """At most ten, by the addresses and ports of the inventory, never itself."""
    names = [f"n{number}" for number in range(30)]
    loaded = inventory(nodes=", ".join(f"{name}: {{}}" for name in names), folder=tmp_path)
    found = peers(loaded, "n25")
    wanted = ["n26", "n27", "n28", "n29", "n0", "n1", "n2", "n3", "n4", "n5"]
    assert [one.name for one in found] == wanted
    assert len(found) == MOST_PEERS
    own = "a: {address: 'fd00::1', connection: {port: 1}}, b: {}"
    loaded = inventory(nodes=own, folder=tmp_path)
    assert [one.url for one in peers(loaded, "b")] == ["tcp://[fd00::1]:1"]


@pytest.mark.parametrize("engine", ENGINES)
def test_before_a_join_the_nodes_alone_try(engine: str, tmp_path: Path) -> None:
    """A registry that answers and a peer that refuses; of pods nothing is known, and why."""
    with serving() as web, lab_node(tmp_path / "node", engine=engine) as node, linked(node) as link:
        web.contents["/v2/"] = b""
        rows = f"{{host: registry.example, server: '{web.base}', allow_unencrypted: true}}"
        loaded = inventory(
            nodes=f"web-1: {{}}, web-2: {{address: 127.0.0.1, connection: {{port: {closed_port()}}}}}",
            runtime=f"sandbox_image: registry.example/pause:1, registries: [{rows}]",
            folder=tmp_path,
        )
        session = Session(connect=lambda _name: link, watch=lambda _name, _item: None)

        report = network_test.run(loaded, Options(nodes=("web-1",)), Wish(), session)

    (one,) = report.nodes
    shown = {(row.check, row.target): (row.verdict, row.evidence) for row in one.findings}
    place = web.base.removeprefix("http://")
    assert shown["conn.registry", f"{place} for registry.example"][0] is OK
    assert shown["conn.peer", "web-2"][0] is OK
    why = "no kubeconfig is named: cluster.kubeconfig of the inventory, or --kubeconfig"
    assert shown["pod.pods", "web-2"] == (UNKNOWN, f"web-2: {why}")
    assert {row.check for row in one.findings if row.verdict is UNKNOWN} >= {
        "pod.pods",
        "pod.egress",
    }
    assert (one.status, report.exit_code) == ("warnings", 0)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as made:
        yield made


RIGHTS = [row for right in needed(["test"]) for row in single(right)]


@pytest.mark.parametrize("number", range(len(RIGHTS)))
def test_a_missing_right_is_the_reason_or_an_error(
    number: int, plane: ControlPlane, tmp_path: Path
) -> None:
    """It is named before anything is done: with --pods it is an error, else nothing is known."""
    right, user = RIGHTS[number], f"lacks-{number}"
    rest = [row for row in RIGHTS if row != right]
    kubeconfig = granted(plane, rest, user)
    loaded = inventory(nodes="web-1: {}", folder=tmp_path)
    where = f" in {right.namespace}" if right.namespace else ""
    said = f"the account lacks the right to {right.verbs[0]} {right.resource}{where}"
    options, wish = Options(nodes=("web-1",)), Wish(kubeconfig=kubeconfig)
    asked: list[str] = []

    def connect(name: str) -> Transport:
        asked.append(name)
        raise NodeUnreachable(f"{name}: nobody is there")

    session = Session(connect=connect, watch=lambda _name, _item: None)
    with pytest.raises(ClusterRefused) as caught:
        network_test.run(loaded, options, replace(wish, pods=True), session)
    assert (caught.value.exit_code, asked) == (4, [])
    assert caught.value.message == f"{plane.server}: {said}"

    report = network_test.run(loaded, options, wish, session)

    # What is known of pods is told of a node that WinRM does not reach, too.
    assert (report.exit_code, report.nodes[0].status) == (4, "unreachable")
    pods = {row.target: row for row in report.nodes[0].findings}
    assert {row.verdict for row in pods.values()} == {UNKNOWN}
    assert pods["web-1"].evidence == f"web-1: {said}"
    assert not [row for row in plane.mutations if row.user == user]


def test_a_machine_that_has_not_joined_says_so(plane: ControlPlane, tmp_path: Path) -> None:
    """The cluster is there, and the node is none of it; what is left out is not even asked for."""
    kubeconfig = granted(plane, RIGHTS, "full")
    loaded = inventory(nodes="web-1: {}", folder=tmp_path)
    with lab_node(tmp_path / "node") as node, linked(node) as link:
        session = Session(connect=lambda _name: link, watch=lambda _name, _item: None)
        options, wish = Options(nodes=("web-1",)), Wish(kubeconfig=kubeconfig)
        report = network_test.run(loaded, options, wish, session)
        without = network_test.run(loaded, options, replace(wish, pods=False), session)

    said = {row.evidence for row in report.nodes[0].findings if row.check == "pod.service"}
    assert said == {"service: web-1 is no Windows node of the cluster that is Ready"}
    assert without.nodes[0].findings == ()
    assert without.nodes[0].status == "done"
    assert not plane.objects.rows("services")


def test_ids_and_images_that_are_none_are_refused() -> None:
    """Before anything is read."""
    with pytest.raises(ConfigError, match="no id pod"):
        network_test.check_ids(frozenset({"pod.pod"}))
    network_test.check_ids(frozenset({"pod.pods", "conn.dns"}))
    with pytest.raises(ConfigError, match="no full reference"):
        Wish(image="agnhost")


def cell(check: str, target: str, verdict: Verdict, **more: Any) -> Finding:
    return Finding(
        check=check,
        title="Something is reached",
        verdict=verdict,
        severity=Severity.ERROR,
        evidence=f"{target}: said",
        remedy="Mend it.",
        target=target,
        **more,
    )


TRIED = Report(
    command="network test",
    nodes=(
        NodeReport(
            node="web-1",
            status="failed",
            findings=(
                cell("conn.api", "10.0.0.9:6443", OK),
                cell("pod.pods", "web-2", FAIL),
                cell("pod.pods", "web-1", OK),
                cell("pod.egress", "a:1", FAIL, ignored=True),
                cell("pod.service", "service", UNKNOWN),
            ),
        ),
        NodeReport(node="web-2", status="done", findings=(cell("pod.pods", "web-2", OK),)),
        NodeReport(node="web-3", status="unreachable"),
    ),
)


def test_findings_with_targets_make_matrices() -> None:
    """Nodes stand in one order on both sides; what was not tried is empty."""
    found = {one.heading: (one.columns, one.rows) for one in matrices(TRIED)}
    assert found == {
        "from the nodes": (("10.0.0.9:6443",), (("web-1", ("ok",)),)),
        "from a pod on the node to pods": (
            ("web-2", "web-1"),
            (("web-1", ("FAIL", "ok")), ("web-2", ("ok", ""))),
        ),
        "from a pod on the node to services and beyond": (
            ("egress a:1", "service service"),
            (("web-1", ("warn", "?")),),
        ),
    }
    assert matrices(replace(TRIED, nodes=TRIED.nodes[2:])) == ()
    whole = replace(TRIED, nodes=TRIED.nodes[:2])
    assert matrices(whole)[1].columns == ("web-1", "web-2")


def test_the_matrix_is_in_every_format_that_draws() -> None:
    """Elsewhere each cell is a finding with its target."""
    table = render("table", TRIED).splitlines()
    at = table.index("from a pod on the node to pods")
    assert [line.split() for line in table[at + 1 : at + 4]] == [
        ["web-2", "web-1"],
        ["web-1", "FAIL", "ok"],
        ["web-2", "ok", "."],
    ]
    assert r"| web\-1 | FAIL | ok |" in render("markdown", TRIED)
    page = render("html", TRIED)
    assert '<tr><th scope="row">web-1</th><td class="bad">FAIL</td><td class="good">ok' in page
    assert 'data-target="web-2"' in page
    targets = [row["target"] for row in json.loads(render("json", TRIED))["nodes"][0]["findings"]]
    assert targets == ["10.0.0.9:6443", "web-2", "web-1", "a:1", "service"]
    assert 'name="pod.pods: Something is reached (web-2)"' in render("junit", TRIED)
    for name in FORMATS:
        assert "web-2" in render(name, TRIED).replace("\\", "")


def test_wide_matrices_are_numbered() -> None:
    """A hundred columns are a screen's width."""
    names = [f"a-long-name-of-a-node-{number}" for number in range(12)]
    rows = tuple(cell("pod.pods", name, OK) for name in names)
    report = Report(
        command="network test", nodes=(NodeReport(node=names[0], status="done", findings=rows),)
    )
    lines = render("table", report).splitlines()
    assert max(map(len, lines)) <= 100
    at = lines.index("from a pod on the node to pods")
    assert lines[at + 1].split() == [str(number) for number in range(1, 13)]
    assert lines[at + 3].split() == ["1", names[0]]


def test_several_findings_of_one_check_are_all_told() -> None:
    """Each with its own words, though they are of one node."""
    rows = (cell("pod.pods", "web-2", FAIL), cell("pod.pods", "web-3", FAIL))
    report = Report(
        command="network test", nodes=(NodeReport(node="web-1", status="failed", findings=rows),)
    )
    text = render("table", report)
    assert "web-2: said" in text
    assert "web-3: said" in text
    prints = {
        row["partialFingerprints"]["wincnode/v1"]
        for row in json.loads(render("sarif", report))["runs"][0]["results"]
    }
    assert len(prints) == 2
    assert to_data(report)["exit_code"] == 1


def test_every_trial_is_explained() -> None:
    """By its id, in reports and on its page."""
    page = (Path(__file__).parent.parent / "docs" / "connectivity.md").read_text()
    for trial in TRIALS:
        assert f"## {trial.id}\n" in page
        assert all((trial.title, trial.proves, trial.remedy, trial.source))
