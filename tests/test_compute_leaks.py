"""Random faults leave nothing open; tests/soak has a thousand of them, and watches the memory."""

from __future__ import annotations

import random
from pathlib import Path

from compute_leaks import run


def test_programs_with_faults_leave_nothing(tmp_path: Path) -> None:
    """0 systems, handles, operations, attached layers, scratch folders and strings."""
    seed = random.SystemRandom().randrange(10**6)

    assert (seed, run(tmp_path, count=50, seed=seed)) == (seed, [])
