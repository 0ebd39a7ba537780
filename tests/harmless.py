"""What a reader of each format does with it: parsers, terminals, and the agents of CI."""

from __future__ import annotations

import html.parser
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

import sarif_form
from junit_form import faults_of

# What the formats may begin a command of an agent with: their own, and no other.
OWN_COMMANDS = {
    "github": re.compile(r"::(error|warning|notice) [^:\r\n]*::[^\r\n]*"),
    "azure": re.compile(r"##vso\[task\.logissue (?:[a-z]+=[^;\]\r\n]*;)+\][^\r\n]*"),
}
VOID = frozenset("meta link br input img hr".split())
KNOWN_TAGS = frozenset(
    "html head meta title style body header main footer section form label input select option"
    " output p h1 h2 h3 ul ol li a b i small span svg rect div details summary pre code br time"
    " script".split()
)


class Page(html.parser.HTMLParser):
    """Reads a page as a browser does; keeps its elements, and what stands in scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, dict[str, str]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.append((tag, {name: value or "" for name, value in attrs}))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> where it is not open")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]][-1] += data
        else:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"a comment: {data!r}")

    def ids(self) -> list[str]:
        """List the ids."""
        return [found["id"] for _, found in self.attributes if "id" in found]


def page(text: str) -> Page:
    """Read a page; it is whole, and has no element or attribute that a template lacks."""
    found = Page()
    found.feed(text)
    found.close()
    assert (found.wrong, found.open) == ([], [])
    assert found.tags <= KNOWN_TAGS, found.tags - KNOWN_TAGS
    for tag, attributes in found.attributes:
        handlers = [name for name in attributes if name.startswith("on") or name == "style"]
        assert not handlers, (tag, attributes)
        for name in ("href", "src", "action"):
            link = attributes.get(name, "#")
            assert link.startswith(("#", "https://")), (tag, link)
    return found


def _json(text: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    assert text.isascii()
    data = json.loads(text, parse_constant=refuse)
    # What only Python reads: halves of characters.
    json.dumps(data, ensure_ascii=False).encode("utf-8")
    return data


def _each_json(text: str) -> None:
    for line in text.split("\n"):
        _json(line)


def xml(text: str) -> ET.Element:
    """Read a document of our own making."""
    return ET.fromstring(text.encode())  # noqa: S314


def _junit(text: str) -> None:
    assert faults_of(xml(text)) == []


def _lines_of(name: str) -> Callable[[str], None]:
    def read(text: str) -> None:
        for line in text.split("\n") if text else ():
            assert OWN_COMMANDS[name].fullmatch(line), line

    return read


def _plain(_text: str) -> None:
    """Nothing but lines is asked of it."""


def _markdown(text: str) -> None:
    unescaped = re.sub(r"\\.", "", text)
    assert not re.search(r"[<>`@*_\[]|!\[|://|www\.", unescaped), unescaped


READERS: Mapping[str, Callable[[str], object]] = {
    "table": _plain,
    "json": _json,
    "jsonl": _each_json,
    "junit": _junit,
    "html": page,
    "markdown": _markdown,
    "sarif": lambda text: sarif_form.check(_json(text)),
    "github": _lines_of("github"),
    "gitlab": _json,
    "azure": _lines_of("azure"),
}
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]"
)


def check(name: str, text: str) -> None:
    """Hold a report in a format to what its readers need; raises AssertionError otherwise."""
    encoded = text.encode("utf-8")  # halves of characters have no place in any file
    assert not _CONTROL.search(text), f"{name}: {_CONTROL.findall(text)[:3]}"
    lines = text.splitlines()
    if name != "github":
        # Source: actions/runner:src/Runner.Common/ActionCommand.cs, TryParseV2
        assert not [row for row in lines if row.lstrip().startswith("::")]
    assert "##[" not in text
    if name != "azure":
        assert "##vso" not in text.lower()
    else:
        assert all(row.lower().count("##vso") <= 1 for row in lines)
    assert len(encoded) < 64 * 1024 * 1024
    READERS[name](text)
