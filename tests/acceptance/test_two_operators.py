"""Two operators join the same node at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from client import LOCKED
from clusters import site

LONGEST_S = 60


def test_who_comes_second_takes_no_token_from_the_first(tmp_path: Path) -> None:
    """The node is held, and says so; what the first one began comes to its end."""
    with site(tmp_path) as lab:
        installed = lab.run("install")
        assert installed.code == 0, installed.stderr
        programs = lab.nodes["web-1"].machine.programs
        began, go_on, kubeadm = threading.Event(), threading.Event(), programs["kubeadm"]

        def slow(*words: Any) -> Any:
            began.set()
            go_on.wait(LONGEST_S)
            return kubeadm(*words)

        programs["kubeadm"] = slow
        with lab.start("join") as first:
            try:
                assert began.wait(LONGEST_S)
                second = lab.run("join")
                go_on.set()
                said, errors = first.communicate(timeout=LONGEST_S)
            finally:
                first.kill()

        assert second.code == LOCKED, second.stderr
        assert "another run holds the node: `join` of " in second.of("web-1")["error"]["message"]
        assert first.returncode == 0, said + errors
        assert lab.ready()
        assert not lab.tokens()
