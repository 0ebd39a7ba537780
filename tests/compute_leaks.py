"""Programs with random faults, one after the other: what each leaves open, and what all leave.

compute_leaks.py FOLDER COUNT SEED runs so many, prints what is left, counted by the double, and how
many of the programs went wrong.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compute_cases import boot_disk, files, hosted, probe, scenarios, xenon
from compute_double import Double, double, image
from compute_scenarios import (
    Program,
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


def called(there: Double, program: Program) -> list[str]:
    """Run a program without a fault; gives the exports that it called and that may fail."""
    there.forget()
    execute(program, local(there))
    names = {line.split()[0] for line in there.calls()}
    return sorted(name for name in names if not any(word in name for word in NEVER))


def faults(chance: random.Random, names: Sequence[str]) -> Iterator[str]:
    """Give one to three faults."""
    for _ in range(chance.randrange(1, 4)):
        word = chance.choice(WORDS)
        # 0 ms is for ever where there is an operation; a call that returns when it is done is late.
        ms = chance.choice((5, 40)) if word == "hang" else 0
        argument = str(ms) if word == "hang" else chance.choice(CODES)
        yield f"fault {chance.choice(names)} {chance.choice((1, 1, 2, 3))} {word} {argument}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """What many programs left: complaints, what is open at the end, and how many went wrong."""

    wrong: list[str]
    counts: dict[str, int]
    broken: int


def run(folder: Path, *, count: int, seed: int) -> Left:
    """Run programs with faults, then one without, which removes what was left."""
    there = double(folder)
    layers = image(there, "3", "2", "1")
    chance = random.Random(seed)  # noqa: S311 - it picks faults
    os.environ.update(there.environment)
    here = local(there)
    wrong: list[str] = []
    broken = 0
    programs = [numbered([row])[0][0] for row in ladder(layers)]
    exports = [called(there, program) for program in programs]
    for number in range(count):
        program, names = chance.choice(list(zip(programs, exports, strict=True)))
        planted = list(faults(chance, names))
        there.set(*planted)
        result = execute(program, here)
        rows = (*result["calls"], *result["finally"])
        broken += any(row["status"] in {"failed", "timeout"} for row in rows)
        wrong += left(there, number, planted, result)
    there.set()
    last = execute(programs[0], here)
    counts = {**there.counts(), "scratch folders": len(there.scratch())}
    wrong += [f"at the end: {row}" for row in last["calls"] if row["status"] != "ok"]
    return Left(wrong=[*wrong, *there.violations()], counts=counts, broken=broken)


def left(there: Double, number: int, planted: list[str], result: dict[str, Any]) -> list[str]:
    """Say what a program has left open in this process."""
    counts = there.counts()
    found = {name: counts[name] for name in PER_PROCESS if counts[name]}
    return [f"run {number} with {planted}: {found}: {result}"] if found else []


if __name__ == "__main__":
    found = run(Path(sys.argv[1]), count=int(sys.argv[2]), seed=int(sys.argv[3]))
    sys.stdout.write(json.dumps({**found.counts, "broken": found.broken}) + "\n")
    sys.stderr.write("".join(f"{line}\n" for line in found.wrong))
    sys.exit(bool(found.wrong))
