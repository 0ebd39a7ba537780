"""The cases of test_conformance for services that run programs, and for joining a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from conformance.case import Case, both, service, text, value
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended
from wincnode.lab.windows.services import KEY

SERVER = "https://10.0.0.10:6443"
KUBECONFIG = f"clusters:\n- cluster:\n    server: {SERVER}\n"
CREDENTIALS = {"state": "joined", "configuration": "token: abcdef.0123456789abcdef\n"}
PEM = r"C:\var\lib\kubelet\pki\kubelet-client-current.pem"
CONF = r"C:\etc\kubernetes\kubelet.conf"
QUOTED = r"C:\Program Files\q.exe -x"
LONG_AGO = 1_000_000_000
EMPTY = {"version": 1, "owner": "wincnode-look", "calls": [], "finally": []}


def old(path: str) -> Callable[[Machine], None]:
    """Make a file that was written long ago."""

    def make(machine: Machine) -> None:
        text(path, "old")(machine)
        os.utime(machine.path(path), (LONG_AGO, LONG_AGO))

    return make


def started(name: str, path: str, *needs: str) -> Callable[[Machine], None]:
    """Put a service in that was started just now; others depend on it, or it on them."""

    def make(machine: Machine) -> None:
        machine.services.create({"Name": name, "PathName": path, "StartMode": "Automatic"})
        machine.services.change(name, {"ServiceDependencies": list(needs)})
        machine.services.start(name)
        machine.clock.advance(machine.profile.durations.get("service_start", 0))

    return make


def joined(machine: Machine) -> None:
    """Leave on the disk what a join leaves."""
    for path, content in ((CONF, KUBECONFIG), (PEM, "pem")):
        text(path, content)(machine)


def kubeadm(does: Callable[[Machine], Ended]) -> Callable[[Machine], None]:
    """Put a kubeadm in, which does that."""

    def make(machine: Machine) -> None:
        def run(of: Machine, _version: str, words: Sequence[str]) -> Ended:
            assert words[:2] == ["join", "--config"]
            assert of.path(words[2]).read_text(encoding="utf-8") == CREDENTIALS["configuration"]
            return does(of)

        machine.programs["kubeadm"] = run
        file = machine.path(r"C:\k\kubeadm.exe")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(programs.script("kubeadm", "1.36.4"), encoding="utf-8")
        file.chmod(0o755)
        machine.path(r"C:\Program Files\wincnode").mkdir(parents=True, exist_ok=True)

    return make


def joins(machine: Machine) -> Ended:
    """Be a kubeadm that joins."""
    joined(machine)
    return Ended(stdout="This node has joined the cluster\n")


def fails(_machine: Machine) -> Ended:
    """Be a kubeadm that fails."""
    return Ended(code=1, stderr="couldn't validate the identity of the API Server\n")


def bootstraps(machine: Machine) -> None:
    """Put a kubelet in that joins as soon as it runs."""
    machine.services.load({"kubelet": {"State": "Stopped", "PathName": r"C:\k\kubelet.exe"}})
    machine.path(r"C:\etc\kubernetes\pki").mkdir(parents=True)
    machine.services.on_change.append(
        lambda row: joined(machine) if row.name == "kubelet" else None
    )


CASES = (
    Case(
        id="service that runs by what it reads, so present",
        kind="service",
        key={"name": "reader"},
        want={"state": "running", "restart_when_newer": [r"C:\reader.toml", r"C:\no\such"]},
        before=both(
            service("reader", State="Running", PathName=r"C:\reader.exe"), old(r"C:\reader.toml")
        ),
    ),
    Case(
        id="service whose file is newer, so different",
        kind="service",
        key={"name": "runtime"},
        want={"state": "running", "restart_when_newer": [r"C:\runtime.toml"]},
        before=both(
            started("runtime", r"C:\runtime.exe"),
            started("needy", r"C:\needy.exe", "runtime"),
            text(r"C:\runtime.toml", "new"),
        ),
    ),
    Case(
        id="service with variables, different",
        kind="service",
        key={"name": "proxied"},
        want={"state": "running", "environment": ["HTTPS_PROXY=http://10.0.0.1:3128", "A=b c"]},
        before=started("proxied", r"C:\proxied.exe"),
    ),
    Case(
        id="service whose variable is in another case, different",
        kind="service",
        key={"name": "shouting"},
        want={"state": "running", "environment": ["P=secret"]},
        before=both(
            started("shouting", r"C:\shouting.exe"),
            value(f"{KEY}\\shouting", "Environment", "MultiString", ["P=SECRET"]),
        ),
    ),
    Case(
        id="service whose path Windows put into quotes, so present",
        kind="service",
        key={"name": "quoted"},
        want={"state": "running", "command": QUOTED},
        before=service(
            "quoted", State="Running", PathName=QUOTED, CommandLine=r'"C:\Program Files\q.exe" -x'
        ),
    ),
    Case(
        id="service whose command line nobody may see, so present",
        kind="service",
        key={"name": "hidden"},
        want={"state": "running", "command": QUOTED},
        before=service("hidden", State="Running", PathName=QUOTED, CommandLine=""),
    ),
    Case(
        id="service that runs with another command, different",
        kind="service",
        key={"name": "changed"},
        want={"state": "running", "command": r"C:\changed.exe --now"},
        before=started("changed", r"C:\changed.exe --once"),
    ),
    Case(
        id="service whose command was changed since it was started, different",
        kind="service",
        key={"name": "stale"},
        want={"state": "running", "command": r"C:\stale.exe --now"},
        before=both(
            started("stale", r"C:\stale.exe --once"),
            lambda machine: machine.services.change("stale", {"PathName": r"C:\stale.exe --now"}),
        ),
    ),
    Case(
        id="kubeadm_join present",
        kind="kubeadm_join",
        key={"server": SERVER},
        want=CREDENTIALS,
        before=joined,
    ),
    Case(
        id="kubelet_bootstrap present",
        kind="kubelet_bootstrap",
        key={"server": SERVER},
        want={"state": "joined", "kubeconfig": "token: x\n", "ca": "pem\n"},
        before=joined,
    ),
    Case(
        id="kubeadm_join absent",
        kind="kubeadm_join",
        key={"server": SERVER},
        want=CREDENTIALS,
        before=kubeadm(joins),
        alone=True,
    ),
    Case(
        id="kubelet_bootstrap absent",
        kind="kubelet_bootstrap",
        key={"server": SERVER},
        want={"state": "joined", "kubeconfig": "token: x\n", "ca": "pem\n"},
        before=bootstraps,
        alone=True,
    ),
    # What programs do is the contract of the executors: tests/compute_cases.py.
    Case(
        id="compute_programs nothing is left, so it is present",
        kind="compute_programs",
        key={},
        want={
            "programs": [
                {"id": "a", "needs": [], "program": EMPTY},
                {"id": "b", "needs": ["c"], "program": EMPTY},
            ]
        },
    ),
    Case(
        id="kubeadm_join broken: kubeadm fails",
        kind="kubeadm_join",
        key={"server": SERVER},
        want=CREDENTIALS,
        before=kubeadm(fails),
        broken=True,
    ),
)
