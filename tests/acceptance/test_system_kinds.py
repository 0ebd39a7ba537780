"""Step kinds of the system: what waits for a reboot, what policy owns, what does not go together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import winps
from conformance import Case
from conformance.play import lines
from nodes import ENGINES, lab_node

from wincnode import assets
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Host
from wincnode.lab.model.kinds import KINDS
from wincnode.lab.windows import naming, pagefile, ports, programs
from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.cmdlets import CmdletError, call
from wincnode.lab.windows.features import HYPERV, Features
from wincnode.lab.windows.machine import SYSTEM32, Machine
from wincnode.lab.windows.profiles import load_profile
from wincnode.lab.windows.registry import Value
from wincnode.node.kinds import Value as Wanted
from wincnode.node.kinds import all_kinds, misfit, problems

ONLINE = f"{HYPERV}-Online"
# Kind, key, want, and what its Get says in the end, or its error.
Turn: TypeAlias = "tuple[str, dict[str, Any], dict[str, Any], str]"
# Takes turn after turn, as a run does not do when one fails or waits for a reboot.
PROBE = """
function Get-WnProbe {
    param($Key, $Want)
    $said = @(foreach ($turn in $Key['turns']) {
        . ([scriptblock]::Create((Get-WnScript ('kinds/' + $turn['kind']))))
        $name = ConvertTo-WnPascal $turn['kind']
        try {
            $have = & "Get-Wn$name" -Key $turn['key'] -Want $turn['want']
            if ($have.state -ne 'policy_owned') {
                $null = & "Set-Wn$name" -Key $turn['key'] -Want $turn['want'] -Have $have
                $have = & "Get-Wn$name" -Key $turn['key'] -Want $turn['want']
            }
            $have.state
        } catch { $_.Exception.Message }
    })
    @{ state = 'settled'; values = @{ said = $said } }
}
"""


def by_scripts(node: winps.Machine, turns: Sequence[Turn]) -> list[str]:
    """Take the turns by the shipped scripts, in one process."""
    rows = [{"kind": kind, "key": key, "want": want} for kind, key, want, _ in turns]
    scripts = {f"kinds/{kind}": assets.node_script(f"kinds/{kind}") for kind, *_ in turns}
    step = {"id": "1", "kind": "probe", "key": {"turns": rows}, "timeout_s": 60}
    events = node.run(
        kinds={"probe": {"compare": {}, "detached_only": False}},
        scripts={**scripts, "kinds/probe": PROBE},
        steps=[{**step, "want": {"said": []}}],
    )
    (finished,) = [row for row in events if row["type"] == "step_finished"]
    said: list[str] = finished["diff"][0]["have"]
    return said


def by_model(machine: Machine, turns: Sequence[Turn]) -> list[str]:
    """Take the turns as the lab's model does them."""
    host = Host(machine)
    said = []
    for kind, key, want, _ in turns:
        functions = KINDS[kind]
        assert functions.set
        try:
            found = functions.get(host, key, want)
            if found.state != "policy_owned":
                functions.set(host, key, want, found)
                found = functions.get(host, key, want)
            said.append(found.state)
        except (Failure, CmdletError) as error:
            said.append(error.message)
    return said


CMDLETS_ONLY = {"state": "enabled", "with": ["Containers"], "without": [ONLINE]}
DISK = {"mode": "fixed", "initial_mb": 8192, "maximum_mb": 8192}
WAITING: tuple[Turn, ...] = (
    ("optional_feature", {"name": HYPERV}, CMDLETS_ONLY, "needs_reboot"),
    ("hostname", {}, {"name": "win-1"}, "needs_reboot"),
    ("pagefile", {"drive": "D:"}, DISK, "needs_reboot"),
)
NTP = {"type": "ntp", "servers": ["a"]}
# Its service stands, so nothing needs to be told.
CLOCK: Turn = ("time_source", {}, NTP, "settled")
ROLE: Turn = ("windows_feature", {"name": "Containers"}, {"state": "present"}, "needs_reboot")


def prepared(machine: Machine) -> Machine:
    """Take the features for containers away, and let the clock stand."""
    machine.features.load({"Containers": "Available"})
    machine.services.stop("W32Time")
    machine.clock.advance(60)
    return machine


def outcomes(node: winps.Machine, turns: Sequence[Turn]) -> list[str]:
    """Give how the turns end as steps of a check."""
    rows = enumerate(turns)
    steps = [
        {"id": str(n), "kind": kind, "key": key, "want": want, "timeout_s": 60}
        for n, (kind, key, want, _) in rows
    ]
    events = node.run(steps=steps)
    return [row["outcome"] for row in events if row["type"] == "step_finished"]


def test_what_needs_a_reboot_says_so_until_the_machine_has_booted(tmp_path: Path) -> None:
    """Features, name and page file are set once, wait, and hold after one reboot."""
    with winps.machine(tmp_path / "scripts") as node:
        machine = prepared(node.model)
        assert by_scripts(node, [*WAITING, CLOCK]) == ["needs_reboot"] * 3 + ["settled"]
        states = machine.features.states()
        assert (states[HYPERV], states[ONLINE]) == ("EnablePending", "Disabled")
        assert machine.registry.data(pagefile.KEY, "PagingFiles") == [
            r"C:\pagefile.sys 0 0",
            r"D:\pagefile.sys 8192 8192",
        ]
        assert outcomes(node, [*WAITING, ROLE]) == ["needs_reboot"] * 4
        registry = machine.registry.snapshot()

        machine.reboot()

        assert outcomes(node, [*WAITING, ROLE]) == ["ok"] * 4
        assert machine.computer == "WIN-1"

    other = prepared(Machine(load_profile("ws2022"), tmp_path / "model", computer="WIN1"))
    assert by_model(other, [*WAITING, CLOCK]) == ["needs_reboot"] * 3 + ["settled"]
    assert other.registry.snapshot() == registry
    host = Host(other)
    other.reboot()
    found = [KINDS[kind].get(host, key, want) for kind, key, want, _ in [*WAITING, ROLE]]
    assert [row.state for row in found] == ["settled"] * 4


TCP = {"protocol": "tcp", "family": "ipv4"}
ON = {"state": "enabled"}
THERE, AWAY = {"state": "present"}, {"state": "absent"}
OVERLAP = "netsh.exe ended with 1: The parameter"
NO_FILES = "Error: 0x800f081f The node lacks the files"
DEFENDER = r"HKLM:\SOFTWARE\Policies\Microsoft\Windows Defender"


def policy(path: str, name: str, value: str, *, kind: str = "String") -> Turn:
    """Let group policy say something."""
    want = {"state": "present", "type": kind, "value": [value]}
    return ("registry_value", {"path": path, "name": name}, want, "settled")


def excluded(kind: str, value: str, want: dict[str, Any], said: str = "settled") -> Turn:
    """Let Defender leave something alone, or not."""
    return ("defender_exclusion", {"type": kind, "value": value}, want, said)


TURNS: tuple[Turn, ...] = (
    excluded("path", "C:\\k", THERE),
    excluded("path", "c:\\K", AWAY),
    excluded("process", "a.exe", AWAY),
    excluded("extension", "x", THERE),
    policy(DEFENDER + r"\Exclusions\Paths", r"C:\p", "0"),
    excluded("path", "C:\\p", AWAY, "policy_owned"),
    policy(DEFENDER, "DisableLocalAdminMerge", "1", kind="DWord"),
    excluded("path", "C:\\k", THERE, "policy_owned"),
    ("hostname", {}, {"name": "win-1"}, "Win32_ComputerSystem.Rename returned 5."),
    ("optional_feature", {"name": "No"}, ON, "This Windows has no optional feature No."),
    ("optional_feature", {"name": "Gone"}, ON, NO_FILES),
    ("optional_feature", {"name": "Gone"}, {**ON, "source": "D:\\sxs"}, "settled"),
    ("windows_feature", {"name": "No"}, THERE, "This Windows has no feature No."),
    ("windows_feature", {"name": "Lost"}, THERE, NO_FILES),
    ("windows_feature", {"name": "Lost"}, {**THERE, "source": "D:\\sxs"}, "settled"),
    ("pagefile", {"drive": "D:"}, {"mode": "system"}, "needs_reboot"),
    ("pagefile", {"drive": "D:"}, {"mode": "automatic"}, "settled"),
    ("port_range", TCP, {"start": 65000, "count": 900}, OVERLAP),
    ("port_range", {**TCP, "family": "ipv5"}, {}, "netsh.exe showed no port range"),
    ("port_exclusion", {**TCP, "start": 5, "count": 9}, THERE, "settled"),
    ("port_exclusion", {**TCP, "start": 6, "count": 2}, THERE, OVERLAP),
    ("power_plan", {}, {"plan": "0" * 8}, "powercfg.exe /setactive ended with 1."),
    policy(r"HKLM:\SOFTWARE\Policies\Microsoft\Power\PowerSettings", "ActivePowerScheme", "x"),
    ("power_plan", {}, {"plan": "balanced"}, "policy_owned"),
    ("time_source", {}, NTP, "w32tm.exe /config /update ended with 5."),
    policy(r"HKLM:\SOFTWARE\Policies\Microsoft\W32Time\Parameters", "NtpServer", "b,0x9"),
    ("time_source", {}, NTP, "policy_owned"),
)


def troubled(machine: Machine) -> Machine:
    """Make the machine one on which much goes wrong."""
    machine.denied.add("w32tm")
    machine.features.load({"Gone": "Removed", "Lost": "Removed"})
    machine.cim["Win32_ComputerSystem"] = [
        {**machine.cim["Win32_ComputerSystem"][0], "PartOfDomain": True}
    ]
    machine.registry.delete_value(naming.TCPIP, "NV Hostname")
    files = ["", "no file", r"C:\pagefile.sys 0 0"]
    machine.registry.set(pagefile.KEY, "PagingFiles", Value(kind="MultiString", data=files))
    return machine


def test_what_goes_wrong_and_what_policy_owns_is_told_alike(tmp_path: Path) -> None:
    """Scripts and model say the same of each trouble, and leave the same behind."""
    with winps.machine(tmp_path / "scripts") as node:
        machine = troubled(node.model)
        said = by_scripts(node, TURNS)
    for text, (*turn, expected) in zip(said, TURNS, strict=True):
        assert expected in text, turn

    other = troubled(Machine(load_profile("ws2022"), tmp_path / "model", computer="WIN1"))
    assert said == by_model(other, TURNS)
    assert other.registry.snapshot() == machine.registry.snapshot()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_client_has_no_roles_and_its_defender_may_be_off(engine: str, tmp_path: Path) -> None:
    """The error names the kind that does it; an exclusion of nothing is nothing to do."""
    role = Case(id="role", kind=ROLE[0], key=ROLE[1], want=ROLE[2])
    kind, key, want, _ = excluded("path", "C:\\k", THERE)
    with lab_node(tmp_path, engine=engine, profile="win11") as node:
        node.machine.services.stop("WinDefend")
        node.machine.clock.advance(60)
        rows = lines(node, [role, Case(id="path", kind=kind, key=key, want=want)], "check")
    failed, fine = [row for row in rows if row["type"] == "step_finished"]
    assert "optional_feature" in failed["error"]
    assert fine["outcome"] == "ok"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(load_profile("ws2022"), tmp_path, computer="WEB-1", clock=Clock(speed=100))


def test_a_role_is_what_the_least_of_its_parts_is() -> None:
    """Hyper-V without its hypervisor is no installed role; what is pending may be taken back."""
    features = Features({"Hyper-V": "Available", "Fax": "Installed"})
    features.turn(["hyper-v"], on=True)
    assert features.roles() == {"Hyper-V": "InstallPending", "Fax": "Installed"}
    features.boot()
    features.turn([ONLINE], on=False)
    assert features.states()[ONLINE] == "DisablePending"
    assert features.roles()["Hyper-V"] == "UninstallPending"
    features.turn([ONLINE], on=True)
    assert features.roles()["Hyper-V"] == "Installed"


@pytest.mark.parametrize(
    ("cmdlet", "bound", "code"),
    [
        ("Install-WindowsFeature", {"Name": "Gone"}, "0x800f081f"),
        ("Enable-WindowsOptionalFeature", {"FeatureName": ["NoSuch"]}, "unknown"),
    ],
)
def test_features_fail_as_on_windows(
    machine: Machine, cmdlet: str, bound: dict[str, Any], code: str
) -> None:
    """A payload that is not there has its code; a name that Windows does not know is told."""
    machine.features.load({"Gone": "Removed"})
    with pytest.raises(CmdletError) as caught:
        call(machine, cmdlet, bound)
    assert code in caught.value.message


def test_an_install_takes_its_time_on_the_machines_clock(tmp_path: Path) -> None:
    """Its seconds are those of the profile, however fast the clock goes."""
    clock = Clock(speed=100)
    machine = Machine(load_profile("ws2022"), tmp_path, computer="WEB-1", clock=clock)
    before = clock.seconds()
    call(machine, "Install-WindowsFeature", {"Name": "Web-Server"})
    assert clock.seconds() - before >= machine.profile.durations["feature_install"]


@pytest.mark.parametrize(
    ("program", "words", "code"),
    [
        ("netsh", "interface ipv4 set dynamicportrange tcp 60000 10000", 1),
        ("netsh", "interface ipv4 delete excludedportrange tcp 1 1 persistent", 1),
        ("netsh", "interface ipv4 reset", 1),
        ("powercfg", "/setactive e9a42b02-d5df-448d-aa00-03f14749eb61", 1),
        ("w32tm", "/config /update", 1062),
        ("w32tm", "/resync", 1),
    ],
)
def test_programs_refuse_what_cannot_be(
    machine: Machine, program: str, words: str, code: int
) -> None:
    """Scripts go by the exit code."""
    machine.services.stop("W32Time")
    machine.clock.advance(1)
    assert programs.run(machine, rf"{SYSTEM32}\{program}.exe", words.split()).code == code


def test_kept_ports_do_not_overlap() -> None:
    """What is kept twice would be given back once."""
    kept = ports.Ports()
    assert kept.exclude("add", "ipv4", "tcp", (30000, 10))[0] == 0
    assert kept.exclude("add", "ipv4", "tcp", (30009, 1))[0] == 1
    assert kept.exclude("delete", "ipv4", "tcp", (30000, 10))[0] == 0


def test_a_member_of_a_domain_is_not_renamed_by_itself(machine: Machine) -> None:
    """Windows answers with the code of denied access; a longer name is cut for NetBIOS."""
    rename = naming.rename
    assert rename(machine.registry, "x", domain_member=True) == naming.ACCESS_DENIED
    assert rename(machine.registry, "a-name-that-is-too-long", domain_member=False) == 0
    machine.reboot()
    assert machine.computer == "A-NAME-THAT-IS-"
    assert machine.registry.data(naming.TCPIP, "Hostname") == "a-name-that-is-too-long"


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("win-1", True), ("W", True), ("1a", True), ("123", False), ("a.b", False), ("-a", False),
        ("a-", False), ("a_b", False), ("a" * 15, True), ("a" * 16, False), ("", False),
    ],
)  # fmt: skip
def test_a_name_is_one_that_kubernetes_and_netbios_take(name: str, *, fits: bool) -> None:
    """A longer one would be cut, and the node would be registered under another name."""
    assert (not misfit(all_kinds()["hostname"].field("name"), name)) is fits


@pytest.mark.parametrize(
    ("kind", "values", "field", "words"),
    [
        ("windows_feature", {"name": "A", "state": "absent", "with": ["B"]}, "with", "absent"),
        ("optional_feature", {"name": "A", "state": "disabled", "without": ["B"]}, "without",
         "enabled alone"),
        ("pagefile", {"drive": "C:", "mode": "fixed", "initial_mb": 5}, "maximum_mb", "missing"),
        ("pagefile", {"drive": "C:", "mode": "system", "initial_mb": 5}, "initial_mb", "not fixed"),
        ("pagefile", {"drive": "C:", "mode": "fixed", "initial_mb": 5, "maximum_mb": 4},
         "maximum_mb", "from initial_mb, 5"),
        ("time_source", {}, "servers", "missing"),
        ("time_source", {"type": "domain", "servers": ["a"]}, "servers", "names its own"),
        ("port_range", {"protocol": "tcp", "family": "ipv4", "start": 60000, "count": 6000},
         "count", "at most 5536"),
        ("port_exclusion", {"protocol": "tcp", "family": "ipv4", "start": 65535, "count": 2},
         "count", "at most 1"),
    ],
)  # fmt: skip
def test_fields_that_do_not_go_together_are_refused(
    kind: str, values: dict[str, Wanted], field: str, words: str
) -> None:
    """The one field that is to be changed is named, with what it takes."""
    ((found, problem),) = problems(all_kinds()[kind], values)
    assert found == field
    assert words in problem
