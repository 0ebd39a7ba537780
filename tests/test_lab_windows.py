"""The model of Windows: what its parts promise, and that its stand-ins are as Windows' cmdlets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wincnode.lab.windows import cmdlets, standins, wql
from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.machine import PREFETCH, Machine
from wincnode.lab.windows.profiles import load_profile
from wincnode.lab.windows.registry import Registry, Value
from wincnode.lab.windows.services import sc

CONTRACT = Path(__file__).parents[2] / "shared" / "ps-contract" / "cmdlets.json.gz"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(load_profile("ws2022"), tmp_path, computer="WEB-1", clock=Clock(speed=0))


def call(machine: Machine, cmdlet: str, **bound: Any) -> list[dict[str, Any]]:
    return cmdlets.call(machine, cmdlet, bound)


def test_stand_ins_are_current() -> None:
    """Their parameters and accepted values are those that every supported release has."""
    if not CONTRACT.is_file():
        pytest.skip(f"no contract of cmdlets at {CONTRACT}")
    have = {path.stem: path.read_text() for path in standins.MODULES.glob("*.psm1")}
    del have[standins.CLIENT]
    assert have == standins.modules(CONTRACT)


def test_a_service_takes_its_time_to_start(machine: Machine) -> None:
    """Until its seconds are over it is neither stopped nor running."""
    machine.services.create({"Name": "kubelet", "PathName": "x", "StartMode": "Manual"})
    states = []
    machine.services.start("kubelet")
    for _ in range(2):
        (row,) = call(
            machine, "Get-CimInstance", ClassName="Win32_Service", Filter="Name='KUBELET'"
        )
        states.append(row["State"])
        machine.clock.advance(1)
    assert states == ["Start Pending", "Running"]


@pytest.mark.parametrize(
    ("method", "code"), [("create", 23), ("start", 10), ("delete again", 16), ("disabled", 14)]
)
def test_service_methods_return_the_codes_of_windows(
    machine: Machine, method: str, code: int
) -> None:
    """Scripts decide by these numbers."""
    services = machine.services
    services.load({"one": {"State": "Running"}, "two": {"StartMode": "Disabled"}})
    found = {
        "create": lambda: services.create({"Name": "ONE"}),
        "start": lambda: services.start("one"),
        "delete again": lambda: services.delete("one") or services.delete("one"),
        "disabled": lambda: services.start("two"),
    }[method]()
    assert found == code


def test_a_deleted_service_goes_when_it_has_stopped(machine: Machine) -> None:
    """While it runs it is only marked."""
    machine.services.delete("Spooler")
    before = {row["Name"] for row in machine.services.rows()}
    machine.services.stop("Spooler")
    machine.clock.advance(1)
    after = {row["Name"] for row in machine.services.rows()}
    assert before - after == {"Spooler"}


def test_sc_failure_writes_what_windows_keeps(machine: Machine) -> None:
    """Reset, three pointers, the count, then an action and its delay for each."""
    words = ["failure", "Spooler", "reset=", "86400", "actions=", "restart/5000"]
    assert sc(machine.services, words) == 0
    key = r"HKLM\SYSTEM\CurrentControlSet\Services\Spooler"
    data = bytes(machine.registry.data(key, "FailureActions"))
    assert [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)] == [
        86400, 0, 0, 1, 20, 1, 5000,
    ]  # fmt: skip
    assert sc(machine.services, ["failure", "nobody", *words[2:]]) == 1060
    assert sc(machine.services, ["query"]) == 1639


def test_a_filter_takes_and_before_or() -> None:
    """As WQL does; names and texts without regard to case."""
    row = {"Name": "it's", "DriveType": 3, "On": True}
    assert wql.matches("DriveType = 2 OR DriveType = 3 AND Name='IT\\'S'", row)
    assert wql.matches("On = TRUE", row)
    assert not wql.matches("DriveType = 3 AND Name = 'x'", row)
    for bad in ("Name LIKE 'a%'", "Name='a' XOR Name='b'", ""):
        with pytest.raises(wql.QueryError):
            wql.matches(bad, row)


def test_only_properties_that_were_asked_for_have_a_value(machine: Machine) -> None:
    """A script that forgets one to ask for sees nothing, as on Windows."""
    (row,) = call(
        machine, "Get-CimInstance", ClassName="Win32_OperatingSystem", Property=["ProductType"]
    )
    assert (row["ProductType"], row["OperatingSystemSKU"]) == (3, None)


@pytest.mark.parametrize(
    ("cmdlet", "bound", "id"),
    [
        ("Get-CimInstance", {"ClassName": "Win32_No"}, "HRESULT 0x80041010"),
        ("Get-CimInstance", {"ClassName": "Win32_Service", "Filter": "?"}, "HRESULT 0x80041017"),
        ("Start-ScheduledTask", {"TaskName": "none"}, "HRESULT 0x80070002,Start-ScheduledTask"),
        (
            "Remove-NetFirewallRule",
            {"Name": "none"},
            "CmdletizationQuery_NotFound_InstanceID,Remove-NetFirewallRule",
        ),
    ],
)
def test_cmdlets_fail_as_on_windows(
    machine: Machine, cmdlet: str, bound: dict[str, Any], id: str
) -> None:
    """The error's id is what a script may rely on."""
    with pytest.raises(cmdlets.CmdletError) as caught:
        call(machine, cmdlet, **bound)
    assert caught.value.id == id


def test_a_reboot_changes_the_boot_and_the_services(machine: Machine) -> None:
    """Processes end, manual services stand still, a new computer name comes to be."""
    ended: list[bool] = []
    machine.on_down.append(lambda: ended.append(True))
    names = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName"
    machine.registry.set(names + r"\ComputerName", "ComputerName", Value(kind="String", data="NEW"))
    booted, boot = machine.booted, machine.boot

    machine.reboot()

    states = {row["Name"]: row["State"] for row in machine.services.rows()}
    assert ended
    assert (states["hns"], states["Spooler"]) == ("Stopped", "Running")
    assert machine.boot != boot
    assert machine.booted > booted
    assert machine.registry.data(names + r"\ActiveComputerName", "ComputerName") == "NEW"


def test_registry_names_have_no_case_and_keys_their_parents(tmp_path: Path) -> None:
    """The spelling of the first writer stays."""
    registry = Registry(tmp_path / "registry.json")
    registry.set(r"HKLM\Software\A\B", "Name", Value(kind="DWord", data=1))
    registry.set(r"hklm\SOFTWARE\a\b", "NAME", Value(kind="DWord", data=2))

    assert registry.snapshot() == {r"HKLM\Software\A\B": {"Name": Value(kind="DWord", data=2)}}
    assert registry.has(r"HKLM\software\A")
    registry.delete_key(r"HKLM\SOFTWARE\a")
    assert not registry.has(r"HKLM\software\a\b")
    assert PREFETCH not in registry.snapshot()
