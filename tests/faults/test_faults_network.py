"""F1 to F10: names, ports, links and proxies."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from client import changed
from echo_engine import EchoEngine
from fault_rows import APPLY, PREFLIGHT, Row, Run, fault, inventory
from lab_links import USERS, link_to
from nodes import linked
from urllib3.connection import HTTPConnection

from wincnode import runner
from wincnode.events import StepFinished
from wincnode.lab.faults import Faults, parse_fault
from wincnode.lab.nodes import LabNode, closed_port
from wincnode.lab.server import WsmanServer
from wincnode.plan import Plan, Step, to_wire

Lab = Callable[..., LabNode]


@fault(
    "F1",
    "the node's name does not resolve",
    does="asks once, and names the name, whom it asked and what that said",
    error="link.name",
    exit_code=4,
    deadline_s=5,
)
def test_f01_a_name_that_does_not_resolve(row: Row, run: Run, tmp_path: Path) -> None:
    inventory(tmp_path / "wincnode.yaml", {"web-1": ("node.invalid", 5985)})

    end = run(*PREFLIGHT)

    row.holds(end)
    assert end.seconds < 5
    assert "node.invalid:5985: its name is not known to this host's resolver" in end.message


@fault(
    "F2",
    "nothing listens on the port",
    does="says so at once, with what enables WinRM",
    error="link.refused",
    exit_code=4,
    deadline_s=3,
    rehearse=("refuse",),
)
def test_f02_a_port_that_refuses(row: Row, run: Run, lab: Lab) -> None:
    node = lab("refuse")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert end.seconds < 3
    assert f"127.0.0.1:{node.port}: connection refused" in end.message
    assert "Enable-PSRemoting" in end.message


@fault(
    "F3",
    "packets to the node vanish",
    does="gives up after connect_timeout_s (5 s)",
    error="link.no-answer",
    exit_code=4,
    deadline_s=5,
    rehearse=("no-answer",),
)
def test_f03_packets_that_vanish(row: Row, run: Run, lab: Lab) -> None:
    lab("no-answer")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert 5 <= end.seconds <= 15
    assert "no answer within 5 s" in end.message


@fault(
    "F4",
    "the link dies in the middle of a request",
    does="connects and logs on again, follows the run by its journal, and does no step twice",
    rehearse=("reset@NUMBER", "drop@NUMBER"),
)
def test_f04_a_link_that_dies(row: Row, run: Run, lab: Lab) -> None:
    """It dies where the events of the run are asked for, which facts came before."""
    node = lab()
    lost: list[int] = []

    def lose(number: int) -> None:
        asked = node.server.requests[-1] == "Receive"
        if asked and node.server.requests.count("Command") == 2 and not lost:
            lost.append(number)
            node.server.faults = Faults(reset_before=number)

    node.server.on_request.append(lose)

    end = run(*APPLY)

    row.holds(end)
    assert lost, "the fault never came to pass"
    assert [outcome for outcome, _ in end.steps] == ["changed", "changed"]
    assert len(changed(node)) == 2


STEPS = tuple(
    Step(
        id=str(number),
        kind="directory",
        title="",
        key={"path": rf"C:\w{number}"},
        want={"state": "present"},
    )
    for number in (1, 2)
)


@fault(
    "F5",
    "a reply is lost after the node has acted",
    does="sends the same message again, or asks how the run is: nothing starts twice, and each"
    " event comes once",
    rehearse=("lost-reply@NUMBER",),
)
@pytest.mark.parametrize("operation", ["Create", "Command", "Send", "Receive", "Signal"])
def test_f05_a_reply_that_is_lost(operation: str, row: Row, lab: Lab) -> None:
    node = lab()
    lost: list[int] = []

    def lose(number: int) -> None:
        if node.server.requests[-1] == operation and not lost:
            lost.append(number)
            node.server.faults = Faults(drop_at_request=number)

    node.server.on_request.append(lose)
    id = runner.new_run()
    plan = to_wire(Plan(node="web-1", steps=STEPS), run=id, mode="apply", who={})
    began = time.monotonic()
    with linked(node) as link:
        events = list(runner.detached(link, run=id, plan=plan))

    assert lost, "the fault never came to pass"
    assert time.monotonic() - began <= row.deadline_s + 10
    assert [event.seq for event in events if event.seq] == list(range(1, 7))
    assert [row.outcome for row in events if isinstance(row, StepFinished)] == ["changed"] * 2
    assert changed(node) == ["1", "2"]


@fault(
    "F6",
    "the link has a latency of 0.5 s and loses 5 % of its packets",
    does="completes; it costs a round trip for each request, and no more than twice what that makes",
    rehearse=("latency=0.5", "loss=0.05"),
)
def test_f06_latency_and_loss(row: Row, run: Run, lab: Lab) -> None:
    """A fifth of the latency: what counts is the number of round trips."""
    latency_s = 0.1
    node = lab(f"latency={latency_s}", "loss=0.05")

    end = run(*APPLY)

    row.holds(end)
    assert len(changed(node)) == 2
    # A connection, and a round trip for each request; and what a sound link takes at most.
    model_s = 2 * latency_s * (node.server.http_requests + 1) + 1.0
    assert end.seconds <= 2 * model_s


@fault(
    "F7",
    "the link carries 2 KB/s",
    does="goes on while bytes flow, however long a message takes; other nodes are not held up",
    rehearse=("rate=2000",),
)
def test_f07_a_link_that_is_slow(row: Row, run: Run, lab: Lab) -> None:
    """Twenty times as fast; in the next one a message takes longer than the limit of a send."""
    lab("rate=40000")
    lab(name="web-2")

    end = run(*PREFLIGHT)

    row.holds(end)
    slow, sound = end.report["nodes"]
    assert slow["seconds"] > 2
    assert sound["seconds"] < slow["seconds"] / 2
    assert "web-1: facts" in end.text


@pytest.fixture
def small_buffer() -> Iterator[None]:
    """Let what a client sends wait as on a slow link, where Linux keeps the buffer small."""
    options = HTTPConnection.default_socket_options
    options.append((socket.SOL_SOCKET, socket.SO_SNDBUF, 16384))
    yield
    options.pop()


@pytest.mark.usefixtures("small_buffer")
def test_f07_a_message_may_take_longer_than_the_limit_of_a_send() -> None:
    """0.13 MB at 0.04 MB/s, where a send that is stuck is given up after 1 s."""
    with WsmanServer(EchoEngine(), users=USERS, faults=parse_fault("rate=40000")) as server:
        link = link_to(server, connect_timeout_s=1)
        began = time.monotonic()
        lines = list(link.run("x", b"x" * 100_000))
        link.close()

    assert lines[0] == b"100000"
    assert time.monotonic() - began > 2
    assert server.requests.count("Send") == 1


@fault(
    "F8",
    "a firewall forgets connections that idle for 120 s",
    does="asks for output each 20 s, so that none idles; between commands, one older than 60 s is"
    " made anew",
    rehearse=("idle-cut=120",),
)
def test_f08_idle_connections_that_are_forgotten(row: Row) -> None:
    """A sixtieth of the times: an idle connection is forgotten after 2 s."""
    with WsmanServer(EchoEngine(), users=USERS, faults=parse_fault("idle-cut=2")) as server:
        link = link_to(server, operation_timeout_s=1, read_timeout_s=30, max_idle_s=1)
        began = time.monotonic()
        assert list(link.run("sleep 3", b"")) == []
        time.sleep(2.2)
        assert list(link.run("say again", b"")) == [b"again"]
        link.close()

    # Whoever waits on a forgotten connection waits for as long as a read may take.
    assert time.monotonic() - began < 8 + row.deadline_s
    assert server.requests.count("Create") == 1


@fault(
    "F9",
    "HTTP_PROXY, HTTPS_PROXY and a .netrc are there",
    does="reaches nodes without the proxy, with the inventory's account and no other; `wincnode"
    " doctor` tells what is set, and what uses it",
)
def test_f09_a_proxy_and_a_netrc(
    row: Row, run: Run, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = lab()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login mallory password wrong\n")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert end.node["status"] == "ready"
    assert node.server.requests[0] == "Create"
    asked = node.server.http_requests

    told = run("doctor").text

    closed = r"http://127\.0\.0\.1:[0-9]+: not for nodes"
    assert re.search(f"ok +proxy +HTTP_PROXY=.*ALL_PROXY={closed}", told), told
    assert re.search(r"ok +netrc +.*\.netrc: not for nodes", told), told
    assert "mallory" not in told
    assert node.server.http_requests == asked


@fault(
    "F10",
    "a proxy answers with a page of its own",
    does="says that it is not WinRM, with the first 200 printable characters",
    error="link.not-winrm",
    exit_code=1,
    rehearse=("garbage",),
)
def test_f10_a_proxys_page(row: Row, run: Run, lab: Lab) -> None:
    lab("garbage")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert "HTTP 502" in end.message
    assert "502 Bad Gateway" in end.message
