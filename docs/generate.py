"""Writes the pages that come from code and data, such as checks, errors and step kinds."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from wincnode import assets, checks
from wincnode.artifacts.catalogue import Artifact, load_catalogue
from wincnode.builds import load_builds
from wincnode.causes import Cause, load_causes
from wincnode.cluster.access import RIGHTS, roles
from wincnode.cluster.networks import Fact, Network, Requirement, load_networks
from wincnode.commands import compat
from wincnode.error_ids import load_error_ids
from wincnode.formats.schema import facts_schema, line_schema, report_schema
from wincnode.hcs.calls import ACTIONS, takes
from wincnode.hcs.errors import load_code_causes, load_meanings
from wincnode.hcs.rungs import RUNGS
from wincnode.hcs.verbs import Fields
from wincnode.hns.features import FEATURES
from wincnode.inventory.ansible.variables import CONNECTION, Variable
from wincnode.inventory.ansible.variables import TABLE as VARIABLES
from wincnode.inventory.schema import page as inventory_page
from wincnode.inventory.schema import schema
from wincnode.isolation import RULE_SOURCES, RULES
from wincnode.node.kinds import Field, Kind, Value, all_kinds, form
from wincnode.support import Support, load_support
from wincnode.updates import Update, Updates, load_updates

DOCS = Path(__file__).parent


# What a check goes by beside facts; else it is what a node is to reach.
ASKED = {
    "": (),
    "images": ("registries, from this host",),
    "members": ("the cluster's nodes",),
}


def checks_page() -> str:
    """Give docs/checks.md: its text, the rows of updates, and a section for each check."""
    parts = [
        (DOCS / "checks.in.md").read_text(encoding="utf-8"),
        _updates(load_updates()),
    ]
    parts += [
        f"\n## {check.id}\n\n{check.title} ({check.severity.value}).\n\n- proves: {check.proves}\n"
        f"- reads: {', '.join(_reads(check)) or 'the inventory alone'}\n"
        f"- remedy: {check.remedy}\n- source: {check.source}\n"
        for check in checks.all_checks()
    ]
    return "".join(parts)


def _reads(check: checks.Check) -> tuple[str, ...]:
    """Name the sections that a check reads, and what else it goes by, where there is any of it."""
    return (*check.needs, *check.uses, *ASKED.get(check.asks, ("connectivity",)))


UPDATE_CHECKS = {"needed": "os.ubr.min", "bad": "os.ubr.bad", "image": "os.ubr.image"}


def _updates(known: Updates) -> str:
    updates = [
        (
            f"`{row.id}`",
            UPDATE_CHECKS[row.kind],
            _revisions(row),
            row.effect + " (overlay networks alone)" * row.overlay,
            str(row.date),
            row.source,
        )
        for row in known.updates
    ]
    overrides = [
        (
            f"`{row.id}`",
            str(row.build),
            ", ".join(f"{recipe.value} by {recipe.by}" for recipe in row.recipes),
            row.effect,
            "; ".join(recipe.source for recipe in row.recipes),
        )
        for row in known.overrides
    ]
    holes = [
        (f"`{row.id}`", row.component, ", ".join(row.fixed), row.severity, row.effect, row.source)
        for row in known.vulnerabilities
    ]
    return (
        f"\n## Updates, overrides and holes, as of {known.as_of}\n"
        + _table(("id", "check", "revisions", "effect", "since", "source"), updates)
        + _table(("override", "build", "recipes", "effect", "sources"), overrides)
        + _table(("id", "of", "fixed in", "severity", "effect", "source"), holes)
    )


def _revisions(row: Update) -> str:
    first = f"from {row.build}.{row.first}" if row.first else ""
    below = f"below {row.build}.{row.below}" if row.below is not None else ""
    return " ".join(part for part in (first, below) if part)


EXIT_CODES = """\
| exit code | meaning |
|---|---|
| 0 | as wanted |
| 1 | a node or a download failed, or a run was cancelled |
| 2 | usage or configuration; no network was touched |
| 3 | changes are pending (`--plan --exit-code`, `lock --check`) |
| 4 | unreachable, or not let in |
| 5 | blocked by preflight (or warned, `--fail-on warning`), or denied (`compat --exit-code`) |
| 6 | another run holds the node |
| 70 | a bug of ours; the log file is named |
| 130 | interrupted |

Several at once: 130, then 1, 5, 4, 6, 3.
"""


def errors_page() -> str:
    """Give docs/errors.md: the exit codes, and a section for each error id."""
    parts = [f"# Errors\n\n{EXIT_CODES}"]
    for error in load_error_ids().values():
        source = f"- source: {error.source}\n" if error.source else ""
        parts.append(
            f"\n## {error.id}\n\n{error.title} (exit code {error.exit_code}).\n\n"
            f"- meaning: {error.meaning}\n- remedy: {error.remedy}\n{source}"
        )
    return "".join(parts)


CAUSES_INTRO = """\
# Causes

When a node does not come to be Ready, wincnode reads the ends of its logs, its services and its
files, and names what these lines point to. Here are all causes that it knows.
"""


def causes_page() -> str:
    """Give docs/causes.md: a section, and so an anchor, for each cause."""
    return CAUSES_INTRO + "".join(map(_cause, load_causes().values()))


def _cause(cause: Cause) -> str:
    pattern = cause.pattern.pattern if cause.pattern else ""
    return (
        f"\n## {cause.id}\n\n{cause.title}.\n\n- seen: {', '.join(cause.where)}: "
        f"`{pattern}`\n- cause: {cause.cause}\n- remedy: {cause.remedy}\n"
        f"- source: {cause.source}\n"
    )


CODES_INTRO = """\
# Codes of Windows

What `wincnode explain` knows of the error codes that Windows, its container platform and WinRM
show, and of what other programs say. It takes a code in any spelling, a name, a line as it was
pasted with its wraps and escapes, or a log:

```console
$ wincnode explain 0xC0370101
$ wincnode explain -1073741515
$ wincnode explain 'hcsshim::PrepareLayer failed in Win32: Incorrect function. (0x1)'
$ kubectl describe pod web | wincnode explain - -o json
```

A number counts before words. A code is no cause: the words beside it decide which of its causes is
the likeliest. With `-o json`, `code`, `name` and `component` are those of the code that says most,
`causes` has the causes with `remedy` and `source`, the likeliest first, and `recognised` all codes
of the text. Where no cause is known the exit code is 1, and what was recognised is printed.
Of a file, or of what comes on stdin, the last 256 KB are read. Names are known of {names} codes.
"""


def codes_page() -> str:
    """Give docs/codes.md: a section, and so an anchor, for each cause of a code."""
    known = load_meanings()
    text = CODES_INTRO.format(names=len(known.names))
    numbers = {name: f"0x{number:08X} {name}" for number, name in known.names.items()}
    return text + "".join(_code_cause(row, numbers) for row in load_code_causes().values())


def _code_cause(row: Cause, numbers: Mapping[str, str]) -> str:
    said = [f"`{pattern.pattern}`" for pattern in (row.pattern, row.near) if pattern]
    codes = f"- codes: {', '.join(f'`{numbers.get(name, name)}`' for name in row.codes)}\n" * bool(
        row.codes
    )
    words = f"- words: {' or '.join(said)}\n" * bool(said)
    return (
        f"\n## {row.id}\n\n{row.title}.\n\n{codes}{words}- cause: {row.cause}\n"
        f"- remedy: {row.remedy}\n- source: {row.source}\n"
    )


def kinds_page() -> str:
    """Give docs/kinds.md: every step kind with its fields."""
    return "# Step kinds\n\n" + KINDS_INTRO + "".join(map(_kind, all_kinds().values()))


KINDS_INTRO = """\
A step of a playbook names one kind and the state that it wants.
`key` fields say which object is meant; a field that is left out and has no default stays as it is.
Every step also takes `name`, `when` (a condition on `facts`, `node` and `vars`) and `timeout_s`.
A text field may be a secret: `{secret: {env: NAME}}`, or file, prompt and command alike.
"""


def _kind(kind: Kind) -> str:
    rows = [
        f"\n## {kind.name}\n\n{kind.doc} Time limit: {kind.timeout_s} s.\n",
        *([f"\n```yaml\n- {kind.name}: {kind.example}\n```\n"] if kind.example else []),
        f"\n{(kind.rule.__doc__ or '').splitlines()[0]}\n" if kind.rule else "",
        "\n| field | role | value | default | meaning |\n|---|---|---|---|---|\n",
        *map(_kind_field, kind.fields),
    ]
    return "".join(rows)


def _kind_field(row: Field) -> str:
    default = "required" if row.required else _cell(row.default)
    value = form(row).replace("|", "\\|")
    listed = "a list, each " * (row.type == "texts" and bool(row.allowed))
    return f"| `{row.name}` | {row.role} | {listed}{value} | {default} | {row.doc} |\n"


def _cell(default: Value) -> str:
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def artifacts_page() -> str:
    """Give docs/artifacts.md: the lock file, the catalogue, and which versions go together."""
    text = (DOCS / "artifacts.in.md").read_text(encoding="utf-8")
    rows = "".join(map(_artifact, load_catalogue()))
    return text + ARTIFACTS_HEAD + rows + _support(load_support())


ARTIFACTS_HEAD = """\

## The catalogue

| artifact | version | URL | SHA-256 | of an archive | source |
|---|---|---|---|---|---|
"""
CHECKSUMS = {
    "digest": "`{url}`: the digits alone",
    "names": "`{url}`: digits and file name",
    "github": "`{url}`: GitHub's record of the release",
}


def _artifact(row: Artifact) -> str:
    version = f"that of {row.follows}" if row.follows else _pinned(row)
    url = row.checksum_url.replace("{url}", "URL")
    files = "" if row.archive == "none" else ", ".join(f"`{name}`" for name in row.files)
    name = f"`{row.name}`{' (optional)' if row.optional else ''}"
    checksum = CHECKSUMS[row.checksum].format(url=url)
    return f"| {name} | {version} | `{row.url}` | {checksum} | {files} | {row.source} |\n"


def _pinned(row: Artifact) -> str:
    return ", ".join(
        version if minor == "*" else f"{version} for Kubernetes {minor}"
        for minor, version in row.versions.items()
    )


def _support(support: Support) -> str:
    minors = [
        (row.minor, _lines(row.containerd), row.pause, row.source)
        for row in support.kubernetes.values()
    ]
    lines = [
        (row.line, str(row.config_version), str(row.end_of_life), row.fixed_in, row.source)
        for row in support.containerd.values()
    ]
    pauses = [
        (row.version, ", ".join(map(str, row.builds)), row.source) for row in support.pause.values()
    ]
    vulnerable = "no known vulnerability from"
    return (
        "\n## Which versions go together\n"
        + _table(("Kubernetes", "containerd", "pause", "source"), minors)
        + _table(("containerd", "config version", "end of life", vulnerable, "source"), lines)
        + _table(("pause", "Windows builds inside", "source"), pauses)
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _lines(least: Mapping[str, str]) -> str:
    return ", ".join(f"{line} from {version}" for line, version in least.items())


def ansible_page() -> str:
    """Give docs/ansible.md: its text, then what becomes of each variable."""
    text = (DOCS / "ansible.in.md").read_text(encoding="utf-8")
    rows = [
        (f"`{row.name}`", ", ".join(row.of) or "none", _became(row), row.why) for row in VARIABLES
    ]
    head = ("variable", "read by", "becomes", "")
    return f"{text}\n## The variables\n{_table(head, rows)}{ANSIBLE_END}"


ANSIBLE_END = """
Of several for one field the last of this table wins, as for Ansible.
Source: the options of the connection plugins winrm and psrp,
ansible/ansible:lib/ansible/plugins/connection@v2.19.14.
"""


def _became(row: Variable) -> str:
    if row.field:
        return "`address`" if row.field == "address" else f"`connection.{row.field}`"
    if row.only is None:
        return "what is a node" if row.name == CONNECTION else "nothing"
    allowed = ", ".join(f"`{word}`" for word in row.only)
    return f"refused, but for {allowed}" if allowed else "refused"


def security_page() -> str:
    """Give docs/security.md: what runs where, and the SHA-256 of every script."""
    rows = [
        f"| `{path.relative_to(assets.PACKAGE / 'node').as_posix()}` | "
        f"`{assets.sha256(path.read_text(encoding='ascii'))}` |\n"
        for path in sorted((assets.PACKAGE / "node").rglob("*"))
        if path.suffix in {".ps1", ".cs"}
    ]
    text = (DOCS / "security.in.md").read_text(encoding="utf-8")
    return text + "\n| script | SHA-256 |\n|---|---|\n" + "".join(rows)


def hcs_page() -> str:
    """Give docs/hcs.md: the driver explained, a section for each rung, and the verbs."""
    text = (DOCS / "hcs.in.md").read_text(encoding="utf-8")
    rungs = [
        f"\n## smoke.{rung.id}\n\n{rung.title}.\n\n- proves: {rung.proves}\n"
        f"- needs: {', '.join(f'smoke.{name}' for name in rung.needs) or 'nothing'}\n"
        f"- remedy: {rung.remedy}\n- source: {rung.source}\n"
        for rung in RUNGS
    ]
    verbs = [
        f"| `{name}` | {', '.join(f'{arg}: {kind}' for arg, kind in takes(action).items())} | "
        f"{_gives(action.gives)} | {(action.__doc__ or '').splitlines()[0]} |\n"
        for name, action in ACTIONS.items()
    ]
    head = "\n## Verbs\n\n| verb | takes | gives | |\n|---|---|---|---|\n"
    return text + "".join(rungs) + head + "".join(verbs)


def _gives(fields: Fields) -> str:
    return ", ".join(f"{name or 'itself'}: {kind}" for name, kind in fields.items()) or "nothing"


def cluster_page() -> str:
    """Give docs/cluster.md: its text, then each network with its values and requirements."""
    text = (DOCS / "cluster.in.md").read_text(encoding="utf-8")
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
    table = _table(("verbs", "resource", "names", "in", "needed by", "why"), rows)
    dumped = yaml.safe_dump_all(roles(RIGHTS), sort_keys=False, default_flow_style=None)
    return f"{RIGHTS_HEAD}{table}{RIGHTS_YAML}```yaml\n{dumped}```\n"


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
        parts += [f"| {row.name} | {_cell(row.value or None)} | {row.source} |\n" for row in facts]
    if requirements:
        parts.append("\nIt relies on:\n\n")
        parts += [f"- {row.text} ({row.source})\n" for row in requirements]
    return parts


def compat_page() -> str:
    """Give docs/compat.md: its text, then the matrix, the rules and who has which."""
    text = (DOCS / "compat.in.md").read_text(encoding="utf-8")
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
        _table(("rule", "what it says", "source"), rules),
        "\n## What containerd does\n",
        _table(("containerd from", "rule", "takes of several", "source"), matchers),
        "\n## The builds\n",
        _table(("build", "name", "channel", "Kubernetes node", "source"), builds),
    )
    return "".join(parts)


PICKS = {
    "revision": "the larger revision",
    "index": "the first of the index",
    "text": "the largest os.version, compared as text",
}


FAULT_TESTS = DOCS.parent / "tests" / "faults"


def faults_page() -> str:
    """Give docs/faults.md: its text, then a row for each fault, as the tests say it."""
    text = (DOCS / "faults.in.md").read_text(encoding="utf-8")
    head = ("id", "fault", "what wincnode does", "error or check", "exit code", "rehearse", "test")
    rows = [
        (
            row["id"],
            row["what"],
            row["does"],
            f"`{row['error']}`" if row["error"] else "",
            str(row["exit_code"]),
            ", ".join(f"`{name}`" for name in row["rehearse"]),
            f"`{row['test']}`",
        )
        for row in fault_rows()
    ]
    return text + _table(head, rows)


def fault_rows() -> list[dict[str, Any]]:
    """Read the decorators `fault` of the tests, without running them, in the order of the ids."""
    rows = []
    for path in sorted(FAULT_TESTS.glob("test_faults_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                rows += [
                    {**_fault_row(call), "test": node.name}
                    for call in node.decorator_list
                    if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "fault"
                ]
    return sorted(rows, key=lambda row: int(row["id"][1:]))


def _fault_row(call: ast.Call) -> dict[str, Any]:
    id, what = map(ast.literal_eval, call.args)
    given = {row.arg: ast.literal_eval(row.value) for row in call.keywords if row.arg}
    return {"id": id, "what": what, "error": "", "exit_code": 0, "rehearse": (), **given}


def schema_file() -> str:
    """Give docs/wincnode.schema.json, with which editors complete an inventory."""
    return _dumped(schema())


def _dumped(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"


def network_page() -> str:
    """Give docs/network.md: networks and the guard explained, what CNIs expect, versions of HNS."""
    expected = [
        (f"{name} {mode.name}", f"`{row.name}`", row.type, row.prefix, str(row.vsid or ""), more)
        for name, network in load_networks().items()
        for mode in network.modes.values()
        if (row := mode.external) is not None
        for more in ["; ".join(text for text in (row.caveat, row.source) if text)]
    ]
    features = [
        (f"`{name}`", ", ".join(str(span) for span in spans)) for name, spans in FEATURES.items()
    ]
    columns = ("cluster.cni", "network", "type", "prefix", "VSID", "what to know, and sources")
    text = (DOCS / "network.in.md").read_text(encoding="utf-8")
    return (
        text.replace("EXPECTED\n", _table(columns, expected).strip() + "\n")
        + "\n## Which HNS knows what\n\nSource: microsoft/hcsshim:hcn/hcnglobals.go@7c9ff7f4.\n"
        + _table(("feature", "versions of HNS"), features)
    )


PAGES = {
    "ansible.md": ansible_page,
    "artifacts.md": artifacts_page,
    "causes.md": causes_page,
    "checks.md": checks_page,
    "cluster.md": cluster_page,
    "codes.md": codes_page,
    "compat.md": compat_page,
    "errors.md": errors_page,
    "hcs.md": hcs_page,
    "faults.md": faults_page,
    "facts.schema.json": lambda: _dumped(facts_schema()),
    "inventory.md": inventory_page,
    "network.md": network_page,
    "kinds.md": kinds_page,
    "report-line.schema.json": lambda: _dumped(line_schema()),
    "report.schema.json": lambda: _dumped(report_schema()),
    "security.md": security_page,
    "wincnode.schema.json": schema_file,
}


def main() -> None:
    """Write all generated pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
