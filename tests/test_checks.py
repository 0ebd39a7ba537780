"""Checks: each one passes, fails and is unknown for the right facts; a run holds together."""

from __future__ import annotations

import copy
import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import network_check_cases
import pytest
from check_cases import FAILING, GONE, ROUTE, TAKEN, UNKNOWN, Path
from host_check_cases import HOST_FAILING, HOST_UNKNOWN, TOLD

from wincnode.checks import (
    LONGEST_EVIDENCE,
    Check,
    Finding,
    Outcome,
    Severity,
    Verdict,
    Wanted,
    failed,
    failures,
    node_checks,
    run_checks,
)
from wincnode.commands.inspect import Inspection, inspect, wanted
from wincnode.errors import ConfigError
from wincnode.facts import Facts
from wincnode.inventory import parse
from wincnode.lab.model.facts import facts_of
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import defect_names, load_profile, profile_names
from wincnode.updates import load_updates

BY_ID = {check.id: check for check in node_checks()}
# A day on which Windows Server 2022 gets all updates.
TODAY = date(2026, 9, 1)
WANTED = Wanted(
    subnets=("10.244.0.0/16", "10.96.0.0/12"),
    hyperv=False,
    today=TODAY,
    updates=load_updates(),
    targets=(),
    images=(),
    members=(),
)


@cache
def profile_facts(name: str) -> dict[str, dict[str, Any]]:
    """Give what a machine of a profile says of itself."""
    with TemporaryDirectory() as folder:
        machine = Machine(load_profile(name), pathlib.Path(folder) / "m", computer="WEB-1")
        return facts_of(machine)


def facts_with(*changes: tuple[Path, Any]) -> Facts:
    """Give the facts of the healthy Server 2022, changed at some places."""
    sections: Any = copy.deepcopy(profile_facts("ws2022"))
    for path, value in changes:
        target = sections
        for key in path[:-1]:
            target = target[key]
        if value is GONE:
            del target[path[-1]]
        else:
            target[path[-1]] = value
    return Facts(sections=sections)


def finding(check: str, facts: Facts, wanted: Wanted = WANTED) -> Finding:
    """Give what one check of a whole run found."""
    return next(row for row in run_checks(facts, wanted) if row.check == check)


@pytest.mark.parametrize("check", sorted(BY_ID))
def test_check_passes_on_a_healthy_node(check: str) -> None:
    """A healthy Server 2022 has nothing to complain about."""
    assert finding(check, facts_with()).verdict is Verdict.PASS


@pytest.mark.parametrize(("check", "path", "value", "words"), [*FAILING, *HOST_FAILING])
def test_check_fails(check: str, path: Path, value: Any, words: str) -> None:
    """One defect is as severe as declared, its evidence names what was seen, with a remedy."""
    host = ((("time", "host_provider"), False),) if check == "sys.time" else ()
    found = finding(check, facts_with((path, value), *host))
    severity = BY_ID[check].severity
    assert (found.verdict, found.severity) == (Verdict.FAIL, severity)
    assert found.blocks is (severity is Severity.ERROR)
    assert words in found.evidence
    assert found.remedy


@pytest.mark.parametrize(("check", "path"), [*UNKNOWN, *HOST_UNKNOWN])
def test_check_is_unknown_without_its_fact(check: str, path: Path) -> None:
    """A missing fact is neither good nor bad news."""
    wanted = replace(WANTED, hyperv=True)
    found = finding(check, facts_with((path, GONE)), wanted)
    assert (found.verdict, found.blocks) == (Verdict.UNKNOWN, False)


@pytest.mark.parametrize("check", sorted(BY_ID))
def test_check_is_unknown_without_its_sections(check: str) -> None:
    """The reason why a section is unknown reaches the finding."""
    for need in BY_ID[check].needs:
        facts = facts_with()
        sections = {name: data for name, data in facts.sections.items() if name != need}
        found = finding(check, Facts(sections=sections, errors={need: "timed out"}))
        assert (found.verdict, "timed out" in found.evidence) == (Verdict.UNKNOWN, True)


def test_tables_cover_every_check() -> None:
    """A new check comes with its failing and its unknown case."""
    failing = {row[0] for row in (*FAILING, *HOST_FAILING)}
    # tests/test_defects.py makes the others fail by machines.
    by_defect = {id for name in defect_names() for id in load_profile(name).expects}
    assert failing | by_defect == set(BY_ID) - TOLD
    inventory_alone = {"sec.versions"}
    unknown = {row[0] for row in (*UNKNOWN, *HOST_UNKNOWN, *network_check_cases.UNKNOWN)}
    assert unknown == set(BY_ID) - inventory_alone


@pytest.mark.parametrize("name", profile_names())
def test_profile_gives_exactly_what_it_expects(name: str) -> None:
    """A planted defect has consequences: root causes come first, nothing else is reported."""
    profile = load_profile(name)
    found = run_checks(Facts(sections=profile_facts(name)), WANTED)
    assert [row.check for row in found if row.verdict is not Verdict.PASS] == list(profile.expects)
    assert len(found) == len(BY_ID)


def test_consequence_names_its_cause() -> None:
    """Without the payload there is no feature, without the feature no service."""
    found = {
        row.check: row.because_of
        for row in failures(run_checks(Facts(sections=profile_facts("ws2019-broken")), WANTED))
    }
    assert found["feat.payload"] == ()
    assert found["feat.containers"] == ("feat.payload",)
    assert found["svc.vmcompute"] == found["svc.hns"] == ("feat.containers",)


def test_old_kubelet_explains_its_port_and_its_kubeconfig() -> None:
    """Who removes it frees both."""
    row = {"path": "C:\\k\\config", "server": "https://x:6443"}
    facts = facts_with(
        (("leftovers", "programs"), ["C:\\k\\kubelet.exe"]),
        (("leftovers", "kubeconfigs"), [row]),
        (("network", "listening", 0), TAKEN),
    )
    found = {finding.check: finding.because_of for finding in failures(run_checks(facts, WANTED))}
    assert found == {
        "sw.kubelet": (),
        "net.listen": ("sw.kubelet",),
        "left.kubeconfig": ("sw.kubelet",),
    }


def test_what_a_node_says_is_bounded_and_obeyed_by_no_terminal() -> None:
    """Evidence quotes nodes, which may be hostile."""
    tools = [f"\x1b]0;gone\x07{number}" for number in range(1000)]
    found = finding("sys.tools", facts_with((("settings", "missing_tools"), tools)))
    assert found.evidence.startswith("System32 has no \\x1b]0;gone\\x070, ")
    assert len(found.evidence) <= 4 * LONGEST_EVIDENCE


def test_port_taken_by_a_stranger_has_no_cause() -> None:
    """A consequence is claimed only where it is one."""
    taken = {**TAKEN, "process": "java"}
    facts = facts_with(
        (("network", "listening", 0), taken), (("leftovers", "programs"), ["C:\\k\\kubelet.exe"])
    )
    assert finding("net.listen", facts).because_of == ()


def test_ignored_check_is_demoted_and_says_so() -> None:
    """`--ignore` lets the node through, and the report shows it."""
    facts = facts_with((("policy", "code_integrity", "user"), 2))
    found = finding("sec.wdac", facts, replace(WANTED, ignore=frozenset({"sec.wdac"})))
    assert (found.verdict, found.severity) == (Verdict.FAIL, Severity.WARNING)
    assert (found.ignored, found.blocks) == (True, False)


def test_ignored_check_that_passes_is_not_marked() -> None:
    """Nothing was demoted there."""
    wanted = replace(WANTED, ignore=frozenset({"os.arch"}))
    assert not finding("os.arch", facts_with(), wanted).ignored


@pytest.mark.parametrize(
    ("check", "path", "value"),
    [
        ("os.product", ("os", "product_type"), 2),
        ("os.build", ("os", "build"), 25398),
        ("os.reboot", ("os", "reboot_reasons"), ["file_rename"]),
        ("svc.ipv6", ("network", "ipv6_disabled_components"), 0x01),
        ("sys.cpu", ("hardware", "logical_processors"), 2),
        ("sys.mem", ("hardware", "memory_bytes"), 4 << 30),
    ],
)
def test_mild_case_is_a_warning(check: str, path: Path, value: Any) -> None:
    """Some states are worth a word, but block nobody."""
    found = finding(check, facts_with((path, value)))
    assert (found.verdict, found.severity) == (Verdict.FAIL, Severity.WARNING)


@pytest.mark.parametrize(
    ("skew_s", "verdict", "blocks"),
    [
        (5.0, Verdict.PASS, False),
        (-61.0, Verdict.FAIL, False),
        (301.0, Verdict.FAIL, True),
    ],
)
def test_measured_skew_is_judged(skew_s: float, verdict: Verdict, *, blocks: bool) -> None:
    """Kerberos and certificates stand a few minutes, no more."""
    found = finding("sys.time", facts_with(), replace(WANTED, skew_s=skew_s))
    assert (found.verdict, found.blocks) == (verdict, blocks)


def test_ipv4_may_go_before_ipv6() -> None:
    """Microsoft advises this value instead of turning IPv6 off, which it leaves on."""
    path = ("network", "ipv6_disabled_components")
    assert finding("svc.ipv6", facts_with((path, 0x20))).verdict is Verdict.PASS
    assert finding("svc.ipv6", facts_with((path, 0x30))).blocks


@pytest.mark.parametrize("maker", ["VMware, Inc.", "QEMU"])
def test_time_comes_from_the_host_on_hyperv_alone(maker: str) -> None:
    """Its provider is on in every Windows, on machines of others and of metal, too."""
    source = (("time", "source"), "NoSync")
    guest = finding("sys.time", facts_with(source))
    assert (guest.verdict, guest.evidence) == (Verdict.PASS, "the clock follows the host")

    other = facts_with(source, (("hardware", "manufacturer"), maker))
    assert finding("sys.time", other).blocks
    # The clock is right: their own tools may keep it so.
    right = finding("sys.time", other, replace(WANTED, skew_s=0.2))
    assert (right.verdict, right.severity) == (Verdict.FAIL, Severity.WARNING)


def test_hyperv_is_checked_only_where_it_is_wanted() -> None:
    """Process isolation needs no Hyper-V."""
    found = finding("feat.hyperv", facts_with(), replace(WANTED, hyperv=True))
    assert found.blocks
    waiting = facts_with((("features", "states", "Hyper-V"), "InstallPending"))
    found = finding("feat.hyperv", waiting, replace(WANTED, hyperv=True))
    assert "reboot" in found.evidence
    ready = facts_with((("features", "states", "Hyper-V"), "Installed"))
    assert not finding("feat.hyperv", ready, replace(WANTED, hyperv=True)).blocks


def test_a_machine_of_kubevirt_is_a_virtual_one() -> None:
    """What its processor can do, the hypervisor beneath it hides."""
    hidden = facts_with(
        (("hardware", "manufacturer"), "KubeVirt"),
        (("hardware", "model"), "None"),
        (("hardware", "virtualization_enabled"), False),
    )
    found = finding("virt.nested", hidden, replace(WANTED, hyperv=True))
    assert found.verdict is Verdict.UNKNOWN


def test_lab_flag_lets_clients_through() -> None:
    """A developer's Windows 11 is good enough for a try."""
    facts = facts_with((("os", "product_type"), 1), (("os", "build"), 26200))
    wanted = replace(WANTED, lab=True)
    assert finding("os.product", facts, wanted).verdict is Verdict.PASS
    assert finding("os.build", facts, wanted).verdict is Verdict.PASS


def test_named_adapter_decides_between_several() -> None:
    """Two default routes are an error only while nobody says which adapter counts."""
    second = {**profile_facts("ws2022")["network"]["adapters"][0], "name": "Data", "index": 9}
    facts = facts_with((("network", "routes", 1), ROUTE))
    facts.sections["network"]["adapters"].append(second)
    assert "Ethernet, Data" in finding("net.nic", facts).evidence
    assert finding("net.nic", facts, replace(WANTED, adapter="data")).evidence == "Data"
    assert finding("net.nic", facts, replace(WANTED, adapter="x")).blocks
    second["up"] = False
    assert "down" in finding("net.nic", facts, replace(WANTED, adapter="Data")).evidence


def test_a_named_adapter_under_a_switch_is_judged_by_its_port() -> None:
    """Its address has moved there, and the inventory still names the adapter."""
    port = {**profile_facts("ws2022")["network"]["adapters"][0], "name": "vEthernet (Ethernet)"}
    facts = facts_with((("network", "adapters", 0, "addresses"), []))
    wanted = replace(WANTED, adapter="ethernet")
    assert finding("net.addr", facts, wanted).blocks
    facts.sections["network"]["adapters"].append({**port, "index": 9, "physical": False})
    assert finding("net.nic", facts, wanted).evidence == "vEthernet (Ethernet)"
    assert finding("net.addr", facts, wanted).verdict is Verdict.PASS


def test_node_of_ours_may_hold_ports_routes_and_programs() -> None:
    """Preflight of a node that wincnode has installed must not complain of wincnode's work."""
    folder = "C:\\Program Files\\containerd\\bin"
    shim = f"{folder}\\containerd-shim-runhcs-v1.exe"
    excluded = [f"{folder}\\containerd.exe", shim, "C:\\k\\kubelet.exe"]
    facts = facts_with(
        (("leftovers", "owned"), True),
        (("leftovers", "made"), ["containerd", "kubelet", r"C:\k\kubelet.exe"]),
        (("leftovers", "programs"), ["C:\\k\\kubelet.exe"]),
        (("leftovers", "kubeconfigs"), [{"path": "C:\\k\\config", "server": "https://x:6443"}]),
        (("network", "listening", 0), TAKEN),
        (("network", "routes", 1, "destination"), "10.244.7.0/24"),
        (("firewall", "rules", 0, "text"), "v2.30|Action=Allow|Protocol=6|LPort=5986|LPort=10250|"),
        (("protection", "defender", "excluded"), excluded),
    )
    assert failures(run_checks(facts, WANTED)) == ()


def test_of_a_prepared_machine_the_kubelet_is_not_wincnodes_yet() -> None:
    """A playbook has changed it; what an install has brought before it failed is its own."""
    kubelet = r"C:\k\kubelet.exe"

    def verdict(*made: str, service: bool) -> Verdict:
        services = {"kubelet": {"state": "Stopped", "path": kubelet, "shown": "kubelet"}}
        facts = facts_with(
            (("leftovers", "owned"), True),
            (("leftovers", "made"), [*made]),
            (("leftovers", "programs"), [kubelet]),
        )
        facts.sections["services"]["services"].update(services if service else {})
        return finding("sw.kubelet", facts).verdict

    assert verdict("W32Time", service=False) is Verdict.FAIL
    assert verdict(kubelet, service=False) is Verdict.PASS
    assert verdict(kubelet, service=True) is Verdict.FAIL
    assert verdict(kubelet, "Kubelet", service=True) is Verdict.PASS


def test_kubeconfig_of_the_wanted_cluster_is_fine() -> None:
    """The port that a URL leaves out is that of its scheme."""
    row = {"path": "C:\\k\\config", "server": "https://api.example"}
    facts = facts_with((("leftovers", "kubeconfigs"), [row]))
    wanted = replace(WANTED, server="https://API.example:443")
    assert finding("left.kubeconfig", facts, wanted).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("path", "cause"),
    [("C:\\var\\lib\\rancher\\x", "sw.rke2"), ("C:\\var\\lib\\k0s\\x", "sw.k0s")],
)
def test_kubeconfig_of_a_distribution_follows_from_it(path: str, cause: str) -> None:
    """Who removes the distribution removes its kubeconfig."""
    facts = facts_with(
        (("leftovers", "kubeconfigs"), [{"path": path, "server": ""}]),
        (("leftovers", "folders"), [path.rpartition("\\")[0]]),
    )
    assert finding("left.kubeconfig", facts).because_of == (cause,)


def test_crash_of_one_check_stops_no_other() -> None:
    """A bug in a check, or data nobody thought of, must not cost the other findings."""

    def crash(_facts: Facts, _wanted: Wanted) -> Outcome:
        raise RuntimeError("boom")

    sick = replace(BY_ID["os.arch"], id="x.sick", run=crash)
    bad: Check = replace(sick, id="x.bad", run=lambda _f, _w: failed("no"))
    found = run_checks(facts_with(), WANTED, (sick, bad))
    assert [(row.check, row.verdict) for row in found] == [
        ("x.bad", Verdict.FAIL),
        ("x.sick", Verdict.UNKNOWN),
    ]
    assert "RuntimeError: boom" in found[1].evidence


def test_checks_say_what_they_prove() -> None:
    """`explain` and the docs are made of these fields."""
    for check in BY_ID.values():
        assert all((check.title, check.proves, check.remedy, check.source))
        by_connection = check.id in network_check_cases.BY_TARGETS
        assert check.needs or by_connection or check.id == "sec.versions"


class Clockwork:
    """A node's link: answers a request for facts as a healthy node whose clock is off."""

    exit_code: int | None = None
    stderr = b""

    def __init__(self, off_s: float) -> None:
        self._off = timedelta(seconds=off_s)

    def run(self, command: str, stdin: bytes) -> Iterator[bytes]:
        """Yield hello, facts and the end of the run that stdin asks for."""
        run = json.loads(stdin.split(b"\n")[1])["run"]
        at = (datetime.now(UTC) + self._off).isoformat(timespec="milliseconds")
        hello = {"computer": "A", "powershell": "5.1", "build": 20348, "at": at}
        rows = [
            {"type": "hello", **hello},
            *(
                {"type": "facts", "section": name, "status": "ok", "data": data}
                for name, data in facts_with().sections.items()
            ),
            {"type": "finished", "outcome": "ok", "counts": {}},
        ]
        for seq, row in enumerate(rows, start=1):
            yield json.dumps({"run": run, "seq": seq, **row}).encode()
        self.exit_code = 0

    def close(self) -> None:
        """Give nothing back."""


@pytest.mark.parametrize(("off_s", "blocked"), [(0, False), (400, True), (-400, True)])
def test_clock_of_a_node_is_measured_against_ours(off_s: float, *, blocked: bool) -> None:
    """The node's clock in its first event is held against ours when that event comes."""

    def read() -> Iterator[object]:
        yield (yield from inspect(Clockwork(off_s), node="a", against=WANTED))

    *_, inspection = read()
    assert isinstance(inspection, Inspection)
    found = {row.check: row for row in inspection.findings}["sys.time"]
    assert found.blocks is blocked
    assert f"{off_s:+d} s off" in found.evidence.replace("-0 s", "+0 s")


KUBECONFIG = """\
current-context: b
contexts:
  - {name: a, context: {cluster: one}}
  - {name: b, context: {cluster: two, user: admin}}
clusters:
  - {name: one, cluster: {server: 'https://one:6443'}}
  - {name: two, cluster: {server: 'https://two:6443'}}
users:
  - {name: admin, user: {token: hunter2}}
"""


def wanted_by(kubeconfig: str, folder: pathlib.Path) -> Wanted:
    """Give what an inventory with a kubeconfig wants of its nodes."""
    (folder / "admin.conf").write_text(kubeconfig)
    text = (
        "cluster: {kubeconfig: admin.conf}\n"
        "connection: {user: u, password: {env: P}}\nnodes: {a: }\n"
    )
    return wanted(parse(text, folder / "wincnode.yaml"), ignore=frozenset())


def test_node_of_the_inventorys_own_cluster_belongs_to_nobody_else(tmp_path: pathlib.Path) -> None:
    """The server of the kubeconfig's current context is the one that a node may point to."""
    against = wanted_by(KUBECONFIG, tmp_path)
    for server, verdict in (("https://two:6443", Verdict.PASS), ("https://one:6443", Verdict.FAIL)):
        row = {"path": "C:\\etc\\kubernetes\\kubelet.conf", "server": server}
        facts = facts_with((("leftovers", "kubeconfigs"), [row]))
        assert finding("left.kubeconfig", facts, against).verdict is verdict


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no current-context"),
        ("[a]", "is no mapping"),
        ("current-context: [a]", "current-context is no text"),
        ("current-context: b", "has no context b"),
        (
            KUBECONFIG.replace("cluster: two,", "cluster: three,"),
            "cluster three, which is not there",
        ),
        (KUBECONFIG.replace("server: 'https://two", "serve: 'https://two"), "server is no address"),
        ("current-context: b\ncontexts: {b: hunter2}\n", "contexts is no list"),
        ("token: 'hunter2", "not YAML"),
    ],
)
def test_kubeconfig_without_a_server_is_a_config_error(
    tmp_path: pathlib.Path, text: str, reason: str
) -> None:
    """The field and the file are named, and no value of the file is repeated."""
    with pytest.raises(ConfigError) as caught:
        wanted_by(text, tmp_path)
    assert "wincnode.yaml: cluster.kubeconfig: " in caught.value.message
    assert "admin.conf" in caught.value.message
    assert reason in caught.value.message
    assert "hunter2" not in caught.value.message
