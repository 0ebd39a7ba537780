"""The lab's model engine: what the cases that it shares with the scripts do not show."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from wincnode import runner
from wincnode.lab.engine import Process
from wincnode.lab.model import ModelEngine
from wincnode.lab.model.acl import AccessLists, parse
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile
from wincnode.plan import Plan, Step, to_wire

PRIVATE = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
GO = r"C:\go"
NODES = 25


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(load_profile("ws2022"), tmp_path / "node", computer="WEB-1")


@pytest.fixture
def engine(machine: Machine) -> Iterator[ModelEngine]:
    with ModelEngine(machine) as running:
        yield running


def wait_for_go(*, timeout_s: int = 60) -> Step:
    return Step(
        id="wait",
        kind="wait_for",
        title="",
        key={"subject": "file", "name": GO},
        want={"state": "present"},
        timeout_s=timeout_s,
    )


def file(number: int, content: Any = "x") -> Step:
    want = {"state": "present", "content": content}
    return Step(id=f"f{number}", kind="file", title="", key={"path": rf"C:\{number}"}, want=want)


def request(verb: str, *steps: Step, run: str, secrets: Any = None, since: int = 0) -> bytes:
    plan = to_wire(Plan(node="web-1", steps=steps), run=run, mode="apply", who={"operator": run[0]})
    payload = runner.payload_of(verb, run=run, plan=plan, since=since)
    return runner.pack({**payload, "flush_s": [0]}, secrets)


def started(engine: ModelEngine, stdin: bytes) -> Process:
    process = engine.start("powershell.exe -EncodedCommand AAAA", {})
    process.write(stdin, end=True)
    return process


def rest(process: Process) -> list[dict[str, Any]]:
    """Give a process's events to its end, which must come without a complaint."""
    stdout = b""
    while not (output := process.read(20)).done:
        assert output != type(output)(), "nothing came for 20 s"
        stdout += output.stdout
    assert output.stderr == b"", output.stderr.decode()
    return [json.loads(line) for line in (stdout + output.stdout).splitlines()]


def ask(engine: ModelEngine, verb: str, *steps: Step, run: str, **rest_of: Any) -> list[Any]:
    return rest(started(engine, request(verb, *steps, run=run, **rest_of)))


def until(process: Process, kind: str) -> None:
    """Read a process's events until one of a kind has come."""
    stdout = b""
    while f'"type":"{kind}"'.encode() not in stdout:
        output = process.read(20)
        assert output.stdout, stdout
        stdout += output.stdout


def names(events: list[Any]) -> list[str]:
    return [event.get("outcome") or event["type"] for event in events if event["type"] != "hello"]


A, B, C = "a" * 32, "b" * 32, "c" * 32


def test_a_second_run_is_told_who_holds_the_machine(machine: Machine, engine: ModelEngine) -> None:
    """The launcher refuses a detached run, the runner an attached one; then both may."""
    first = started(engine, request("detached", wait_for_go(), run=A))
    until(first, "step_started")

    (detached,) = ask(engine, "detached", file(1), run=B)
    (attached,) = ask(engine, "attached", file(1), run=B)

    holder = {"run": A, "who": {"operator": "a"}}
    assert (detached["seq"], detached["code"], detached["holder"]) == (0, "locked", holder)
    assert (attached["seq"], attached["code"], attached["holder"]) == (1, "locked", holder)
    machine.path(GO).touch()
    assert rest(first)[-1]["outcome"] == "ok"
    assert names(ask(engine, "attached", file(1), run=C))[-1] == "ok"


def test_a_killed_attached_run_frees_the_machine(machine: Machine, engine: ModelEngine) -> None:
    """As the kernel does: the lock goes with the process, at once."""
    process = started(engine, request("attached", wait_for_go(), file(1), run=A))
    until(process, "step_started")

    process.terminate()
    machine.path(GO).touch()

    assert process.read(5).exit_code is None
    assert names(ask(engine, "detached", file(2), run=B))[-1] == "ok"
    assert not machine.path(r"C:\1").exists()


def test_a_detached_run_outlives_its_launcher(machine: Machine, engine: ModelEngine) -> None:
    """Whoever follows later gets every event once, from any number on."""
    launcher = started(engine, request("detached", wait_for_go(), file(1), run=A))
    until(launcher, "step_started")
    launcher.terminate()

    follower = started(engine, request("follow", run=A))
    machine.path(GO).touch()

    events = rest(follower)
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert names(events)[-1] == "ok"
    assert [event["seq"] for event in ask(engine, "follow", run=A, since=4)] == [5, 6]
    assert machine.tasks == {}


def test_a_cancelled_run_stops_before_its_next_step(machine: Machine, engine: ModelEngine) -> None:
    """The step that runs is not cut; one that has ended is not cancelled any more."""
    first = started(engine, request("detached", wait_for_go(), file(1), run=A))
    until(first, "step_started")

    (told,) = ask(engine, "cancel", run=A)
    machine.path(GO).touch()

    assert told["text"] == "The run stops before its next step."
    assert names(rest(first)) == ["ok", "skipped", "cancelled"]
    assert ask(engine, "cancel", run=A)[0]["text"] == "The run has ended already."
    assert ask(engine, "cancel", run=B)[0]["type"] == "died"


def test_a_reboot_ends_a_run_in_the_middle(machine: Machine, engine: ModelEngine) -> None:
    """Its journal has no end, a follower is told so, and the machine is free."""
    launcher = started(engine, request("detached", wait_for_go(), file(1), run=A))
    until(launcher, "step_started")

    machine.reboot()
    machine.path(GO).touch()

    assert launcher.read(5).done
    events = ask(engine, "follow", run=A)
    assert [event["type"] for event in events] == ["hello", "step_started", "died"]
    assert events[-1]["message"] == "The runner ended without a last event."
    (listed,) = ask(engine, "runs", run=B)
    assert (listed["id"], listed["state"]) == (A, "died")
    hello = ask(engine, "attached", file(2), run=C)[0]
    assert hello["boot"] != events[0]["boot"]
    assert not machine.path(r"C:\1").exists()


def test_a_step_that_never_settles_ends_by_the_machine_s_clock(
    machine: Machine, engine: ModelEngine
) -> None:
    """Minutes of waiting cost a test none of its own."""
    process = started(engine, request("attached", wait_for_go(timeout_s=300), run=A))
    until(process, "step_started")

    machine.clock.advance(300)

    (step, finished) = rest(process)
    assert step["error"]["message"] == "Not settled after 300 s: state."
    assert finished["outcome"] == "failed"


def test_a_secret_is_on_the_disk_only_where_it_is_wanted(
    machine: Machine, engine: ModelEngine
) -> None:
    """Not in the run's folder, the manifest, or an event, even when it was there before."""
    events = ask(
        engine,
        "detached",
        file(1, "before"),
        file(1, {"$secret": "token"}),
        file(1, "plain"),
        file(2, {"$secret": "token"}),
        run=A,
        secrets={"token": "hush-hush"},
    )

    files = {path.name: path.read_text() for path in machine.drive.rglob("*") if path.is_file()}
    assert [name for name, text in files.items() if "hush-hush" in text] == ["2"]
    assert "secrets" not in files
    assert "hush-hush" not in json.dumps(events)
    diffs = [event["diff"] for event in events if event["type"] == "step_finished"]
    assert {"field": "content", "have": "***", "want": "***"} in diffs[1]
    assert {"field": "content", "have": "***", "want": "plain"} in diffs[2]


def test_the_folders_of_the_newest_runs_stay(machine: Machine, engine: ModelEngine) -> None:
    """A node that is often changed does not fill its disk."""
    runs = [f"{number:032x}" for number in range(23)]
    for run in runs:
        ask(engine, "detached", run=run)

    kept = {path.name for path in machine.path(r"C:\Program Files\wincnode\runs").iterdir()}
    assert kept == set(runs[2:])
    assert [row["id"] for row in ask(engine, "runs", run=A)] == runs[:1:-1]


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (lambda whole: whole[:-20], "ended before its end mark"),
        (lambda whole: whole.replace(b'"web-1"', b'"web-2"'), "differs from what its header says"),
        (lambda whole: whole.replace(b"t=aHVzaA==", b"t=aHVza"), "shorter or longer"),
        (lambda whole: b"{}" + whole[whole.index(b"\n") :], "no wincnode request"),
    ],
)
def test_a_request_that_was_cut_is_refused(engine: ModelEngine, cut: Any, message: str) -> None:
    """As by the bootstrap: with the run's id where it can be read, and exit code 1."""
    whole = request("attached", file(1), run=A, secrets={"t": "hush"})
    process = started(engine, cut(whole))

    output = process.read(5)

    event = json.loads(output.stdout)
    assert (event["type"], event["code"], event["run"]) == ("refused", "truncated", A)
    assert message in event["message"]
    assert process.read(5).exit_code == 1


def test_an_unknown_program_is_no_silent_success(engine: ModelEngine) -> None:
    """What the model cannot do fails loudly."""
    process = engine.start("shutdown.exe /r", {})

    output = process.read(5)

    assert b"no such program" in output.stderr
    assert process.read(5).exit_code == 1


@pytest.mark.parametrize(
    ("sddl", "same"),
    [
        ("O:BAG:BAD:PAI(A;CIOI;0x1f01ff;;;S-1-5-18)(A;OICI;FA;;;S-1-5-32-544)", True),
        ("D:P(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)", False),
        ("D:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", False),
        ("D:P(A;OICI;FA;;;SY)(A;OICI;FRFWFX;;;BA)", False),
    ],
)
def test_an_access_list_is_compared_by_what_it_says(sddl: str, same: bool) -> None:
    """One list has many spellings."""
    assert (parse(sddl).access() == parse(PRIVATE).access()) is same


def test_a_folder_inherits_what_the_one_above_passes_on() -> None:
    """A protected list cuts off what comes from the disk's root."""
    lists = AccessLists()
    before = str(lists.of(r"C:\k"))

    lists.set(r"C:\k", parse(PRIVATE))

    root = "(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)"
    assert before == f"O:BAG:SYD:AI{root}(A;CIID;0x4;;;BU)(A;CIID;0x2;;;BU)"
    assert str(lists.of(r"C:\K\sub")) == "O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)"


def test_many_nodes_run_a_plan_of_ten_steps_in_one_process(tmp_path: Path) -> None:
    """Fleets are rehearsed on one machine."""
    steps = [file(number) for number in range(10)]

    def node(number: int) -> str:
        here = Machine(load_profile("ws2022"), tmp_path / str(number), computer=f"N{number}")
        with ModelEngine(here) as engine:
            return names(ask(engine, "detached", *steps, run=f"{number:032x}"))[-1]

    began = time.monotonic()
    with ThreadPoolExecutor(NODES) as pool:
        outcomes = list(pool.map(node, range(NODES)))

    assert outcomes == ["ok"] * NODES
    assert time.monotonic() - began < 30
