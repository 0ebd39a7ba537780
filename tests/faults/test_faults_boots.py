"""F35 to F40: reboots, power, clocks, and what others or wincnode installed before."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from client import journals
from fault_rows import APPLY, PREFLIGHT, Row, Run, fault, raised
from nodes import base
from test_faults_services import done, step

from wincnode.commands.execution import Job
from wincnode.commands.inspect import Inspection
from wincnode.commands.install import worker_variables
from wincnode.commands.reboots import Patience, Reboots
from wincnode.errors import ConfigError, NodeUnreachable
from wincnode.facts import Facts
from wincnode.inventory import load
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
    "a reboot: the old boot still answers, two boots in a row, longer than allowed, never back",
    does="takes another boot alone for back; gives up after 30 minutes, keeps the journal, and the"
    " same command goes on later",
    error="node.not-back",
    exit_code=4,
    deadline_s=1800,
    rehearse=("not-back", "boots-twice"),
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


@fault(
    "F39",
    "another tool has installed something: a kubelet, RKE2, k0s, Docker, an agent of a network, NSSM,"
    " networks of HNS",
    does="names what it is, and blocks where two cannot live together; `--ignore ID` takes a finding"
    " over, and only what wincnode made is ever removed",
    error="sw.kubelet",
    exit_code=5,
    rehearse=(
        "sw.kubelet",
        "sw.rke2",
        "sw.k0s",
        "sw.docker",
        "sw.cni",
        "sw.nssm",
        "net.hns.networks",
    ),
)
def test_f39_what_others_installed(row: Row, run: Run, lab: Lab) -> None:
    """Install and join ask all of this; a playbook of one's own asks what it touches."""
    lab(profile="sw.kubelet")
    row.holds(run(*PREFLIGHT))

    others = {
        "sw.rke2": True,
        "sw.k0s": True,
        "left.kubeconfig": True,
        "sw.docker": False,
        "sw.containerd": False,
        "sw.cni": False,
        "sw.nssm": False,
        "net.hns.networks": False,
    }
    for number, profile in enumerate(others, start=2):
        lab(profile=profile, name=f"web-{number}")
    seen = run(*PREFLIGHT)
    for profile, node in zip(others, seen.report["nodes"][1:], strict=True):
        findings = {row["check"]: row for row in node["findings"] if row["verdict"] == "fail"}
        assert findings[profile]["evidence"]
        assert (node["status"] == "blocked") is others[profile], profile


INVENTORY = """\
cluster: {kubernetes: "1.36.3", pod_cidr: 10.244.0.0/16, service_cidr: 10.96.0.0/12, cni: flannel}
runtime: {containerd: "%s"}
connection: {scheme: https, user: x, password: {env: WINCNODE_LAB_PASSWORD}}
nodes: {web-1: {}}
"""


@fault(
    "F40",
    "an older or a newer version of ours is installed, or somebody has edited a file of ours",
    does="replaces an older one; refuses to go back from a newer containerd; of an edited file the"
    " difference is shown, and the run's journal keeps what was there",
    error="config.downgrade",
    exit_code=2,
)
@pytest.mark.parametrize(("there", "owned"), [("2.4.0", True), ("2.3.8", True)])
def test_f40_a_newer_version(there: str, owned: bool, row: Row, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        variables(tmp_path, there, owned=owned)

    row.holds(raised(caught.value))
    assert f"web-1: containerd {there} is installed, and 2.3.7 is wanted" in caught.value.message


@pytest.mark.parametrize(
    ("there", "owned"), [("2.3.7", True), ("2.3.6", True), ("1.7.28", True), ("2.4.0", False)]
)
def test_f40_an_older_version_is_replaced(there: str, owned: bool, tmp_path: Path) -> None:
    """What somebody else installed is judged by sw.containerd."""
    assert variables(tmp_path, there, owned=owned)


def variables(folder: Path, there: str, *, owned: bool) -> object:
    """Give what install sees of a node with a containerd, or the refusal."""
    path = folder / "wincnode.yaml"
    path.write_text(INVENTORY % "2.3.7", encoding="utf-8")
    inventory = load(path)
    facts = Facts(sections={"runtime": {"version": there}, "leftovers": {"owned": owned}})
    found = Inspection(computer="WEB-1", build=20348, facts=facts, findings=())
    return worker_variables(inventory, today=date(2026, 11, 30))(inventory.nodes[0], found)


def test_f40_an_edited_file_is_shown_and_kept(run: Run, lab: Lab, tmp_path: Path) -> None:
    node = lab()
    (tmp_path / "playbook.yaml").write_text(
        "name: x\nsteps:\n  - file: {path: 'C:\\c.toml', content: 'ours'}\n", encoding="utf-8"
    )
    assert run(*APPLY).exit_code == 0
    node.machine.path(r"C:\c.toml").write_text("edited by hand")

    shown = run(*APPLY, "--plan", "--exit-code")
    made = run(*APPLY)

    assert shown.exit_code == 3
    difference = {"field": "content", "have": "edited by hand", "want": "ours"}
    assert shown.node["steps"][0]["diff"] == made.node["steps"][0]["diff"] == [difference]
    assert node.machine.path(r"C:\c.toml").read_text() == "ours"
    assert "edited by hand" in str(journals(node))
