"""The table: few lines, the worst first."""

from __future__ import annotations

import re

import reports

from wincnode.formats import problems, render, table
from wincnode.report import Report


def test_nodes_are_named_in_few_words() -> None:
    """Numbers in a row are a range; what is no row is not made one."""
    names = [*(f"web-{number:02}" for number in range(8, 13)), "db-1", "db-2", "db-4", "x"]

    assert problems.named(names) == "db-1, db-2, db-4, web-08 to web-12, x"
    assert problems.named(names, most=2) == "db-1, db-2 and 7 more"
    assert problems.named(["web-9", "web-10", "web-11"]) == "web-9 to web-11"
    assert problems.named([]) == ""


def test_the_table_of_a_few_nodes_has_a_row_for_each() -> None:
    """Under the rows stands each complaint once, the worst first, causes before what follows."""
    lines = render("table", reports.preflight()).splitlines()

    assert lines[0] == ("preflight: 5 nodes: 1 unreachable, 2 blocked, 1 with warnings, 1 ready")
    assert [line.split()[0] for line in lines[3:8]] == ["web-5", "web-2", "web-3", "web-4", "web-1"]
    heads = [line for line in lines[9:] if not line.startswith(" ")]
    assert heads == [
        "error node.unreachable  web-5: nothing answers",
        "error feat.containers  2 nodes: the feature is Available, not installed",
        "error svc.hns  web-2: what was seen of svc.hns (because of feat.containers)",
        "warning sys.mem  web-3: what was seen of sys.mem",
        "unknown net.nic  web-4: facts of network are unknown",
        "note sys.cpu  web-4: what was seen of sys.cpu",
        "ignored sys.mem  web-4: what was seen of sys.mem",
    ]
    assert "    on web-2, web-3" in lines


def test_two_hundred_nodes_fit_one_screen() -> None:
    """However much is wrong with them, and it says how much is left out."""
    for wrong in (0.002, 0.3):
        text = render("table", reports.fleet(200, wrong=wrong))
        assert len(text.splitlines()) <= 50
    assert re.search(r"^and \d+ more; -o html=report.html", text, re.MULTILINE)


def test_causes_stand_before_what_follows_from_them() -> None:
    """However many nodes have what follows, and however long the chain; a circle is no end."""
    chain = [
        reports.finding("svc.hns", because_of=("svc.vmcompute",)),
        reports.finding("svc.vmcompute", because_of=("feat.containers", "net.nic")),
        reports.finding("net.nic", because_of=("svc.hns",)),
    ]
    rows = (
        reports.node("a", "blocked", *chain, reports.finding("feat.containers")),
        reports.node("b", "blocked", *chain),
    )
    found = problems.groups(problems.of(Report(command="preflight", nodes=rows)))

    assert found[0].first.id == "feat.containers"
    assert {group.first.id for group in found[1:]} == {"svc.hns", "svc.vmcompute", "net.nic"}


def test_a_plan_is_drawn_once_for_nodes_alike() -> None:
    """What would change on three nodes stands once under their names."""
    text = render("table", reports.planned())

    assert text.count("+ create 1 folder 1") == 1
    assert "web-1 to web-3: 1 of 2 steps pending" in text
    assert text.endswith("Nothing was changed; nodes with pending changes: 3.")


def test_what_was_changed_and_left_is_told_once() -> None:
    """Steps that changed are counted, and notes are told."""
    text = render("table", reports.applied())

    assert "web-1: changed 1 of 2 steps" in text
    assert "web-1: left one folder alone" in text
    assert "error step 3-c  web-2: failed: access denied" in text


def test_marks_of_the_table_say_what_is_bad() -> None:
    """A terminal draws the status of a node by how it is."""
    rows = table.rows(reports.preflight())
    marks = {part[1].strip(): part[0] for row in rows for part in row}

    assert marks["ready"] == "good"
    assert marks["blocked"] == marks["unreachable"] == "error"
    assert marks["warning sys.mem"] == marks["warnings"] == "warning"
