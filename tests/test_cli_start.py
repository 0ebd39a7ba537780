"""What the command line costs before it works: help, version, completion."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from client import Desk


def completed(folder: Path, words: str) -> list[str]:
    """Ask for the words that a shell would offer, as its completion script asks."""
    done = subprocess.run(
        [sys.executable, "-m", "wincnode"],
        cwd=folder,
        env={
            **os.environ,
            "_WINCNODE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("wincnode pre", ["preflight"]),
        ("wincnode preflight w", ["web-1", "web-2", "win"]),
        ("wincnode preflight -i other.yaml ", ["db-1"]),
        ("wincnode preflight -i none.yaml ", []),
        ("wincnode preflight -i hosts.ini w", ["win-7", "windows"]),
        ("wincnode preflight -i h", ["hosts.ini"]),
        ("wincnode attach w", ["web-1", "web-2"]),
        ("wincnode apply ", ["books/", "other.yaml", "wincnode.yaml"]),
        ("wincnode apply books/", ["books/b.yml"]),
        ("wincnode apply --no", ["--no-input"]),
        ("wincnode preflight -o ju", ["junit"]),
        ("wincnode preflight --ignore sys.m", ["sys.mem"]),
        ("wincnode explain link.pa", ["link.password"]),
    ],
)
def test_a_shell_completes_verbs_options_nodes_and_files(
    tmp_path: Path, words: str, offered: list[str]
) -> None:
    """Nodes and groups come from the inventory that the line names; a missing one is no error."""
    head = "connection: {user: u, password: {env: P}}\n"
    (tmp_path / "wincnode.yaml").write_text(f"{head}nodes: {{web-1: {{groups: [win]}}, web-2: }}\n")
    (tmp_path / "other.yaml").write_text(f"{head}nodes: {{db-1: }}\n")
    (tmp_path / "hosts.ini").write_text(
        "[windows]\nwin-7\n[windows:vars]\nansible_connection=winrm\nansible_user=u@R\n"
    )
    (tmp_path / "books").mkdir()
    for name in ("books/b.yml", "books/.hidden.yaml", "notes.txt"):
        (tmp_path / name).touch()

    assert completed(tmp_path, words) == offered


def cpu_s(*words: str) -> float:
    """Give the processor time of a Python process, the best of three."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


@pytest.mark.parametrize(("words", "budget_s"), [(["--version"], 0.06), (["--help"], 0.2)])
def test_start_stays_within_its_budget(words: list[str], budget_s: float) -> None:
    """What a shell asks for often costs little over a bare interpreter."""
    assert cpu_s("-m", "wincnode", *words) - cpu_s("-c", "pass") <= budget_s


def test_completion_is_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the Tab key: less than half a second with 200 nodes."""
    rows = "".join(f"  web-{number}:\n" for number in range(200))
    head = "connection: {user: u, password: {env: P}}\nnodes:\n"
    (tmp_path / "wincnode.yaml").write_text(head + rows)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_WINCNODE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "wincnode preflight web-1")
    monkeypatch.setenv("COMP_CWORD", "2")

    assert cpu_s("-m", "wincnode") <= 0.5


def test_help_imports_nothing_heavy() -> None:
    """--help pays for neither WinRM nor templates."""
    code = (
        "import sys; sys.argv = ['wincnode', '--help']\n"
        "from wincnode.cli import run; run()\n"
        "heavy = {'winrm', 'requests', 'jinja2', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert "Exit codes" in result.stdout


def test_version_is_answered_before_anything_is_imported(tmp_path: Path) -> None:
    """--version costs little more than a bare interpreter."""
    result = Desk(folder=tmp_path).run("--version")

    assert result.stdout.startswith("wincnode ")
