"""The form of JUnit that Jenkins' xunit plugin takes, as a small check of our own.

What it holds a document to is what the plugin's schema says of elements, their order of nesting,
attributes and required ones; test_formats_schemas holds documents to the schema itself where it is.
Source: jenkinsci/xunit-plugin:src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/
junit-10.xsd@031e285e
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What an element holds: which elements, attributes, and whether it has text."""

    inside: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    text: bool = False


_SAID = Form(optional=("type", "message"), text=True)
FORMS = {
    "testsuites": Form(
        inside=("testsuite",), optional=("name", "time", "tests", "failures", "errors")
    ),
    "testsuite": Form(
        inside=("testsuite", "properties", "testcase", "system-out", "system-err"),
        required=("name", "tests", "failures", "errors"),
        optional=tuple("group time skipped timestamp hostname id package file log url".split()),
    ),
    "properties": Form(inside=("property",)),
    "property": Form(required=("name", "value")),
    "testcase": Form(
        inside=("skipped", "error", "failure", "system-out", "system-err"),
        required=("name",),
        optional=("time", "classname", "group"),
    ),
    "skipped": _SAID,
    "error": _SAID,
    "failure": _SAID,
    "system-out": Form(text=True),
    "system-err": Form(text=True),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def faults_of(root: ET.Element) -> list[str]:
    """List what is wrong with a document; none is right."""
    wrong = [] if root.tag == "testsuites" else [f"the root is {root.tag}"]
    return [*wrong, *_faults(root)]


def _faults(element: ET.Element) -> Iterator[str]:
    form = FORMS.get(element.tag)
    if form is None:
        yield f"{element.tag} is no element"
        return
    yield from (
        f"{element.tag} lacks {name}" for name in form.required if name not in element.attrib
    )
    known = {*form.required, *form.optional}
    yield from (f"{element.tag} has {name}" for name in element.attrib if name not in known)
    if "time" in known and not TIME.fullmatch(element.get("time", "")):
        yield f"{element.tag}: time is {element.get('time')}"
    if not form.text and (element.text or "").strip():
        yield f"{element.tag} holds text"
    for child in element:
        if child.tag not in form.inside:
            yield f"{element.tag} holds {child.tag}"
        if (child.tail or "").strip():
            yield f"text after {child.tag}"
        yield from _faults(child)
    if element.tag == "testsuite":
        yield from _counts(element)


def _counts(suite: ET.Element) -> Iterator[str]:
    """A suite says how many cases it has of each kind."""
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        if suite.get(name) != str(len(suite.findall(f"testcase/{kind}"))):
            yield f"{name} is {suite.get(name)}"
    if suite.get("tests") != str(len(suite.findall("testcase"))):
        yield f"tests is {suite.get('tests')}"
