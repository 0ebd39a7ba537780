"""One defect each: a machine with it fails the checks that it declares, and no other."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from network_check_cases import (
    BY_IMAGES,
    DEFECTS,
    PROVEN,
    SUBNETS,
    UNKNOWN,
    facts,
    read,
    wanted,
)
from nodes import ENGINES, lab_node, linked

from wincnode import runner
from wincnode.checks import Finding, Severity, Verdict, Wanted, failures, node_checks, run_checks
from wincnode.checks.proxy import WinHttp, covers, winhttp
from wincnode.events import FactsRead
from wincnode.facts import FURTHER, FactMissing, Facts
from wincnode.lab.windows.profiles import Profile
from wincnode.lab.windows.registry import Value

TOPICS = ("adapters", "connectivity", "firewall", "hns", "host", "leftovers", "ports", "proxy")
OURS = {
    row.id
    for row in node_checks()
    if row.run.__module__.rpartition(".")[2] in (*TOPICS, "software")
}


def judged(profile: Profile, sections: dict[str, Any]) -> dict[str, Finding]:
    """Judge a machine of a profile; what passes is left out."""
    found = run_checks(Facts(sections=sections), wanted(profile))
    return {row.check: row for row in found if row.verdict is not Verdict.PASS}


def findings(name: str) -> dict[str, Finding]:
    """Judge a machine with a defect."""
    return judged(DEFECTS[name], facts(name))


def test_every_check_has_a_defect_of_its_own() -> None:
    """A new check comes with its defect, and with the fact that it cannot do without."""
    assert set() == OURS - PROVEN
    existing = {"sw.kubelet", "sw.rke2", "sw.k0s", "left.kubeconfig"}
    assert {row[0] for row in UNKNOWN} - BY_IMAGES == OURS - existing


def changed(name: str, field: str, key: str, value: Any) -> Profile:
    """Give a profile with one more thing set."""
    profile = DEFECTS[name]
    return replace(profile, **{field: {**getattr(profile, field), key: value}})


SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
NO_PROXY = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": ".svc,10.244.0.0/16,10.0.0.0/8"}
METADATA = {
    "AddressFamily": "IPv4",
    "DestinationPrefix": "169.254.169.254/32",
    "NextHop": "192.168.50.1",
    "InterfaceIndex": 4,
    "RouteMetric": 15,
}
MANIFEST = r"C:\Program Files\wincnode\manifest.json"
MENDED = {
    "a static address that stays": changed(
        "net.static", "registry", rf"{SERVICES}\hns\State", {"DeviceLessNicDisabled": 1}
    ),
    "a switch of HNS": changed(
        "net.vswitch", "network", "HnsNetwork", [{"Name": "Lab", "Type": "L2Bridge"}]
    ),
    "NodePorts that are kept": changed(
        "net.dynports", "ports", "excluded", {"tcp": [[30000, 2768]]}
    ),
    "Azure's port is kept": changed("net.udp65330", "ports", "excluded", {"udp": [[65330, 1]]}),
    "a route to the metadata": changed(
        "net.metadata",
        "network",
        "NetRoute",
        [*DEFECTS["net.metadata"].network["NetRoute"], METADATA],
    ),
    "a proxy that leaves the cluster out": changed(
        "conn.proxy.env", "registry", ENVIRONMENT, NO_PROXY
    ),
    **{
        f"{name} of wincnode's": changed(name, "files", MANIFEST, '{"entries": []}')
        for name in ("net.hns.networks", "net.hns.objects", "left.hcs", "left.dirs", "left.env")
    },
}


@pytest.mark.parametrize("name", MENDED)
def test_what_mends_a_defect_is_told_apart_from_it(name: str) -> None:
    """What looks like the defect and is none fails nothing."""
    found = judged(MENDED[name], read(MENDED[name]))
    # What else is told of these machines is not at stake here.
    assert set(found) <= {"fw.kubelet", "sec.defender.excl", "os.lifecycle"}


@pytest.mark.parametrize(("check", "path", "against"), UNKNOWN)
def test_a_check_cannot_say_without_its_fact(
    check: str, path: tuple[str | int, ...], against: Wanted
) -> None:
    """What is missing is neither good nor bad news, and blocks nobody."""
    sections: Any = copy.deepcopy(facts("ws2025"))
    sections["connectivity"] = {"targets": []}
    # With Hyper-V and without its cmdlets; with HNS and without its cmdlets.
    gone = {"switches": None, "networks": None}
    target = sections
    for key in path[:-1]:
        target = target[key]
    if path[-1] in gone:
        target[path[-1]] = None
    else:
        del target[path[-1]]
    if path == ("hns", "counts"):
        sections["hns"]["networks"] = None
    against = replace(against, subnets=SUBNETS)
    found = {row.check: row for row in run_checks(Facts(sections=sections), against)}[check]
    assert (found.verdict, found.blocks) == (Verdict.UNKNOWN, False), found.evidence


@pytest.mark.parametrize(
    ("name", "check", "severity"),
    [
        ("net.hns.networks", "net.hns.networks", Severity.WARNING),
        ("net.hns.networks.clash", "net.hns.networks", Severity.ERROR),
        ("net.excluded", "net.excluded", Severity.ERROR),
        ("net.excluded.nodeports", "net.excluded", Severity.WARNING),
        ("net.udp65330", "net.udp65330", Severity.INFO),
        ("sw.containerd.sandbox", "sw.containerd.sandbox", Severity.ERROR),
    ],
)
def test_a_defect_is_as_severe_as_its_consequence(
    name: str, check: str, severity: Severity
) -> None:
    """A name that is taken stops the cluster's network; one that is merely there does not."""
    assert findings(name)[check].severity is severity


@pytest.mark.parametrize(
    ("name", "check", "because"),
    [
        ("left.cniconf", "left.cniconf", ()),
        ("left.kubeconfig", "left.kubeconfig", ()),
        ("sw.kubelet", "left.dirs", ("sw.kubelet",)),
        ("sw.rke2", "left.kubeconfig", ("sw.rke2",)),
        ("sw.nssm", "sw.nssm", ("sw.cni",)),
        ("sw.containerd.rule", "sw.containerd.rule", ("sw.containerd",)),
    ],
)
def test_a_consequence_names_its_cause(name: str, check: str, because: tuple[str, ...]) -> None:
    """Who mends the cause need not look at what follows."""
    assert findings(name)[check].because_of == because


@pytest.mark.parametrize(
    ("name", "check", "words"),
    [
        ("net.static", "net.static", "192.168.50.21 of Ethernet"),
        ("net.hns.objects", "net.hns.objects", "1 policy lists, 2 endpoints, 1 namespaces"),
        ("net.nat", "net.nat", "192.168.50.0/24 of NatA holds 192.168.50.21"),
        ("net.portproxy", "net.portproxy", "0.0.0.0/10250 to 10.0.0.9/10250"),
        ("net.dynports.few", "net.dynports", "60000-60999/udp has 15 blocks of 64"),
        ("net.excluded", "net.excluded", "10250/tcp in 10200-10299/tcp"),
        ("net.mtu", "net.mtu", "1400 bytes on Ethernet"),
        ("host.dns", "host.dns", "DNS_ERROR_RCODE_NAME_ERROR"),
        ("fw.kubelet", "fw.kubelet", "{7A1C} blocks 10250/tcp on Private networks"),
        ("net.profile", "net.profile", "10250/tcp is let in on Domain ones alone"),
        ("sw.containerd", "sw.containerd", "containerd 2.3.5"),
        ("sw.containerd.sandbox.default", "sw.containerd.sandbox", "pause:3.10.1"),
        ("left.env", "left.env", "KUBE_NETWORK, Path: C:\\Program Files\\containerd\\bin"),
        ("conn.proxy.winhttp", "conn.proxy.winhttp", "WinHTTP: 127.0.0.1:1; variables: direct"),
        ("conn.proxy.env", "conn.proxy.env", "http://***@127.0.0.1:1 is used for 10.244.0.0/16"),
        ("conn.proxy.svc", "conn.proxy.svc", "containerd uses http://127.0.0.1:1"),
    ],
)
def test_evidence_is_the_very_value_that_was_seen(name: str, check: str, words: str) -> None:
    """Whoever reads the report need not look at the node again."""
    assert words in findings(name)[check].evidence


# Each takes another way through the scripts; the rest differ in values alone.
READ = ("net.nat.many", "net.nat.ports", "net.vswitch.ext", "sw.containerd.ours")


@pytest.mark.parametrize("name", READ)
def test_the_scripts_read_what_the_model_says(name: str, tmp_path: Path) -> None:
    """What a check reads is read by the script that ships, on a real engine."""
    expected = facts(name)
    with lab_node(tmp_path / "node", profile=name) as node, linked(node) as link:
        sections = ("services", "leftovers", *FURTHER)
        events = list(runner.read_facts(link, node="web-1", sections=sections))
    read = {row.section: row.data for row in events if isinstance(row, FactsRead)}
    assert read == {name: expected[name] for name in sections}


@pytest.mark.parametrize(
    ("digits", "found"),
    [
        ("", WinHttp()),
        ("1800000000000000010000000000000000000000", WinHttp()),
        (
            "18000000050000000300000003000000613A310200000062FF"[:46] + "6262",
            WinHttp(proxy="a:1", bypass="bb"),
        ),
    ],
)
def test_what_netsh_keeps_is_read(digits: str, found: WinHttp) -> None:
    """Numbers and texts with their lengths; the first value is the one of direct access."""
    assert winhttp(digits) == found


@pytest.mark.parametrize("digits", ["18", "zz", "18000000050000000300000003000000613A", "18" * 40])
def test_what_has_another_form_is_unknown(digits: str) -> None:
    """A value that nobody understands is no proof of a direct way."""
    with pytest.raises(FactMissing):
        winhttp(digits)


@pytest.mark.parametrize(
    ("no_proxy", "place", "is_covered"),
    [
        ("*", "10.0.0.0/8", True),
        ("10.0.0.0/8", "10.244.0.0/16", True),
        ("10.244.0.0/16", "10.0.0.0/8", False),
        ("10.0.0.0/8", "10.9.8.7", True),
        ("10.0.0.0/8", "fd00::1", False),
        ("example", "api.example", True),
        (".example", "api.example", True),
        ("ample", "api.example", False),
        ("api.example, .svc", ".svc", True),
        ("", "api.example", False),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(no_proxy: str, place: str, *, is_covered: bool) -> None:
    """A name covers what is below it, a network what is in it."""
    assert covers(no_proxy, place) is is_covered


def test_a_nat_without_a_prefix_inside_is_no_riddle() -> None:
    """One that was made by its prefix outside has none; others are judged all the same."""
    sections: Any = copy.deepcopy(facts("net.nat"))
    sections["hns"]["nat"].insert(0, {"name": "Outside", "prefix": ""})
    found = {row.check: row for row in run_checks(Facts(sections=sections), Wanted())}["net.nat"]
    assert (found.verdict, found.evidence) == (
        Verdict.FAIL,
        "192.168.50.0/24 of NatA holds 192.168.50.21",
    )


@pytest.mark.parametrize(
    ("tag", "severity"),
    [
        ("3.10.1", Severity.WARNING),
        ("3.10.1@sha256:" + "0" * 64, Severity.WARNING),
        ("3.10.1-windows-ltsc2025-amd64", None),
    ],
)
def test_a_tag_of_one_build_is_no_index(tag: str, severity: Severity | None) -> None:
    """AKS names such ones: which builds are in it, Kubernetes' own list does not tell."""
    sections: Any = copy.deepcopy(facts("ws2025"))
    image = f"mcr.microsoft.com/oss/v2/kubernetes/pause:{tag}"
    sections["runtime"] |= {"there": True, "version": "2.0.5", "sandbox_image": image}
    wanted = Wanted(hyperv=True)
    found = {row.check: row for row in run_checks(Facts(sections=sections), wanted)}
    row = found["sw.containerd.sandbox"]
    assert (row.severity if row.verdict is Verdict.FAIL else None) is severity, row.evidence
    assert image in row.evidence


@pytest.mark.parametrize(
    ("networks", "containers", "severity"),
    [
        ([], "Installed", Severity.INFO),
        ([("nat", "nat")], "Installed", Severity.INFO),
        ([("flannel.4096", "Overlay")], "Installed", Severity.WARNING),
        ([], "Available", Severity.WARNING),
    ],
)
def test_the_switch_extension_can_come_with_the_first_switch(
    networks: list[tuple[str, str]], containers: str, severity: Severity
) -> None:
    """A machine that has the feature and no switch yet is not short of anything."""
    sections: Any = copy.deepcopy(facts("ws2022"))
    sections["platform"]["drivers"]["vfpext"] = None
    sections["features"]["states"]["Containers"] = containers
    sections["hns"]["networks"] = [
        {"name": name, "type": kind, "subnets": []} for name, kind in networks
    ]
    found = {row.check: row for row in run_checks(Facts(sections=sections), Wanted())}["svc.vfp"]
    assert (found.verdict, found.severity) == (Verdict.FAIL, severity)
    assert "there is no driver vfpext" in found.evidence


def test_a_client_has_hyperv_by_another_name() -> None:
    """Where its cmdlets are missing, nobody can tell what switches there are."""
    sections: Any = copy.deepcopy(facts("ws2022"))
    sections["links"]["switches"] = None
    sections["features"] = {"manager": "client", "states": {"Microsoft-Hyper-V": "Enabled"}}
    rows = {row.check: row for row in run_checks(Facts(sections=sections), Wanted())}
    assert rows["net.vswitch"].verdict is Verdict.UNKNOWN


def test_rules_of_policy_hold_where_local_ones_do_not() -> None:
    """Where group policy takes no local rules, its own let traffic in all the same."""
    sections: Any = copy.deepcopy(facts("sw.containerd.ours"))
    sections["policy"]["firewall"]["private"]["local_rules"] = 0
    found = {row.check: row for row in failures(run_checks(Facts(sections=sections), Wanted()))}
    assert found["fw.kubelet"].because_of == ("fw.merge",)
    sections["firewall"]["rules"][-1]["store"] = "policy"
    found = {row.check: row for row in failures(run_checks(Facts(sections=sections), Wanted()))}
    assert "fw.kubelet" not in found
    sections["policy"]["firewall"]["private"]["enabled"] = 0
    sections["firewall"]["rules"] = []
    found = {row.check: row for row in failures(run_checks(Facts(sections=sections), Wanted()))}
    assert "fw.kubelet" not in found


def test_rules_for_other_node_ports_are_asked_for(tmp_path: Path) -> None:
    """Without the question nobody knows; with it a rule that blocks them is found."""
    key = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
    rule = "v2.30|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=41000|Name=No|"
    against = replace(Wanted(), node_ports=(40000, 42767))
    verdicts = []
    for asked in ({}, {"firewall": {"ports": [[40000, 42767]]}}):
        for engine in ENGINES:
            with lab_node(tmp_path / f"{engine}-{len(asked)}", engine=engine) as node:
                node.machine.registry.set(key, "No", Value(kind="String", data=rule))
                with linked(node) as link:
                    names = ("firewall", "network", "policy")
                    rows = runner.read_facts(link, node="web-1", sections=names, asked=asked)
                    read = {row.section: row.data for row in rows if isinstance(row, FactsRead)}
            found = run_checks(Facts(sections=read), against)
            verdicts += [(row.verdict, row.evidence) for row in found if row.check == "fw.nodeport"]

    unknown = (Verdict.UNKNOWN, "rules for the ports 40000-42767 were not read")
    blocked = (Verdict.FAIL, "NodePorts are blocked by No")
    assert verdicts == [unknown] * len(ENGINES) + [blocked] * len(ENGINES)
