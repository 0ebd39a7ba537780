"""A thousand programs with random faults leave nothing, and touch no memory that is not theirs."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from compute_double import COUNTED

SCRIPT = Path(__file__).parents[1] / "compute_leaks.py"


def leaks(folder: Path, count: int, **variables: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    paths = os.pathsep.join((str(SCRIPT.parents[1]), str(SCRIPT.parent)))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(count), str(seed)],
        env={**os.environ, "PYTHONPATH": paths, **variables},
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"seed {seed}"
    counts = json.loads(done.stdout)
    sys.stdout.write(f"{count} programs, seed {seed}: {done.stdout}")
    # Without faults that are met, nothing would have been tried.
    assert count // 4 < counts.pop("broken") < count, f"seed {seed}"
    assert counts == dict.fromkeys((*COUNTED, "scratch folders"), 0), f"seed {seed}"


def test_a_thousand_programs_leave_nothing(tmp_path: Path) -> None:
    """0 systems, handles, operations, attached layers, scratch folders and strings."""
    leaks(tmp_path, 1000)


def test_no_memory_is_touched_that_was_freed(tmp_path: Path) -> None:
    """Under AddressSanitizer: neither ctypes nor the double reads or writes what is not theirs."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to build the double of computecore.dll with")
    found = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    leaks(
        tmp_path,
        1000,
        LD_PRELOAD=found.stdout.strip(),
        ASAN_OPTIONS="detect_leaks=0",
        COMPUTE_DOUBLE_SANITIZE="1",
        # Python's own allocator would hide what is freed.
        PYTHONMALLOC="malloc",
    )
