"""A pin is written into an inventory's text, and nothing else of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from wincnode.errors import ConfigError
from wincnode.inventory import marks
from wincnode.inventory.pins import by_hand, pinned

PATH = Path("wincnode.yaml")
NEW = ":".join(["AB"] * 32)
DEFAULT = "connection: {fingerprint: cd}\nnodes:\n  a:\n"
PIN = f'fingerprint: "{NEW}"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (  # a pin of its own, between comments
            "nodes:\n  a:\n    connection:\n      # old\n      fingerprint: cd  # of 2025\n",
            f'nodes:\n  a:\n    connection:\n      # old\n      fingerprint: "{NEW}"  # of 2025\n',
        ),
        (  # in quotes, in one line, with a neighbour
            "nodes: {a: {connection: {fingerprint: 'cd', port: 1}}, b: {}}\n",
            f"nodes: {{a: {{connection: {{{PIN}, port: 1}}}}, b: {{}}}}\n",
        ),
        (  # a connection without a pin
            "nodes:\n  a:\n    connection:\n      # why\n      port: 1 # so\n  b:\n",
            f"nodes:\n  a:\n    connection:\n      # why\n      port: 1 # so\n      {PIN}\n  b:\n",
        ),
        (
            "nodes: {a: {connection: {port: 1}}}\n",
            f"nodes: {{a: {{connection: {{{PIN}, port: 1}}}}}}\n",
        ),
        ("nodes: {a: {connection: {}}}\n", f"nodes: {{a: {{connection: {{{PIN}}}}}}}\n"),
        (  # no connection; the default's pin stays for the others
            f"{DEFAULT}    address: h  # 7\n    labels:\n      x: y\n",
            f"{DEFAULT}    address: h  # 7\n    connection: {{{PIN}}}\n    labels:\n      x: y\n",
        ),
        (  # what stands above the first row stays with it
            "nodes:\n  a:\n    connection:\n      # pw\n      password: {env: X}\n",
            f"nodes:\n  a:\n    connection:\n      {PIN}\n      # pw\n      password: {{env: X}}\n",
        ),
        (  # no row of one value
            "nodes:\n  a:\n    labels:\n      x: y\n",
            f"nodes:\n  a:\n    connection: {{{PIN}}}\n    labels:\n      x: y\n",
        ),
        (  # a node without anything
            "nodes:\n  a:\n  b: # here\n",
            f"nodes:\n  a: {{connection: {{{PIN}}}}}\n  b: # here\n",
        ),
        ("nodes: {a: }\n", f"nodes: {{a:  {{connection: {{{PIN}}}}}}}\n"),
        ("nodes:\n  a: ~\n", f"nodes:\n  a:  {{connection: {{{PIN}}}}}\n"),
        (  # a node that Ansible has, in a file without nodes
            "cluster:\n  cni: none\n",
            f"nodes: {{a: {{connection: {{{PIN}}}}}}}\ncluster:\n  cni: none\n",
        ),
        (  # the ends of lines that Windows writes, and no end at all
            "nodes:\r\n  a:\r\n    address: ö\r\n    groups: [x]",
            f"nodes:\r\n  a:\r\n    address: ö\r\n    connection: {{{PIN}}}\r\n    groups: [x]",
        ),
        (
            "nodes:\n  a:\n    address: h",
            f"nodes:\n  a:\n    address: h\n    connection: {{{PIN}}}",
        ),
    ],
)
def test_the_pin_is_set_and_the_rest_stays(before: str, after: str) -> None:
    """Comments, order, quotes and ends of lines; twice is once."""
    assert pinned(before, PATH, node="a", sha256=NEW) == after
    assert pinned(after, PATH, node="a", sha256=NEW) == after


@pytest.mark.parametrize(
    "text",
    [
        # What another node would get, too.
        "nodes:\n  b: {connection: &c {port: 1}}\n  a: {connection: *c}\n",
        "nodes:\n  b: {connection: {fingerprint: &p cd}}\n  a: {connection: {fingerprint: *p}}\n",
        "nodes:\n  a: &n {connection: {port: 1}}\n  b: *n\n",
        "nodes:\n  a: !x {address: h}\n",
        # A block of lines, whose end takes in what stands below it.
        "nodes:\n  a:\n    connection:\n      fingerprint: |-\n        cd\n\n    # keep me\n    labels: {}\n",
        "- a\n",
        "nodes: [\n",
    ],
)
def test_what_cannot_be_edited_alone_is_left_alone(text: str) -> None:
    with pytest.raises(ConfigError):
        pinned(text, PATH, node="a", sha256=NEW)


def test_the_line_to_set_by_hand_is_one_that_is_read() -> None:
    root = marks.compose(by_hand("a", NEW), PATH)
    assert root is not None
    assert marks.plain(root) == {"nodes": {"a": {"connection": {"fingerprint": NEW}}}}
