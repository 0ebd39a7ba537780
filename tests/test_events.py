"""Facts about reading a node's lines."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wincnode.events import Event, FactsRead, Finished, Log, StepFinished, parse, printable

RUN = "0" * 32


def line(**fields: object) -> bytes:
    return json.dumps({"run": RUN, "seq": 1, "at": "", **fields}).encode()


def test_an_event_of_another_run_is_a_log_line() -> None:
    """Only the run that was started can speak for it."""
    event = parse(line(type="finished", outcome="ok"), run="1" * 32)

    assert isinstance(event, Log)


def test_facts_without_data_are_unknown_with_a_reason() -> None:
    """A section that failed is never mistaken for an empty one."""
    event = parse(line(type="facts", section="os", status="unknown", error="deadline"), run=RUN)

    assert event == FactsRead(seq=1, section="os", data=None, error="deadline", elapsed_ms=0)


def test_a_step_result_of_an_unheard_outcome_is_failed() -> None:
    """The node cannot talk a step into success with a word we do not know."""
    event = parse(line(type="step_finished", step="1", outcome="splendid"), run=RUN)

    assert isinstance(event, StepFinished)
    assert event.outcome == "failed"


def test_the_last_event_carries_its_counts() -> None:
    """The counts of outcomes come with the end of the run."""
    event = parse(line(type="finished", outcome="ok", counts={"changed": 2}), run=RUN)

    assert event == Finished(seq=1, outcome="ok", counts={"changed": 2})


def test_control_characters_never_reach_a_terminal() -> None:
    """Escape sequences and marks that reorder text are shown, not obeyed."""
    assert printable("a\x1b[2Jb\u202ec\rd") == "a\\x1b[2Jb\\x202ec\\x0dd"
    assert printable("a\u2028b\ud83d") == "a\\x2028b\\xd83d"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    """Whatever a node sends, reading it gives an event."""
    assert isinstance(parse(data, run=RUN), Event)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=3,
)
TYPES = "hello facts step_started step_finished log launched refused died run_listed finished x"


# A busy machine is no reason to fail.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(
    st.sampled_from(TYPES.split()),
    st.dictionaries(
        st.sampled_from("seq section status data error step outcome diff counts text code".split()),
        JSON,
        max_size=6,
    ),
)
def test_no_shape_of_an_event_raises(kind: str, fields: dict[str, object]) -> None:
    """Wrong types in an event make it a log line."""
    assert isinstance(parse(line(type=kind, **fields), run=RUN), Event)
