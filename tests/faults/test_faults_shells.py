"""F21 to F28: quotas, shells, time limits, stdin, policies, languages, accounts that end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from client import journals
from echo_engine import EchoEngine
from fault_rows import APPLY, PREFLIGHT, Row, Run, fault, raised
from lab_links import USERS, link_to
from nodes import linked, settings

from wincnode import runner
from wincnode.errors import NodeError
from wincnode.events import Finished
from wincnode.lab.faults import Faults, parse_fault
from wincnode.lab.nodes import LabNode
from wincnode.lab.server import WsmanServer
from wincnode.plan import Plan, Step, to_wire
from wincnode.transport import ConnectionLost
from wincnode.transport.shell import QUOTA_DELAYS_S, WinrmTransport

Lab = Callable[..., LabNode]


@fault(
    "F21",
    "a quota of WinRM is used up: shells, operations, commands",
    does="waits up to 60 s until others have ended, ends no session of anybody, then names the quota"
    " with its value",
    error="link.quota",
    exit_code=1,
    deadline_s=60,
    rehearse=("max-shells", "max-operations", "max-commands", "max-shells@NUMBER"),
)
@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("max-shells", "MaxShellsPerUser", "30"),
        ("max-operations", "MaxConcurrentOperationsPerUser", "1500"),
        ("max-commands", "MaxConcurrentCommandsPerShell", "commands per shell"),
    ],
)
def test_f21_a_quota_that_is_used_up(name: str, setting: str, value: str, row: Row) -> None:
    """A hundredth of the wait; the shell of somebody else is still there afterwards."""
    delays_s = [delay_s / 100 for delay_s in QUOTA_DELAYS_S]
    with WsmanServer(EchoEngine(), users=USERS) as server:
        foreign = link_to(server)
        assert list(foreign.run("say mine", b"")) == [b"mine"]
        server.faults = parse_fault(name)
        link = link_to(server, delays_s=delays_s)
        began = time.monotonic()
        with pytest.raises(NodeError) as caught:
            list(link.run("x", b""))
        seconds = time.monotonic() - began
        link.close()
        server.faults = Faults()
        assert list(foreign.run("say still", b"")) == [b"still"]
        foreign.close()

    assert sum(QUOTA_DELAYS_S) == row.deadline_s
    assert seconds >= row.deadline_s / 100
    row.holds(raised(caught.value, seconds))
    assert f"({setting}" in caught.value.message
    assert value in caught.value.message


def test_f21_a_quota_that_is_free_again(run: Run, lab: Lab) -> None:
    """The first Create is refused; the second comes a second later."""
    node = lab("max-shells@1")

    end = run(*PREFLIGHT)

    assert (end.exit_code, end.node["status"]) == (0, "ready")
    assert node.server.requests[:3] == ["Create", "Create", "Command"]
    assert end.seconds >= QUOTA_DELAYS_S[0]


STEP = Step(id="1", kind="directory", title="", key={"path": r"C:\w"}, want={"state": "present"})


@fault(
    "F22",
    "the shell is gone: WinRM was restarted, or it idled too long",
    does="opens another and follows the run by its journal; each event comes once",
    rehearse=("shell-gone@NUMBER",),
)
def test_f22_a_shell_that_is_gone(row: Row, run: Run, lab: Lab) -> None:
    node = lab(pace_s=0.2)
    gone: list[int] = []

    def lose(number: int) -> None:
        asked = node.server.requests[-1] == "Receive"
        if asked and node.server.requests.count("Command") == 2 and not gone:
            gone.append(number)
            node.server.faults = Faults(shell_gone_at=number)

    node.server.on_request.append(lose)

    end = run(*APPLY)

    row.holds(end)
    assert gone, "the fault never came to pass"
    assert node.server.requests.count("Create") == 2
    assert [outcome for outcome, _ in end.steps] == ["changed", "changed"]


@fault(
    "F23",
    "operation timeouts while work goes on, or for ever",
    does="takes no timeout for an error while the run goes on; a step has its own limit on the node;"
    " a command that says nothing for 150 s is taken for lost, and the run is asked for again",
    error="link.lost",
    exit_code=4,
    deadline_s=1,
)
def test_f23_a_command_that_says_nothing(row: Row) -> None:
    """A hundredth of the time."""
    with WsmanServer(EchoEngine(), users=USERS) as server:
        link = link_to(server, operation_timeout_s=1, read_timeout_s=5, silence_s=1.5)
        began = time.monotonic()
        with pytest.raises(ConnectionLost, match="written nothing for 2 s") as caught:
            list(link.run("sleep 30", b""))
        row.holds(raised(caught.value, time.monotonic() - began))
        link.close()
        assert server.shells.open == 0


def test_f23_a_step_may_be_silent_for_longer_than_an_operation(lab: Lab) -> None:
    """Silence that was taken for a loss does no harm: each event comes once."""
    node = lab(pace_s=4)
    id = runner.new_run()
    plan = to_wire(Plan(node="web-1", steps=(STEP,)), run=id, mode="apply", who={})
    link = WinrmTransport(settings(node, operation_timeout_s=1, read_timeout_s=5, silence_s=1.5))
    events = list(runner.detached(link, run=id, plan=plan))
    link.close()

    assert [event.seq for event in events if event.seq] == [1, 2, 3, 4]
    assert isinstance(events[-1], Finished)
    assert node.server.requests.count("Command") > 1


@fault(
    "F24",
    "a message is larger than the node's MaxEnvelopeSizekb (HTTP 413)",
    does="halves what it sends at once, down to 16 KB, and remembers that for the node",
    rehearse=("envelope=150",),
)
def test_f24_a_small_envelope(row: Row) -> None:
    data = b"x" * 200_000
    with WsmanServer(EchoEngine(), users=USERS, faults=parse_fault("envelope=150")) as server:
        link = link_to(server)
        began = time.monotonic()
        assert list(link.run("x", data)) == [b"200000", data]
        first = server.http_requests
        assert list(link.run("x", data)) == [b"200000", data]
        second = server.http_requests - first
        link.close()

    assert time.monotonic() - began <= row.deadline_s + 10
    # Parts of 87,500 bytes: of 350,000 and 175,000 one each was refused, once.
    assert server.requests.count("Send") == 6
    assert second < first - 2


@fault(
    "F25",
    "PowerShell ends before it has read what is sent to it",
    does="reads why once, sends nothing again, and shows the exit code with the end of stderr",
    error="run.no-result",
    exit_code=1,
    rehearse=("early-exit",),
)
def test_f25_a_process_that_ends_early(row: Row, run: Run, lab: Lab) -> None:
    node = lab("early-exit")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert "PowerShell ended with 4294901760 and no result: The shell cannot be" in end.message
    assert node.server.requests == ["Create", "Command", "Send", "Receive", "Signal", "Delete"]


@fault(
    "F26",
    "an anti-virus blocks the scripts; constrained language mode, AppLocker or WDAC, a policy of"
    " scripts",
    does="names what holds them back, and does not send them again; what policies say is found by"
    " sec.langmode, sec.applocker, sec.wdac and sec.execpol before anything is changed",
    error="node.antivirus",
    exit_code=1,
    rehearse=("antivirus", "ws2025-locked", "sec.langmode"),
)
def test_f26_an_anti_virus(row: Row, run: Run, lab: Lab) -> None:
    """That PowerShell refuses by itself: tests/test_node_scripts.py (constrained language)."""
    node = lab("antivirus")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert "docs/security.md" in end.message
    assert node.server.requests.count("Command") == 1

    lab(profile="ws2025-locked", name="web-2")
    locked = run("preflight", "web-2", "-o", "json")
    assert {"sec.applocker", "sec.wdac", "sec.execpol"} <= set(locked.ids)
    assert locked.exit_code == 5


@fault(
    "F27",
    "PowerShell is older than 5.1, or Windows speaks another language with an OEM code page",
    does="refuses the first (sys.ps); the second works, as no text is parsed and all that is told is"
    " ASCII",
    error="sys.ps",
    exit_code=5,
    rehearse=("sys.ps",),
)
def test_f27_an_old_powershell(row: Row, run: Run, lab: Lab) -> None:
    lab(profile="sys.ps")

    end = run(*APPLY)

    row.holds(end)
    assert end.node["status"] == "blocked"


@pytest.mark.parametrize("engine", ["model", "powershell"])
def test_f27_names_in_another_language(engine: str, lab: Lab) -> None:
    """The shipped scripts tell them as they are."""
    name = "Büro-Ethernet „ä€“ 網路"
    node = lab(engine=engine)
    node.machine.network["NetAdapter"] = [
        {**row, "Name": name} for row in node.machine.network["NetAdapter"]
    ]
    with linked(node) as link:
        events = list(runner.read_facts(link, node="web-1", sections=("network",)))

    assert name in str(events)
    assert not any(getattr(event, "error", "") for event in events)


@fault(
    "F28",
    "the account is disabled, or its password ends, between two phases",
    does="stops with this node after one attempt; the run on it goes on, and its journal stays to be"
    " followed",
    error="link.password",
    exit_code=4,
    rehearse=("deny@NUMBER",),
)
def test_f28_an_account_that_ends(row: Row, run: Run, lab: Lab) -> None:
    node = lab(pace_s=0.2)

    def disable(number: int) -> None:
        asked = node.server.requests[-1] == "Receive"
        if asked and node.server.requests.count("Command") == 2:
            node.server.faults = Faults(refuse_auth_from=number)
            node.server.on_request.clear()

    node.server.on_request.append(disable)

    end = run(*APPLY)

    row.holds(end)
    deadline = time.monotonic() + 10
    while not _finished(node) and time.monotonic() < deadline:
        time.sleep(0.05)
    (journal,) = journals(node)
    assert [line["type"] for line in journal][-1] == "finished"
    node.server.faults = Faults()
    followed = run("attach", "web-1", "-o", "json")
    assert followed.exit_code == 0


def _finished(node: LabNode) -> bool:
    return any(line["type"] == "finished" for journal in journals(node) for line in journal)
