"""Programs with random faults, one after the other: what each leaves open, and what all leave."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compute_cases import boot_disk, files, hosted, probe, scenarios, xenon
from compute_double import Double, double, image
from compute_scenarios import (
    Scenario,
    box,
    call,
    finished,
    local,
    machine,
    numbered,
    process,
    ref,
    scenario,
)

from wincnode.hcs.local.executor import execute
from wincnode.hcs.local.table import EXPORTS

CODES = (
    "0x80370106",
    "0x8037010a",
    "0x80370102",
    "0x80070005",
    "0x80070015",
    "0x80070020",
    "0x800705aa",
)
WORDS = ("refuse", "refuse", "fail", "fail", "hang", "exit", "disconnect")
# Windows gives no failure of what only gives back.
NEVER = ("Close", "Unregister")
PER_PROCESS = ("operations", "system handles", "process handles", "handles", "strings")


def ladder(layers: list[str]) -> list[Scenario]:
    """The rungs of a smoke test: what each makes, and takes down."""
    utility = f"{layers[-1]}\\UtilityVM"
    ver = (process("ver", "cmd /c ver"), *finished("said", "ver"))
    v1 = next(row for row in scenarios(layers) if row.id == "schema 1")
    assert xenon(layers, utility)["HvPartition"]
    return [
        scenario("vm", machine(call("basic", "system.properties", system=ref("vm"), query={}))),
        scenario("container", box(layers, *ver)),
        scenario("probe", probe()),
        scenario("files", files(layers)),
        scenario("disk", boot_disk(utility)),
        scenario("hosted", hosted(layers, *ver)),
        v1,
    ]


def faults(chance: random.Random) -> Iterator[str]:
    """Give up to three faults."""
    names = [
        name for dll, name in EXPORTS if dll in {"computecore.dll", "vmcompute.dll", "offreg.dll"}
    ]
    names = [name for name in names if not any(word in name for word in NEVER)]
    for _ in range(chance.randrange(4)):
        word = chance.choice(WORDS)
        # 0 ms is for ever where there is an operation; a call that returns when it is done is late.
        ms = chance.choice((5, 40)) if word == "hang" else 0
        argument = str(ms) if word == "hang" else chance.choice(CODES)
        yield f"fault {chance.choice(names)} {chance.choice((1, 1, 2, 3))} {word} {argument}"


def run(folder: Path, *, count: int, seed: int) -> list[str]:
    """Run programs with faults, then one without; gives what is open that must not be."""
    there = double(folder)
    layers = image(there, "3", "2", "1")
    chance = random.Random(seed)  # noqa: S311 - it picks faults
    os.environ.update(there.environment)
    here = local(there)
    wrong: list[str] = []
    for number in range(count):
        programs, _ = numbered([chance.choice(ladder(layers))])
        planted = list(faults(chance))
        there.set(*planted)
        result = execute(programs[0], here)
        wrong += left(there, number, planted, result)
    there.set()
    programs, _ = numbered(ladder(layers)[:1])
    last = execute(programs[0], here)
    counts = {name: value for name, value in there.counts().items() if value}
    wrong += [f"at the end: {counts} {there.scratch()}"] if counts or there.scratch() else []
    wrong += [f"at the end: {row}" for row in last["calls"] if row["status"] != "ok"]
    return [*wrong, *there.violations()]


def left(there: Double, number: int, planted: list[str], result: dict[str, Any]) -> list[str]:
    """Say what a program has left open in this process."""
    counts = there.counts()
    found = {name: counts[name] for name in PER_PROCESS if counts[name]}
    return [f"run {number} with {planted}: {found}: {result}"] if found else []


if __name__ == "__main__":
    problems = run(Path(sys.argv[1]), count=int(sys.argv[2]), seed=int(sys.argv[3]))
    sys.stdout.write("".join(f"{line}\n" for line in problems))
    sys.exit(bool(problems))
