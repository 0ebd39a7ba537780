"""Locked files reach their places on nodes by each way, and nothing else does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import winps
from files_server import serving
from nodes import ENGINES, base, lab_node, linked

from wincnode import assets, runner
from wincnode.artifacts import deliver, serve
from wincnode.artifacts import lock as locks
from wincnode.artifacts.catalogue import load_catalogue, wanted
from wincnode.artifacts.deliver import Delivery
from wincnode.artifacts.fetch import path_in
from wincnode.artifacts.lock import Entry
from wincnode.artifacts.web import Pace
from wincnode.commands.delivery import Files, Supply, supply
from wincnode.commands.execution import Job, carry_out
from wincnode.errors import ConfigError
from wincnode.events import Log, StepFinished
from wincnode.fleet import Stop
from wincnode.inventory import load
from wincnode.lab.nodes import LabNode, write_inventory
from wincnode.plan import Plan, Step, to_wire
from wincnode.report import NodeReport

SIZE = 3_000_000
CONTENT = hashlib.shake_256(b"").digest(SIZE)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KUBELET = r"C:\k\kubelet.exe"


def download(path: str, *sources: str, **more: Any) -> Step:
    return Step(
        id=path,
        kind="download",
        title=path,
        key={"path": path},
        want={"sha256": SHA256, "size": SIZE, "sources": list(sources), "tries": 2, **more},
        timeout_s=60,
    )


def outcomes(node: LabNode, steps: Sequence[Step]) -> list[tuple[str, str]]:
    """Take steps in one run each, so that one that fails ends no other; gives how they ended."""
    found = []
    with linked(node) as link:
        for step in steps:
            run = runner.new_run()
            plan = to_wire(Plan(node="web-1", steps=(step,)), run=run, mode="apply", who={})
            (end,) = (
                event
                for event in runner.attached(link, run=run, plan=plan)
                if isinstance(event, StepFinished)
            )
            found.append((end.outcome, end.error or ""))
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_a_download_goes_on_where_it_broke_off(engine: str, tmp_path: Path) -> None:
    """No byte comes twice but those that a broken link lost; the old version goes at the end."""
    with serving() as files, lab_node(tmp_path, engine=engine) as node:
        files.contents["/kubelet.exe"] = CONTENT
        files.cuts["/kubelet.exe"] = [SIZE // 2]
        node.machine.path(r"C:\k").mkdir()
        node.machine.path(KUBELET).write_bytes(b"old")

        assert outcomes(node, [download(KUBELET, files.url("/kubelet.exe"))]) == [("changed", "")]

        assert node.machine.path(KUBELET).read_bytes() == CONTENT
        assert files.sent["/kubelet.exe"] <= 1.01 * SIZE
        assert len(files.spans("/kubelet.exe")) == 2
        assert [row.name for row in node.machine.path(r"C:\k").iterdir()] == ["kubelet.exe"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_file_leaves_the_old_version_active(engine: str, tmp_path: Path) -> None:
    """Another byte, more bytes, no file, nobody there: the next source is asked, or none is left."""
    with serving() as files, lab_node(tmp_path, engine=engine) as node:
        files.contents |= {"/bit": CONTENT[:-1] + b"?", "/long": CONTENT + b"?", "/good": CONTENT}
        bad = [files.url(path) for path in ("/bit", "/long", "/none")] + ["http://127.0.0.1:1/x"]
        node.machine.path(r"C:\k").mkdir()
        node.machine.path(KUBELET).write_bytes(b"old")

        ((outcome, why),) = outcomes(node, [download(KUBELET, *bad, tries=1)])
        assert (outcome, node.machine.path(KUBELET).read_bytes()) == ("failed", b"old")
        assert f"{KUBELET} cannot be had: http://127.0.0.1:1/x" in why

        good = files.url("/good")
        assert outcomes(node, [download(KUBELET, bad[0], bad[2], good)]) == [("changed", "")]
        assert node.machine.path(KUBELET).read_bytes() == CONTENT


def test_a_program_that_runs_is_renamed_and_replaced(node: winps.Machine) -> None:
    """Windows lets nobody replace its file; the old one goes with the next replacement."""
    steps = assets.node_script("steps")
    replace = "[IO.File]::Replace($New, $Path, [NullString]::Value)"
    assert replace in steps
    in_use = steps.replace(replace, "throw (New-Object -TypeName IO.IOException)")
    folder = node.drive / "k"
    folder.mkdir()
    (folder / "kubelet.exe").write_bytes(b"old")
    (folder / "kubelet.exe.old-1").write_bytes(b"older")
    (folder / f"kubelet.exe.{SHA256[:12]}.part").write_bytes(CONTENT)
    step = download(KUBELET)
    row = {"id": "1", "kind": "download", "timeout_s": 30, "key": step.key, "want": step.want}
    rules = {"size": "never", "sources": "never", "tries": "never"}

    events = node.run(
        mode="apply",
        steps=[row],
        scripts={"steps": in_use},
        kinds={"download": {"compare": rules, "detached_only": False}},
    )

    assert [event["outcome"] for event in events if event["type"] == "step_finished"] == ["changed"]
    assert (folder / "kubelet.exe").read_bytes() == CONTENT
    (kept,) = folder.glob("kubelet.exe.old-*")
    assert (kept.name != "kubelet.exe.old-1", kept.read_bytes()) == (True, b"old")


def test_a_server_of_one_run_gives_only_what_it_was_told(tmp_path: Path) -> None:
    """At addresses that nobody guesses, whole or from a byte on, and not after its run."""
    file = tmp_path / "kubelet.exe"
    file.write_bytes(b"0123456789")
    (tmp_path / "other").write_bytes(b"secret")
    address = serve.own_address("127.0.0.1")
    with serve.serving({"kubelet": file}, address=address) as served:
        url = served.urls["kubelet"]
        rest = requests.get(url, headers={"Range": "bytes=4-"}, timeout=5)
        past = requests.get(url, headers={"Range": "bytes=10-"}, timeout=5)
        assert requests.get(url, timeout=5).content == b"0123456789"
        base, token, *_ = url.removeprefix("http://").split("/")
        for path in ("", "kubelet/kubelet.exe", f"{token}/kubelet", f"{token}/kubelet/../other"):
            assert requests.get(f"http://{base}/{path}", timeout=5).status_code == 404

    assert (rest.status_code, rest.content) == (206, b"456789")
    assert rest.headers["Content-Range"] == "bytes 4-9/10"
    assert past.status_code == 416
    assert len(token) == 32
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_an_address_of_another_host_is_not_served(tmp_path: Path) -> None:
    """A mistake is told before any node is asked to download from there."""
    with pytest.raises(ConfigError, match="cannot serve files there"):
        with serve.serving({}, address="192.0.2.1"):
            pass


WANTED = wanted(load_catalogue(), kubernetes="1.36.4", containerd="2.3.4")
ENTRIES = tuple(
    Entry(
        component=row.name,
        version=row.version,
        url=row.url,
        sha256=SHA256,
        size=SIZE,
        verified=row.checksum,
        checksum_url=row.checksum_url,
    )
    for row in WANTED
)


def rows(delivery: Delivery) -> dict[str, dict[str, Any]]:
    found = deliver.variable(ENTRIES, load_catalogue(), delivery)
    return {row["component"]: row for row in found}


def test_steps_are_told_where_each_file_comes_from_and_goes() -> None:
    """By default each node downloads from where it was locked; an archive waits to be unpacked."""
    kubelet, containerd = (rows(Delivery())[name] for name in ("kubelet", "containerd"))

    assert kubelet["sources"] == ["https://dl.k8s.io/release/v1.36.4/bin/windows/amd64/kubelet.exe"]
    assert (kubelet["path"], kubelet["folder"]) == (KUBELET, r"C:\k")
    assert containerd["path"].startswith(deliver.ARCHIVES)
    assert (containerd["folder"], containerd["archive"]) == (
        r"C:\Program Files\containerd\bin",
        "tar.gz",
    )
    assert "bin/ctr.exe" in containerd["files"]


def test_what_is_served_or_pushed_has_no_other_source(tmp_path: Path) -> None:
    """A node that is to reach no server is sent to none."""
    served = {row.component: f"http://10.0.0.1:80/t/{row.component}" for row in ENTRIES}

    assert rows(Delivery(way="serve", served=served))["kubelet"]["sources"] == [served["kubelet"]]
    assert rows(Delivery(way="push"))["kubelet"]["sources"] == []
    parcel = deliver.parcels(ENTRIES, load_catalogue(), tmp_path)[0]
    assert parcel.source == tmp_path / "kubelet" / "1.36.4" / "kubelet.exe"
    assert parcel.target == rows(Delivery(way="push"))["kubelet"]["path"]
    with pytest.raises(ConfigError, match="not served"):
        rows(Delivery(way="serve"))


def test_nothing_is_delivered_by_a_lock_file_that_is_not_current(tmp_path: Path) -> None:
    """A missing or stale one is refused with the command that writes it."""
    path = tmp_path / "wincnode.lock.yaml"
    with pytest.raises(ConfigError, match="missing") as missing:
        deliver.locked(path, WANTED)
    path.write_text(locks.render(ENTRIES), encoding="utf-8")
    assert len(deliver.locked(path, WANTED)) == len(WANTED)
    path.write_text(locks.render(ENTRIES[1:]), encoding="utf-8")
    with pytest.raises(ConfigError, match="is not locked") as stale:
        deliver.locked(path, WANTED)

    assert [error.value.id for error in (missing, stale)] == ["config.lock"] * 2
    assert "wincnode lock" in missing.value.remedy and "wincnode lock" in stale.value.remedy


def entry(url: str) -> Entry:
    return replace(next(row for row in ENTRIES if row.component == "kubelet"), url=url)


@contextmanager
def supplied(node: LabNode, folder: Path, row: Entry, **more: Any) -> Iterator[Supply]:
    """Give what brings a file to a node in each way; its origin is at the row's address."""
    write_inventory(folder / "wincnode.yaml", {"web-1": node.port})
    pace = Pace(tries=1)
    files = Files(cache=folder / "cache", way="auto", pace=pace, **more)
    with supply(load(folder / "wincnode.yaml"), [row], files) as found:
        yield found


def carried(node: LabNode, found: Supply, step: Step) -> tuple[NodeReport, list[str]]:
    """Carry out a step as `install` does; gives the result, and what was told as a warning."""
    job = Job(playbooks=(), command="install", fallbacks=found.fallbacks)
    result = NodeReport(node="web-1", status="ready")
    told = []
    with linked(node) as link:
        events = carry_out(link, Plan(node="web-1", steps=(step,)), result, job=job, stop=Stop())
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return end.value, told
            if isinstance(event, Log) and event.level == "warning":
                told.append(event.text)


def in_cache(folder: Path, row: Entry) -> None:
    """Put a file where this host keeps it."""
    path = path_in(folder / "cache", row)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)


def test_a_file_that_its_origin_does_not_give_comes_from_this_host(tmp_path: Path) -> None:
    """A wrong file is none, and the result tells of it; what is in its place is not moved again."""
    with serving() as files, lab_node(tmp_path / "node", engine="model") as node:
        files.contents["/kubelet.exe"] = CONTENT[:-1] + b"?"
        row = entry(files.url("/kubelet.exe"))
        in_cache(tmp_path, row)
        with supplied(node, tmp_path, row) as found:
            step = download(KUBELET, row.url, tries=1)
            result, told = carried(node, found, step)
            again, _ = carried(node, found, step)

    assert (result.status, [step.outcome for step in result.steps]) == ("done", ["changed"])
    (note,) = result.notes
    assert f"{KUBELET} cannot be had: " in note and f"has not the SHA-256 {SHA256}" in note
    assert note.endswith("this host served the files from then on")
    assert any(text.endswith("next, this host gets the files and serves them") for text in told)
    assert ([step.outcome for step in again.steps], again.notes) == (["ok"], ())


def test_a_node_that_reaches_no_server_gets_the_file_over_winrm(tmp_path: Path) -> None:
    """Each way is tried once and told with its reason; there is one run more for each that ran."""
    with lab_node(tmp_path / "node") as node:
        row = entry("http://127.0.0.1:1/kubelet.exe")
        in_cache(tmp_path, row)
        # The documentation's network, of which no host has an address.
        with supplied(node, tmp_path, row, address="192.0.2.1") as found:
            result, told = carried(node, found, download(KUBELET, row.url, tries=1))

        assert node.machine.path(KUBELET).read_bytes() == CONTENT
        assert len(list((base(node) / "runs").iterdir())) == 2
    assert result.status == "done"
    assert "192.0.2.1:0: cannot serve files there" in result.notes[0]
    assert result.notes[1].endswith("the files came over WinRM from then on")
    assert [text.rpartition("; ")[2] for text in told if "next," in text] == [
        "next, this host gets the files and serves them",
        "next, the files that are missing come over WinRM",
    ]


def test_a_file_that_nobody_has_is_named_with_what_to_do(tmp_path: Path) -> None:
    """The old version stays; every way is told with its reason."""
    with lab_node(tmp_path / "node", engine="model") as node:
        node.machine.path(r"C:\k").mkdir()
        node.machine.path(KUBELET).write_bytes(b"old")
        row = entry("http://127.0.0.1:1/kubelet.exe")
        with supplied(node, tmp_path, row) as found:
            result, _ = carried(node, found, download(KUBELET, row.url, tries=1))

        assert node.machine.path(KUBELET).read_bytes() == b"old"
    assert result.status == "failed"
    assert result.error is not None and result.error.id == "artifact.not-had"
    assert "wincnode lock --download" in result.error.remedy
    assert "this host cannot serve the files: http://127.0.0.1:1" in result.notes[0]
    assert "this host has no files to send" in result.notes[1]


def test_what_fails_for_another_reason_is_not_downloaded_elsewhere() -> None:
    """A full drive is full whoever sends; the explicit ways name the others."""
    plan = Plan(node="web-1", steps=(download(KUBELET, "https://a.example/x"),))
    error = "The drive has no room for 5 bytes."
    row = StepFinished(step=KUBELET, outcome="failed", diff=(), error=error, elapsed_ms=1)
    late = replace(row, error="The step took longer than 3600 s.")

    assert deliver.not_had(plan, [row]) == ""
    assert deliver.not_had(plan, [late]).startswith(KUBELET)
    moved = deliver.rerouted(plan, [ENTRIES[0]], Delivery(way="push"))
    assert moved.steps[0].want["sources"] == []
