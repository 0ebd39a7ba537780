"""One page that needs nothing else: for a manager how the nodes are, for an administrator why.

What nodes said enters the page as escaped text, or as JSON that nothing runs; the script and the
style are constant, and the content security policy allows these two alone, by their hashes.
Sources: www.w3.org/TR/CSP3 (hashes), html.spec.whatwg.org/multipage/scripting.html, "Restrictions
for contents of script elements".
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from string import Template
from urllib.parse import quote

from wincnode import __version__
from wincnode.checks import Verdict
from wincnode.formats.catalogue import Entry, catalogue
from wincnode.formats.matrix import matrices
from wincnode.formats.problems import (
    BAD,
    GOOD,
    STATUSES,
    Group,
    Problem,
    counts,
    groups,
    named,
    of_node,
    worst_first,
)
from wincnode.formats.safe import dumps, line, no_command
from wincnode.formats.table import plans
from wincnode.report import NodeReport, Report

PAGE = Path(__file__).parent / "page"
MESSAGES = 4
NAMES = 12
# The rest of a long list is opened one by one.
OPENED = 6
MANY = 100
SIGNS = {"+": "add", "-": "remove", "@": "where", " ": ""}
# Beside what a check wants, as test reports do: it does not hold.
SIGNS_OF = {"error": "✗", "warning": "!", "unknown": "?", "note": "i", "ignored": "-"}
CELLS = {"ok": "good", "FAIL": "bad", "warn": "fair", "?": "fair", "": "none"}
WORDS = {"error": "Error", "warning": "Warning", "note": "Note"}


def render(report: Report) -> str:
    """Give the report as an HTML document."""
    style = (PAGE / "style.css").read_text(encoding="utf-8")
    script = (PAGE / "script.js").read_text(encoding="utf-8")
    report = replace(report, nodes=worst_first(report))
    problems = [tuple(of_node(node)) for node in report.nodes]
    known = catalogue()
    found = groups(row for rows in problems for row in rows)
    seen = {line(row.check) for node in report.nodes for row in node.findings}
    seen |= {group.first.id for group in found if group.first.kind == "error"}
    parts = {
        "csp": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
        "style": style,
        "script": script,
        "title": _title(report),
        "made": _made(report),
        "tone": _tone(report),
        "verdict": _e(verdict(report)),
        "bar": _bar(report),
        "legend": "".join(_legend(report)),
        "todo": _todo(found, known),
        "plans": _matrices(report) + _plans(report),
        "many": " many" if len(report.nodes) > MANY else "",
        "options": "".join(_options(report)),
        "nodes": "".join(_node(node, problems[n], n) for n, node in enumerate(report.nodes)),
        "checks": _entries([known[id] for id in sorted(seen) if id in known]),
        "data": _data(report),
        "version": __version__,
    }
    return Template((PAGE / "page.html").read_text(encoding="utf-8")).substitute(parts).rstrip()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _e(text: object) -> str:
    return html.escape(line(text))


def _title(report: Report) -> str:
    return _e(report.command[:1].upper() + report.command[1:])


def _made(report: Report) -> str:
    words = [f"wincnode {__version__}"]
    if report.inventory:
        words.insert(0, report.inventory)
    said = " · ".join(map(_e, words))
    if report.at is None:
        return said
    at = report.at.astimezone(UTC)
    shown = f"{at.day} {at:%B %Y, %H:%M} UTC"
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{shown}</time> · {said}'


def _tone(report: Report) -> str:
    statuses = {node.status for node in report.nodes}
    if statuses & BAD:
        return "bad"
    return "good" if statuses <= GOOD else "fair"


def verdict(report: Report) -> str:
    """Say for everybody in one sentence what came out."""
    total = len(report.nodes)
    bad = sum(node.status in BAD for node in report.nodes)
    fair = sum(node.status not in BAD | GOOD for node in report.nodes)
    can = report.command == "preflight"
    fine = "can run the wanted containers" if can else _are(total, "as wanted")
    if not total:
        return "There are no nodes."
    if bad:
        wrong = "cannot run the wanted containers yet" if can else _are(bad, "not as wanted")
        return f"{bad} of {total} nodes {wrong}." if total > 1 else f"The node {wrong}."
    if fair and not can:
        left = sum(node.status == "pending" for node in report.nodes)
        word = "would be changed" if left == fair else "need a second look"
        return f"{fair} of {total} nodes {word}." if total > 1 else f"The node {word}."
    rest = f"; {fair} with warnings" if fair and total > 1 else "; there are warnings" * bool(fair)
    return f"All {total} nodes {fine}{rest}." if total > 1 else f"The node {fine}{rest}."


def _are(number: int, what: str) -> str:
    return f"{'is' if number == 1 else 'are'} {what}"


def _bar(report: Report) -> str:
    rows, at = [], 0
    for status, number in counts(report):
        rows.append(f'<rect class="s-{status}" x="{at}" width="{number}" height="1"/>')
        at += number
    return (
        f'<svg class="bar" viewBox="0 0 {max(at, 1)} 1" preserveAspectRatio="none"'
        f' aria-hidden="true">{"".join(rows)}</svg>'
    )


def _legend(report: Report) -> Iterator[str]:
    for status, number in counts(report):
        yield (
            f'<li><a href="#?status={status}"><i class="s-{status}"></i><b>{number}</b> '
            f"{STATUSES[status]}</a></li>"
        )


def _options(report: Report) -> Iterator[str]:
    for status, number in counts(report):
        yield f'<option value="{status}">{STATUSES[status]} ({number})</option>'


def _todo(found: tuple[Group, ...], known: Mapping[str, Entry]) -> str:
    if not found:
        return '<p class="empty">Nothing: no check complains.</p>'
    rows = (_group(group, known, opened=n < OPENED) for n, group in enumerate(found))
    return f'<ol class="todo">{"".join(rows)}</ol>'


def _group(group: Group, known: Mapping[str, Entry], *, opened: bool) -> str:
    first = group.first
    entry = known.get(first.id)
    title = first.title or (entry.title if entry else "") or first.id
    number = len(group.nodes)
    where = _e(group.nodes[0]) if number == 1 else f"{number} nodes"
    sign = f'<span aria-hidden="true">{SIGNS_OF[first.word]}</span>'
    place = f'<a href="#?q={quote(first.id, safe="")}">show where</a>'
    parts = [
        f'<li class="{first.level}"><details{" open" * opened}><summary>',
        f'<h3>{sign} {_e(title)}</h3><span class="count">{where}</span></summary>',
        f'<p class="meta">{_badge(first)} {_link(first, known)}{_because(group)} {place}</p>',
        "".join(_seen(group)),
        _details(first),
        f'<p class="remedy">{_e(first.remedy)}</p>' if first.remedy else "",
        "</details></li>\n",
    ]
    return "".join(parts)


def _details(row: Problem) -> str:
    if not row.details:
        return ""
    text = "\n".join(no_command(html.escape(text)) for text in row.details)
    return f'<pre class="said">{text}</pre>'


def _badge(row: Problem) -> str:
    word = WORDS[row.level] if row.word == row.level else row.word.capitalize()
    return f'<span class="badge {row.level}">{word}</span>'


def _link(row: Problem, known: Mapping[str, Entry]) -> str:
    if row.id in known:
        return f'<a class="id" href="#about:{quote(row.id)}">{_e(row.id)}</a>'
    return f'<span class="id">{_e(row.id)}</span>'


def _because(row: Group | Problem) -> str:
    if not row.because_of:
        return ""
    return f' <span class="because">because of {_e(", ".join(row.because_of))}</span>'


def _seen(group: Group) -> Iterator[str]:
    messages = group.messages
    many = len(group.nodes) > 1
    yield '<ul class="seen">'
    for message, nodes in messages[:MESSAGES]:
        on = f" <small>on {_e(named(nodes, most=NAMES))}</small>" if many else ""
        yield f"<li>{_e(message)}{on}</li>"
    if len(messages) > MESSAGES:
        yield f"<li>and {len(messages) - MESSAGES} more</li>"
    yield "</ul>"


def _matrices(report: Report) -> str:
    """Draw what was tried from where to where."""
    parts = []
    for matrix in matrices(report):
        heads = "".join(f'<th scope="col">{_e(name)}</th>' for name in matrix.columns)
        rows = "".join(
            f'<tr><th scope="row">{_e(name)}</th>{"".join(map(_cell, marks))}</tr>\n'
            for name, marks in matrix.rows
        )
        name = _e(matrix.heading)
        table = f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody>"
        parts.append(
            f'<h3>{name}</h3><div class="matrix" tabindex="0" role="region" aria-label="{name}">'
            f"<table>{table}</table></div>"
        )
    if not parts:
        return ""
    head = '<section aria-labelledby="h-tried"><h2 id="h-tried">What was tried</h2>'
    return f"{head}{''.join(parts)}</section>"


def _cell(mark: str) -> str:
    return f'<td class="{CELLS[mark]}">{_e(mark or "not tried")}</td>'


def _plans(report: Report) -> str:
    found = plans(report)
    if not found:
        return ""
    parts = []
    for nodes, head, lines in found:
        rows = "".join(
            f'<span class="{SIGNS[sign]}">{html.escape(text)}</span>\n' for sign, text in lines
        )
        parts.append(f"<h3>{_e(named(nodes, most=NAMES))}: {_e(head)}</h3>")
        parts.append(f'<pre tabindex="0">{rows}</pre>')
    head = '<section aria-labelledby="h-plan"><h2 id="h-plan">What would change</h2>'
    return f"{head}{''.join(parts)}</section>"


def _node(node: NodeReport, problems: tuple[Problem, ...], place: int) -> str:
    name = line(node.node)
    said = [line(node.computer) if node.computer.lower() != node.node else ""]
    said.append(f"build {node.build}" if node.build else "")
    passed = sum(row.verdict is Verdict.PASS for row in node.findings)
    went = sum(step.outcome in ("ok", "changed") for step in node.steps)
    parts = [
        f'<details id="node:{quote(name, safe="")}" data-status="{node.status}" data-n="{place}">',
        f'<summary><b>{_e(name)}</b><span class="pill s-{node.status}">',
        node.status.replace("-", " "),
        f'</span><span class="about">{_e(", ".join(filter(None, said)))}</span>',
        f'<span class="tally">{_tally(problems)}</span></summary>',
        f"<ul>{''.join(map(_problem, problems))}</ul>" if problems else "",
        "".join(f'<p class="note">{_e(note)}</p>' for note in node.notes),
        f'<p class="note">{went} of {len(node.steps)} steps went well.</p>' if node.steps else "",
        f'<p class="passed">{_of(passed, "check")} passed.</p>' if node.findings else "",
        "</details>\n",
    ]
    return "".join(parts)


def _tally(problems: tuple[Problem, ...]) -> str:
    rows = []
    for word in ("error", "warning", "unknown", "ignored"):
        number = sum(row.word == word for row in problems)
        if number:
            rows.append(_of(number, word) if word in ("error", "warning") else f"{number} {word}")
    return ", ".join(rows)


def _of(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _problem(row: Problem) -> str:
    # Of a fleet there are tens of thousands: the script adds their anchors, `web-1/os.build`, and
    # the remedy of a check, which is the same on every node.
    own = row.remedy if row.kind == "error" else ""
    remedy = f'<p class="remedy">{_e(own)}</p>' if own else ""
    kinds = f"{row.level} step" if row.kind == "step" else row.level
    target = f' data-target="{_e(row.target)}"' if row.target else ""
    return (
        f'<li class="{kinds}"{target}><b>{_e(row.id)}</b> '
        f"{_e(row.message or row.title)}{_because(row)}{_mark(row)}{_details(row)}"
        f"{remedy}</li>"
    )


def _mark(row: Problem) -> str:
    return f" <small>{row.word}</small>" if row.word != row.level else ""


def _entries(entries: list[Entry]) -> str:
    if not entries:
        return ""
    head = '<section aria-labelledby="h-about" class="about-ids">'
    head += '<h2 id="h-about">What each id means</h2>\n'
    return f"{head}{''.join(map(_entry, entries))}</section>"


def _entry(entry: Entry) -> str:
    source = _e(entry.source)
    if entry.source.startswith("https://"):
        source = f'<a href="{source}" rel="noreferrer">{source}</a>'
    said = f"<br>Source: {source}" if source else ""
    return (
        f'<details id="about:{quote(entry.id)}"><summary><span class="id">{_e(entry.id)}</span> '
        f"{_e(entry.title)}</summary><p>{_e(entry.meaning)}</p>"
        f'<p class="remedy">{_e(entry.remedy)}</p>'
        f'<p class="note"><code>wincnode explain {_e(entry.id)}</code>, {_e(entry.anchor)}'
        f"{said}</p></details>\n"
    )


def _data(report: Report) -> str:
    """Give what passed, which the script shows where it is asked for, each text once."""
    checks: dict[str, int] = {}
    texts: dict[str, int] = {}
    nodes = []
    for node in report.nodes:
        row: list[int] = []
        for finding in node.findings:
            if finding.verdict is Verdict.PASS:
                row.append(checks.setdefault(line(finding.check), len(checks)))
                row.append(texts.setdefault(line(finding.evidence), len(texts)))
        nodes.append(row)
    remedies = {
        line(row.check): line(row.remedy)
        for node in report.nodes
        for row in node.findings
        if row.verdict is not Verdict.PASS
    }
    whole = {"checks": list(checks), "texts": list(texts), "nodes": nodes, "remedies": remedies}
    # No `<` means no tag and no comment, so that the element ends where it should.
    text = dumps(whole)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
