"""The cases of test_conformance for what takes things back."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.case import ENVIRONMENT, Case, both, folder, program, service, text, value
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended

CRICTL = r"C:\k\crictl.exe"
RUNNING = service("containerd", State="Running", PathName=r"C:\containerd.exe")


def pods(machine: Machine) -> None:
    """Let containerd have two pods until crictl removes them."""
    ids = ["46c169974805c", "e41bd4d079860"]

    def run(_machine: Machine, _version: str, words: Sequence[str]) -> Ended:
        assert words[:2] == ["--config", r"C:\k\crictl.yaml"]
        if words[2:] == ["rmp", "--all", "--force"]:
            ids.clear()
        return Ended(stdout="".join(f"{row}\n" for row in ids))

    program(CRICTL, stdout="")(machine)
    machine.programs["crictl"] = run


def mute(machine: Machine) -> None:
    """Have a crictl that gets no answer."""
    program(CRICTL, stdout="")(machine)
    machine.programs["crictl"] = lambda *_: Ended(code=1, stderr="level=fatal msg=deadline\n")


CASES = (
    Case(
        id="pod_sandboxes of a runtime that is down, as if present",
        kind="pod_sandboxes",
        key={"crictl": CRICTL},
        want={"state": "absent"},
    ),
    Case(
        id="pod_sandboxes that run, different",
        kind="pod_sandboxes",
        key={"crictl": CRICTL},
        want={"state": "absent"},
        before=both(RUNNING, pods),
        alone=True,
    ),
    Case(
        id="pod_sandboxes broken: the runtime does not answer",
        kind="pod_sandboxes",
        key={"crictl": CRICTL},
        want={"state": "absent"},
        before=both(RUNNING, mute),
        broken=True,
    ),
    Case(
        id="directory pruned, different: it is empty",
        kind="directory",
        key={"path": r"C:\pruned\empty"},
        want={"state": "pruned"},
        before=folder(r"C:\pruned\empty"),
    ),
    Case(
        id="directory pruned, but somebody's file is present",
        kind="directory",
        key={"path": r"C:\shared"},
        want={"state": "pruned"},
        before=text(r"C:\shared\foreign.txt", "mine"),
        keeps=r"shared\foreign.txt",
    ),
    Case(
        id="directory pruned, gone already, so as if present",
        kind="directory",
        key={"path": r"C:\never\was\there"},
        want={"state": "pruned"},
    ),
    Case(
        id="directory absent, and so are those above it",
        kind="directory",
        key={"path": "C:/deep/down/here/"},
        want={"state": "present"},
    ),
    Case(
        id="environment entries to take out, different",
        kind="environment",
        key={"name": "LIST"},
        want={"without": [r"c:\ours", r"C:\never"]},
        before=value(ENVIRONMENT, "LIST", "ExpandString", r"%SystemRoot%;C:\Ours\;C:\theirs"),
    ),
    Case(
        id="environment entries to take out and to add, different",
        kind="environment",
        key={"name": "SWAP"},
        want={"entries": [r"C:\b"], "without": [r"C:\a"]},
        before=value(ENVIRONMENT, "SWAP", "String", r"C:\a"),
    ),
    Case(
        id="environment entries to take out are not there, so present",
        kind="environment",
        key={"name": "CLEAN"},
        want={"without": [r"C:\ours"]},
        before=value(ENVIRONMENT, "CLEAN", "String", r"C:\theirs"),
    ),
)
