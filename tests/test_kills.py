"""A client that is killed leaves nothing to resume: the same command again ends the work."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import killed
import pytest
from client import changed, desk, killed_at, until_not_locked
from killed import ROADS, Moment
from nodes import ENGINES, lab_node
from winps import says

from wincnode.lab.model import ModelEngine, acl
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows import firewall
from wincnode.lab.windows.machine import Machine, Task
from wincnode.lab.windows.registry import Value

PLAYBOOK = r"""
name: two things
steps:
  - directory:
      path: C:\k
  - file:
      path: C:\k\note.txt
      content: hello
"""
# Of some 14 requests: facts, the detached run's start, its Receives. The soak kills at each, and
# runs the scripts; tests/acceptance/test_detached_runs.py has a run of theirs that holds the node.
KILLED_AT = (9,)
CLOSED = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
CLOSE = rf"""
$access = New-Object -TypeName Security.AccessControl.DirectorySecurity
$access.SetSecurityDescriptorSddlForm('{CLOSED}')
$null = [IO.Directory]::CreateDirectory('C:\closed', $access)
"""


@pytest.mark.parametrize("request_number", KILLED_AT)
def test_a_killed_client_is_answered_by_the_same_command_again(
    request_number: int, tmp_path: Path
) -> None:
    """The node ends as after an undisturbed run, and no step is done twice."""
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, PLAYBOOK)
        killed_at(request_number, here, node)

        steps = until_not_locked(here)["steps"]

        assert len(steps) == 2
        assert (node.machine.drive / "k" / "note.txt").read_text() == "hello"
        assert len(changed(node)) == 2, changed(node)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    """A machine that each test changes in another place."""
    with lab_node(tmp_path_factory.mktemp("node"), engine="model") as made:
        made.machine.path(r"C:\there.txt").write_text("one")
        yield made


def _task(name: str, argument: str) -> Task:
    return Task(path="\\", name=name, execute="x.exe", argument=argument, folder="C:\\")


RULE = {"Name": "mine", "DisplayName": "mine"}
KEY = r"HKLM\SOFTWARE\mine"
CHANGES: dict[str, Callable[[Machine], object]] = {
    r"file c:\there.txt": lambda it: it.path(r"C:\there.txt").write_text("two"),
    r"file c:\new": lambda it: it.path(r"C:\new").mkdir(),
    "service W32Time": lambda it: it.services.change("W32Time", {"PathName": "other.exe"}),
    "service Spooler": lambda it: it.services.restart_after("Spooler", 1000, 3, 0),
    rf"registry {KEY}\x".lower(): lambda it: it.registry.set(KEY, "x", Value(kind="DWord", data=1)),
    rf"rule {firewall.RULES}\mine".lower(): lambda it: firewall.add(it.registry, RULE),
    "task mine": lambda it: it.tasks.update(mine=_task("mine", "-x")),
    "feature Hyper-V": lambda it: it.features.turn(["Hyper-V"], on=True),
    "ports": lambda it: it.ports.netsh(
        ["interface", "ipv4", "set", "dynamicportrange", "tcp", "34000", "100"]
    ),
}


@pytest.mark.parametrize("row", CHANGES)
def test_a_digest_tells_what_a_machine_holds(row: str, node: LabNode) -> None:
    """Whatever is changed is a difference that names it."""
    before = killed.digest(node)
    assert killed.differences(killed.digest(node), before) == []

    CHANGES[row](node.machine)

    assert row in {
        said.partition(": ")[0] for said in killed.differences(killed.digest(node), before)
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_a_digest_tells_access_lists(engine: str, tmp_path: Path) -> None:
    """As the engine keeps them: a folder that is closed to users."""
    with lab_node(tmp_path / "node", engine=engine) as node:
        if isinstance(node.engine, ModelEngine):
            node.engine.host.disk.make_folder(r"C:\closed", acl.parse(CLOSED))
        else:
            says(node.engine, CLOSE)
        (node.machine.drive / "it's open").touch()
        found = killed.access_lists(node)

    assert found["c:\\closed"].endswith("D:PAI" + CLOSED.removeprefix("D:P"))
    assert found["c:\\it's open"].endswith(";;;BU)")


SECRET = "0123456789abcdef"
WIDE = base64.b64encode(f"--token abcdef.{SECRET}".encode("utf-16-le")).decode()
PLANTED: dict[str, Callable[[Machine], object]] = {
    "file Program Files/x": lambda it: it.path(r"C:\Program Files\x").write_text(SECRET),
    rf"value {KEY}\y": lambda it: it.registry.set(KEY, "y", Value(kind="String", data=WIDE)),
    rf"value {KEY}\z": lambda it: it.registry.set(
        KEY, "z", Value(kind="Binary", data=list(SECRET.encode("utf-16-le")))
    ),
    "service Spooler": lambda it: it.services.change("Spooler", {"PathName": f"x {SECRET}"}),
    "task y": lambda it: it.tasks.update(y=_task("y", WIDE)),
    "the System log": lambda it: it.services.log.write(1, SECRET),
}


@pytest.mark.parametrize("place", PLANTED)
def test_a_token_is_found_wherever_it_stands(place: str, node: LabNode) -> None:
    """Raw or as base64, in either encoding."""
    before = killed.holding(killed.of_node(node), {SECRET})

    PLANTED[place](node.machine)

    assert place not in before
    assert place in killed.holding(killed.of_node(node), {SECRET})


def test_moments_are_drawn_by_a_seed() -> None:
    """The same ones by the same; at each request at least one."""
    drawn = killed.moments("one", least=80)
    places = sum(map(len, ROADS.values()))

    assert drawn == killed.moments("one", least=80) != killed.moments("two", least=80)
    assert len({(row.command, row.place) for row in drawn[:places]}) == places
    assert len(set(drawn)) == 80
    receives = sum(road.count("Receive") for road in ROADS.values())
    assert len(killed.all_moments("one")) == 3 * places + 2 * receives


def test_a_moment_counts_the_requests_but_for_repeated_receives() -> None:
    """How often is asked for output is a matter of time."""
    requests = ["Create", "Command", "Send", "Receive", "Receive", "Signal"]
    moment = Moment(command="install", place=5)

    assert killed.road(requests) == ROADS["install"][:5]
    assert [moment.fits(requests[:count]) for count in range(1, 7)] == [*[False] * 5, True]
