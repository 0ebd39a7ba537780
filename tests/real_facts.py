"""Facts of real Windows hosts in tests/real, judged again; run as a program it writes the findings.

A document proves what the lab cannot: that real machines say what the checks read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from wincnode.checks import Finding, Verdict, Wanted, run_checks
from wincnode.commands.saved import Saved, load
from wincnode.facts import FURTHER, SECTIONS

FOLDER = Path(__file__).parent / "real"
SUFFIX = ".findings.json"
# By another day another Windows is out of support.
WANTED = Wanted(subnets=("10.244.0.0/16", "10.96.0.0/12"), today=date(2026, 11, 30))
# What the reader of facts and `run_checks` say of a fact that is not as the script gives it.
STUMBLES = (" is missing", " is not a", " is not true or false", "the check itself failed")


def documents(folder: Path = FOLDER) -> list[Path]:
    """List the documents of facts."""
    return sorted(path for path in folder.glob("*.json") if not path.name.endswith(SUFFIX))


def complaints(path: Path) -> Iterator[str]:
    """Say what is wrong with a document, or with how it is judged."""
    found = judged(path)
    for name, saved in load(path).items():
        yield from _sections(name, saved)
        for row in found[name]:
            stumbles = any(words in row.evidence for words in STUMBLES)
            if row.verdict is Verdict.UNKNOWN and stumbles:
                yield f"{name}: {row.check}: {row.evidence}"
    kept = path.with_name(path.name.removesuffix(".json") + SUFFIX)
    if kept.exists() and json.loads(kept.read_text(encoding="utf-8")) != told(found):
        yield f"{kept.name} says otherwise; python tests/real_facts.py writes it anew"


def _sections(name: str, saved: Saved) -> Iterator[str]:
    for section in (*SECTIONS, *FURTHER):
        if section not in saved.facts.sections:
            why = saved.facts.errors.get(section, "it was not read")
            yield f"{name}: {section}: {why}"


def judged(path: Path) -> Mapping[str, tuple[Finding, ...]]:
    """Give what the checks say of each node of a document."""
    return {name: run_checks(row.facts, WANTED) for name, row in load(path).items()}


def told(found: Mapping[str, tuple[Finding, ...]]) -> Mapping[str, Mapping[str, str]]:
    """Give the findings as they are kept: those that did not pass, with what was seen."""
    return {
        name: {
            row.check: f"{row.verdict.value}: {row.evidence}"
            for row in sorted(rows, key=lambda row: row.check)
            if row.verdict is not Verdict.PASS
        }
        for name, rows in found.items()
    }


def main(words: Sequence[str]) -> int:
    """Write the findings of every document; of those that are named, say what is wrong."""
    wrong = [text for word in words for text in complaints(Path(word))]
    for text in wrong:
        print(text)  # noqa: T201 - a program's own output
    for path in () if words else documents():
        kept = path.with_name(path.name.removesuffix(".json") + SUFFIX)
        kept.write_text(json.dumps(told(judged(path)), indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
