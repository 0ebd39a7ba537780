"""Each mutation of a shipped script makes a test fail that is about what it breaks."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from mutations import MUTATIONS, Mutation
from winps import winps

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "dist", "build")
LONGEST_S = 900
FILES = sorted({name for mutation in MUTATIONS for name in mutation.tests})


def checkout(folder: Path) -> Path:
    """Copy what git would give; a copy of the scripts is what is spoiled."""
    return Path(shutil.copytree(ROOT, folder / "checkout", ignore=LEFT_OUT))


def failed(root: Path, tests: Sequence[str]) -> str:
    """Run test files of a checkout; gives the first test that failed, or nothing."""
    words = ["-x", "-n", "2", "-p", "no:cacheprovider", "--tb=no"]
    client = subprocess.Popen(
        [sys.executable, "-m", "pytest", *words, *(f"tests/{name}" for name in tests)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "WINCNODE_WINPS": winps()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = client.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        os.killpg(client.pid, signal.SIGKILL)
        client.communicate()
        return "no end"
    assert client.returncode in (0, 1, 2), said
    found = re.search(r"^(?:FAILED|ERROR) tests/(\S+)", said, re.MULTILINE)
    assert (client.returncode == 0) == (found is None), said
    return found[1] if found else ""


def test_the_tests_pass_where_nothing_is_spoiled(tmp_path: Path) -> None:
    """A test that fails anyway would catch everything."""
    assert failed(checkout(tmp_path), FILES) == ""


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.id)
def test_a_mutation_is_caught(mutation: Mutation, tmp_path: Path) -> None:
    """A mutation whose text is gone is an error of the list, not a success."""
    root = checkout(tmp_path)
    script = root / "wincnode" / "node" / f"{mutation.script}.ps1"
    text = script.read_text(encoding="ascii")
    assert text.count(mutation.old) == 1, f"not once in {mutation.script}.ps1"
    script.write_text(text.replace(mutation.old, mutation.new), encoding="ascii")

    caught = failed(root, mutation.tests)

    print(f"\n{mutation.id}: {caught or 'SURVIVED'}")  # noqa: T201 - the table
    assert caught
