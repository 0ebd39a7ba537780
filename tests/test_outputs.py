"""Reports and judging without a network, as one gets them who starts wincnode."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import harmless
import jsonschema
import pytest
import reports
from facts_documents import document
from winps import winps

from wincnode import checks
from wincnode.checks import Verdict
from wincnode.cli import run
from wincnode.cli.outputs import wishes
from wincnode.commands import preflight
from wincnode.commands.inspect import Options, Session, chosen
from wincnode.errors import ConfigError
from wincnode.facts import FURTHER, SECTIONS
from wincnode.formats import FORMATS
from wincnode.formats.schema import facts_schema
from wincnode.inventory.model import Inventory
from wincnode.lab.nodes import PASSWORD, lab_nodes, ports, write_inventory
from wincnode.lab.nodes import Wish as LabWish
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile
from wincnode.report import Report
from wincnode.transport import local
from wincnode.transport.local import LocalTransport

ROOT = os.geteuid() == 0


def wincnode(
    folder: Path, *words: str, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run wincnode in a folder.

    Args: stdout: a descriptor.
    """
    return subprocess.run(
        [sys.executable, "-m", "wincnode", *words],
        cwd=folder,
        env={**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


def here(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run the command line in this process, which costs no start; gives code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", ["wincnode", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        return run(), out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run a healthy and a broken node; gives the folder of their inventory."""
    folder = tmp_path_factory.mktemp("fleet")
    wishes = {"web-1": LabWish(profile="ws2022"), "web-2": LabWish(profile="ws2019-broken")}
    with lab_nodes(wishes) as found:
        write_inventory(folder / "wincnode.yaml", ports(found))
        yield folder


def test_one_run_gives_every_format(fleet: Path) -> None:
    """One preflight, one file a format, and the table on stdout; each as its reader takes it."""
    files = [word for name in FORMATS for word in ("-o", f"{name}=report.{name}")]

    done = wincnode(fleet, "preflight", *files)

    assert done.returncode == 5, done.stderr
    assert done.stdout.startswith("preflight: 2 nodes: 1 blocked, 1 ready\n")
    for name in FORMATS:
        harmless.check(name, (fleet / f"report.{name}").read_text(encoding="utf-8").rstrip("\n"))
    assert done.stdout == (fleet / "report.table").read_text(encoding="utf-8")
    assert not list(fleet.glob(".*.part"))
    rows = json.loads((fleet / "report.gitlab").read_text())
    line = next(
        row["location"]["lines"]["begin"] for row in rows if row["description"].startswith("web-2:")
    )
    assert (fleet / "wincnode.yaml").read_text().splitlines()[line - 1].strip() == "web-2:"


@pytest.fixture(scope="module")
def facts(fleet: Path) -> Path:
    """Save the facts of the nodes once."""
    saved = wincnode(fleet, "facts", "-o", "json=facts.json")
    assert (saved.returncode, saved.stdout) == (0, ""), saved.stderr
    return fleet / "facts.json"


def judged(text: str) -> list[Any]:
    """Give what a report in JSON says of the nodes, without what a second of delay changes.

    What a preflight tries beyond facts is left out, too.
    """
    beyond = {"sys.time", *(check.id for check in checks.node_checks() if check.asks)}
    return [
        (
            *(node[name] for name in ("node", "status", "computer", "build")),
            [row for row in node["findings"] if row["check"] not in beyond],
        )
        for node in json.loads(text)["nodes"]
    ]


def test_saved_facts_are_judged_as_the_node_was(fleet: Path, facts: Path, tmp_path: Path) -> None:
    """Without a network, in another folder: the same findings.

    Of the live run, stdout is one document alone, and a file has the other format.
    """
    live = wincnode(fleet, "preflight", "-o", "json", "-o", "junit=alone.xml")
    words = ["--from", str(facts), "-i", str(fleet / "wincnode.yaml"), "-o", "json=again.json"]
    code, _, stderr = here(tmp_path, "preflight", *words)

    assert code == live.returncode == 5, stderr
    assert judged((tmp_path / "again.json").read_text()) == judged(live.stdout)
    assert harmless.xml((fleet / "alone.xml").read_text()).tag == "testsuites"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(("words", "code"), [(["preflight", "--from"], 5), (["checks"], 1)])
def test_a_full_disk_is_no_bug_and_changes_no_verdict(
    facts: Path, words: list[str], code: int
) -> None:
    """As with `> report.txt` where no room is left; what was judged is told by the exit code."""
    words = [*words, str(facts)] if "--from" in words else words
    for more in ([], ["-o", "json"]):
        with Path("/dev/full").open("wb") as full:
            done = wincnode(facts.parent, *words, *more, stdout=full.fileno())
        assert (done.returncode, "a bug" in done.stderr) == (code, False)
        assert "cannot be written: No space left on device" in done.stderr


def test_a_reader_that_goes_changes_no_verdict(facts: Path) -> None:
    """As with `| head -1`: a blocked node is blocked, however much of it was read."""
    for more in ([], ["-o", "json"]):
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            words = ("preflight", "--from", str(facts), *more)
            done = wincnode(facts.parent, *words, stdout=theirs)
        finally:
            os.close(theirs)
        assert (done.returncode, done.stderr) == (5, "")


@pytest.mark.parametrize("closing", ["2>&-", "2>&- <&-", "2>/dev/full", "2>&3"])
def test_progress_that_nobody_reads_stops_no_work(fleet: Path, closing: str) -> None:
    """Nor does it stand in the data: stderr is closed, full, or a pipe whose reader has gone."""
    if closing == "2>/dev/full" and not Path("/dev/full").exists():
        pytest.skip("needs a device that is always full")
    ours, theirs = os.pipe()
    os.close(ours)
    words = shlex.join([sys.executable, "-m", "wincnode", "preflight", "web-1", "-o", "json"])
    line = f"exec {words} {closing.replace('3', str(theirs))}"
    try:
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=fleet,
            env={**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=[theirs],
            check=False,
            timeout=60,
        )
    finally:
        os.close(theirs)
    assert done.returncode == 0
    assert [row["status"] for row in json.loads(done.stdout)["nodes"]] == ["ready"]


def test_a_text_that_the_encoding_cannot_show_is_escaped(fleet: Path, tmp_path: Path) -> None:
    """As on a host whose locale is C or Latin 1: that is no bug of ours."""
    book = tmp_path / "book.yaml"
    text = "steps:\n  - {name: größe, directory: {path: 'C:\\k'}}\n"
    book.write_text(text, encoding="utf-8")

    with mock.patch.dict(os.environ, {"PYTHONIOENCODING": "ascii"}):
        done = wincnode(fleet, "apply", str(book), "web-1", "--plan")

    assert done.returncode == 0, done.stderr
    assert r"gr\xf6\xdfe" in done.stdout


def test_saved_facts_need_no_inventory(facts: Path, tmp_path: Path) -> None:
    """The file of facts is what names the nodes then."""
    (tmp_path / "f.json").write_bytes(facts.read_bytes())
    judge = ["preflight", "--from", "f.json"]

    code, _, _ = here(tmp_path, *judge, "web-2", "-o", "sarif=r.sarif")
    results = json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]
    places = [row["locations"][0]["physicalLocation"]["artifactLocation"] for row in results]
    missing = here(tmp_path, *judge, "-i", "none.yaml")
    unknown = here(tmp_path, *judge, "web-9")

    assert code == 5
    assert places == [{"uri": "f.json"}] * len(results)
    assert (missing[0], "none.yaml: cannot be read" in missing[2]) == (2, True)
    assert (unknown[0], "no facts of web-9" in unknown[2]) == (2, True)


def test_saved_facts_are_what_their_schema_says(facts: Path) -> None:
    """What `wincnode facts` writes is what docs/facts.schema.json describes."""
    jsonschema.validate(json.loads(facts.read_text()), facts_schema())


def test_the_inventory_is_named_as_seen_from_here(tmp_path: Path) -> None:
    """A platform finds the file by its path in the checkout, however the user wrote it."""
    (tmp_path / "fleet").mkdir()
    write_inventory(tmp_path / "fleet" / "w.yaml", {"a": 9})
    (tmp_path / "f.json").write_bytes(document(a={}))
    whole = str(tmp_path / "fleet" / "w.yaml")

    here(tmp_path, "preflight", "--from", "f.json", "-i", whole, "-o", "gitlab=out.json")

    (place, *_) = json.loads((tmp_path / "out.json").read_text())
    assert place["location"]["path"] == "fleet/w.yaml"


def test_only_a_topic_is_judged(facts: Path, tmp_path: Path) -> None:
    """--only leaves the other checks out; a misspelt topic is refused."""
    words = ["--from", str(facts), "--only", "net", "--only", "sys.mem", "-o", "json=only"]

    here(tmp_path, "preflight", "web-2", *words)

    report = json.loads((tmp_path / "only").read_text())
    ids = {row["check"] for row in report["nodes"][0]["findings"]}
    assert ids == {
        check.id
        for check in checks.all_checks()
        if check.id.startswith("net.") or check.id == "sys.mem"
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "nett"], "--only nett: no check is of this topic"),
        (["-o", "xml"], "-o xml: no such format; one of table, json"),
        (["-o", "json", "-o", "junit"], "json and junit cannot both go to stdout"),
        (["-o", "json="], "the file's name is missing"),
        (["-o", "json=none/report.json"], "none/report.json: cannot be written: No such file"),
        (["-o", "json=wincnode.yaml/x"], "cannot be written: Not a directory"),
        (["-o", "json=."], "is a folder"),
        (["-o", "json=a", "-o", "junit=./a"], "is given twice"),
        (["--from", "none.json"], "none.json: cannot be read"),
        (["--from", "wincnode.yaml"], "wincnode.yaml: not JSON"),
        (["--from", "x.json", "--local"], "one of --from and --local"),
        (["--local", "web-1"], "takes no NODE"),
        (["--local"], "this host is not Windows"),
    ],
)
def test_what_cannot_be_is_refused_before_the_network(
    tmp_path: Path, words: Sequence[str], said: str
) -> None:
    """Nothing listens at the node of this inventory, and nobody asks it."""
    write_inventory(tmp_path / "wincnode.yaml", {"web-1": 9})

    code, stdout, stderr = here(tmp_path, "preflight", *words)

    assert (code, stdout) == (2, ""), stderr
    assert said in stderr
    assert "web-1:" not in stderr


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_folder_without_rights_is_refused(tmp_path: Path) -> None:
    """The file would have to be made there."""
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="Permission denied"):
        wishes([f"json={tmp_path}/x"], FORMATS, default="table")


def test_warnings_end_with_5_where_they_count() -> None:
    """An ignored one and one that only informs do not count."""
    nodes = reports.preflight().nodes
    warned, ignored = nodes[2], nodes[3]

    def code(*rows: object) -> int:
        return Report(command="preflight", nodes=rows, warnings_count=True).exit_code  # type: ignore[arg-type] # nodes

    only_warned = reports.node("a", "warnings", *warned.findings[1:])
    quiet = [row for row in ignored.findings if row.verdict is not Verdict.UNKNOWN]
    assert code(only_warned) == 5
    assert Report(command="preflight", nodes=(only_warned,)).exit_code == 0
    assert code(reports.node("a", "warnings", *quiet)) == 0
    assert code(ignored) == 5  # what could not be judged counts
    assert code(reports.failed("b", ConfigError("x")), only_warned) == 5


def test_chosen_checks_are_of_the_topics() -> None:
    """A topic is the first word of an id; a whole id is one check."""
    found = chosen(["sys", "net.cidr"])

    assert found
    assert {row.id.partition(".")[0] for row in found} == {"sys", "net"}
    assert [row.id for row in found if row.id.startswith("net.")] == ["net.cidr"]
    assert chosen([]) is None
    with pytest.raises(ConfigError, match="no check is of this topic"):
        chosen(["net.cdir"])


def test_fail_on_warning_is_on_the_command_line(tmp_path: Path) -> None:
    """Facts with too little memory for comfort: a warning, which ends with 0 or 5."""
    (tmp_path / "f.json").write_bytes(
        document(a={"sections": {"hardware": {"memory_bytes": 6 << 30}}})
    )
    words = ["preflight", "--from", "f.json", "--only", "sys.mem"]

    strict = [*words, "--fail-on", "warning"]
    assert here(tmp_path, *words)[0] == 0
    assert here(tmp_path, *strict)[0] == 5
    code, stdout, _ = here(tmp_path, *strict, "--ignore", "sys.mem")
    assert (code, "ignored sys.mem" in stdout) == (0, True)


def test_this_host_is_judged_by_its_own_powershell(tmp_path: Path) -> None:
    """Through the local transport the shipped scripts say the same as over WinRM.

    A PowerShell engine over the lab's machine stands for this Windows host.
    """
    machine = Machine(load_profile("ws2019-broken"), tmp_path / "host", computer="CI-1")
    seen: list[str] = []

    with PowerShellEngine(Path(winps()), machine) as engine:

        def started(command: str) -> subprocess.Popen[bytes]:
            words = [winps(), *shlex.split(command, posix=False)[1:]]
            pipe = subprocess.PIPE
            return subprocess.Popen(
                words, stdin=pipe, stdout=pipe, stderr=pipe, env=engine.environment
            )

        # Windows' own way to start a program is all that is replaced.
        with mock.patch.object(local, "_started", started):
            report = preflight.run(
                Inventory(path=Path()),
                Options(nodes=("ci-1",)),
                Session(
                    connect=lambda _: LocalTransport(platform="win32"),
                    watch=lambda _, item: seen.append(type(item).__name__),
                ),
            )

    (node,) = report.nodes
    assert (node.status, node.computer, node.build) == ("blocked", "CI-1", 17763)
    failing = {row.check for row in node.findings if row.verdict is Verdict.FAIL}
    assert failing <= set(load_profile("ws2019-broken").expects)
    assert "feat.containers" in failing
    assert seen.count("FactsRead") == len((*SECTIONS, *FURTHER))
