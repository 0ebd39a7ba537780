"""Facts about the command line, asked as a user asks: by starting it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Desk

from wincnode.facts import FURTHER, SECTIONS
from wincnode.lab.nodes import (
    PASSWORD,
    Wish,
    closed_port,
    lab_nodes,
    ports,
    write_inventory,
)
from wincnode.lab.windows.profiles import load_profile


def wincnode(*arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "WINCNODE_LAB_PASSWORD": password}
    return subprocess.run(
        [sys.executable, "-m", "wincnode", *arguments],
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def fleet() -> Iterator[dict[str, int]]:
    """Run a healthy and a broken lab node; gives their ports."""
    wishes = {"web-1": Wish(profile="ws2022"), "web-2": Wish(profile="ws2019-broken")}
    with lab_nodes(wishes) as found:
        yield ports(found)


def test_preflight_tells_ready_blocked_and_unreachable_apart(
    fleet: dict[str, int], tmp_path: Path
) -> None:
    """Each node has its own verdict; the blocked one decides the exit code."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {**fleet, "web-3": closed_port()})

    result = wincnode("preflight", "-i", str(inventory), "-o", "json")
    report = json.loads(result.stdout)

    assert result.returncode == 5, result.stderr
    assert [node["status"] for node in report["nodes"]] == ["ready", "blocked", "unreachable"]
    failing = [f["check"] for f in report["nodes"][1]["findings"] if f["verdict"] == "fail"]
    assert sorted(failing) == sorted(load_profile("ws2019-broken").expects)


def test_facts_are_data_on_stdout_and_failures_on_stderr(
    fleet: dict[str, int], tmp_path: Path
) -> None:
    """A pipeline can parse stdout whatever happens to single nodes."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {"web-1": fleet["web-1"], "web-3": closed_port()})

    result = wincnode("facts", "-i", str(inventory))
    document = json.loads(result.stdout)

    assert result.returncode == 4
    sections = document["nodes"]["web-1"]["sections"]
    assert sections["os"]["build"] == 20348
    assert set(sections) == {*SECTIONS, *FURTHER}
    assert "web-3" in result.stderr


def test_a_wrong_password_is_not_let_in(fleet: dict[str, int], tmp_path: Path) -> None:
    """The node is named, the exit code is 4, and no traceback is shown."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {"web-1": fleet["web-1"]})

    result = wincnode("preflight", "-i", str(inventory), password="wrong")

    assert result.returncode == 4
    assert "web-1" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_the_table_is_plain_where_there_is_no_terminal(
    fleet: dict[str, int], tmp_path: Path
) -> None:
    """No escape sequence reaches a pipe; progress is on stderr."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, fleet)

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


def test_a_missing_kubeconfig_ends_before_the_network(tmp_path: Path) -> None:
    """The file is named, and by which field it is asked for."""
    (tmp_path / "wincnode.yaml").write_text(
        "cluster: {kubeconfig: admin.conf}\n"
        "connection: {user: u, password: {env: WINCNODE_LAB_PASSWORD}}\nnodes: {web-1: }\n"
    )

    result = Desk(folder=tmp_path).run("preflight")

    assert result.returncode == 2
    assert "cluster.kubeconfig: admin.conf: cannot be read" in result.stderr


def test_an_unknown_node_is_a_usage_error(fleet: dict[str, int], tmp_path: Path) -> None:
    """A name that the inventory lacks is refused, not skipped."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, fleet)

    result = wincnode("preflight", "-i", str(inventory), "web-9")

    assert result.returncode == 2
    assert "web-9" in result.stderr


def test_an_unknown_check_is_a_usage_error(fleet: dict[str, int], tmp_path: Path) -> None:
    """A misspelt --ignore would silently ignore nothing."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, fleet)

    result = wincnode("preflight", "-i", str(inventory), "--ignore", "sys.memory")

    assert result.returncode == 2
    assert "sys.memory" in result.stderr


def test_ignored_errors_do_not_block(fleet: dict[str, int], tmp_path: Path) -> None:
    """--ignore makes findings warnings, and the report still shows them."""
    inventory = tmp_path / "wincnode.yaml"
    write_inventory(inventory, {"web-2": fleet["web-2"]})
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


def test_explain_knows_our_own_errors() -> None:
    """The id that stands before an error is met with its meaning and remedy."""
    known = wincnode("explain", "link.password")
    near = wincnode("explain", "link.pasword")

    assert "(exit code 4)" in known.stdout
    assert "remedy:" in known.stdout
    assert near.returncode == 2
    assert "Did you mean link.password" in near.stderr


PROMPTING = "nodes: {a: {connection: {user: u, password: {prompt: true}}}}\n"


@pytest.mark.parametrize("option", [[], ["--no-input"]])
def test_a_prompt_that_nobody_answers_is_a_configuration_error(
    tmp_path: Path, option: list[str]
) -> None:
    """Without a terminal, or told so, it names the setting and what to give instead."""
    (tmp_path / "wincnode.yaml").write_text(PROMPTING)

    result = Desk(folder=tmp_path).run("preflight", *option)

    assert result.returncode == 2
    assert "connection.password of a" in result.stderr
    assert "{env: NAME}" in result.stderr


@pytest.mark.parametrize(("option", "asks"), [([], True), (["--no-input"], False)])
def test_no_input_never_prompts_on_a_terminal(
    tmp_path: Path, option: list[str], *, asks: bool
) -> None:
    """With a terminal a prompt appears, unless --no-input forbids it."""
    (tmp_path / "wincnode.yaml").write_text(PROMPTING)

    code, shown = on_terminal(tmp_path, "preflight", *option)

    assert shown.startswith("password of a: ") is asks
    assert code == (130 if asks else 2)


def on_terminal(folder: Path, *words: str) -> tuple[int, str]:
    """Run wincnode on a terminal of its own; a prompt is answered with ^C."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "wincnode", *words])  # noqa: S606 - no shell is the point
    shown = ""
    with contextlib.suppress(OSError):  # the end of a terminal's output is an error on Linux
        while data := os.read(terminal, 4096):
            shown += data.decode()
            if shown.endswith(": "):
                os.write(terminal, b"\x03")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def test_a_playbooks_prompt_is_refused_before_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that would ask is named."""
    write_inventory(tmp_path / "wincnode.yaml", {"web-1": closed_port()})
    (tmp_path / "p.yaml").write_text(
        "steps:\n  - {name: t, file: {path: 'C:/t', content: {secret: {prompt: true}}}}\n"
    )

    monkeypatch.setenv("WINCNODE_LAB_PASSWORD", PASSWORD)

    code, shown = on_terminal(tmp_path, "apply", "p.yaml", "--no-input")

    assert code == 2
    assert "p.yaml:2: step 1 (t): file.content: {prompt: true} needs somebody" in shown
