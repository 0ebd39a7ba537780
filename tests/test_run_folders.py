"""The folders of runs: born closed, refused where they are another's, removed when they are old."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest
import winps

from wincnode import assets

CLOSED = "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
WRITABLE = "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BU)"
ANOTHERS = "O:S-1-5-21-1-2-3-1001G:BAD:P(A;OICI;FA;;;SY)"
# Calls the shipped function for one base after the other, in one process.
FUNCTIONS = r"""
. C:\runs.ps1
function Initialize([string]$base) { $folder = "$base\runs\1"; Initialize-WnFolder }
function Secure([string]$Path, [string]$Sddl) {
    $security = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $security.SetSecurityDescriptorSddlForm($Sddl)
    (New-Object -TypeName IO.DirectoryInfo -ArgumentList $Path).SetAccessControl($security)
}
"""


def said(node: winps.Machine, *lines: str) -> list[str]:
    """Run lines on the node that may call the functions above and those of runs.ps1."""
    (node.drive / "runs.ps1").write_text(assets.node_script("runs"), encoding="ascii")
    return node.says(FUNCTIONS + "\n".join(lines))


def test_a_folder_of_another_account_and_a_link_are_refused(node: winps.Machine) -> None:
    """Who made a folder beforehand would get code run as SYSTEM; a link leads what is written."""
    lines, wanted = [], []
    for number, path in enumerate(("", r"\runs", r"\runs\1")):
        base = rf"C:\another{number}"
        node.model.path(base + path).mkdir(parents=True)
        lines += [f"Secure '{base}{path}' '{ANOTHERS}'", f"Initialize '{base}'"]
        wanted.append(base + path)
    for name in ("lock", "holder.json", "manifest.json", "manifest.json.new", "runs"):
        base = rf"C:\link-{name}"
        node.model.path(base).mkdir()
        node.model.path(rf"{base}\{name}").symlink_to(node.drive / "Windows")
        lines.append(f"Initialize '{base}'")
        wanted.append(rf"{base}\{name}")
    assert said(node, *lines) == wanted


@pytest.mark.parametrize("verb", ["attached", "detached"])
def test_a_run_is_refused_where_its_folder_is_not_ours(node: winps.Machine, verb: str) -> None:
    """What is in the folder's place is neither read nor removed."""
    node.base.write_text("mine")
    (event,) = node.run(verb, mode="apply")
    assert (event["type"], event["code"]) == ("refused", "foreign_folder")
    assert node.base.read_text() == "mine"


def test_a_folder_of_ours_is_closed_and_born_closed(node: winps.Machine) -> None:
    """Others never write there: not through an old access list, nor in the first moment."""
    node.model.path(r"C:\old").mkdir()
    shown = said(
        node,
        f"Secure 'C:\\old' '{WRITABLE}'",
        "Initialize 'C:\\old'",
        "function Restore-WnAccess {}",
        "Initialize 'C:\\born'",
        r"foreach ($path in 'C:\old', 'C:\born', 'C:\born\runs', 'C:\born\runs\1') { (Get-Acl -LiteralPath $path).Sddl }",
    )
    assert [row.replace("PAI", "P") for row in shown] == [CLOSED] * 4


def test_what_lies_in_a_run_folder_is_not_written_to(node: winps.Machine) -> None:
    """A link there would lead what SYSTEM writes to another's file."""
    folder = node.base / "runs" / winps.RUN
    folder.mkdir(parents=True)
    target = node.drive / "target.txt"
    target.write_text("mine")
    (folder / "payload.json").symlink_to(target)

    (event,) = node.run("detached", mode="apply")

    assert (event["type"], event["code"]) == ("refused", "task")
    assert target.read_text() == "mine"


FINISHED = '{"run":"","seq":1,"type":"finished","outcome":"ok"}\n'


def remembered(node: winps.Machine, number: int, journal: str | None) -> Path:
    """Put a run folder on the node whose claim is the older the lower its number."""
    folder = node.base / "runs" / f"{number:032x}"
    folder.mkdir(parents=True)
    claim = {
        "run": folder.name,
        "node": "win1",
        "who": {},
        "started": f"2026-01-01T00:00:{number:02}Z",
    }
    (folder / "claim.json").write_text(json.dumps(claim))
    if journal is not None:
        (folder / "journal.jsonl").write_text(journal)
    return folder


def test_a_node_keeps_the_newest_20_runs_that_ended(node: winps.Machine, tmp_path: Path) -> None:
    """Journals do not fill the disk; runs that go on stay, and links are not followed."""
    starting, running = remembered(node, 1, None), remembered(node, 2, "")
    ended = [remembered(node, number, FINISHED) for number in range(3, 25)]
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "claim.json").write_text((ended[0] / "claim.json").read_text())
    (outside / "journal.jsonl").write_text(FINISHED)
    link = node.base / "runs" / ("0" * 32)
    link.symlink_to(outside)
    (ended[0] / "link").symlink_to(outside)
    # What is old goes before the task is made, which this node refuses.
    node.model.denied.add("tasks")
    with (running / "journal.jsonl").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        (event,) = node.run("detached", mode="apply")
    assert event["code"] == "task"
    left = {folder.name for folder in (node.base / "runs").iterdir()}
    assert left == {folder.name for folder in (starting, running, *ended[2:], link)}
    assert len(list(outside.iterdir())) == 2
