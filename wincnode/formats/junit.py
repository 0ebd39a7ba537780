"""JUnit XML: a suite for each node, a case for each check and step, and one for the node itself.

What blocks is a failure, what could not be reached is an error, and a warning is skipped with its
text, so that it is seen without failing the job; `--fail-on warning` makes it a failure.
Source: jenkinsci/xunit-plugin:src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/
junit-10.xsd@031e285e
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from wincnode.checks import Finding, Severity, Verdict
from wincnode.events import StepFinished
from wincnode.formats.safe import line, lines, no_command
from wincnode.report import PENDING_OUTCOMES, NodeReport, Report, warns

# Verdict of a case, and the element that says it; what passes needs none.
Case = tuple[str, str]


def render(report: Report) -> str:
    """Give the report as a JUnit document."""
    suites = [_Suite(report, node) for node in report.nodes]
    total = {name: sum(suite.count(name) for suite in suites) for name in _Suite.COUNTED}
    numbers = f'tests="{sum(len(suite.cases) for suite in suites)}"'
    numbers += f' failures="{total["failure"]}" errors="{total["error"]}"'
    time = sum(node.seconds for node in report.nodes)
    head = f'<testsuites name={_quoted(f"wincnode {report.command}")} {numbers} time="{time:.2f}">'
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            head,
            *(text for suite in suites for text in suite.lines()),
            "</testsuites>",
        )
    )


class _Suite:
    """The cases of one node."""

    COUNTED = ("failure", "error", "skipped")

    def __init__(self, report: Report, node: NodeReport) -> None:
        self.report = report
        self.node = node
        # Jenkins takes what is before the last dot for a package.
        name = line(node.node).replace(".", "_")
        self._of = f"classname={_quoted(f'{report.command.split()[0]}.{name}')}"
        self.cases: list[Case] = [
            self._case("the node answers and its run ends well", _of_error(node)),
            *(self._case(_name(f), self._finding(f)) for f in node.findings),
            *(
                self._case(f"step {s.step}: {s.title}".rstrip(": "), self._step(s))
                for s in node.steps
            ),
        ]

    def count(self, kind: str) -> int:
        """Count the cases of a kind."""
        return sum(row[0] == kind for row in self.cases)

    def lines(self) -> Iterator[str]:
        """Give the suite's lines."""
        node = self.node
        at = self.report.at
        time = f' timestamp="{at.strftime("%Y-%m-%dT%H:%M:%S")}"' if at else ""
        yield (
            f'<testsuite name={_quoted(node.node)} tests="{len(self.cases)}"'
            f' failures="{self.count("failure")}" errors="{self.count("error")}"'
            f' skipped="{self.count("skipped")}" time="{node.seconds:.2f}"{time}>'
        )
        rows = {"status": node.status, "computer": node.computer, "build": node.build or ""}
        properties = "".join(
            f'<property name="{name}" value={_quoted(value)}/>' for name, value in rows.items()
        )
        yield f"<properties>{properties}</properties>"
        yield from (text for _, text in self.cases)
        for note in node.notes:
            yield f"<system-out>{_text(note)}</system-out>"
        yield "</testsuite>"

    def _case(self, name: str, said: Case | None) -> Case:
        head = f"<testcase name={_quoted(name)} {self._of}"
        if said is None:
            return "", f"{head}/>"
        return said[0], f"{head}>{said[1]}</testcase>"

    def _finding(self, finding: Finding) -> Case | None:
        if finding.verdict is Verdict.PASS:
            return None
        because = f" (because of {', '.join(finding.because_of)})" if finding.because_of else ""
        message = f"{finding.evidence}{because}"
        if finding.blocks or (self.report.warnings_count and warns(finding)):
            return _element("failure", finding.severity.value, message, finding.remedy)
        word = "unknown" if finding.verdict is Verdict.UNKNOWN else finding.severity.value
        if finding.ignored:
            word = "ignored"
        if finding.severity is Severity.INFO and not finding.ignored:
            return "", f"<system-out>{_text(f'{word}: {message}')}</system-out>"
        return _element("skipped", word, f"{word}: {message}", finding.remedy)

    def _step(self, step: StepFinished) -> Case | None:
        pending = step.outcome in PENDING_OUTCOMES
        word = step.outcome.replace("_", " ")
        message = f"{word}: {step.error}" if step.error else word
        if step.outcome == "failed" or (pending and self.report.pending_counts):
            return _element("failure", step.outcome, message, "")
        if pending or step.outcome == "skipped":
            return _element("skipped", step.outcome, message, "")
        return None


def _name(finding: Finding) -> str:
    target = f" ({finding.target})" if finding.target else ""
    return f"{finding.check}: {finding.title}{target}"


def _of_error(node: NodeReport) -> Case | None:
    if node.error is None:
        return None
    message, *details = lines(node.error.message) or ("",)
    return _element("error", node.error.id, message, node.error.remedy, details)


def _element(kind: str, of: str, message: str, remedy: str, details: Iterable[str] = ()) -> Case:
    opened = f"<{kind} type={_quoted(of)} message={_quoted(message)}"
    rows = [line(remedy), *details] if remedy else details
    body = "\n".join(no_command(html.escape(text)) for text in rows)
    return kind, f"{opened}>{body}</{kind}>" if body else f"{opened}/>"


def _quoted(value: object) -> str:
    return f'"{_text(value)}"'


def _text(value: object) -> str:
    # The five characters that html escapes are the five of XML.
    return html.escape(line(value))
