"""Runs one program in a process of its own, which the double may kill at any of its calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from compute_cases import hosted, probe, scenarios
from compute_double import Double, double, image
from compute_scenarios import Program, box, finished, local, numbered, process, scenario

from wincnode.hcs.local.executor import execute

SIGKILLED = -9


def programs(layers: list[str]) -> list[Program]:
    """Give what is killed: a container, a probe of storage, schema 1, one in a utility VM."""
    v1 = next(row for row in scenarios(layers) if row.id == "schema 1")
    ver = (process("ver", "cmd /c ver"), *finished("said", "ver"))
    rows = [
        scenario("container", box(layers, *ver)),
        scenario("probe", probe()),
        v1,
        scenario("hosted", hosted(layers, *ver)),
    ]
    return numbered(rows)[0]


def killed(there: Double, program: Program, at: int) -> bool:
    """Run a program in a process that dies at its call number `at`; False where it made fewer."""
    there.set(f"die {at}")
    paths = os.pathsep.join((str(Path(__file__).parents[1]), str(Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, __file__, str(there.folder.parent), str(there.build)],
        input=json.dumps(program),
        env={**os.environ, **there.environment, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in {0, SIGKILLED}, done.stderr
    there.set()
    return done.returncode == SIGKILLED


def machine(folder: Path) -> tuple[Double, list[Program]]:
    there = double(folder)
    return there, programs(image(there, "3", "2", "1"))


if __name__ == "__main__":
    root = Path(sys.argv[1])
    from compute_double import Double as _Double
    from compute_double import built

    here = _Double(
        folder=root / "double",
        drive=root / "c",
        libraries=built(int(sys.argv[2])),
        build=int(sys.argv[2]),
    )
    execute(json.loads(sys.stdin.read()), local(here))
