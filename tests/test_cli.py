"""Facts about the command line, asked as a user asks: by starting it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nodes import lab_node

from wincnode import checks
from wincnode.facts import FURTHER, SECTIONS
from wincnode.lab.nodes import (
    PASSWORD,
    LabNode,
    Wish,
    closed_port,
    lab_nodes,
    ports,
    write_inventory,
)
from wincnode.lab.windows.machine import load_profile

# Stand-in machines are judged leniently where the judgement is not the matter.
IGNORED = [word for row in checks.all_checks() for word in ("--ignore", row.id)]


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


class At:
    """A folder with an inventory of the nodes of tests/nodes.py, where a user stands."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._how: dict[str, Any] = {
            "cwd": folder,
            "env": {**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD, **environment},
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        """Start wincnode."""
        return subprocess.Popen([sys.executable, "-m", "wincnode", *arguments], **self._how)

    def wincnode(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run wincnode to its end."""
        ignored = IGNORED if arguments[0] == "apply" else []
        client = self.started(*arguments, *ignored)
        stdout, stderr = client.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, client.returncode, stdout, stderr)


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

    result = At(tmp_path).wincnode("preflight")

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


PLAYBOOK = r"""
name: a folder and a file
steps:
  - directory: {path: C:\k}
  - name: a note
    file:
      path: C:\k\note.txt
      content: "first\nof {{ node.name }}\n"
  - name: a token
    file:
      path: C:\k\token.txt
      content: {secret: {env: PLANTED}}
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LabNode]:
    """Run one lab node, and put its inventory beside it."""
    with lab_node(tmp_path / "web-1", engine="model") as running:
        write_inventory(tmp_path / "wincnode.yaml", {"web-1": running.server.port})
        yield running


def test_a_plan_shows_the_differences_and_changes_nothing(node: LabNode, tmp_path: Path) -> None:
    """--plan draws what would change, --exit-code makes it 3; once it is as wanted, it is 0."""
    at = At(tmp_path, PLANTED="hunter2-secret")
    (tmp_path / "two.yaml").write_text(PLAYBOOK)

    shown = at.wincnode("apply", "two.yaml", "--plan", "--exit-code")
    untouched = not node.machine.path("C:\\k").exists()
    applied = at.wincnode("apply", "two.yaml")
    note = node.machine.path("C:\\k\\note.txt")
    note.write_text("first\nedited\n")
    drift = at.wincnode("apply", "two.yaml", "--plan", "--exit-code", "-o", "json")
    note.write_text("first\nof web-1\n")
    settled = at.wincnode("apply", "two.yaml", "--plan", "--exit-code")

    codes = [done.returncode for done in (shown, applied, drift, settled)]
    assert codes == [3, 0, 3, 0], shown.stderr + applied.stderr
    assert untouched
    for line in ("  + create 1 directory C:\\k", "        +of web-1", "content: *** -> ***"):
        assert line in shown.stdout
    steps = json.loads(drift.stdout)["nodes"][0]["steps"]
    assert [step["outcome"] for step in steps] == ["ok", "would_change", "ok"]
    assert steps[1] | {"error": ""} == {
        "step": "2-a-note",
        "kind": "file",
        "title": "a note",
        "key": {"path": "C:\\k\\note.txt"},
        "outcome": "would_change",
        "error": "",
        "diff": [
            {"field": "content", "have": "first\nedited\n", "want": "first\nof web-1\n"},
        ],
    }
    assert "as wanted already: 1 directory C:\\k; 2 a note; 3 a token" in settled.stdout
    assert "hunter2" not in "".join(done.stdout + done.stderr for done in (shown, applied, drift))


def test_exit_code_goes_with_a_plan_alone(tmp_path: Path) -> None:
    """An apply leaves nothing pending, so a 3 could never come."""
    result = wincnode("apply", "x.yaml", "--exit-code")

    assert result.returncode == 2
    assert "--plan" in result.stderr


WAITING = r"""
steps:
  - wait_for: {subject: file, name: C:\go}
  - directory: {path: C:\after}
"""


@pytest.fixture
def waiting(node: LabNode, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start an apply whose first step waits for a file on the node."""
    (tmp_path / "wait.yaml").write_text(WAITING)
    words = ["apply", "wait.yaml", "--parallel", "1", *IGNORED]
    with lab_nodes({"web-2": Wish(profile="ws2022")}) as others:
        there = {"web-1": node.port, **ports(others)}
        write_inventory(tmp_path / "wincnode.yaml", there)
        client = At(tmp_path).started(*words)
        assert client.stderr is not None
        while "step 1/2" not in client.stderr.readline():
            assert client.poll() is None
        yield client
        client.kill()
        client.communicate()
        assert not others["web-2"].machine.path(r"C:\after").exists()


def test_the_first_interrupt_lets_the_running_step_finish(
    node: LabNode, waiting: subprocess.Popen[str]
) -> None:
    """The run is followed to its end, no further node is started, and the exit code is 130."""
    waiting.send_signal(signal.SIGINT)
    assert waiting.stderr is not None
    told = waiting.stderr.readline()
    node.machine.path("C:\\go").touch()
    stdout, stderr = waiting.communicate(timeout=60)

    assert "finishing web-1; press ^C again to leave at once" in told
    assert "wincnode attach NODE" in told
    assert waiting.returncode == 130
    assert "web-1: done" in stderr
    assert "web-2: interrupted before anything was changed" in stdout
    assert node.machine.path("C:\\after").is_dir()


def test_the_second_interrupt_leaves_and_the_node_goes_on(
    node: LabNode, waiting: subprocess.Popen[str], tmp_path: Path
) -> None:
    """The client is gone at once; what it began can be followed by anyone."""
    waiting.send_signal(signal.SIGINT)
    assert waiting.stderr is not None
    waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    _, stderr = waiting.communicate(timeout=5)
    left_running = not node.machine.path("C:\\after").exists()
    node.machine.path("C:\\go").touch()
    followed = At(tmp_path).wincnode("attach", "web-1", "-o", "json")

    assert waiting.returncode == 130
    assert "the run goes on" in stderr
    assert left_running
    steps = json.loads(followed.stdout)["nodes"][0]["steps"]
    assert [step["step"] for step in steps] == ["1-wait-for-file-c-go", "2-directory-c-after"]


PROMPTING = "nodes: {a: {connection: {user: u, password: {prompt: true}}}}\n"


@pytest.mark.parametrize("option", [[], ["--no-input"]])
def test_a_prompt_that_nobody_answers_is_a_configuration_error(
    tmp_path: Path, option: list[str]
) -> None:
    """Without a terminal, or told so, it names the setting and what to give instead."""
    (tmp_path / "wincnode.yaml").write_text(PROMPTING)

    result = At(tmp_path).wincnode("preflight", *option)

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


def test_a_cancelled_run_ends_before_its_next_step(
    node: LabNode, waiting: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Another operator ends it; its own client says so, and no further step is taken."""
    at = At(tmp_path)

    cancelled = at.wincnode("cancel", "web-1")
    node.machine.path("C:\\go").touch()
    stdout, _ = waiting.communicate(timeout=60)
    again = at.wincnode("cancel", "web-1")
    unknown = at.wincnode("cancel", "web-1", "ffffffff")

    assert cancelled.returncode == 0, cancelled.stderr
    assert "next step" in cancelled.stdout
    assert "web-1" in cancelled.stdout
    assert "cancelled" in stdout
    assert waiting.returncode == 1
    assert not node.machine.path("C:\\after").exists()
    assert (again.returncode, "nothing to cancel" in again.stdout) == (0, True)
    assert (unknown.returncode, "no run ffffffff" in unknown.stderr) == (2, True)
