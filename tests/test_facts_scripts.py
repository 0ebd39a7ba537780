"""The facts scripts on a real PowerShell engine, over the lab's machines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from nodes import lab_node, linked

from wincnode import runner
from wincnode.assets import script_names
from wincnode.checks import Wanted, failures, run_checks
from wincnode.events import FactsRead
from wincnode.facts import SECTIONS, Facts
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.machine import load_profile, profile_names
from wincnode.lab.windows.registry import Value

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
WANTED = Wanted(subnets=("10.244.0.0/16", "10.96.0.0/12"), hyperv=False)


def facts(node: LabNode, *sections: str) -> dict[str, Any]:
    """Read sections of facts as wincnode does."""
    with linked(node) as link:
        events = list(runner.read_facts(link, node="web-1", sections=sections or SECTIONS))
    return {row.section: row.data for row in events if isinstance(row, FactsRead)}


def test_there_is_a_script_for_each_section() -> None:
    """The sections that facts.py names are the scripts that ship."""
    assert script_names("facts") == tuple(sorted(SECTIONS))


def common(sections: dict[str, Any]) -> dict[str, Any]:
    """Leave out the clock, the engine's own version and the names of Linux' processes."""
    rest: dict[str, Any] = {name: dict(section) for name, section in sections.items()}
    del rest["time"]["utc"], rest["time"]["zone"], rest["os"]["powershell"]
    rest["network"]["listening"] = [{**row, "process": ""} for row in rest["network"]["listening"]]
    return rest


@pytest.mark.parametrize("profile", profile_names())
def test_both_engines_say_of_a_machine_what_its_profile_promises(
    profile: str, tmp_path: Path
) -> None:
    """The facts are equal, and fail exactly the checks that the profile names."""
    with lab_node(tmp_path / "powershell", profile=profile) as node:
        found = facts(node)
        calls = Counter(node.machine.calls)
    with lab_node(tmp_path / "model", engine="model", profile=profile) as node:
        assert common(facts(node)) == common(found)

    failing = sorted(row.check for row in failures(run_checks(Facts(sections=found), WANTED)))
    assert failing == sorted(load_profile(profile).expects)
    # A CIM query costs a node up to a second.
    assert [call for call, times in calls.items() if "Cim" in call and times > 1] == []


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The facts of a healthy Server 2022."""
    with lab_node(tmp_path_factory.mktemp("healthy") / "node") as node:
        return facts(node)


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


def test_numbers_and_policies_are_read_as_people_write_them(tmp_path: Path) -> None:
    """A DWord of all ones is no -1, and group policy goes before the local setting."""
    dword = {"kind": "DWord"}
    local = rf"{SERVICES}\SharedAccess\Parameters\FirewallPolicy\DomainProfile"
    with lab_node(tmp_path / "node", profile="ws2019-broken") as node:
        registry = node.machine.registry
        registry.set(
            rf"{SERVICES}\Tcpip6\Parameters", "DisabledComponents", Value(data=-1, **dword)
        )
        registry.set(rf"{SERVICES}\hns\State", "DeviceLessNicDisabled", Value(data=1, **dword))
        registry.set(local, "AllowLocalPolicyMerge", Value(data=1, **dword))
        found = facts(node, "network", "services", "policy")

    assert found["network"]["ipv6_disabled_components"] == 0xFFFFFFFF
    assert found["services"]["hns_state"] == {"DeviceLessNicDisabled": "1"}
    assert found["policy"]["firewall"]["domain"]["local_rules"] == 0


def test_of_a_kubeconfig_only_the_server_is_taken(tmp_path: Path) -> None:
    """Credentials that lie about on a node stay there."""
    with lab_node(tmp_path / "node", profile="ws2019-broken") as node:
        cni = node.machine.path(r"C:\etc\cni\net.d\10-flannel.conf")
        cni.parent.mkdir(parents=True)
        cni.touch()
        found = facts(node, "leftovers")["leftovers"]

    assert found == {
        "folders": ["C:\\k", "C:\\var\\lib\\kubelet", "C:\\etc\\cni\\net.d"],
        "programs": ["C:\\k\\kubelet.exe"],
        "kubeconfigs": [{"path": "C:\\k\\config", "server": "https://10.9.8.7:6443"}],
        "cni_configs": ["10-flannel.conf"],
        "owned": False,
    }


def test_missing_device_guard_is_no_missing_policy(tmp_path: Path) -> None:
    """Where the class is not there, the other facts of the section are known all the same."""
    with lab_node(tmp_path / "node") as node:
        del node.machine.cim["Win32_DeviceGuard"]
        found = facts(node, "policy")["policy"]

    assert found["code_integrity"]["user"] is None
    assert "Invalid class" in found["code_integrity"]["error"]
    assert found["elevated"] is True


def test_a_dead_provider_leaves_only_its_section_unknown(tmp_path: Path) -> None:
    """A query that fails says why; the next section is read all the same."""
    with lab_node(tmp_path / "node") as node:
        del node.machine.cim["Win32_LogicalDisk"]
        found = facts(node, "disks", "hardware")

    assert found["disks"] is None
    assert found["hardware"]["sockets"] == 1


def test_a_client_answers_by_dism(tmp_path: Path) -> None:
    """A Windows client has no Get-WindowsFeature; it is asked for optional features."""
    with lab_node(tmp_path / "node", profile="win11") as node:
        found = facts(node, "features")["features"]

    assert found == {
        "manager": "client",
        "states": {
            "Containers": "Enabled",
            "Microsoft-Hyper-V": "Disabled",
            "Microsoft-Hyper-V-Management-PowerShell": "Disabled",
        },
    }
