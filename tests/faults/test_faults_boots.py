"""F35 to F38: reboots, power, clocks."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from client import journals
from fault_rows import APPLY, PREFLIGHT, Row, Run, fault, raised
from nodes import base
from test_faults_services import done, step

from wincnode.checks import Finding, Severity, Verdict
from wincnode.commands.execution import STARTS, Job
from wincnode.commands.reboots import Patience, Reboots
from wincnode.errors import NodeUnreachable
from wincnode.lab.nodes import LabNode

Lab = Callable[..., LabNode]
FEATURE = step("windows_feature", {"name": "Containers"}, {"state": "present", "with": []})
QUICK = Patience(first_s=0.05, pause_s=0.1, timeout_s=4)


@fault(
    "F35",
    "a reboot of others is pending: servicing, Windows Update, a renamed file",
    does="blocks (os.reboot); with `--reboot if-needed` install goes on, and reboots where a step"
    " asks for it",
    error="os.reboot",
    exit_code=5,
    rehearse=("os.reboot",),
)
def test_f35_a_pending_reboot(row: Row, run: Run, lab: Lab) -> None:
    node = lab(profile="os.reboot")

    row.holds(run(*APPLY))
    assert journals(node) == []


@contextmanager
def hurried(node: LabNode) -> Iterator[None]:
    """Let the seconds before a reboot pass at once, whenever one was ordered."""
    ended = threading.Event()

    def hurry() -> None:
        while not ended.wait(0.02):
            # What the node says of it has been heard, and the command acknowledged.
            if node.machine.rebooting and node.server.requests[-1] == "Signal":
                node.machine.clock.advance(5)

    thread = threading.Thread(target=hurry)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def job(policy: str = "if-needed", patience: Patience = QUICK) -> Job:
    reboots = Reboots(policy, patience=patience)  # type: ignore[arg-type] # one of the two words
    return Job(playbooks=(), command="apply", reboots=reboots)


@fault(
    "F36",
    "a reboot: the old boot still answers, two boots in a row, longer than allowed, never back, or"
    " BitLocker asks for a PIN",
    does="takes another boot alone for back; gives up after 30 minutes, keeps the journal, and the"
    " same command goes on later; a machine whose system drive does not unlock by itself is warned of"
    " (sys.bitlocker.boot) and not rebooted (node.boot-prompt)",
    error="node.not-back",
    exit_code=4,
    deadline_s=1800,
    rehearse=("not-back", "boots-twice", "sys.bitlocker.boot"),
)
def test_f36_a_node_that_does_not_come_back(row: Row, lab: Lab) -> None:
    """The wait is scaled to 4 s. That the old boot answers at first: tests/test_reboot.py."""
    node = lab("not-back", profile="feat.containers")
    with hurried(node), pytest.raises(NodeUnreachable) as caught:
        done(node, FEATURE, job=job())
    row.holds(raised(caught.value))
    (kept,) = journals(node)
    assert kept[-1]["outcome"] == "needs_reboot"

    node.machine.stays_down = False
    node.machine.reboot()
    report = done(node, FEATURE, job=job())
    assert (report.status, [row.outcome for row in report.steps]) == ("done", ["ok"])
    assert Patience().timeout_s == row.deadline_s


def test_f36_two_boots_in_a_row(lab: Lab) -> None:
    node = lab("boots-twice", profile="feat.containers")
    with hurried(node):
        report = done(node, FEATURE, job=job(patience=Patience(first_s=0.1, pause_s=0.1)))

    assert (report.status, [row.outcome for row in report.steps]) == ("done", ["changed"])
    assert node.machine.boot == "3"


@pytest.mark.parametrize(
    ("said", "status", "error", "boot"),
    [
        ("needs a reboot", "needs-reboot", "interrupted before a reboot that it needs", "1"),
        ("The node reboots.", "interrupted", "interrupted after its reboot", "2"),
    ],
)
def test_f36_an_interrupt_about_a_reboot(
    said: str, status: str, error: str, boot: str, lab: Lab
) -> None:
    """What was done is told; who waits for a place does not reboot, who is down is waited for."""
    node = lab(profile="feat.containers")
    with hurried(node):
        report = done(node, FEATURE, job=job(), stop_at=said)

    assert (report.status, [row.outcome for row in report.steps]) == (status, ["needs_reboot"])
    assert error in str(report.error)
    assert node.machine.boot == boot


def test_f36_a_machine_that_would_wait_for_a_pin(run: Run, lab: Lab, tmp_path: Path) -> None:
    """It is not rebooted; once BitLocker is suspended, the same command goes on."""
    node = lab(profile="sys.bitlocker.boot")
    (tmp_path / "playbook.yaml").write_text(
        "name: x\nsteps:\n  - windows_feature: {name: Hyper-V}\n", encoding="utf-8"
    )
    words = (*APPLY, "--reboot", "if-needed")

    end = run(*words)

    assert (end.exit_code, end.node["status"]) == (1, "needs-reboot")
    assert {"node.boot-prompt", "sys.bitlocker.boot"} <= set(end.ids)
    assert "BitLocker asks for a PIN before Windows starts" in end.message
    assert "Suspend-BitLocker" in end.message
    assert node.machine.boot == "1"

    (volume,) = node.machine.cim["Win32_EncryptableVolume"]
    node.machine.cim["Win32_EncryptableVolume"] = [{**volume, "ProtectionStatus": 0}]
    node.machine.reboot()
    assert run(*words).exit_code == 0


@pytest.mark.parametrize(
    ("verdict", "ignored", "status"),
    [
        (Verdict.FAIL, False, "needs-reboot"),
        (Verdict.FAIL, True, "done"),
        (Verdict.UNKNOWN, False, "done"),
    ],
)
def test_f36_what_is_ignored_or_not_known_holds_no_reboot(
    verdict: Verdict, ignored: bool, status: str, lab: Lab
) -> None:
    node = lab(profile="feat.containers")
    found = Finding(
        check=STARTS,
        title="",
        verdict=verdict,
        severity=Severity.WARNING,
        evidence="a PIN",
        remedy="",
        ignored=ignored,
    )
    with hurried(node):
        report = done(node, FEATURE, job=job(), findings=(found,))

    assert (report.status, node.machine.boot) == (status, "2" if status == "done" else "1")


def test_f36_leave_reboots_no_machine_that_would_wait(run: Run, lab: Lab, tmp_path: Path) -> None:
    node = lab(profile="sys.bitlocker.boot")
    (tmp_path / "playbook.yaml").write_text(
        "name: x\nsteps:\n  - pagefile: {drive: 'C:', mode: none}\n", encoding="utf-8"
    )
    assert run(*APPLY).node["status"] == "needs-reboot"
    node.machine.reboot()

    end = run("leave", "--machine-only", "--yes", "--reboot", "if-needed", "-o", "json")

    assert (end.exit_code, node.machine.boot) == (1, "2")
    assert "node.boot-prompt" in end.ids


RECORDS = 6  # hello, two for each step, finished


def lines(node: LabNode) -> list[dict[str, Any]]:
    """Give the records of all journals that were written whole."""
    texts = [path.read_text() for path in base(node).glob("runs/*/journal.jsonl")]
    return [json.loads(line) for text in texts for line in text.splitlines() if line[-1] == "}"]


@fault(
    "F37",
    "the power goes while a record of the journal is written",
    does="tells that the run ended without a result; the same command again ends as if nothing had"
    " happened, whatever half of a record is left",
    error="run.failed",
    exit_code=1,
    rehearse=("power-loss@NUMBER",),
)
@pytest.mark.parametrize("record", range(1, RECORDS + 1))
def test_f37_power_that_goes(record: int, row: Row, run: Run, lab: Lab) -> None:
    """The client is killed at any request: tests/test_kills.py."""
    node = lab(f"power-loss@{record}")

    row.holds(run(*APPLY))
    assert node.machine.boot == "2"

    again = run(*APPLY)
    assert again.exit_code == 0, again.text
    assert node.machine.path(r"C:\w1").is_dir()
    assert node.machine.path(r"C:\w2").is_dir()
    ends = [line["type"] for line in lines(node)]
    assert ends.count("finished") == 1 or record == RECORDS


@fault(
    "F38",
    "the clock of a node is wrong",
    does="warns from 30 s on and blocks from 5 minutes on (sys.time), with both times and the source;"
    " limits go by a clock that nobody sets",
    error="sys.time",
    exit_code=5,
    rehearse=("clock=SECONDS", "sys.time"),
)
@pytest.mark.parametrize("off_s", [-86400, -400, 400, 86400])
def test_f38_a_clock_that_is_wrong(off_s: int, row: Row, run: Run, lab: Lab) -> None:
    lab(f"clock={off_s}")

    end = run(*APPLY)

    row.holds(end)
    (finding,) = [row for row in end.node["findings"] if row["check"] == "sys.time"]
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    said = rf"the clock is ([+-]\d+) s off: {moment} UTC there, {moment} here; its source is NTP"
    found = re.fullmatch(said, finding["evidence"])
    assert found, finding["evidence"]
    assert abs(int(found[1]) - off_s) <= 3


def test_f38_a_clock_that_is_a_minute_off_is_a_warning(run: Run, lab: Lab) -> None:
    lab("clock=60")

    end = run(*PREFLIGHT)

    assert (end.exit_code, end.node["status"], "sys.time" in end.ids) == (0, "warnings", True)


def test_f38_limits_go_by_a_clock_that_nobody_sets() -> None:
    """Nothing of the product measures a wait by the time of day."""
    product = Path(__file__).parents[2] / "wincnode"
    users = {
        path.relative_to(product).as_posix()
        for path in product.rglob("*.py")
        if "lab" not in path.parts and re.search(r"\btime\.time\(", path.read_text("utf-8"))
    }
    # How far the API server's clock is ahead.
    assert users == {"cluster/connection.py"}
