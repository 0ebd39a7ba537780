"""Facts about starting, following and re-attaching to a run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from wincnode import runner
from wincnode.errors import ConfigError, NodeLocked, NodeRefused, RunFailed
from wincnode.events import Finished, Log
from wincnode.lab.model import unpack
from wincnode.transport import ConnectionLost

RUN = "a" * 32
PLAN = {"node": "win1", "steps": [{"id": "1", "kind": "directory"}]}


class Journal:
    """A transport over a list of events that loses the link after each `cut` lines."""

    def __init__(self, events: list[dict[str, object]], *, cut: int) -> None:
        self.events = events
        self.cut = cut
        self.verbs: list[str] = []
        self.exit_code = 0
        self.stderr = b""

    def run(self, command: str, stdin: bytes) -> Iterator[bytes]:
        payload = unpack(stdin)
        self.verbs.append(payload["verb"])
        left = [event for event in self.events if event["seq"] > payload["since"]]
        for event in left[: self.cut]:
            yield json.dumps({"run": RUN, "at": "", **event}).encode()
        if len(left) > self.cut:
            raise ConnectionLost("win1: the link was lost")

    def close(self) -> None:
        """Nothing is open."""


def numbered(count: int) -> list[dict[str, object]]:
    logs: list[dict[str, object]] = [
        {"seq": n, "type": "log", "level": "info", "text": str(n)} for n in range(1, count)
    ]
    return [*logs, {"seq": count, "type": "finished", "outcome": "ok", "counts": {}}]


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 10])
def test_each_event_comes_once_however_often_the_link_drops(cut: int) -> None:
    """A client re-attaches with the last number it saw."""
    transport = Journal(numbered(8), cut=cut)

    seen = [event.seq for event in runner.detached(transport, run=RUN, plan=PLAN)]

    assert seen == [1, 2, 3, 4, 5, 6, 7, 8]
    assert transport.verbs[0] == "detached"
    assert set(transport.verbs[1:]) <= {"follow"}


def test_a_gap_in_the_numbers_is_asked_for_again() -> None:
    """A lost line is never skipped."""
    transport = Journal(numbered(3), cut=10)
    whole = transport.events
    transport.events = [whole[0], whole[2]]

    events = runner.detached(transport, run=RUN, plan=PLAN)
    first = next(events)
    transport.events = whole
    rest = list(events)

    assert [first.seq, *(event.seq for event in rest)] == [1, 2, 3]


def reply(**event: object) -> Journal:
    """Give a transport that says one line."""
    transport = Journal([], cut=10)
    transport.run = lambda *_: iter([json.dumps({"run": RUN, "seq": 0, **event}).encode()])  # type: ignore[method-assign] # one reply
    return transport


def test_cancel_gives_what_the_node_says() -> None:
    """The operator reads whether the run stops or had ended."""
    transport = reply(type="log", level="info", text="The run has ended already.")

    assert list(runner.cancel(transport, run=RUN, node="win1")) == [
        Log(level="info", text="The run has ended already.")
    ]


def test_cancel_of_a_run_that_is_not_there_is_an_error() -> None:
    """A mistyped id is not taken for a success."""
    transport = reply(type="died", message="This node knows no such run.")

    with pytest.raises(RunFailed, match="no such run") as caught:
        list(runner.cancel(transport, run=RUN, node="win1"))

    assert caught.value.id == "run.unknown"


def test_a_link_that_never_holds_is_given_up() -> None:
    """Re-attaching is bounded."""
    transport = Journal(numbered(30), cut=0)

    with pytest.raises(ConnectionLost):
        list(runner.detached(transport, run=RUN, plan=PLAN, patience_s=0.4))

    assert 2 <= len(transport.verbs) <= 4


def test_a_locked_node_names_its_holder() -> None:
    """The loser of the lock is told whose run it is."""
    who = {"operator": "ann", "host": "laptop", "pid": 7, "command": "apply prepare.yaml"}
    holder = {"run": RUN, "who": who}
    refused = {"seq": 0, "type": "refused", "code": "locked", "message": "", "holder": holder}
    transport = reply(**refused)

    with pytest.raises(NodeLocked, match=r"`apply prepare\.yaml` of ann on laptop, run"):
        list(runner.detached(transport, run=RUN, plan=PLAN))


def test_a_refusal_has_the_id_of_its_cause() -> None:
    """Constrained language is told apart from other refusals."""
    refused = {"seq": 0, "type": "refused", "code": "constrained_language", "message": "no"}
    transport = reply(**refused)

    with pytest.raises(NodeRefused) as caught:
        list(runner.attached(transport, run=RUN, plan={"node": "win1"}))

    assert caught.value.id == "node.constrained-language"


def test_a_process_that_ends_without_a_result_is_an_error() -> None:
    """Silence is not success; the end of stderr is shown."""
    transport = Journal([], cut=10)
    transport.stderr = b"blocked by your antivirus"

    with pytest.raises(RunFailed, match="blocked by your antivirus"):
        list(runner.attached(transport, run=RUN, plan={"node": "win1"}))


def test_the_request_is_ascii_and_framed() -> None:
    """Values arrive as they were sent, whatever the code page."""
    payload = runner.payload_of("runs", run=RUN, plan={"node": "Zürich ‘quoted’ \u2028"})

    packed = runner.pack(payload)

    assert packed.isascii()
    assert unpack(packed)["plan"] == payload["plan"]


def test_secrets_have_a_line_of_their_own() -> None:
    """The JSON, which the node may log, holds no secret, and the header no hash of one."""
    packed = runner.pack({"verb": "attached"}, {"a": "hush", "b": "z\u00fc\n"})
    header, body, secrets, mark = packed.decode("ascii").splitlines()

    assert secrets == "a=aHVzaA== b=esO8Cg=="
    assert json.loads(header)["secrets"] == len(secrets)
    assert set(json.loads(header)) == {"wincnode", "length", "sha256", "secrets"}
    assert json.loads(body) == {"verb": "attached"}
    assert mark == runner.END_MARK


@pytest.mark.parametrize("name", ["a b", "a=b", "\u00fc", ""])
def test_a_name_that_would_break_the_line_is_refused(name: str) -> None:
    """A secret's name stands on a line that is cut at spaces."""
    with pytest.raises(ConfigError):
        runner.pack({}, {name: "hush"})


@pytest.mark.parametrize(
    ("verb", "mode", "names"),
    [
        ("attached", "check", "runner"),
        ("attached", "apply", "runner runs"),
        ("detached", "apply", "runner runs worker"),
        ("follow", "", "runs"),
        ("runs", "", "runs"),
        ("cancel", "", "runs"),
    ],
)
def test_a_request_brings_the_scripts_of_its_verb(verb: str, mode: str, names: str) -> None:
    """Reading facts from many nodes sends nothing that only a change needs."""
    payload = runner.payload_of(verb, run=RUN, plan={"node": "win1", "mode": mode})

    assert sorted(payload["scripts"]) == names.split()


def test_an_altered_request_is_noticed() -> None:
    """A changed byte in the payload does not pass."""
    payload = runner.payload_of("runs", run=RUN, plan={"node": "win1"})
    packed = runner.pack(payload).replace(b"win1", b"win2")

    with pytest.raises(ValueError, match="differs"):
        unpack(packed)


def test_the_command_line_fits_behind_cmd() -> None:
    """cmd.exe takes 8,191 characters (winrm: Windows command-line limit)."""
    assert len(runner.command_line()) < 8191


def test_events_that_are_no_events_are_kept_as_log() -> None:
    """A stray line on stdout neither ends nor confuses a run."""
    end = {"run": RUN, "seq": 1, "type": "finished", "outcome": "ok"}
    transport = Journal([], cut=10)
    transport.run = lambda *_: iter([b"WARNING: hello", json.dumps(end).encode()])  # type: ignore[method-assign] # one reply

    events = list(runner.attached(transport, run=RUN, plan={"node": "win1"}))

    assert [type(event) for event in events] == [Log, Finished]
