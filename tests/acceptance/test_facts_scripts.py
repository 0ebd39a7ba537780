"""The facts scripts on a real PowerShell engine, over the lab's machines."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from nodes import lab_node, linked

from wincnode import runner
from wincnode.assets import script_names
from wincnode.checks import Wanted, failures, run_checks
from wincnode.events import Event, FactsRead, Hello
from wincnode.facts import FURTHER, ON_DEMAND, SECTIONS, Facts
from wincnode.lab.nodes import LabNode
from wincnode.lab.powershell import MODULES
from wincnode.lab.windows import programs, standins
from wincnode.lab.windows.machine import CONTROL, PREFETCH, Machine
from wincnode.lab.windows.profiles import load_profile, profile_names
from wincnode.lab.windows.registry import Value

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
ALL = (*SECTIONS, *FURTHER)
WANTED = Wanted(subnets=("10.244.0.0/16", "10.96.0.0/12"), hyperv=False, today=date(2026, 9, 1))


def read(node: LabNode) -> list[Event]:
    """Read all sections of facts as wincnode does."""
    with linked(node) as link:
        return list(runner.read_facts(link, node="web-1", sections=ALL))


def facts(events: Iterable[Event]) -> dict[str, Any]:
    """Give what each section said; nothing of one that is unknown."""
    return {row.section: row.data for row in events if isinstance(row, FactsRead)}


def test_there_is_a_script_for_each_section() -> None:
    """The sections that facts.py names are the scripts that ship."""
    assert script_names("facts") == tuple(sorted((*ALL, *ON_DEMAND)))


def common(sections: dict[str, Any]) -> dict[str, Any]:
    """Leave out the clock, the engine's own version and the names of Linux' processes."""
    rest: dict[str, Any] = {name: dict(section) for name, section in sections.items()}
    del rest["time"]["utc"], rest["time"]["zone"], rest["os"]["powershell"]
    # Crashes are so many days ago, on each machine from its own start.
    rest["platform"]["crashes"] = [row["service"] for row in rest["platform"]["crashes"]]
    rest["network"]["listening"] = [{**row, "process": ""} for row in rest["network"]["listening"]]
    return rest


@pytest.mark.parametrize("profile", profile_names())
def test_both_engines_say_of_a_machine_what_its_profile_promises(
    profile: str, tmp_path: Path
) -> None:
    """The facts are equal, and fail exactly the checks that the profile names."""
    with lab_node(tmp_path / "powershell", profile=profile) as node:
        found = facts(read(node))
        calls = Counter(node.machine.calls)
    with lab_node(tmp_path / "model", engine="model", profile=profile) as node:
        assert common(facts(read(node))) == common(found)

    failing = sorted(row.check for row in failures(run_checks(Facts(sections=found), WANTED)))
    assert failing == sorted(load_profile(profile).expects)
    # A CIM query costs a node up to a second.
    assert [call for call, times in calls.items() if "Cim" in call and times > 1] == []


def modelled(folder: Path, profile: str) -> dict[str, Any]:
    """Give the facts of the engine that reads quickly; the test above holds it to the scripts."""
    with lab_node(folder, engine="model", profile=profile) as node:
        return facts(read(node))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The facts of a healthy Server 2022."""
    return modelled(tmp_path_factory.mktemp("healthy") / "node", "ws2022")


def test_what_was_asked_for_has_its_value(healthy: dict[str, Any]) -> None:
    """A property that the query forgot to ask for would come back empty."""
    hardware = healthy["hardware"]
    assert hardware["memory_bytes"] == 17179332608
    assert (hardware["manufacturer"], hardware["model"]) == (
        "Microsoft Corporation",
        "Virtual Machine",
    )
    assert (healthy["os"]["sku"], healthy["os"]["last_boot"]) == (12, "2026-11-20T06:12:40Z")
    assert healthy["services"]["services"]["bfe"] == {
        "shown": "BFE",
        "state": "Running",
        "start_mode": "Auto",
        "account": r"NT AUTHORITY\LocalService",
        "path": r"C:\Windows\system32\svchost.exe -k LocalServiceNoNetworkFirewall -p",
    }
    assert healthy["features"] == {
        "manager": "server",
        "states": {
            "Containers": "Installed",
            "Hyper-V": "Available",
            "Hyper-V-PowerShell": "Available",
        },
    }


def test_what_is_of_no_interest_is_left_out(healthy: dict[str, Any]) -> None:
    """Other services, CD drives, the machine's own addresses, the UDP clients of the moment."""
    network = healthy["network"]
    assert "spooler" not in healthy["services"]["services"]
    assert [row["drive"] for row in healthy["disks"]["volumes"]] == ["C:"]
    assert [row["destination"] for row in network["routes"]] == ["0.0.0.0/0", "192.168.50.0/24"]
    assert [row["port"] for row in network["listening"]] == [135, 5986, 123]
    assert [row["address"] for row in network["adapters"][0]["addresses"]] == ["192.168.50.21"]


def test_a_client_answers_by_dism(tmp_path: Path) -> None:
    """A Windows client has no Get-WindowsFeature; it is asked for optional features."""
    assert modelled(tmp_path / "node", "win11")["features"] == {
        "manager": "client",
        "states": {
            "Containers": "Enabled",
            "Microsoft-Hyper-V": "Disabled",
            "Microsoft-Hyper-V-Management-PowerShell": "Disabled",
        },
    }


def test_the_tools_for_servers_make_no_server_of_a_client(tmp_path: Path) -> None:
    """They bring Get-WindowsFeature, which refuses to work there."""
    with lab_node(tmp_path / "node", profile="win11") as node:
        folder = node.machine.path(rf"{MODULES}\ServerManager")
        folder.mkdir()
        shutil.copy(standins.MODULES / "ServerManager.psm1", folder)
        with linked(node) as link:
            events = list(runner.read_facts(link, node="web-1", sections=["features"]))
    assert facts(events)["features"]["manager"] == "client"


GALLERY = """\
function Get-HnsNetwork { [pscustomobject]@{ Name = 'other'; Type = 'NAT'; Ipams = @() } }
function Get-HnsEndpoint { }
function Get-HnsNamespace { }
"""


@pytest.mark.parametrize("profile", ["ws2022", "feat.containers"])
def test_the_module_of_the_gallery_is_not_taken_for_that_of_windows(
    profile: str, tmp_path: Path
) -> None:
    """It gives other objects, and no lists of policies: without Windows' own, HNS is unknown."""
    with lab_node(tmp_path / "model", engine="model", profile=profile) as node:
        own = facts(read(node))["hns"]
    with lab_node(tmp_path / "node", profile=profile) as node:
        # Found first, as Program Files stands before System32.
        folder = node.machine.path(rf"{MODULES}\HNS")
        folder.mkdir()
        (folder / "HNS.psm1").write_text(GALLERY, encoding="ascii")
        with linked(node) as link:
            events = list(runner.read_facts(link, node="web-1", sections=["hns"]))
    assert facts(events)["hns"] == own


def spoil(machine: Machine) -> None:
    """Give a machine odd numbers, a policy, marks of a reboot and a CNI; take classes away."""
    one, windows = Value(kind="DWord", data=1), r"HKLM\SOFTWARE\Microsoft"
    firewall = rf"{SERVICES}\SharedAccess\Parameters\FirewallPolicy\DomainProfile"
    update = rf"{windows}\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
    manager = rf"{windows}\ServerManager\ServicingStorage\ServerComponentCache"
    for key, name, value in (
        (rf"{SERVICES}\Tcpip6\Parameters", "DisabledComponents", Value(kind="DWord", data=-1)),
        (rf"{SERVICES}\hns\State", "DeviceLessNicDisabled", one),
        (firewall, "AllowLocalPolicyMerge", one),
        (update, "x", one),
        (manager, "RestartRequired", one),
        (
            rf"{CONTROL}\ComputerName\ComputerName",
            "ComputerName",
            Value(kind="String", data="NEW"),
        ),
    ):
        machine.registry.set(key, name, value)
    machine.registry.delete_value(PREFETCH, "BootId")
    cni = machine.path(r"C:\etc\cni\net.d\10-flannel.conf")
    cni.parent.mkdir(parents=True)
    cni.touch()
    machine.cim["Win32_Processor"] = []
    del machine.cim["Win32_DeviceGuard"], machine.cim["Win32_LogicalDisk"]
    del machine.cim["MSFT_DedupVolume"]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """What the scripts say of a broken Server 2019 that was spoiled further."""
    with lab_node(tmp_path_factory.mktemp("odd") / "node", profile="ws2019-broken") as node:
        spoil(node.machine)
        return read(node)


def test_numbers_and_policies_are_read_as_people_write_them(odd: list[Event]) -> None:
    """A DWord of all ones is no -1, and group policy goes before the local setting."""
    found = facts(odd)
    assert found["network"]["ipv6_disabled_components"] == 0xFFFFFFFF
    assert found["services"]["hns_state"] == {"DeviceLessNicDisabled": "1"}
    assert found["policy"]["firewall"]["domain"]["local_rules"] == 0


def test_of_a_kubeconfig_only_the_server_is_taken(odd: list[Event]) -> None:
    """Credentials that lie about on a node stay there."""
    assert facts(odd)["leftovers"] == {
        "folders": ["C:\\k", "C:\\var\\lib\\kubelet", "C:\\etc\\cni\\net.d"],
        "programs": ["C:\\k\\kubelet.exe"],
        "kubeconfigs": [{"path": "C:\\k\\config", "server": "https://10.9.8.7:6443"}],
        "cni_configs": ["10-flannel.conf"],
        "owned": False,
        "made": [],
    }


def test_missing_device_guard_is_no_missing_policy(odd: list[Event]) -> None:
    """Where the class is not there, the other facts of the section are known all the same."""
    policy = facts(odd)["policy"]
    assert policy["code_integrity"]["user"] is None
    assert "Invalid class" in policy["code_integrity"]["error"]
    assert policy["elevated"] is True


def test_what_does_not_answer_about_deduplication_says_why(odd: list[Event]) -> None:
    """The other settings are known all the same."""
    settings = facts(odd)["settings"]
    assert "Invalid class" in settings["dedup_volumes"]
    assert settings["missing_tools"] == ["curl.exe"]


def test_an_account_that_is_no_administrator_is_told(tmp_path: Path) -> None:
    """The token of the process counts, not the name of the account."""
    with lab_node(tmp_path / "node", profile="sec.admin") as node:
        assert facts(read(node))["policy"]["elevated"] is False


def test_a_dead_provider_leaves_only_its_section_unknown(odd: list[Event]) -> None:
    """A query that fails or finds nothing says why; the next section is read all the same."""
    unknown = {row.section: row.error for row in odd if isinstance(row, FactsRead) and row.error}
    assert set(unknown) == {"disks", "hardware"}
    assert "Invalid class" in unknown["disks"]
    assert "Win32_Processor has no instance" in unknown["hardware"]


def test_a_machine_that_waits_for_a_reboot_says_why(odd: list[Event]) -> None:
    """Each mark of Windows has its name."""
    assert facts(odd)["os"]["reboot_reasons"] == [
        "component_servicing",
        "windows_update",
        "server_components",
        "computer_rename",
        "file_rename",
    ]


def test_a_machine_that_counts_no_boots_is_known_by_its_last_one(odd: list[Event]) -> None:
    """The time at which Windows started changes with each boot, too."""
    (hello,) = [event for event in odd if isinstance(event, Hello)]
    assert hello.boot == "2026-08-02T21:30:00.0000000Z"


@pytest.mark.parametrize("engine", ["powershell", "model"])
def test_what_unlocks_the_system_drive_and_which_kubelet_is_ours(
    engine: str, tmp_path: Path
) -> None:
    """Types of protectors come as numbers; a kubelet of others is asked for nothing."""
    kubelet, manifest = r"C:\k\kubelet.exe", r"C:\Program Files\wincnode\manifest.json"
    with lab_node(tmp_path / "node", engine=engine, profile="sys.bitlocker.boot") as node:
        machine = node.machine
        machine.path(kubelet).parent.mkdir(parents=True)
        machine.path(kubelet).write_text(programs.script("kubelet", "1.36.3"))
        machine.path(kubelet).chmod(0o755)
        before = facts(read(node))
        machine.path(manifest).parent.mkdir(parents=True, exist_ok=True)
        rows = [
            {"kind": "service", "key": {"name": "kubelet"}},
            {"kind": "download", "key": {"path": kubelet}},
            {"kind": "directory", "key": {"path": "C:\\k"}},
        ]
        machine.path(manifest).write_text(json.dumps({"entries": rows}))
        (volume,) = machine.cim["Win32_EncryptableVolume"]
        machine.cim["Win32_EncryptableVolume"] = [{**volume, "Protectors": [1, 3, 9]}]
        after = facts(read(node))

    assert before["startup"]["bitlocker"] == {"protection": 1, "protectors": [4]}
    assert after["startup"]["bitlocker"] == {"protection": 1, "protectors": [1, 9]}
    assert (before["leftovers"]["made"], after["leftovers"]["made"]) == ([], ["kubelet", kubelet])
    assert (before["runtime"]["kubelet"], after["runtime"]["kubelet"]) == ("", "1.36.3")


@pytest.mark.parametrize("engine", ["powershell", "model"])
@pytest.mark.parametrize(
    ("states", "error"), [({"Listen"}, ""), (set(), "Get-NetTCPConnection gave nothing")]
)
def test_a_state_that_no_connection_is_in_hides_no_others(
    engine: str, states: set[str], error: str, tmp_path: Path
) -> None:
    """Before the first session there are ports alone, which --local reads; nothing at all is none."""
    with lab_node(tmp_path / "node", engine=engine) as node:
        rows = node.machine.network["NetTCPConnection"]
        rows[:] = [row for row in rows if row["State"] in states]
        with linked(node) as link:
            events = list(runner.read_facts(link, node="web-1", sections=["network"]))
    (found,) = [row for row in events if isinstance(row, FactsRead)]
    assert found.error == error
    data = found.data or {"listening": [], "sessions": []}
    tcp = [row["port"] for row in data["listening"] if row["protocol"] == "tcp"]
    assert (tcp, data["sessions"]) == ([135, 5986] if states else [], [])


@pytest.mark.parametrize("engine", ["powershell", "model"])
def test_a_policy_of_time_goes_before_what_is_set_here(engine: str, tmp_path: Path) -> None:
    """What a policy leaves out is as the machine has it."""
    with lab_node(tmp_path / "node", engine=engine) as node:
        registry = node.machine.registry
        local = rf"{SERVICES}\W32Time\Parameters"
        policy = r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\Parameters"
        for key, name, text in (
            (local, "Type", "NoSync"),
            (local, "NtpServer", "time.windows.com,0x8"),
            (policy, "Type", "NTP"),
        ):
            registry.set(key, name, Value(kind="String", data=text))
        with linked(node) as link:
            found = facts(runner.read_facts(link, node="web-1", sections=["time"]))["time"]
    assert (found["source"], found["servers"]) == ("NTP", "time.windows.com,0x8")
