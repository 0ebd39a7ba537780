"""docs/cluster.md: rights, and the networks of a cluster."""

from __future__ import annotations

import yaml

from pages.text import cell, table, written
from wincnode.cluster.access import RIGHTS, roles
from wincnode.cluster.networks import Fact, Network, Requirement, load_networks


def cluster_page() -> str:
    """Give docs/cluster.md: its text, then each network with its values and requirements."""
    text = written("cluster")
    return text + _rights() + "".join(map(_network, load_networks().values()))


RIGHTS_HEAD = """\

## The least rights

Each verb asks for its rights before it does anything, and names all that are missing.
Those of `probe` can be left out: without them `join` runs no pod on the Node, and says so
(docs/install.md).
`cluster apply` asks for those of the objects that it applies alone.
"""


RIGHTS_YAML = """
As roles, for a ClusterRoleBinding and a RoleBinding in each namespace; leave out what you do not
need:

"""


def _rights() -> str:
    rows = [
        (
            ", ".join(right.verbs),
            f"`{right.resource}{f'.{right.group}' * bool(right.group)}`",
            ", ".join(f"`{name}`" for name in right.names) or "all",
            f"`{right.namespace}`" if right.namespace else "the cluster",
            ", ".join(right.tasks),
            right.why,
        )
        for right in RIGHTS
    ]
    needed = table(("verbs", "resource", "names", "in", "needed by", "why"), rows)
    dumped = yaml.safe_dump_all(roles(RIGHTS), sort_keys=False, default_flow_style=None)
    return f"{RIGHTS_HEAD}{needed}{RIGHTS_YAML}```yaml\n{dumped}```\n"


def _network(network: Network) -> str:
    needs = ", ".join(f"`cluster.{name}`" for name in network.needs) or "nothing more"
    parts = [f"\n## {network.name}\n\n{network.title}; it needs {needs} of the inventory.\n\n"]
    parts += [
        f"- `{row.field}` is at least {row.version}: {row.because} ({row.source}).\n"
        for row in network.minimum
    ]
    parts += _values(network.facts, network.requirements)
    for number, mode in enumerate(network.modes.values()):
        default = ", the default" * (not number and len(network.modes) > 1)
        made = ", ".join(f"`{name}`" for name in ("runtime-classes", *mode.manifests))
        parts.append(f"\n### Mode `{mode.name}`: {mode.title}{default}\n\nManifests: {made}.\n")
        parts += _values(mode.facts, mode.requirements)
    return "".join(parts)


def _values(facts: tuple[Fact, ...], requirements: tuple[Requirement, ...]) -> list[str]:
    parts = []
    if facts:
        parts.append("\n| value | | source |\n|---|---|---|\n")
        parts += [f"| {row.name} | {cell(row.value or None)} | {row.source} |\n" for row in facts]
    if requirements:
        parts.append("\nIt relies on:\n\n")
        parts += [f"- {row.text} ({row.source})\n" for row in requirements]
    return parts
