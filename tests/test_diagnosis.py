"""What is said of a join that failed: pure rows, and the section over both engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from diagnosis_cases import LINES, NODE
from lab_workers import CONTAINERD, FILES, KUBELET, TOKEN
from nodes import ENGINES, lab_node, linked

from wincnode.causes import load_causes
from wincnode.commands.diagnose import diagnose
from wincnode.commands.explain import explain, ids
from wincnode.diagnosis import Evidence, Log, causes, evidence, said
from wincnode.events import FactsRead
from wincnode.facts import Facts
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import Machine
from wincnode.worker import paths

STARTED = 'I1124 10:00:00.1 1 server.go:545] "Kubelet version" kubeletVersion="v1.36.4"'


def with_line(where: str, line: str) -> Evidence:
    match where:
        case "node":
            return Evidence(machine=(line,))
        case "kubeadm":
            return Evidence(said=(line,))
    return with_log(line, of=where)


def with_log(*lines: str, of: str = "kubelet") -> Evidence:
    return Evidence(logs={of: Log(path="x.log", lines=lines)})


CAUSES = load_causes()


def named(found: Evidence) -> list[str]:
    return [row.cause.id for row in causes(found, CAUSES)]


def line_of(id: str) -> str:
    return LINES[id][1]


def test_each_cause_has_a_line_that_points_to_it_first() -> None:
    """What a program really writes leads to its row, and to no other before it."""
    first = {id: named(with_line(*line))[:1] for id, line in LINES.items()}

    assert first == {id: [id] for id in CAUSES}


def test_each_cause_can_be_explained_and_has_a_source() -> None:
    """An id of an error can be looked up, offline."""
    assert set(CAUSES) <= set(ids())
    assert explain("cause.flag").causes[0].source == CAUSES["cause.flag"].source
    assert [id for id, row in CAUSES.items() if not (row.source and row.rank in {1, 2, 3})] == []


@pytest.mark.parametrize(
    "line",
    [
        'W1124 1 x.go:1] "ignored configuration option: cgroupsPerQOS is not supported on Windows"',
        'I1124 1 x.go:1] "Container runtime network not ready"',
        'time="x" level=info msg="skip loading plugin" error="skip plugin" id=io.containerd.cri.v1',
        "The HTTP call returned error: dial tcp 127.0.0.1:10248: connectex: refused",
    ],
)
def test_harmless_lines_point_nowhere(line: str) -> None:
    """A warning that every Windows node writes is no cause."""
    assert named(with_log(line)) + named(with_log(line, of="containerd")) == []
    assert named(Evidence(said=(line,))) == []


def test_what_names_the_fault_goes_before_what_follows_from_it() -> None:
    """What kubeadm says is that the kubelet is dead; the kubelet's log says why."""
    found = replace(
        with_log(STARTED, line_of("cause.flag")),
        said=(line_of("cause.kubelet-unhealthy"),),
        machine=("service kubelet: Stopped, exit code 1067",),
    )

    assert named(found) == ["cause.flag", "cause.kubelet-unhealthy", "cause.kubelet-ended"]


def test_a_network_that_waits_for_its_image_is_no_missing_network() -> None:
    """The Node says that it has no network; the log says that its agent's image does not run."""
    found = replace(
        with_log(STARTED, line_of("cause.image-build")), said=(line_of("cause.no-network"),)
    )

    assert named(found) == ["cause.image-build", "cause.no-network"]


def test_an_earlier_life_of_the_kubelet_goes_last() -> None:
    """What was mended before the last start is not the reason now."""
    mended = (line_of("cause.unknown-ca"), STARTED, line_of("cause.server-silent"))

    assert named(with_log(*mended)) == ["cause.server-silent", "cause.unknown-ca"]


def test_the_last_words_count_most() -> None:
    """Of two faults that a kubelet could not survive the later one is the present one."""
    words = [line_of("cause.client-ca"), line_of("cause.token-refused"), "I1124 ended"]

    assert named(with_log(*words)) == ["cause.token-refused", "cause.client-ca"]
    assert named(with_log(*reversed(words)))[0] == "cause.client-ca"


def section(**changes: Any) -> Facts:
    service = {"exit_code": 0, "specific_exit_code": 0, "process_id": 0, "path": "kubelet.exe -v"}
    services = {"kubelet": service | {"state": "Running", "command_line": "runs"}}
    logs = {
        name: {"path": f"C:\\{name}.log", "size_bytes": None, "lines": [], "error": ""}
        for name in ("kubelet", "containerd")
    }
    rows: dict[str, Any] = {"services": services, "logs": logs, "refused": "", "files": []}
    return Facts(sections={"diagnosis": rows | {"cni": [], "events": []} | changes})


def test_a_kubelet_without_a_certificate_waits_for_it() -> None:
    """It runs, and its certificate is not there: its request is not approved."""
    pem = r"C:\pki\kubelet-client-current.pem"
    waits = evidence(section(files=[{"path": pem, "size_bytes": None}]))
    has = evidence(section(files=[{"path": pem, "size_bytes": 0}]))

    assert "cause.csr-pending" in named(waits)
    assert "cause.csr-pending" not in named(has)
    assert f"missing: {pem}" in waits.machine


def test_a_token_that_is_left_is_told_and_its_absence_is_not() -> None:
    """The file of the token is gone after every join."""
    file = r"C:\etc\kubernetes\bootstrap-kubelet.conf"
    left, gone = (
        evidence(section(files=[{"path": file, "size_bytes": size}])).machine for size in (9, None)
    )

    assert f"left: {file}" in left
    assert [line for line in gone if file in line] == []


def test_the_text_says_stage_cause_remedy_commands_and_last_lines() -> None:
    """All that a user needs, and no more lines than a screen has."""
    lines = [f"I1124 line {number}" for number in range(60)]
    logs = {
        "kubelet": {"path": r"C:\kubelet.log", "size_bytes": 9, "lines": lines, "error": ""},
        "containerd": {"path": r"C:\c.log", "size_bytes": 9, "lines": [], "error": "in use"},
    }
    text = said("Ready", evidence(section(logs=logs), f"{NODE}cni plugin not initialized\n"))
    shown = text.splitlines()

    assert shown[0] == "not passed: Ready"
    assert shown[1] == "likely cause: The node has no pod network yet [cause.no-network]"
    assert shown[4].startswith("  remedy: See with `kubectl get pods")
    assert "service containerd: not installed" in shown
    assert "command line of kubelet: runs" in shown
    assert r"log of kubelet, the last 8 lines of C:\kubelet.log:" in shown
    assert "  I1124 line 59" in shown
    assert "  I1124 line 51" not in shown
    assert shown[-1] == r"log of containerd, C:\c.log: in use"
    assert len(shown) < 40


def test_no_terminal_obeys_what_a_log_holds() -> None:
    """A node's output is hostile until it is printed."""
    assert "\x1b" not in said("Ready", with_log("\x1b[2J unknown flag: --x"))


def test_a_machine_that_cannot_be_asked_leaves_what_was_said() -> None:
    """The error itself still has its cause."""
    found = evidence(Facts(errors={"diagnosis": "deadline"}), line_of("cause.leftovers"))
    text = said("joined", found)

    assert "[cause.leftovers]" in text
    assert "the machine could not be asked: diagnosis is unknown: deadline" in text
    assert said("joined", Evidence()).endswith("none is known for these lines")


SECRET = "http://ada:hunter2@proxy:3128"


def spoil(machine: Machine) -> None:
    """Install a worker whose kubelet has a flag too many and whose containerd refuses its file."""
    files = {path: programs.script(*program) for path, program in FILES.items()}
    files[paths.CONTAINERD] = programs.script("containerd", "2.2.7")
    files[paths.CONTAINERD_CONFIG] = "version = 4\n"
    files[paths.KUBELET_CONFIG] = "kind: KubeletConfiguration\n"
    files[paths.KUBECONFIG] = "token: kept\n"
    files[rf"{paths.CNI_CONF}\10-x.conf"] = "{}"
    line = f"token={TOKEN} by {SECRET} häß"
    files[paths.CONTAINERD_LOG] = f"{line}\n" * 100
    files[paths.KUBELET_LOG] = f"{line}{'y' * 9000}\n" * 100
    for path, text in files.items():
        file = machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
    services = machine.services
    services.create({"Name": "containerd", "PathName": CONTAINERD})
    services.create({"Name": "kubelet", "PathName": f"{KUBELET} --pod-infra-container-image=x"})
    for name in ("containerd", "kubelet"):
        services.start(name)
    services.log.write(7034, "Spooler", "1")
    services.log.write(7034, "kubelet", "1", at=datetime.now(UTC) - timedelta(days=2))


def diagnosed(
    folder: Path, engine: str = "powershell", prepare: Callable[[Machine], None] = spoil
) -> tuple[Mapping[str, Any], str, list[str]]:
    """Give the section, the text, and which cmdlets were called for them."""
    with lab_node(folder, engine=engine) as node, linked(node) as link:
        prepare(node.machine)
        node.machine.calls.clear()
        work = diagnose(link, node="web-1", stage="registered", error="x")
        data: Mapping[str, Any] = {}
        while True:
            try:
                event = next(work)
            except StopIteration as end:
                return data, end.value, node.machine.calls
            if isinstance(event, FactsRead):
                assert event.data is not None, event.error
                data = event.data


def test_both_engines_say_why_a_worker_does_not_start(tmp_path: Path) -> None:
    """From the ends of logs, services, files and the System log, without a secret."""
    (found, text, calls), (modelled, _, _) = (diagnosed(tmp_path / row, row) for row in ENGINES)
    log, many = (found["logs"][name]["lines"] for name in ("kubelet", "containerd"))
    events = found["events"]
    for row in (*events, *modelled["events"]):
        del row["at"]

    assert found == modelled
    assert "likely cause: The kubelet does not know one of its flags [cause.flag]" in text
    assert "also possible: containerd does not take its configuration" in text
    assert "got `4`" in found["refused"]
    assert (found["services"]["kubelet"]["exit_code"], log[-1][:2]) == (1053, "E ")
    # 64 KB of lines of 9 KB, each cut to 1,000 characters; of short lines the last 60.
    assert [len(line) for line in log[:-1]] == [1000] * 7
    assert many == ["token=*** by http://***@proxy:3128 häß"] * 60
    assert [(row["id"], row["values"]) for row in events] == [
        (7000, ["kubelet", "%%1053"]),
        (7009, ["30000", "kubelet"]),
        (7000, ["containerd", "%%1053"]),
        (7009, ["30000", "containerd"]),
    ]
    assert [row["path"] for row in found["cni"]] == [rf"{paths.CNI_CONF}\10-x.conf"]
    assert "--pod-infra-container-image=x" in text
    assert [word for word in (TOKEN, "hunter2", "kept") if word in f"{found}{text}"] == []
    assert [call.split()[-1] for call in calls] == ["Win32_Service", "Get-WinEvent"]


def start_both(machine: Machine) -> None:
    """Let both services run, with another command line than they were set to have since."""
    for name in ("containerd", "kubelet"):
        machine.services.create({"Name": name, "PathName": rf"C:\x\{name}.exe --token={TOKEN}"})
        machine.services.start(name)
        machine.services.change(name, {"PathName": r"C:\x\other.exe"})
    machine.clock.advance(60)


def test_the_command_line_that_counts_is_the_one_that_runs(tmp_path: Path) -> None:
    """A service that was changed since its start runs with what it was started with."""
    found, text, calls = diagnosed(tmp_path / "node", prepare=start_both)

    for name in ("containerd", "kubelet"):
        row = found["services"][name]
        assert (row["state"], row["path"]) == ("Running", r"C:\x\other.exe")
        assert rf"command line of {name}: C:\x\{name}.exe --token=***" in text
    assert [call.split()[-1] for call in calls].count("Win32_Process") == 1
