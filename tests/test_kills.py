"""A client that is killed leaves nothing to resume: the same command again ends the work."""

from __future__ import annotations

from pathlib import Path

import pytest
from client import changed, desk, killed_at, until_not_locked
from nodes import lab_node

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
# runs the scripts; tests/test_detached_runs.py has a run of theirs that holds the node.
KILLED_AT = (9,)


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
