"""Random faults leave nothing open; tests/soak has a thousand of them, and watches the memory."""

from __future__ import annotations

import random
from pathlib import Path

from compute_double import COUNTED
from compute_leaks import run

NOTHING = (*COUNTED, "scratch folders")


def test_programs_with_faults_leave_nothing(tmp_path: Path) -> None:
    """0 systems, handles, operations, attached layers, scratch folders and strings."""
    seed = random.SystemRandom().randrange(10**6)

    left = run(tmp_path, count=50, seed=seed)

    assert (seed, left.wrong, left.counts) == (seed, [], dict.fromkeys(NOTHING, 0))
    assert 5 < left.broken < 50, seed
