"""A cluster is judged by what it says of itself, and what cannot be read is unknown."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cluster_access import administrator, granted

from wincnode.checks import Finding, Member, Severity, Verdict, Wanted, cluster_checks, run_checks
from wincnode.cluster import facts
from wincnode.cluster.access import Right, needed
from wincnode.facts import Facts
from wincnode.lab.cluster import PODS, ControlPlane, control_plane, seed

WANTED = Wanted(
    network="flannel",
    overlay=True,
    kubernetes="1.36.3",
    containerd="2.3.7",
    today=date(2026, 11, 1),
)
BY_ID = {check.id: check for check in cluster_checks()}
ADMISSION = "admissionregistration.k8s.io"
LINUX = {"kubernetes.io/os": "linux"}
WINDOWS_2022 = {"kubernetes.io/os": "windows", "node.kubernetes.io/windows-build": "10.0.20348"}


TAINT = {"key": "os", "value": "windows", "effect": "NoSchedule"}
TOLERATION = {**TAINT, "operator": "Equal"}


def node(name: str, system: str, build: str = "", cidr: str = "10.244.0.0/24") -> dict[str, Any]:
    labels = {"kubernetes.io/os": system}
    if build:
        labels["node.kubernetes.io/windows-build"] = build
    info = {
        "operatingSystem": system,
        "kubeletVersion": "v1.36.3",
        "containerRuntimeVersion": "containerd://2.3.7",
    }
    spec = {"podCIDRs": [cidr], "taints": [TAINT] if build else []}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"nodeInfo": info},
    }


def daemon_set(namespace: str, name: str, **pod: Any) -> dict[str, Any]:
    spec = {"nodeSelector": LINUX, "containers": [{"name": "a", "image": "a:1"}], **pod}
    meta = {"namespace": namespace, "name": name}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {"metadata": meta, "spec": {"selector": {"matchLabels": labels}, "template": template}}


def fill(plane: ControlPlane) -> None:
    """Put in what a healthy cluster with flannel and one Windows node has."""
    put = plane.objects.put
    seed.flannel(plane.objects, PODS)
    put("nodes", node("cp-1", "linux"))
    put("nodes", node("web-1", "windows", "10.0.20348", "10.244.1.0/24"))
    put("daemonsets.apps", daemon_set("kube-flannel", "kube-flannel-ds"))
    put("daemonsets.apps", daemon_set("kube-system", "kube-proxy"))
    windows = {"nodeSelector": {"kubernetes.io/os": "windows"}}
    windows["securityContext"] = {"windowsOptions": {"hostProcess": True}}  # type: ignore[dict-item]
    put("daemonsets.apps", daemon_set("kube-flannel", "kube-flannel-ds-windows", **windows))
    put("deployments.apps", daemon_set("kube-system", "coredns"))
    scheduling = {"nodeSelector": WINDOWS_2022, "tolerations": [TOLERATION]}
    meta = {"name": "windows-2022"}
    handler = "runhcs-wcow-process"
    row = {"metadata": meta, "handler": handler, "scheduling": scheduling}
    put("runtimeclasses.node.k8s.io", row)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("cluster")) as running:
        fill(running)
        yield running


@cache
def healthy() -> dict[str, Any]:
    """Give the sections of the healthy cluster, as its control plane tells them."""
    with TemporaryDirectory() as folder, control_plane(Path(folder)) as running:
        fill(running)
        read = facts.read(administrator(running.kubeconfig()))
    assert not read.errors
    return {name: dict(section) for name, section in read.sections.items()}


def finding(check: str, sections: dict[str, Any], wanted: Wanted = WANTED) -> Finding:
    rows = run_checks(Facts(sections=sections), wanted, cluster_checks())
    return next(row for row in rows if row.check == check)


def test_a_healthy_cluster_passes_every_check() -> None:
    """Each check has something to see there, and nothing to complain about."""
    rows = run_checks(Facts(sections=healthy()), WANTED, cluster_checks())

    assert [(row.check, row.evidence) for row in rows if row.verdict is not Verdict.PASS] == []
    assert len(rows) == len(BY_ID)


POOL = {"name": "p", "cidr": PODS, "ipip": "Never", "vxlan": "Always", "block_size": 24}
BACKEND = {"Type": "vxlan", "VNI": 4096, "Port": 4789}
BGP = {"calicoNetwork": {"bgp": "Enabled"}}
REQUESTS = "system:certificates.k8s.io:certificatesigningrequests"
# A group of tokens is none of nodes, which renew.
BOUND_TO_TOKENS = [
    {"role": role, "groups": ["system:bootstrappers"]}
    for role in (
        "system:node-bootstrapper",
        f"{REQUESTS}:nodeclient",
        f"{REQUESTS}:selfnodeclient",
    )
]
# check, section, its key and what stands there instead, words of the evidence.
FAILING: list[tuple[str, str, str, Any, str]] = [
    ("cl.skew", "api", "version", "v1.35.9", "must not be newer"),
    ("cl.skew", "api", "version", "v1.40.0", "3 minors older at most"),
    ("cl.k8s.eol", "api", "version", "v1.30.1", "no branch"),
    ("cl.time", "api", "ahead_s", 400, "400 s ahead of ours"),
    ("cl.time", "api", "ahead_s", -90, "90 s behind ours"),
    ("cl.cni", "workloads", "rows", [], "the inventory says flannel"),
    ("cl.flannel", "flannel", "backend", None, "has no Backend"),
    ("cl.flannel", "flannel", "backend", {"Type": "vxlan"}, "VNI is 1; Windows needs"),
    ("cl.flannel", "flannel", "backend", {**BACKEND, "Port": 8472}, "Port is 8472"),
    ("cl.flannel", "flannel", "backend", {**BACKEND, "GBP": True}, "GBP is on"),
    ("cl.flannel", "flannel", "backend", {**BACKEND, "DirectRouting": True}, "DirectRouting"),
    ("cl.flannel", "flannel", "backend", {"Type": "wireguard"}, "the backend is 'wireguard'"),
    ("cl.flannel", "flannel", "backend", {"Type": "host-gw"}, "the inventory's mode is another"),
    ("cl.flannel", "flannel", "config", "", "no ConfigMap kube-flannel-cfg"),
    ("cl.calico", "calico", "pools", [POOL], "strictAffinity is not true"),
    ("cl.calico", "calico", "pools", [{**POOL, "ipip": "Always"}], "has ipipMode Always"),
    ("cl.calico", "calico", "pools", [{**POOL, "vxlan": "CrossSubnet"}], "vxlanMode CrossSubnet"),
    ("cl.calico.ips", "calico", "pools", [{**POOL, "block_size": 26}], "holds 60 pods"),
    ("cl.podcidr", "network", "pods", ["10.244.0.0/23"], "; 0 are free"),
    ("cl.podcidr", "network", "node_mask", 8, "more than the whole"),
    ("cl.dualstack", "network", "pods", [PODS, "fd00::/48"], "carry IPv4 alone"),
    ("cl.linuxnode", "nodes", "rows", [], "no node runs Linux"),
    ("cl.runtimeclass", "runtime_classes", "rows", [], "nodes of 10.0.20348"),
    ("cl.info", "bootstrap", "cluster_info", False, "cluster-info is missing"),
    ("cl.kubelet", "bootstrap", "kubelet_config", False, "kubelet-config is missing"),
    ("cl.kubelet", "bootstrap", "kubeadm_config", False, "--method bootstrap"),
    ("cl.token", "bootstrap", "groups", [], "is not bound to system:node-bootstrapper"),
    ("cl.token", "bootstrap", "groups", BOUND_TO_TOKENS, "system:nodes is not bound to"),
]
# These are shown by the cluster itself, in other objects.
BY_OBJECTS = {
    "cl.buildmix",
    "cl.cri",
    "cl.ds.linux",
    "cl.kubeproxy.linux",
    "cl.psa",
    "cl.taint",
    "cl.webhooks",
}
MILDER = {
    ("cl.kubelet", "kubeadm_config"): Severity.WARNING,
    ("cl.dualstack", "pods"): Severity.WARNING,
}


@pytest.mark.parametrize(("check", "section", "key", "value", "words"), FAILING)
def test_a_check_fails(check: str, section: str, key: str, value: Any, words: str) -> None:
    """Its evidence names what was seen, it is as severe as declared, and has a remedy."""
    sections = copy.deepcopy(healthy())
    sections[section][key] = value

    found = finding(check, sections)

    severity = MILDER.get((check, key), BY_ID[check].severity)
    if value == 400:
        severity = Severity.ERROR
    assert (found.verdict, found.severity) == (Verdict.FAIL, severity)
    assert words in found.evidence
    assert found.remedy


def test_each_check_has_a_case_that_fails() -> None:
    """A new check comes with one."""
    assert {row[0] for row in FAILING} | BY_OBJECTS == set(BY_ID)


@pytest.mark.parametrize("check", sorted(BY_ID))
def test_a_check_is_unknown_without_its_sections(check: str) -> None:
    """Neither good nor bad news; the reason reaches the finding."""
    for need in BY_ID[check].needs:
        rest = {name: data for name, data in healthy().items() if name != need}
        rows = run_checks(
            Facts(sections=rest, errors={need: "forbidden"}), WANTED, cluster_checks()
        )
        found = next(row for row in rows if row.check == check)
        assert (found.verdict, "forbidden" in found.evidence) == (Verdict.UNKNOWN, True)


def test_calico_beside_bgp_and_a_runtime_that_no_kubelet_takes() -> None:
    """What the inventory wants counts as well as what the cluster has."""
    sections = copy.deepcopy(healthy())
    sections["calico"] = {"pools": [POOL], "installation": BGP, "strict_affinity": True}
    old = replace(WANTED, containerd="1.7.1", kubernetes="1.38.0")

    bgp, runtime = finding("cl.calico", sections), finding("cl.cri", sections, old)

    assert bgp.evidence == "bgp is Enabled beside VXLAN"
    assert (runtime.verdict, runtime.severity) == (Verdict.FAIL, Severity.ERROR)
    assert "containerd 1.7 cannot run with Kubernetes 1.38.0" in runtime.evidence


def test_calico_on_windows_has_no_second_stack() -> None:
    """It says so itself, with an overlay and without."""
    sections = copy.deepcopy(healthy())
    sections["network"]["pods"] = [PODS, "fd00::/48"]

    found = finding("cl.dualstack", sections, replace(WANTED, network="calico", overlay=False))

    assert (found.verdict, found.severity) == (Verdict.FAIL, Severity.WARNING)
    assert "Calico on Windows carries IPv4 alone" in found.evidence


@pytest.mark.parametrize(
    ("tolerations", "verdict"),
    [
        ([], Verdict.FAIL),
        ([{**TOLERATION, "value": "linux"}], Verdict.FAIL),
        ([{**TOLERATION, "effect": "NoExecute"}], Verdict.FAIL),
        ([{**TOLERATION, "effect": ""}], Verdict.PASS),
        ([{"key": "", "operator": "Exists", "value": "", "effect": ""}], Verdict.PASS),
    ],
)
def test_runtime_classes_tolerate_the_taints_of_their_nodes(
    tolerations: list[dict[str, str]], verdict: Verdict
) -> None:
    """A class that picks nodes which its pods do not tolerate leaves them pending."""
    sections = copy.deepcopy(healthy())
    (row,) = sections["runtime_classes"]["rows"]
    row["tolerations"] = tolerations
    # Of what Kubernetes sets by itself, and of what only prefers, no pod is told.
    passing = ["node.kubernetes.io/unschedulable=:NoSchedule", "a=b:PreferNoSchedule"]
    for one in sections["nodes"]["rows"]:
        one["taints"] = [*one["taints"], *passing]

    found = finding("cl.runtimeclass", sections)

    assert found.verdict is verdict
    assert ("os=windows:NoSchedule of 10.0.20348" in found.evidence) is (verdict is Verdict.FAIL)


def test_nothing_wanted_is_nothing_to_complain_about() -> None:
    """An inventory without versions and network is judged by what is there."""
    rows = run_checks(Facts(sections=healthy()), Wanted(today=date(2026, 11, 1)), cluster_checks())

    assert [row.check for row in rows if row.verdict is not Verdict.PASS] == []


def hook(service: str, policy: str = "Fail", resource: str = "pods") -> dict[str, Any]:
    rule = {"operations": ["CREATE"], "apiGroups": [""], "resources": [resource]}
    return {
        "name": f"{service}.example.org",
        "failurePolicy": policy,
        "rules": [rule],
        "clientConfig": {"service": {"namespace": "guard", "name": service}},
    }


def test_what_runs_there_already_is_judged_by_its_objects(tmp_path: Path) -> None:
    """Selectors by affinity, Pod Security, taints, builds, and webhooks that nobody answers."""
    term = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    chosen = {"nodeSelectorTerms": [{"matchExpressions": [term]}]}
    required = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": chosen}}
    loose: dict[str, Any] = {"nodeSelector": {}}
    with control_plane(tmp_path) as running:
        fill(running)
        put = running.objects.put
        put("daemonsets.apps", daemon_set("kube-system", "by-affinity", **loose, affinity=required))
        put("daemonsets.apps", daemon_set("tools", "logs", **loose))
        put("deployments.apps", daemon_set("tools", "web", **loose))
        put("daemonsets.apps", daemon_set("kube-system", "kube-proxy", **loose))
        level = {"pod-security.kubernetes.io/enforce": "baseline"}
        put("namespaces", {"metadata": {"name": "kube-flannel", "labels": level}})
        put("nodes", node("old-1", "windows", "10.0.14393", "10.244.2.0/24"))
        bare = node("bare-1", "windows", "", "10.244.3.0/24")
        put("nodes", bare)
        hooks = [
            hook("gone"),
            hook("there"),
            hook("mild", "Ignore"),
            hook("other", resource="jobs"),
        ]
        meta = {"name": "policies"}
        put(f"validatingwebhookconfigurations.{ADMISSION}", {"metadata": meta, "webhooks": hooks})
        labels = {"kubernetes.io/service-name": "there"}
        ends = [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}]
        slice_ = {"metadata": {"namespace": "guard", "name": "t-1", "labels": labels}}
        put("endpointslices.discovery.k8s.io", {**slice_, "endpoints": ends})

        read = facts.read(administrator(running.kubeconfig()))

    assert not read.errors
    rows = run_checks(read, WANTED, cluster_checks())
    said = {row.check: row.evidence for row in rows if row.verdict is Verdict.FAIL}
    assert said.pop("cl.runtimeclass") == "no RuntimeClass picks nodes of 10.0.14393"
    assert said == {
        "cl.webhooks": "pods or Nodes cannot be made: policies/gone.example.org"
        " (no ready pod behind guard/gone)",
        "cl.kubeproxy.linux": "DaemonSet kube-system/kube-proxy has no selector of a system",
        "cl.buildmix": "nodes of 10.0.14393, which Kubernetes does not support",
        "cl.ds.linux": "no selector of a system: DaemonSet tools/logs",
        "cl.psa": "the namespace admits no HostProcess pod:"
        " DaemonSet kube-flannel/kube-flannel-ds-windows (baseline)",
        "cl.taint": "without a taint: bare-1; pods that name no system may land there",
    }


RIGHTS = needed(["check"])
# Nobody is asked where there is no network of that kind, or no webhook.
SPARE = {"installations", "ippools", "ipamconfigurations", "endpointslices"}


@pytest.mark.parametrize(
    "missing", [row for row in RIGHTS if row.resource not in SPARE], ids=lambda row: row.resource
)
def test_a_right_that_is_missing_is_named_by_what_it_hides(
    missing: Right, plane: ControlPlane
) -> None:
    """The rest is judged; with all of them nothing is unknown."""
    number = RIGHTS.index(missing)
    rest = [row for row in RIGHTS if row != missing]
    some = facts.read(administrator(granted(plane, rest, f"some-{number}")))

    said = " ".join(some.errors.values())
    assert some.errors
    assert missing.resource in said
    assert f'User "some-{number}"' in said


def test_the_documented_rights_are_enough(plane: ControlPlane) -> None:
    """The reader needs no more than docs/cluster.md says."""
    assert facts.read(administrator(granted(plane, RIGHTS, "auditor"))).errors == {}


def test_objects_of_any_form_end_no_check(tmp_path: Path) -> None:
    """Calico's own objects are held to no form by a cluster that is not the lab's."""
    with control_plane(tmp_path) as running:
        fill(running)
        running.objects.put("ippools.projectcalico.org", {"metadata": {"name": "p"}, "spec": []})

        read = facts.read(administrator(running.kubeconfig()))

    assert set(read.errors) == {"calico"}
    assert "a form of its own" in read.errors["calico"]


def check(
    folder: Path, plane: ControlPlane | None, *more: str, wanted: str = ""
) -> tuple[int, str, str]:
    """Run `wincnode cluster check` as a user does."""
    kubeconfig = plane.kubeconfig() if plane else folder / "away"
    (folder / "wincnode.yaml").write_text(
        wanted
        or f"cluster:\n  kubeconfig: {kubeconfig}\n  kubernetes: 1.36.3\n  cni: flannel\n"
        "connection: {user: ops, password: {env: NONE}}\nnodes:\n  web-1: {address: 127.0.0.1}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "wincnode", "cluster", "check", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_verb_reports_the_cluster_like_a_node(tmp_path: Path, plane: ControlPlane) -> None:
    """Ready is exit code 0; what blocks is 5, and can be ignored by its id."""
    code, out, _ = check(tmp_path, plane, "-o", "json")
    report = json.loads(out)
    wanted = (tmp_path / "wincnode.yaml").read_text().replace("1.36.3", "1.37.1")
    blocked, table, _ = check(tmp_path, plane, wanted=wanted)
    ignored, _, _ = check(tmp_path, plane, "--ignore", "cl.skew", wanted=wanted)

    assert (code, blocked, ignored) == (0, 5, 0)
    assert report["nodes"][0]["node"] == plane.server
    assert {row["check"] for row in report["nodes"][0]["findings"]} == set(BY_ID)
    assert "a kubelet must not be newer" in table


def test_a_cluster_that_is_away_is_named(tmp_path: Path) -> None:
    """Without a kubeconfig nothing is tried; a silent server is exit code 4."""
    code, _, err = check(tmp_path, None)
    assert (code, "away" in err) == (2, True)
    unknown, _, words = check(tmp_path, None, "--ignore", "cl.nothing")
    assert (unknown, "no check has the id cl.nothing" in words) == (2, True)


HERE, THERE = "4C4C4544-0044-4810-8031-B4C04F303233", "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("members", "blocks", "words"),
    [
        ((), False, "no Node is called web-1"),
        ((Member(name="web-2", uuid=THERE),), False, "no Node is called web-1"),
        ((Member(name="web-1", uuid=HERE.lower()),), False, "is this machine"),
        ((Member(name="web-1", uuid=THERE),), True, f"is of the machine {THERE}"),
        ((Member(name="web-1"),), False, "does not tell"),
    ],
)
def test_a_name_belongs_to_one_machine(
    members: tuple[Member, ...], *, blocks: bool, words: str
) -> None:
    """`join` refuses such a node as well; before that it has been installed."""
    wanted = replace(WANTED, members=members, node="web-1")
    found = run_checks(Facts(sections={"os": {"uuid": HERE}}), wanted)
    row = next(row for row in found if row.check == "host.unique")
    assert (row.blocks, words in row.evidence) == (blocks, True), row.evidence


def test_the_cluster_says_of_which_machine_a_node_is(plane: ControlPlane) -> None:
    """Of one that does not tell, nothing."""
    told = node("web-1", "windows", "10.0.20348", "10.244.1.0/24")
    told["status"]["nodeInfo"]["systemUUID"] = HERE
    plane.objects.put("nodes", told)
    rows = facts.read(administrator(plane.kubeconfig())).sections["nodes"]["rows"]
    found = {row["name"]: row["uuid"] for row in rows}
    assert (found["web-1"], found["cp-1"]) == (HERE, "")
