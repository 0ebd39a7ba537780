"""F13: two names of one machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from client import changed
from fault_rows import APPLY, Row, Run, fault, inventory

from wincnode.commands.apart import apart
from wincnode.commands.inspect import Options, Session
from wincnode.errors import NodeUnreachable
from wincnode.lab.nodes import LabNode
from wincnode.transport import Stdin

Lab = Callable[..., LabNode]


@fault(
    "F13",
    "two names of the inventory are one machine",
    does="tells by MachineGuid and UUID, before anything is changed on any node: a verb that changes"
    " several asks each of them first; two names of one address and port are told before any network"
    " is touched",
    error="config.same-machine",
    exit_code=2,
)
@pytest.mark.parametrize("parallel", ["1", "20"])
def test_f13_two_names_of_one_machine(
    parallel: str, row: Row, run: Run, lab: Lab, tmp_path: Path
) -> None:
    """The one that comes first, and a third machine, are left alone as well."""
    other, node = lab(name="web-0"), lab()
    ports = {"web-0": other.port, "web-1": node.port}
    rows = {name: ("127.0.0.1", port) for name, port in ports.items()}
    inventory(tmp_path / "wincnode.yaml", {**rows, "web-2": ("localhost", node.port)})

    end = run(*APPLY, "--parallel", parallel)

    row.holds(end)
    assert end.ids == ("config.same-machine",) * 3
    for told in end.report["nodes"]:
        assert "web-1 and web-2 are one machine (MachineGuid" in told["error"]["message"]
    assert (changed(node), changed(other)) == ([], [])
    assert run(*APPLY, "web-0", "web-1").exit_code == 0
    assert (len(changed(node)), len(changed(other))) == (2, 2)


def test_f13_a_node_that_does_not_tell_is_asked_once(run: Run, lab: Lab, tmp_path: Path) -> None:
    """A second attempt would count towards the account's lock-out; the others go on."""
    refuses, node = lab("deny"), lab(name="web-2")

    end = run(*APPLY)

    assert (end.exit_code, end.ids[0]) == (4, "link.password")
    # A blank request, the challenge's answer; no operation.
    assert refuses.server.http_requests == 3
    assert len(changed(node)) == 2


def test_f13_a_node_that_hangs_holds_up_the_others_for_a_while_alone() -> None:
    """It is not judged; the others are, as soon as the time is over."""
    over = threading.Event()

    class Machine:
        exit_code, stderr = 0, b""

        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, _command: str, _stdin: Stdin) -> Iterator[bytes]:
            if self.name == "hangs":
                over.wait(20)
            raise NodeUnreachable(f"{self.name}: gone", id="link.refused")

        def close(self) -> None:
            """Hold nothing."""

    names = ("hangs", "gone")
    session = Session(connect=Machine, watch=lambda *_: None)
    began = time.monotonic()
    found = apart(Options(nodes=names), session, limit_s=0.5)
    took_s = time.monotonic() - began
    over.set()

    assert [*found] == ["gone"]
    assert 0.5 <= took_s < 5


def test_f13_a_plan_tells_it_as_well(run: Run, lab: Lab, tmp_path: Path) -> None:
    """It changes nothing, so that one of the two is told."""
    node = lab()
    rows = {"web-1": ("127.0.0.1", node.port), "web-2": ("localhost", node.port)}
    inventory(tmp_path / "wincnode.yaml", rows)

    end = run(*APPLY, "--plan")

    assert (end.exit_code, end.ids[0]) == (2, "config.same-machine")


def test_f13_one_address_twice_is_told_before_any_network_is_touched(
    run: Run, lab: Lab, tmp_path: Path
) -> None:
    node = lab()
    rows = dict.fromkeys(("web-1", "web-2"), ("127.0.0.1", node.port))
    inventory(tmp_path / "wincnode.yaml", rows)

    end = run(*APPLY)

    assert (end.exit_code, node.server.http_requests) == (2, 0)
    assert "is node web-1 already" in end.text
