"""Facts about the HTML page: as text, and in a browser where there is one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import harmless
import pytest
import reports
from chromium import Tab, axe, tab

from wincnode import checks
from wincnode.checks import Verdict
from wincnode.formats import html, render
from wincnode.report import Report

PAGE = render("html", reports.preflight())


def test_the_script_and_the_style_are_allowed_by_their_hashes_alone() -> None:
    """The policy names what stands in the page, byte for byte, and nothing else."""
    found = harmless.page(PAGE)
    data, script = found.raw["script"]
    policy = next(a["content"] for _, a in found.attributes if a.get("http-equiv"))

    def hash_of(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy.startswith("default-src 'none'; ")
    assert f"script-src {hash_of(script)};" in policy
    assert f"style-src {hash_of(found.raw['style'][0])};" in policy
    assert "unsafe" not in policy
    assert json.loads(data)["checks"] == ["os.build"]


def test_the_script_is_the_same_in_every_page() -> None:
    """Nothing that a node said gets into what is run."""
    scripts = set()
    for seed in range(6):
        page = harmless.page(render("html", reports.hostile(reports.thrown(seed))))
        scripts.add(page.raw["script"][1])

    assert scripts == {(html.PAGE / "script.js").read_text(encoding="utf-8")}


def test_the_script_reads_nothing_as_markup_or_code() -> None:
    """What would make code or elements of data is not in it."""
    script = (html.PAGE / "script.js").read_text(encoding="utf-8")
    words = "innerHTML outerHTML insertAdjacent document.write eval Function( setTimeout src="

    assert [word for word in words.split() if word in script] == []


def test_every_complaint_can_be_read_without_the_script() -> None:
    """Each stands in its node's part of the page, as text; no id is given twice."""
    found = harmless.page(PAGE)
    said = "".join(found.text)

    for node in reports.preflight().nodes:
        for row in node.findings:
            assert (row.evidence in said) is (row.verdict is not Verdict.PASS)
    assert "nothing answers" in said
    assert len(found.ids()) == len(set(found.ids()))


def test_links_inside_the_page_lead_somewhere() -> None:
    """Each check and error that is named is explained at the end."""
    found = harmless.page(PAGE)
    links = {a["href"][1:] for tag, a in found.attributes if tag == "a" and a["href"][0] == "#"}

    assert {link for link in links if not link.startswith("?")} <= set(found.ids())
    assert "about:feat.containers" in links
    assert "wincnode explain feat.containers" in "".join(found.text)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (reports.preflight(), "3 of 5 nodes cannot run the wanted containers yet."),
        (reports.applied(), "2 of 3 nodes are not as wanted."),
        (reports.planned(), "3 of 3 nodes would be changed."),
        (reports.empty(), "There are no nodes."),
    ],
)
def test_the_headline_says_what_came_out(report: Report, said: str) -> None:
    """One sentence for everybody."""
    assert html.verdict(report) == said


def test_the_headline_of_good_news() -> None:
    """All are ready, or ready with warnings; one node is no `all`."""
    ready, warned = reports.preflight().nodes[0], reports.preflight().nodes[3]

    def said(*nodes: object) -> str:
        return html.verdict(Report(command="preflight", nodes=nodes))  # type: ignore[arg-type] # nodes

    assert said(ready, ready) == "All 2 nodes can run the wanted containers."
    assert said(ready, warned) == "All 2 nodes can run the wanted containers; 1 with warnings."
    assert said(ready) == "The node can run the wanted containers."


def test_a_plan_is_shown() -> None:
    """What would change stands in the page."""
    assert "+ create 1 folder 1" in render("html", reports.planned())


@cache
def large(wrong: float = 0.04, healthy: int = 3) -> Report:
    """Give 500 nodes and every check, and at least 150."""
    report = reports.fleet(500, wrong=wrong, healthy=healthy)
    assert len(report.nodes[3].findings) >= max(150, len(checks.all_checks()))
    return report


@pytest.mark.parametrize(
    ("wrong", "healthy"), [(0.0, 3), (0.04, 3), (0.5, 0)], ids=["nothing", "some", "half"]
)
def test_a_large_fleet_is_written_quickly_and_small(wrong: float, healthy: int) -> None:
    """At most 3 s and 6 MB: where nothing fails, in a usual fleet, and where half of all fails."""
    report = large(wrong, healthy)
    began = time.process_time()
    text = render("html", report)

    assert time.process_time() - began < 3
    assert len(text.encode()) < 6_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Tab]:
    """Run a browser."""
    with tab() as found:
        yield found


def opened(browser: Tab, report: Report, folder: Path, hash: str = "") -> Tab:
    """Write a report's page, and open it."""
    (folder / "report.html").write_text(render("html", report), encoding="utf-8")
    browser.look()
    browser.open(f"file://{folder}/report.html{hash}")
    return browser


def test_a_browser_has_nothing_to_complain_of(browser: Tab, tmp_path: Path) -> None:
    """Its policy blocks nothing of the page's own, the script runs, nothing is loaded."""
    page = opened(browser, reports.preflight(), tmp_path)

    assert page.run("document.getElementById('shown').textContent") == "5 nodes"
    assert page.complaints() == []


def test_hostile_names_run_nothing_in_a_browser(browser: Tab, tmp_path: Path) -> None:
    """No dialog, no element, no request; the page works."""
    nodes = []
    for seed in range(40):
        nodes += reports.hostile(reports.thrown(seed)).nodes
    report = replace(reports.preflight(), nodes=tuple(nodes))
    page = opened(browser, report, tmp_path)
    page.run("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    page.run("new Promise((done) => setTimeout(done, 50))")

    assert page.complaints() == []
    assert page.run("document.scripts.length") == 2
    assert (
        page.run("document.querySelectorAll('img, iframe, object, main svg, main b b').length") == 0
    )
    assert page.run("document.getElementById('shown').textContent") == f"{len(nodes)} nodes"


def test_a_deep_link_opens_its_node(browser: Tab, tmp_path: Path) -> None:
    """To what failed, and to what passed, which the page shows only then."""
    page = opened(browser, reports.preflight(), tmp_path, "#web-2/feat.containers")
    seen = "document.querySelector('.here')?.id"

    assert page.run(seen) == "web-2/feat.containers"
    assert page.run("document.getElementById('node:web-2').open") is True
    assert page.run("document.querySelector('.here .remedy').textContent").startswith(
        "Run wincnode"
    )
    links = "Array.from(document.querySelectorAll('#node\\\\:web-2 li > a'), (link) => link.hash)"
    assert page.run(links) == [
        f"#web-2/{name}" for name in ("feat.containers", "svc.hns", "os.build")
    ]
    page.run("location.hash = 'web-1/os.build'; new Promise((done) => setTimeout(done, 50))")
    assert page.run(seen) == "web-1/os.build"
    assert page.run("document.getElementById('node:web-1').open") is True


def test_a_link_holds_the_filter(browser: Tab, tmp_path: Path) -> None:
    """Search and status stand in the address, so that a colleague sees the same."""
    page = opened(browser, reports.preflight(), tmp_path, "#?status=blocked&q=sys.mem")
    shown = (
        "Array.from(document.querySelectorAll('.nodes > details:not([hidden])'),"
        " (node) => node.id).join()"
    )

    assert page.run(shown) == "node:web-3"
    page.run("status.value = ''")
    page.run("const all = document.getElementById('status'); all.value = '';"
             " all.dispatchEvent(new Event('change'))")  # fmt: skip
    assert page.run(shown) == "node:web-3,node:web-4"
    assert page.run("location.hash") == "#?q=sys.mem"


def test_a_search_in_a_large_fleet_is_quick(browser: Tab, tmp_path: Path) -> None:
    """100 ms at most from the key to the drawn result, the best of three, where half of all fails."""
    page = opened(browser, large(0.5, 0), tmp_path)
    took = page.run(
        """(async () => {
          const field = document.getElementById("q");
          const took = {};
          for (const word of Array(3).fill(["w", "win-1", "sys.mem", "no such words", ""]).flat()) {
            const began = performance.now();
            field.value = word;
            field.dispatchEvent(new Event("input"));
            document.body.getBoundingClientRect();
            took[word] = Math.min(took[word] ?? Infinity, performance.now() - began);
            await new Promise((done) => setTimeout(done, 10));
          }
          return Object.values(took);
        })()"""
    )

    assert max(took) < 100, took


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["preflight", "applied", "planned"])
def test_axe_finds_nothing_serious(browser: Tab, tmp_path: Path, kind: str, *, dark: bool) -> None:
    """Contrast, names, roles and order, in both schemes of colours, with everything opened."""
    source = axe()
    report = {
        "preflight": reports.preflight, "applied": reports.applied, "planned": reports.planned
    }[kind]()  # fmt: skip
    page = opened(browser, report, tmp_path)
    page.look(dark=dark)
    page.run("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    page.run("new Promise((done) => setTimeout(done, 50))")
    page.run(f"{source}; 0")
    found = page.run("axe.run().then((all) => all.violations)")

    wrong = [
        (row["id"], row["impact"], [node["html"] for node in row["nodes"]][:3])
        for row in found
        if row["impact"] in ("serious", "critical")
    ]
    assert wrong == []


def test_printing_opens_what_is_wrong(browser: Tab, tmp_path: Path) -> None:
    """On paper nobody can click: the nodes with complaints are open while it prints."""
    page = opened(browser, reports.preflight(), tmp_path)
    opened_nodes = (
        "Array.from(document.querySelectorAll('.nodes > details[open]'), (node) => node.id).join()"
    )
    page.run("dispatchEvent(new Event('beforeprint'))")
    during = page.run(opened_nodes)
    page.run("dispatchEvent(new Event('afterprint'))")

    assert during == "node:web-5,node:web-2,node:web-3,node:web-4"
    assert page.run(opened_nodes) == ""
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", page.call("Page.printToPDF")["data"])
