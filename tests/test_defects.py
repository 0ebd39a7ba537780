"""Machines with one defect each: a preflight finds it, what follows from it, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from client import desk
from defect_wishes import sections, wished
from nodes import lab_node
from test_image_checks import direct

from wincnode.checks import Finding, Severity, Verdict, Wanted, run_checks
from wincnode.facts import Facts
from wincnode.lab.model.facts import facts_of
from wincnode.lab.programs import containerd
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import defect_names, load_profile, profile_names
from wincnode.updates import load_updates

__all__ = ["direct"]  # a fixture, which each test uses
WANTED: dict[str, Any] = {
    "subnets": ("10.244.0.0/16", "10.96.0.0/12"),
    "today": date(2026, 9, 1),
    "updates": load_updates(),
}


def told(name: str, folder: Path) -> list[Finding]:
    """Give what does not pass on a machine with a defect."""
    profile = load_profile(name)
    machine = Machine(profile, folder / "m", computer="WEB-1")
    machine.programs["containerd"] = containerd.program
    wanted = wished(profile, **WANTED)
    found = run_checks(Facts(sections=sections(machine, wanted)), wanted)
    return [row for row in found if row.verdict is not Verdict.PASS]


@pytest.mark.parametrize("name", defect_names())
def test_a_defect_gives_exactly_what_it_declares(name: str, tmp_path: Path) -> None:
    """Root causes come first; a finding has evidence, a remedy and its documentation."""
    found = told(name, tmp_path)
    assert [row.check for row in found] == list(load_profile(name).expects)
    for row in found:
        assert row.evidence
        assert row.remedy
        assert row.anchor == f"docs/checks.md#{row.check.replace('.', '')}"


def test_a_defect_is_called_as_what_fails() -> None:
    """Whoever looks for a rehearsal of a finding finds it by its id."""
    misnamed = [
        name
        for name in defect_names()
        if not any(f"{name}.".startswith(f"{id}.") for id in load_profile(name).expects)
    ]
    assert misnamed == []
    assert set(defect_names()) & set(profile_names()) == set()


@pytest.mark.parametrize("name", ["ws2019", "ws2022", "ws2025"])
def test_a_healthy_machine_has_nothing_that_matters(name: str, tmp_path: Path) -> None:
    """Infos are worth a word and no more."""
    assert [row for row in told(name, tmp_path) if row.severity is not Severity.INFO] == []


def because(name: str, folder: Path) -> dict[str, tuple[str, ...]]:
    return {row.check: row.because_of for row in told(name, folder)}


def test_a_consequence_of_a_consequence_comes_last(tmp_path: Path) -> None:
    """No payload, no feature; no feature, no services."""
    assert because("feat.payload", tmp_path) == {
        "feat.payload": (),
        "feat.containers": ("feat.payload",),
        "svc.hns": ("feat.containers",),
        "svc.vmcompute": ("feat.containers",),
        "svc.vfp": ("feat.containers",),
    }


@pytest.mark.parametrize(
    ("name", "consequence", "cause"),
    [
        ("feat.hyperv", "virt.launch", "feat.hyperv"),
        ("virt.vt", "virt.present", "virt.vt"),
        ("virt.nested", "virt.nested", "sys.mem"),
        ("svc.time.skew", "sys.time", "svc.time"),
        ("sec.defender.lock", "sec.defender.excl", "sec.defender.lock"),
        ("feat.containers.pending", "feat.containers", "os.reboot"),
        ("conn.dns", "conn.registry", "conn.dns"),
    ],
)
def test_a_consequence_names_its_cause(
    name: str, consequence: str, cause: str, tmp_path: Path
) -> None:
    """Who mends the cause has mended both."""
    assert because(name, tmp_path)[consequence] == (cause,)


@pytest.mark.parametrize(
    ("name", "severity", "words"),
    [
        ("sys.cpu.few", Severity.WARNING, "4 are advised"),
        ("sys.disk.eviction", Severity.WARNING, "below 15%"),
        ("sys.disk.small", Severity.WARNING, "50 in all are advised"),
        ("os.product", Severity.WARNING, "domain controller"),
        ("os.featureoverrides", Severity.WARNING, "image-builder sets 0, AKS sets 1"),
        ("os.featureoverrides.missing", Severity.INFO, "520997518 is not set"),
        ("os.lifecycle", Severity.INFO, "until 2029-01-09"),
        ("sec.execpol.signed", Severity.WARNING, "signed"),
        ("sec.versions", Severity.ERROR, "CVE-2023-3676"),
        ("sec.versions.containerd", Severity.WARNING, "AWS-2026-046"),
        ("virt.vt", Severity.ERROR, "firmware"),
        ("virt.slat", Severity.WARNING, "address translation"),
        ("sec.applocker", Severity.WARNING, r"allows C:\k\kubelet.exe"),
        ("sec.applocker.denied", Severity.WARNING, "Script rules deny"),
        ("sec.defender.lock.tamper", Severity.WARNING, "TPExclusions"),
        ("os.wu.local", Severity.WARNING, "AUOptions 5"),
        ("conn.dns", Severity.ERROR, "mirror.example: HostNotFound"),
        ("conn.api", Severity.ERROR, "https://10.0.0.9:6443: TimedOut"),
        ("conn.api.tls", Severity.WARNING, "AuthenticationFailed"),
        ("conn.registry.filtered", Severity.ERROR, "docker.io/v2/: 403"),
        ("conn.download", Severity.WARNING, "https://dl.k8s.io/kubelet.exe: 403"),
        ("conn.peer", Severity.WARNING, "web-2 (192.168.50.22:5986): TimedOut"),
        ("img.host", Severity.ERROR, "nanoserver:ltsc2022: containerd takes none of its images"),
        ("img.pause", Severity.ERROR, "docker.io/library/sandbox:ltsc2022, process isolation"),
        ("img.foreign", Severity.WARNING, "has layers at layers.example"),
        ("img.auth", Severity.WARNING, "asks for a user and a password"),
        ("host.unique", Severity.ERROR, "is of the machine 11111111-2222-3333-4444-555555555555"),
        ("sec.av.filters.virtual", Severity.WARNING, "cbfs6 (149810.5)"),
    ],
)
def test_a_defect_is_as_severe_as_it_is(
    name: str, severity: Severity, words: str, tmp_path: Path
) -> None:
    """The evidence is what was seen."""
    row = told(name, tmp_path)[0]
    assert row.severity is severity
    assert words in row.evidence


def test_exclusions_that_policy_hides_are_unknown(tmp_path: Path) -> None:
    """An empty list would say that Defender scans everything."""
    machine = Machine(load_profile("ws2022"), tmp_path / "m", computer="WEB-1")
    sections = facts_of(machine)
    sections["protection"]["defender"]["excluded"] = None
    found = {row.check: row for row in run_checks(Facts(sections=sections), Wanted(**WANTED))}
    assert found["sec.defender.excl"].verdict is Verdict.UNKNOWN
    assert "hides" in found["sec.defender.excl"].evidence


@pytest.mark.parametrize("name", ["sys.dedup.unknown", "virt.nested.unknown", "sec.wdac.unknown"])
def test_what_nobody_can_say_is_unknown(name: str, tmp_path: Path) -> None:
    """A missing fact is neither good nor bad news."""
    assert {row.verdict for row in told(name, tmp_path)} == {Verdict.UNKNOWN}


INVENTORY = """\
cluster: {api_server: '127.0.0.1:1', kubernetes: 1.36.4}
runtime:
  registries: [{host: docker.io, server: 'http://127.0.0.1:1', allow_unencrypted: true}]
preflight: {images: [docker.io/library/app]}
"""


def test_a_preflight_over_the_wire_finds_what_a_node_does_not_reach(tmp_path: Path) -> None:
    """The defect decides before any connection is tried: both ports are shut for all."""
    with lab_node(tmp_path / "node", engine="model", profile="conn.registry.filtered") as node:
        here = desk(tmp_path, node, "")
        file = tmp_path / "wincnode.yaml"
        _, _, rest = file.read_text().partition("connection:\n")
        file.write_text(f"{INVENTORY}connection:\n{rest}")

        done = here.run("preflight", "--only", "conn", "--no-images", "-o", "json")

    found = {row["check"]: row for row in json.loads(done.stdout)["nodes"][0]["findings"]}
    assert found["conn.registry"]["verdict"] == "fail"
    assert "http://127.0.0.1:1/v2/: 403" in found["conn.registry"]["evidence"]
    assert "https://127.0.0.1:1: ConnectionRefused" in found["conn.api"]["evidence"]
