"""Nodes that fail in every way that the lab knows, met by the transport and by `wincnode`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from echo_engine import EchoEngine
from lab_links import USERS, link_to

from wincnode.errors import NodeError
from wincnode.lab.__main__ import main
from wincnode.lab.faults import FAULT_NAMES, LONG_LINE_BYTES, Faults, parse_fault, together
from wincnode.lab.nodes import PASSWORD, USER, Wish, lab_nodes, ports, write_inventory
from wincnode.lab.programs.wire import AT_NODES
from wincnode.lab.refusals import REFUSALS
from wincnode.lab.server import WsmanServer

# Fault, the error's id and exit code, what its message and its remedy speak of.
FAILURES = [
    ("black-hole", "link.silent", 4, "answers nothing", "listens on this port"),
    ("deny", "link.password", 4, "refused the password of alice", "lock-out"),
    ("drop@1", "link.lost", 4, "connection broke", "still up"),
    ("garbage", "link.not-winrm", 1, "502 Bad Gateway", "address and port"),
    ("long-line", "link.flood", 1, "line of more than", "what answers"),
    ("lost-reply@1", "link.lost", 4, "connection broke", "still up"),
    ("max-commands", "link.quota", 1, "limit of WinRM commands", "winrm get"),
    ("max-operations", "link.quota", 1, "limit of WinRM operations", "winrm get"),
    ("max-shells", "link.quota", 1, "limit of WinRM shells", "winrm get"),
    ("refuse", "link.refused", 4, "nothing listens", "Start the WinRM service"),
]
# `wincnode` asks again where a link broke, waits a minute for a quota, and a black hole takes it 35 s
# to give up.
SLOW = {"link.lost", "link.silent", "link.quota"}
SHOWN_BY_PREFLIGHT = [row for row in FAILURES if row[1] not in SLOW]
RIDDEN_OUT = ("drop@1", "drop@5", "lost-reply@1", "lost-reply@5", "slow=0.05")


@pytest.mark.parametrize(("fault", "id", "exit_code", "says", "advises"), FAILURES)
def test_each_fault_is_an_error_with_a_remedy(
    fault: str, id: str, exit_code: int, says: str, advises: str
) -> None:
    """It names the node, what happened and what to do, and decides the exit code."""
    with WsmanServer(EchoEngine(), users=USERS, faults=parse_fault(fault)) as server:
        link = link_to(server, operation_timeout_s=1, read_timeout_s=1.1)
        with pytest.raises(NodeError) as caught:
            list(link.run("x", b""))
        link.close()

    error = caught.value
    assert (error.id, error.exit_code) == (id, exit_code)
    assert error.message.startswith(f"127.0.0.1:{server.port}: ")
    assert says in error.message
    assert advises in error.remedy


def test_what_pods_lose_may_be_on_one_node_alone() -> None:
    """Each loss between pods; of the others there is none of the kind."""
    for loss in AT_NODES:
        assert parse_fault(f"no-{loss}@lab-2") == Faults(pods=(f"{loss}@lab-2",))
        with pytest.raises(ValueError, match=f"as in no-{loss}@lab-2"):
            parse_fault(f"no-{loss}@")
    with pytest.raises(ValueError, match="there is no fault"):
        parse_fault("no-egress@lab-2")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cluster", "--linux", "1", "--fault", "linux-1:drop@1"), "has faults of pods alone"),
        (("--cluster", "--fault", "linux-1:no-pods"), "no node is called linux-1"),
        (("--linux", "1", "--fault", "linux-1:no-pods"), "no node is called linux-1"),
    ],
)
def test_faults_of_linux_nodes_are_those_of_their_pods(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else of such a node is simulated; without a cluster there is none."""
    assert main(["up", "ws2022", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["drop@4", "lost-reply@4", "slow=0.02"])
def test_what_can_be_ridden_out_is_no_error(fault: str) -> None:
    """A lost message after the start is asked for again, and slowness is not failure."""
    with WsmanServer(EchoEngine(), users=USERS, faults=parse_fault(fault)) as server:
        assert list(link_to(server).run("x", b"abc\n")) == [b"4", b"abc"]


def test_a_line_without_end_is_neither_kept_nor_fetched() -> None:
    """The link leaves after a megabyte, whatever the node still has."""
    with WsmanServer(EchoEngine(), users=USERS, faults=parse_fault("long-line")) as server:
        link = link_to(server)
        tracemalloc.start()
        with pytest.raises(NodeError, match="line of more than"):
            list(link.run("x", b""))
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        link.close()

    assert peak_bytes < LONG_LINE_BYTES / 3
    assert server.bytes_out < LONG_LINE_BYTES / 10
    assert server.shells.open == 0


@pytest.fixture(scope="module")
def preflight(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, dict[str, Any]]:
    """Run one preflight over all faults and a sound node; gives exit code, stderr and nodes."""
    wishes = {
        node_of(fault): Wish(profile="ws2022", faults=parse_fault(fault))
        for fault in (*RIDDEN_OUT, *(row[0] for row in SHOWN_BY_PREFLIGHT))
    }
    inventory = tmp_path_factory.mktemp("faults") / "wincnode.yaml"
    with lab_nodes({"sound": Wish(profile="ws2022"), **wishes}) as lab:
        write_inventory(inventory, ports(lab))
        result = subprocess.run(
            [sys.executable, "-m", "wincnode", "preflight", "-i", str(inventory), "-o", "json"],
            env={**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    report = json.loads(result.stdout)
    return result.returncode, result.stderr, {node["node"]: node for node in report["nodes"]}


def node_of(fault: str) -> str:
    """Give the name of the node that has a fault."""
    return fault.translate(str.maketrans("@=.", "---"))


@pytest.mark.parametrize(("fault", "id", "exit_code", "says", "advises"), SHOWN_BY_PREFLIGHT)
def test_preflight_tells_each_nodes_failure(
    preflight: tuple[int, str, dict[str, Any]],
    fault: str,
    id: str,
    exit_code: int,
    says: str,
    advises: str,
) -> None:
    """The report names the node and carries id, message and remedy."""
    node = preflight[2][node_of(fault)]

    assert node["status"] == ("unreachable" if exit_code == 4 else "failed")
    assert node["error"]["id"] == id
    assert node["seconds"] > 0
    assert says.replace("alice", USER) in node["error"]["message"]
    assert advises in node["error"]["remedy"]


def test_preflight_goes_on_with_the_others(preflight: tuple[int, str, dict[str, Any]]) -> None:
    """Sound, slow and interrupted nodes are as ready as ever; nothing ends in a traceback."""
    exit_code, stderr, nodes = preflight

    ready = {name for name, node in nodes.items() if node["status"] == "ready"}
    assert ready == {"sound", *(node_of(fault) for fault in RIDDEN_OUT)}
    assert exit_code == 1
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("drop@7", Faults(drop_before=7)),
        ("lost-reply@7", Faults(drop_at_request=7)),
        ("slow=2", Faults(delay_s=2)),
        ("slow=0.5", Faults(delay_s=0.5)),
        ("garbage", Faults(garbage=True)),
        ("deny", Faults(refuse_auth=True)),
        ("black-hole", Faults(black_hole=True)),
        ("refuse", Faults(closed=True)),
        ("long-line", Faults(long_line_bytes=LONG_LINE_BYTES)),
        ("max-shells", Faults(refusal=REFUSALS["max-shells"])),
        ("max-shells@2", Faults(refusal=replace(REFUSALS["max-shells"], times=2))),
        ("reset@7", Faults(reset_before=7)),
        ("deny@7", Faults(refuse_auth_from=7)),
        ("shell-gone@7", Faults(shell_gone_at=7)),
        ("power-loss@7", Faults(power_lost_at=7)),
        ("envelope=150", Faults(envelope_kb=150)),
        ("clock=-400", Faults(clock_s=-400)),
        ("latency=0.5", Faults(latency_s=0.5)),
        ("loss=0.05", Faults(loss=0.05)),
        ("rate=2000", Faults(bytes_per_s=2000)),
        ("idle-cut=120", Faults(idle_cut_s=120)),
        ("disk-full", Faults(machine=("disk-full",))),
        ("tls-expired", Faults(certificate="expired")),
    ],
)
def test_faults_have_names(text: str, faults: Faults) -> None:
    """One word each, with a number where there is one to choose."""
    assert parse_fault(text) == faults


@pytest.mark.parametrize(
    "text", ["", "drop", "slow", "garbage@1", "garbage=1", "drops@1", "Drop@1"]
)
def test_an_unknown_fault_lists_the_known_ones(text: str) -> None:
    """Whoever misspells a name sees all of them."""
    with pytest.raises(ValueError, match="there is no fault") as caught:
        parse_fault(text)

    assert all(name in str(caught.value) for name in FAULT_NAMES)


@pytest.mark.parametrize(
    ("text", "example"),
    [
        *((text, "drop@7") for text in ("drop@", "drop@0", "drop@-1", "drop@x", "drop@1.5")),
        ("loss=-1", "loss=2"),
        ("clock=soon", "clock=-400"),
        *((text, "slow=2") for text in ("slow=", "slow=0", "slow=-1", "slow=nan", "slow=inf")),
    ],
)
def test_a_fault_with_a_wrong_number_shows_a_right_one(text: str, example: str) -> None:
    """Requests are counted from one, seconds are positive."""
    with pytest.raises(ValueError, match="needs a") as caught:
        parse_fault(text)

    assert example in str(caught.value)


def test_faults_of_one_node_hold_together() -> None:
    """Faults of the machine add up; of two values of one thing the last holds."""
    words = ("disk-full", "service-held", "slow=1", "slow=2", "hcs-filter")
    assert together(map(parse_fault, words)) == Faults(
        machine=("disk-full", "service-held"), compute=("hcs-filter",), delay_s=2
    )
    assert together([]) == Faults()


def test_each_fault_is_in_the_docs() -> None:
    """Whoever rehearses finds its name there."""
    page = (Path(__file__).parent.parent / "docs" / "lab.md").read_text(encoding="utf-8")
    names = [name.replace("@NUMBER", "@K") for name in FAULT_NAMES]
    assert [name for name in names if f"`{name}" not in page] == []
