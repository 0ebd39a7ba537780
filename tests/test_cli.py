"""Facts about the command line, asked as a user asks: by starting it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wincnode.lab.__main__ import PASSWORD, closed_port, lab_nodes, write_inventory
from wincnode.lab.model import load_profile


def wincnode(*arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "WINCNODE_LAB_PASSWORD": password}
    return subprocess.run(
        [sys.executable, "-m", "wincnode", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    with lab_nodes({"web-1": "ws2022", "web-2": "ws2019-broken"}, pace_s=0) as found:
        yield found


def test_preflight_tells_ready_blocked_and_unreachable_apart(
    ports: dict[str, int], tmp_path: Path
) -> None:
    """Each node has its own verdict; the blocked one decides the exit code."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {**ports, "web-3": closed_port()})

    result = wincnode("preflight", "-i", str(inventory), "-o", "json")
    report = json.loads(result.stdout)

    assert result.returncode == 5, result.stderr
    assert [node["status"] for node in report["nodes"]] == ["ready", "blocked", "unreachable"]
    failing = [f["check"] for f in report["nodes"][1]["findings"] if f["verdict"] == "fail"]
    assert sorted(failing) == sorted(load_profile("ws2019-broken").expects)


def test_facts_are_data_on_stdout_and_failures_on_stderr(
    ports: dict[str, int], tmp_path: Path
) -> None:
    """A pipeline can parse stdout whatever happens to single nodes."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {"web-1": ports["web-1"], "web-3": closed_port()})

    result = wincnode("facts", "-i", str(inventory))
    document = json.loads(result.stdout)

    assert result.returncode == 4
    assert document["nodes"]["web-1"]["sections"] == load_profile("ws2022").facts
    assert "web-3" in result.stderr


def test_a_wrong_password_is_not_let_in(ports: dict[str, int], tmp_path: Path) -> None:
    """The node is named, the exit code is 4, and no traceback is shown."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {"web-1": ports["web-1"]})

    result = wincnode("preflight", "-i", str(inventory), password="wrong")

    assert result.returncode == 4
    assert "web-1" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_the_table_is_plain_where_there_is_no_terminal(
    ports: dict[str, int], tmp_path: Path
) -> None:
    """No escape sequence reaches a pipe; progress is on stderr."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, ports)

    result = wincnode("preflight", "-i", str(inventory))

    assert "\x1b" not in result.stdout + result.stderr
    assert "web-1: facts os" in result.stderr


def test_a_bad_inventory_ends_before_the_network(tmp_path: Path) -> None:
    """All mistakes are told with file and line; the exit code is 2."""
    inventory = tmp_path / "wincnode.yaml"
    inventory.write_text("nodes:\n  web-1:\n    adress: 10.0.0.1\n  web-2: 5\n")

    result = wincnode("preflight", "-i", str(inventory))

    assert result.returncode == 2
    assert f"{inventory}:3" in result.stderr
    assert f"{inventory}:4" in result.stderr


def test_an_unknown_node_is_a_usage_error(ports: dict[str, int], tmp_path: Path) -> None:
    """A name that the inventory lacks is refused, not skipped."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, ports)

    result = wincnode("preflight", "-i", str(inventory), "web-9")

    assert result.returncode == 2
    assert "web-9" in result.stderr


def test_an_unknown_check_is_a_usage_error(ports: dict[str, int], tmp_path: Path) -> None:
    """A misspelt --ignore would silently ignore nothing."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, ports)

    result = wincnode("preflight", "-i", str(inventory), "--ignore", "sys.memory")

    assert result.returncode == 2
    assert "sys.memory" in result.stderr


def test_ignored_errors_do_not_block(ports: dict[str, int], tmp_path: Path) -> None:
    """--ignore makes findings warnings, and the report still shows them."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {"web-2": ports["web-2"]})
    ignores = [word for ID in load_profile("ws2019-broken").expects for word in ("--ignore", ID)]

    result = wincnode("preflight", "-i", str(inventory), "-o", "json", *ignores)

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["nodes"][0]["status"] == "warnings"


def test_init_writes_an_inventory_that_loads_and_leaves_an_existing_one(tmp_path: Path) -> None:
    """The first file is valid; a second init loses nothing."""
    file = tmp_path / "wincnode.yaml"

    first = wincnode("init", str(file))
    text = file.read_text()
    second = wincnode("init", str(file))

    assert first.returncode == 0, first.stderr
    assert second.returncode == 2
    assert file.read_text() == text


def test_init_in_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    """A mistake in the path is the user's to mend, not a bug of ours."""
    result = wincnode("init", str(tmp_path / "none" / "wincnode.yaml"))

    assert result.returncode == 2
    assert "cannot be written" in result.stderr


def test_explain_names_the_nearest_check() -> None:
    """A misspelt id is met with what was meant."""
    assert "remedy:" in wincnode("explain", "feat.containers").stdout
    assert "feat.containers" in wincnode("explain", "feat.container").stderr


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


def test_version_is_answered_before_anything_is_imported() -> None:
    """--version costs little more than a bare interpreter."""
    result = wincnode("--version")

    assert result.stdout.startswith("wincnode ")


def test_an_interrupt_ends_at_once_with_130(tmp_path: Path) -> None:
    """^C does not wait for a node that is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        inventory = tmp_path / "wincnode.yaml"
        write_inventory(inventory, {"web-1": silent.getsockname()[1]})
        client = subprocess.Popen(
            [sys.executable, "-m", "wincnode", "preflight", "-i", str(inventory)],
            env={**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        accepted, _ = silent.accept()
        with accepted:
            client.send_signal(signal.SIGINT)
            _, stderr = client.communicate(timeout=5)

    assert client.returncode == 130
    assert b"Traceback" not in stderr
