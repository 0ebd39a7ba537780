"""Each facts script runs on the real engine, over stand-ins, and gives the profiles' shape."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import winps

from wincnode.assets import node_script, script_names
from wincnode.checks import Wanted, failures, run_checks
from wincnode.facts import SECTIONS, Facts
from wincnode.lab.model import load_profile

# What the stand-ins of CIM and the network cmdlets answer on a healthy Server 2022.
HEALTHY: dict[str, Any] = json.loads(
    (Path(__file__).parent / "standins" / "server2022.json").read_text()
)
VERSION = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
CONTROL = "SYSTEM\\CurrentControlSet\\Control"
SERVICES = "SYSTEM\\CurrentControlSet\\Services"
NAMES: dict[str, dict[str, Any]] = {
    VERSION: {
        "CurrentBuildNumber": "20348",
        "UBR": 5499,
        "EditionID": "ServerDatacenter",
        "InstallationType": "Server Core",
    },
    f"{CONTROL}\\ComputerName\\ActiveComputerName": {"ComputerName": "WIN1"},
    f"{CONTROL}\\ComputerName\\ComputerName": {"ComputerName": "WIN1"},
    f"{SERVICES}\\Tcpip\\Parameters": {"Hostname": "win1"},
    f"{SERVICES}\\W32Time\\Parameters": {"Type": "NTP", "NtpServer": "time.windows.com,0x8"},
    f"{SERVICES}\\W32Time\\TimeProviders\\VMICTimeProvider": {"Enabled": 1},
}
SERVICING = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"
FIREWALL = "SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"
DRIVER = r"""
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$all = @{}
foreach ($name in NAMES) {
    . ([scriptblock]::Create([IO.File]::ReadAllText("C:\facts\$name.ps1")))
    $all[$name] = & "Get-WnFacts$name"
}
ConvertTo-Json -InputObject $all -Depth 8 -Compress
"""


def registry(values: Mapping[str, Mapping[str, Any]]) -> str:
    """Give HKLM as winps keeps it; every key has its parents."""
    keys: dict[str, Any] = {"HKLM": {"values": {}}}
    for path, row in values.items():
        parts = ["HKLM", *path.split("\\")]
        for end in range(1, len(parts) + 1):
            keys.setdefault("\\".join(parts[:end]), {"values": {}})
        keys["\\".join(parts)]["values"] = {
            name: {"kind": kind(value), "data": value} for name, value in row.items()
        }
    return json.dumps(keys)


def kind(value: object) -> str:
    """Give the registry's type of a value."""
    return {int: "DWord", list: "MultiString"}.get(type(value), "String")


def read(
    folder: Path,
    machine: Mapping[str, Any],
    values: Mapping[str, Mapping[str, Any]],
    *,
    sections: tuple[str, ...] = SECTIONS,
    files: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run facts scripts in one process on a machine of the test, and give what they returned."""
    here = winps.machine(folder)
    (folder / "registry.json").write_text(registry(values))
    (here.drive / "machine.json").write_text(json.dumps(machine))
    (here.drive / "facts").mkdir()
    for name in sections:
        (here.drive / "facts" / f"{name}.ps1").write_text(node_script(f"facts/{name}"))
    for path, text in (files or {}).items():
        (here.drive / path).parent.mkdir(parents=True, exist_ok=True)
        (here.drive / path).write_text(text)
    names = ", ".join(f"'{name}'" for name in sections)
    done = subprocess.run(
        [
            winps.winps(),
            "-NoProfile",
            "-NonInteractive",
            "-Command",
            DRIVER.replace("NAMES", names),
        ],
        capture_output=True,
        env=here.variables(),
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return dict(json.loads(done.stdout))


def shape(value: object) -> object:
    """Give the names of the fields, without what depends on the machine."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in FREE}
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict) else []
    return "value"


FREE = frozenset({"services"})  # a map by service, its rows are compared one by one


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A healthy Server 2022 and its facts."""
    folder = tmp_path_factory.mktemp("healthy")
    return folder, read(folder, HEALTHY, NAMES, files={"Windows/System32/vmcompute.dll": ""})


def test_there_is_a_script_for_each_section() -> None:
    """The sections that facts.py names are the scripts that ship."""
    assert script_names("facts") == tuple(sorted(SECTIONS))


@pytest.mark.parametrize("section", SECTIONS)
def test_script_returns_the_shape_of_the_profiles(
    healthy: tuple[Path, dict[str, Any]], section: str
) -> None:
    """Lab profiles and checks are written against the shape of the scripts, field by field."""
    assert shape(healthy[1][section]) == shape(load_profile("ws2022").facts[section])


@pytest.mark.parametrize("section", ["os", "hardware", "features", "disks", "leftovers"])
def test_script_returns_the_values_of_the_machine(
    healthy: tuple[Path, dict[str, Any]], section: str
) -> None:
    """A property that the query forgot to ask for would come back empty."""
    wanted = dict(load_profile("ws2022").facts[section])
    found = {**healthy[1][section]}
    if section == "os":  # the engine's own version
        found["powershell"] = wanted["powershell"]
    assert found == wanted


def test_services_have_the_row_of_the_profiles(healthy: tuple[Path, dict[str, Any]]) -> None:
    """Only services of interest are reported, by their lower-case names."""
    services = healthy[1]["services"]["services"]
    assert sorted(services) == ["bfe", "hns", "vmcompute"]
    wanted = load_profile("ws2022").facts["services"]["services"]["hns"]
    assert sorted(services["hns"]) == sorted(wanted)


def test_healthy_machine_passes_the_checks(healthy: tuple[Path, dict[str, Any]]) -> None:
    """What the scripts say of a healthy machine is what the checks want, from end to end."""
    findings = run_checks(Facts(sections=healthy[1]), Wanted(subnets=("10.244.0.0/16",)))
    assert [finding for finding in findings if finding.verdict.value != "pass"] == []


def test_no_class_is_read_twice(healthy: tuple[Path, dict[str, Any]]) -> None:
    """A CIM query costs a node up to a second, and each script asks for its own classes only."""
    classes = (healthy[0] / "c" / "cim.log").read_text().split()
    assert sorted(classes) == sorted(HEALTHY["cim"])


def test_routes_to_hosts_and_dynamic_udp_ports_are_left_out(
    healthy: tuple[Path, dict[str, Any]],
) -> None:
    """They are the machine's own addresses and the clients of the moment."""
    network = healthy[1]["network"]
    assert [row["destination"] for row in network["routes"]] == ["0.0.0.0/0", "192.168.50.0/24"]
    assert [row["port"] for row in network["listening"]] == [5986, 123]


def test_defects_are_seen(tmp_path: Path) -> None:
    """Registry, files and features of a broken machine arrive as the checks expect them."""
    values = {
        **NAMES,
        f"{CONTROL}\\Session Manager": {"PendingFileRenameOperations": ["a", ""]},
        f"{SERVICING}\\RebootPending": {},
        f"{SERVICES}\\Tcpip6\\Parameters": {"DisabledComponents": -1},
        f"{SERVICES}\\hns\\State": {"DeviceLessNicDisabled": 1},
        f"{FIREWALL}\\DomainProfile": {"AllowLocalPolicyMerge": 0},
        f"{SERVICES}\\SharedAccess\\Parameters\\FirewallPolicy\\DomainProfile": {
            "AllowLocalPolicyMerge": 1
        },
    }
    config = 'clusters:\n- cluster:\n    server: "https://10.9.8.7:6443"\nusers:\n- token: s3cret\n'
    features = [{"Name": "Containers", "InstallState": "Removed"}]
    machine = {**HEALTHY, "features": features}
    found = read(
        tmp_path,
        machine,
        values,
        files={"k/config": config, "k/kubelet.exe": "", "etc/cni/net.d/a": ""},
    )

    assert found["os"]["reboot_reasons"] == ["component_servicing", "file_rename"]
    assert found["network"]["ipv6_disabled_components"] == 0xFFFFFFFF
    assert found["services"]["hns_state"] == {"DeviceLessNicDisabled": "1"}
    assert found["policy"]["firewall"]["domain"]["local_rules"] == 0
    assert found["leftovers"] == {
        "folders": ["C:\\k", "C:\\etc\\cni\\net.d"],
        "programs": ["C:\\k\\kubelet.exe"],
        "kubeconfigs": [{"path": "C:\\k\\config", "server": "https://10.9.8.7:6443"}],
        "cni_configs": ["a"],
        "owned": False,
    }
    failed = {finding.check for finding in failures(run_checks(Facts(sections=found), Wanted()))}
    assert failed == {
        "feat.containers", "feat.payload", "fw.merge", "left.kubeconfig", "os.reboot", "svc.ipv6",
        "svc.vmcompute", "sw.kubelet",
    }  # fmt: skip


def test_missing_device_guard_is_no_missing_policy(tmp_path: Path) -> None:
    """Where the class is not there, the other facts of the section are known all the same."""
    cim = {name: rows for name, rows in HEALTHY["cim"].items() if name != "Win32_DeviceGuard"}
    found = read(tmp_path, {**HEALTHY, "cim": cim}, {}, sections=("policy",))
    assert found["policy"]["code_integrity"]["user"] is None
    assert "Win32_DeviceGuard" in found["policy"]["code_integrity"]["error"]
    assert found["policy"]["elevated"] is True


def test_client_answers_by_dism(tmp_path: Path) -> None:
    """A Windows client has no Get-WindowsFeature; it is asked for optional features."""
    names = ("Containers", "Microsoft-Hyper-V", "Microsoft-Hyper-V-Management-PowerShell")
    rows = [{"FeatureName": name, "State": "Enabled"} for name in names]
    machine = winps.machine(tmp_path)
    shutil.rmtree(machine.drive / winps.MODULES / "ServerManager")
    (machine.drive / "machine.json").write_text(json.dumps({"optional_features": rows}))
    script = node_script("facts/features")
    done = subprocess.run(
        [
            winps.winps(),
            "-NoProfile",
            "-Command",
            f"{script}\nConvertTo-Json (Get-WnFactsFeatures)",
        ],
        capture_output=True,
        env=machine.variables(),
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert json.loads(done.stdout) == {
        "manager": "client",
        "states": dict.fromkeys(names, "Enabled"),
    }
