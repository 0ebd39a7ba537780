"""The ladder: which rungs are tried, and what is made of what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wincnode.hcs import lifecycles, rules, smoke
from wincnode.hcs.errors import load_meanings
from wincnode.hcs.program import from_json, to_json
from wincnode.hcs.remains import ADVICE
from wincnode.hcs.rungs import BY_ID, RUNGS, Rung, Situation, Skipped, Tried, ladder
from wincnode.hcs.smoke import Verdict
from wincnode.lab.model.compute import Executor
from wincnode.lab.windows.compute import FAULTS
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile

KNOWN = load_meanings()
IMAGE = "registry.k8s.io/pause:3.10.2"
ALL = Situation(
    build=20348,
    containers=True,
    hyperv=True,
    hypervisor=True,
    vmcompute=True,
    runtime="containerd",
    image=IMAGE,
    isolation=("process", "hyperv"),
    hosted=True,
    lcow=("C:\\lcow\\vmlinux", "C:\\lcow\\initrd.img"),
)


def machine(folder: Path, *faults: str, hyperv: str = "Installed") -> Machine:
    found = Machine(load_profile("ws2022"), folder, computer="X")
    found.features.load({"Hyper-V": hyperv})
    found.compute.faults |= set(faults)
    found.compute.images = lambda: (IMAGE,)
    return found


def climbed(on: Machine, now: Situation = ALL) -> dict[str, Verdict]:
    """Try the ladder on the model of a machine."""
    steps = ladder(now)
    shown = {
        step.rung.id: smoke.judged(step.rung, _ran(on, step), KNOWN)
        for step in steps
        if isinstance(step, Tried)
    }
    rows = smoke.together(smoke.unanswered(steps, shown, "nothing came"))
    return {row.rung.id: row for row in rows}


def _ran(on: Machine, step: Tried) -> Any:
    return Executor(compute=on.compute).run(to_json(step.program))


def statuses(rows: dict[str, Verdict]) -> dict[str, str]:
    return {name: row.status for name, row in rows.items()}


def left(on: Machine) -> list[Any]:
    """Give what a machine still holds of what was tried."""
    compute = on.compute
    return [compute.systems, compute.layers, compute.folders, compute.grants, compute.files]


def nothing(on: Machine) -> bool:
    return not any(left(on))


def missing(now: Situation) -> dict[str, str]:
    return {
        step.rung.id: f"{step.missing}: {step.text}"
        for step in ladder(now)
        if isinstance(step, Skipped)
    }


@pytest.mark.parametrize("build", [17763, 20348, 25398, 26100])
def test_every_program_keeps_the_rules_on_every_build(build: int) -> None:
    programs = [
        lifecycles.service(),
        lifecycles.schema(),
        lifecycles.storage(),
        lifecycles.machine(build),
        lifecycles.process_isolated(build, runtime="containerd", image=IMAGE),
        lifecycles.hyperv_isolated(build, runtime="docker", image=IMAGE),
        lifecycles.hosted(build, runtime="containerd", image=IMAGE),
        lifecycles.linux(build, kernel="C:\\k\\vmlinux", rootfs="C:\\k\\rootfs.vhd"),
        lifecycles.listing(),
        lifecycles.removal("x"),
    ]
    for program in programs:
        assert rules.problems(program) == ()
        assert program.limit_s < 3600
    assert len({lifecycles.IDS[name] for name in lifecycles.IDS}) == len(lifecycles.IDS)


def test_every_rung_needs_and_resembles_lower_ones() -> None:
    names = [rung.id for rung in RUNGS]

    assert names == ["service", "schema", "storage", "vm", "process", "hyperv", "hosted", "lcow"]
    for at, rung in enumerate(RUNGS):
        assert {*rung.needs, *rung.alike, *rung.outdoes} <= set(names[:at])
        assert rung.title and rung.proves and rung.remedy and rung.source


def test_a_healthy_machine_shows_all_and_keeps_nothing(tmp_path: Path) -> None:
    on = machine(tmp_path)

    rows = climbed(on)

    assert set(statuses(rows).values()) == {"pass"}
    assert "Windows 10.0.20348" in rows["process"].evidence
    assert "2.5" in rows["schema"].evidence
    assert all(row.remedy == "" and not row.notes for row in rows.values())
    assert nothing(on)


@pytest.mark.parametrize(
    ("fault", "failed", "cause", "unknown"),
    [
        ("hcs-no-hypervisor", {"vm", "hyperv", "hosted", "lcow"}, "cause.hypervisor", set()),
        ("hcs-logon-right", {"vm", "hyperv", "hosted", "lcow"}, "logon.type", set()),
        ("hcs-filter", {"storage", "process"}, "layer.filter", set()),
        ("hcs-unexpected-exit", {"process", "hyperv", "hosted"}, "hcs.start", set()),
        ("hcs-stuck-layer", {"storage", "process"}, "layer.in-use", set()),
        ("hcs-refused", set(), "", set(BY_ID)),
    ],
)
def test_each_fault_is_named_by_its_cause(
    fault: str, failed: set[str], cause: str, unknown: set[str], tmp_path: Path
) -> None:
    on = machine(tmp_path, fault)

    rows = climbed(on)

    found = {name for name, row in rows.items() if row.status == "fail"}
    assert found == failed
    assert {name for name, row in rows.items() if row.status == "unknown"} == unknown
    for name in failed:
        assert rows[name].reasons[0].cause.id == cause
        assert rows[name].kept == (fault == "hcs-stuck-layer")
        assert rows[name].remedy == (ADVICE if rows[name].kept else KNOWN.causes[cause].remedy)
    # What follows from a lower rung says so, and the lowest stands alone.
    lowest = next((rung.id for rung in RUNGS if rung.id in failed), None)
    for name in failed:
        assert (f"smoke.{lowest}" in rows[name].because) == (name != lowest)
    assert nothing(on) == (fault != "hcs-stuck-layer")


def test_every_fault_of_the_lab_is_rehearsed_above() -> None:
    assert len(FAULTS) == 6


def test_what_stays_behind_is_told_now_and_taken_away_next_time(tmp_path: Path) -> None:
    on = machine(tmp_path, "hcs-stuck-layer")
    first = climbed(on)
    on.compute.faults.clear()
    on.compute.boot()

    second = climbed(on)

    assert first["storage"].status == "fail"
    assert "with the layer below it; but it could not be taken down: layer.deactivate" in (
        first["storage"].evidence
    )
    assert any("layer.deactivate" in note for note in first["storage"].notes)
    assert "removed a scratch that an earlier smoke test left" in second["service"].notes[0]
    assert nothing(on)


def test_leftovers_that_cannot_go_are_told(tmp_path: Path) -> None:
    on = machine(tmp_path, "hcs-stuck-layer")
    climbed(on)

    notes = climbed(on)["service"].notes

    assert any("of an earlier smoke test stays" in note for note in notes)


def test_a_looker_leaves_what_others_left(tmp_path: Path) -> None:
    on = machine(tmp_path)
    document = {
        "Owner": "wincnode",
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "VirtualMachine": {},
    }
    on.compute.create("left", document, v1=False)

    seen = Executor(compute=on.compute).run(to_json(lifecycles.listing()))

    assert [row["Id"] for row in seen["calls"][0]["result"]] == ["left"]
    assert seen["leftovers"] == []
    cleared = Executor(compute=on.compute).run(to_json(lifecycles.service()))
    assert [row["id"] for row in cleared["leftovers"]] == ["left"]


def test_a_probe_that_fails_where_a_container_runs_is_itself_at_fault() -> None:
    """Nobody has run the probes on every Windows."""
    verdicts = {
        "storage": Verdict(rung=BY_ID["storage"], status="fail", evidence="layer.base failed"),
        "process": Verdict(rung=BY_ID["process"], status="pass", evidence="it runs"),
    }

    rows = {row.rung.id: row for row in smoke.together(verdicts)}  # type: ignore[arg-type]

    assert rows["storage"].status == "unknown"
    assert "but process passed, so the probe itself may be wrong" in rows["storage"].evidence


def test_what_stays_on_a_node_is_a_failure_whoever_passes_after_it() -> None:
    verdicts = {
        "storage": Verdict(rung=BY_ID["storage"], status="fail", evidence="it stays", kept=True),
        "process": Verdict(rung=BY_ID["process"], status="pass", evidence="it runs"),
    }

    rows = {row.rung.id: row for row in smoke.together(verdicts)}  # type: ignore[arg-type]

    assert (rows["storage"].status, rows["storage"].evidence) == ("fail", "it stays")


def test_what_is_not_wanted_is_not_tried() -> None:
    plain = Situation(build=20348, runtime="containerd", image=IMAGE)
    hyperv = Situation(build=20348, runtime="docker", image=IMAGE, isolation=("hyperv",))

    assert set(missing(plain)) == {"vm", "hyperv", "hosted", "lcow"}
    assert set(missing(hyperv)) == {"process", "hosted", "lcow"}
    for step in ladder(plain):
        if isinstance(step, Skipped):
            verdict = smoke.skipped(step)
            assert (step.wanted, verdict.remedy, verdict.proven) == (False, "", True)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"containers": False, "hyperv": False},
            {
                "service": "feature: the feature Containers is not installed",
                "schema": "rung: service could not be tried: the feature Containers is not"
                " installed",
            },
        ),
        ({"vmcompute": False}, {"service": "feature: the service vmcompute does not exist"}),
        (
            {"containers": False},
            {
                "storage": "feature: the feature Containers is not installed",
                "process": "feature: the feature Containers is not installed",
            },
        ),
        (
            {"hyperv": False},
            dict.fromkeys(
                ("vm", "hyperv", "hosted", "lcow"), "feature: the feature Hyper-V is not installed"
            ),
        ),
        (
            {"runtime": None},
            dict.fromkeys(
                ("process", "hyperv", "hosted"),
                "runtime: no container runtime is installed that could give an image's layers",
            ),
        ),
        (
            {"image": "", "no_image": "why"},
            dict.fromkeys(("process", "hyperv", "hosted"), "image: why"),
        ),
        (
            {"hypervisor": False},
            dict.fromkeys(
                ("vm", "hyperv", "hosted", "lcow"), "hypervisor: no hypervisor runs on the machine"
            ),
        ),
        (
            {"build": 14393},
            {"service": "build: build 14393 has no computecore.dll; 17763 is the first"},
        ),
        (dict.fromkeys(("containers", "hyperv", "hypervisor", "vmcompute")), {}),
    ],
)
def test_what_facts_lack_skips_rungs_by_name(
    change: dict[str, Any], expected: dict[str, str]
) -> None:
    now = Situation(**{**{name: getattr(ALL, name) for name in ALL.__slots__}, **change})

    found = missing(now)

    assert expected.items() <= found.items()
    if "service" not in expected:
        assert found == expected
    else:
        assert set(found) == set(BY_ID)
    for step in ladder(now):
        if isinstance(step, Skipped):
            assert smoke.skipped(step).remedy
            assert not smoke.skipped(step).proven


def test_a_feature_that_is_missing_on_the_machine_fails_there_too(tmp_path: Path) -> None:
    """The facts may be older than the machine."""
    on = machine(tmp_path)
    on.features.load({"Containers": "Available", "Hyper-V": "Available"})

    rows = climbed(on)

    assert rows["service"].status == "fail"
    assert "0x80370114" in rows["service"].evidence


def _answer(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    rows = [{"ms": 5, "message": "", "status": "ok", "do": "x", **row} for row in calls]
    return {"version": 1, "leftovers": [], "calls": rows, "finally": [], **more}


def _verdict(rung: Rung, *calls: dict[str, Any], **more: Any) -> Verdict:
    return smoke.judged(rung, _answer(*calls, **more), KNOWN)


def test_the_process_and_its_version_are_judged() -> None:
    def of(**result: Any) -> Verdict:
        return _verdict(BY_ID["process"], {"id": "done", "result": result})

    german = "\r\nMicrosoft Windows [Version 10.0.17763.6293]\r\n"
    assert of(exit_code=0, stdout=german).status == "pass"
    assert "10.0.17763.6293" in of(exit_code=0, stdout=german).evidence
    silent = of(exit_code=0, stdout="")
    assert (silent.status, "named no version" in silent.evidence) == ("fail", True)
    crashed = of(exit_code=3221225794, stdout="")
    assert crashed.status == "fail"
    assert "STATUS_DLL_INIT_FAILED" in crashed.evidence
    assert of(exit_code="0").status == "unknown"
    assert "larger number" in of(exit_code=10**400).evidence
    assert "done.exit_code is '0'" in of(exit_code="0").evidence


@pytest.mark.parametrize(
    ("versions", "status"),
    [([[1, 0], [2, 1]], "pass"), ([[2, 6]], "pass"), ([[1, 0]], "fail"), ([[2, 0]], "fail")],
)
def test_the_schema_is_judged(versions: list[list[int]], status: str) -> None:
    rows = [{"Major": major, "Minor": minor} for major, minor in versions]
    result = {"Properties": [{"SupportedSchemaVersions": rows}]}

    assert _verdict(BY_ID["schema"], {"id": "basic", "result": result}).status == status


def test_the_machine_and_the_layer_are_judged() -> None:
    stopped = {"Id": "a", "SystemType": "VirtualMachine", "State": "Stopped"}
    vm = _verdict(BY_ID["vm"], {"id": "state", "result": stopped})
    other = _verdict(
        BY_ID["storage"],
        {"id": "read", "result": {"text": "wincnode"}},
        {"id": "below", "result": {"text": ""}},
    )
    broken = _verdict(
        BY_ID["storage"],
        {"id": "read", "result": {"text": "w"}},
        {"id": "below", "result": {"text": ""}},
    )

    assert (vm.status, vm.evidence) == ("fail", "the machine is Stopped")
    assert vm.remedy == BY_ID["vm"].remedy
    assert "through the filter" in other.evidence
    assert "reads otherwise" in broken.evidence
    assert _verdict(BY_ID["storage"], {"id": "read", "result": 3}).status == "unknown"


def test_calls_that_fail_are_told_with_code_words_and_time() -> None:
    late = _verdict(BY_ID["vm"], {"id": "start", "status": "timeout", "ms": 120000})
    mute = _verdict(
        BY_ID["vm"],
        {"id": "box", "status": "failed", "hresult": "0xC0370105", "do": "system.start"},
    )
    long = _verdict(BY_ID["vm"], {"id": "box", "status": "failed", "message": "x" * 5000})

    assert "did not end in 120 s" in late.evidence
    assert late.reasons[0].cause.id == "hcs.timeout"
    assert "0xC0370105 ERROR_VMCOMPUTE_INVALID_STATE" in mute.evidence
    assert "not valid in the current state" in mute.evidence
    assert len(long.evidence) < 700


@pytest.mark.parametrize(
    ("code", "missing_"),
    [("0x80070002", "runtime"), ("0x80070003", "image"), ("0x80070490", "image")],
)
def test_an_image_that_is_not_there_skips_the_rung(code: str, missing_: str) -> None:
    row = {"id": "image", "do": "image.layers", "status": "failed", "hresult": code}

    verdict = _verdict(BY_ID["hyperv"], {**row, "message": "no folder UtilityVM"})

    assert (verdict.status, verdict.missing) == ("skipped", missing_)
    assert verdict.evidence == "no folder UtilityVM"
    assert _verdict(BY_ID["hyperv"], {**row, "hresult": "0x80070005"}).status == "fail"


def test_a_probe_that_cannot_be_made_is_unknown() -> None:
    """Without offreg.dll no hive can be written, which no container needs."""
    row = {"id": "hive_sam", "do": "hive.empty", "status": "failed", "hresult": "0x8007007e"}

    verdict = _verdict(BY_ID["storage"], row)

    assert verdict.status == "unknown"
    assert "the probe cannot be made here" in verdict.evidence


def test_answers_of_another_form_are_unknown() -> None:
    for answer in ([], {"version": 7}, {"version": 1, "calls": "x"}, _answer()):
        verdict = smoke.judged(BY_ID["vm"], answer, KNOWN)
        assert verdict.status == "unknown"
        assert "the answer has another form" in verdict.evidence


def test_a_rung_that_did_not_run_says_what_it_needs() -> None:
    verdict = smoke.judged(BY_ID["vm"], None, KNOWN, missing=("schema",))
    silent = smoke.judged(BY_ID["vm"], None, KNOWN)

    assert (verdict.status, verdict.because) == ("skipped", ("smoke.schema",))
    assert silent.status == "unknown"


def test_the_programs_survive_their_way_to_the_node() -> None:
    import json

    for step in ladder(ALL):
        assert isinstance(step, Tried)
        assert from_json(json.dumps(to_json(step.program))) == step.program
