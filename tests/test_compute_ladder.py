"""The ladder's own programs, carried out over the native double of each Windows build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compute_double import BUILDS, Double, double, image
from compute_scenarios import by_ctypes

from wincnode.hcs import smoke
from wincnode.hcs.errors import load_meanings
from wincnode.hcs.program import to_json
from wincnode.hcs.rungs import Situation, Tried, ladder

KNOWN = load_meanings()


def given(value: Any, layers: list[str]) -> Any:
    """Put an image's layers in the place of a question for them: there is no runtime here."""
    known = {"image.parents": layers, "image.utility_vm": f"{layers[-1]}\\UtilityVM"}
    match value:
        case {"$ref": str(name)} if name in known:
            return known[name]
        case dict():
            return {key: given(item, layers) for key, item in value.items()}
        case list():
            rows = [
                row for row in value if not (isinstance(row, dict) and row.get("id") == "image")
            ]
            return [given(item, layers) for item in rows]
    return value


def linux(machine: Double) -> tuple[str, str]:
    """Lay a kernel and its file system on the machine."""
    files = (r"C:\lcow\vmlinux", r"C:\lcow\initrd.img")
    (machine.drive / "lcow").mkdir()
    for path in files:
        (machine.drive / "lcow" / path.rpartition("\\")[2]).touch()
    return files


@pytest.mark.parametrize("build", BUILDS)
def test_each_build_takes_every_document_and_keeps_nothing(build: int, tmp_path: Path) -> None:
    """The double refuses a field that the build does not know, and counts what is not given back."""
    machine = double(tmp_path, build)
    layers = image(machine, "3", "2", "1")
    now = Situation(
        build=build,
        runtime="containerd",
        image="a/b:c",
        isolation=("process", "hyperv"),
        hosted=True,
        lcow=linux(machine),
    )
    steps = [step for step in ladder(now) if isinstance(step, Tried)]

    answers = by_ctypes(machine, [given(to_json(step.program), layers) for step in steps])

    shown = {
        step.rung.id: smoke.judged(step.rung, answer, KNOWN)
        for step, answer in zip(steps, answers, strict=True)
    }
    assert {name: (row.status, row.notes) for name, row in shown.items()} == dict.fromkeys(
        ("service", "schema", "storage", "vm", "process", "hyperv", "hosted", "lcow"), ("pass", ())
    ), {name: row.evidence for name, row in shown.items()}
    for name in ("process", "hyperv", "hosted"):
        assert f"10.0.{build}" in shown[name].evidence
    assert machine.violations() == []
    assert not any(machine.counts().values())
    assert machine.scratch() == []
