"""docs/compat.md: which image runs on which host."""

from __future__ import annotations

from pages.text import table, written
from wincnode.builds import load_builds
from wincnode.commands import compat
from wincnode.isolation import RULE_SOURCES, RULES
from wincnode.support import load_support


def compat_page() -> str:
    """Give docs/compat.md: its text, then the matrix, the rules and who has which."""
    text = written("compat")
    matrix = "\n".join(compat.lines(compat.run(compat.Question())))
    rules = [(rule, said, RULE_SOURCES[rule]) for rule, said in RULES.items()]
    matchers = [
        (row.since, row.rule, PICKS[row.order], row.source) for row in load_support().matchers
    ]
    builds = [
        (str(row.build), row.name, row.channel, row.supported_node, row.source)
        for row in load_builds().values()
    ]
    parts = (
        f"{text}\n## All known builds\n\n```text\n{matrix}\n```\n",
        "\n## The rules of process isolation\n",
        table(("rule", "what it says", "source"), rules),
        "\n## What containerd does\n",
        table(("containerd from", "rule", "takes of several", "source"), matchers),
        "\n## The builds\n",
        table(("build", "name", "channel", "Kubernetes node", "source"), builds),
    )
    return "".join(parts)


PICKS = {
    "revision": "the larger revision",
    "index": "the first of the index",
    "text": "the largest os.version, compared as text",
}
