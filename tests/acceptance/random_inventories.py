"""Inventories that chance writes: groups, children, hosts and variables in INI, YAML and files."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

GROUPS = ("a", "b", "c", "d", "e")
HOSTS = ("h1", "h2", "h3[1:2]", "h4:5985", "h5", "x[01:03:2]")
NAMES = (
    "ansible_user",
    "ansible_port",
    "ansible_host",
    "ansible_winrm_transport",
    "ansible_connection",
)
TEXTS = ("1", "x", "'q r'", "winrm", "None", "5985", "[1,2]", "0x10", "True", "'5'", "\"'5'\"")
PRIORITY = "ansible_group_priority"


def write(folder: Path, chance: Random) -> tuple[Path, ...]:
    """Write one or two sources into a folder, half of the time with group_vars beside them."""
    folder.mkdir()
    paths = []
    for number in range(chance.choice((1, 1, 2))):
        path = folder / f"{number}{chance.choice(('.ini', '.yml'))}"
        text = _ini(chance) if path.suffix == ".ini" else json.dumps(_yaml(chance))
        path.write_text(text)
        paths.append(path)
    if chance.random() < 0.5:
        (folder / "group_vars").mkdir()
        for name in chance.sample((*GROUPS, "all", "ungrouped"), 2):
            values = {chance.choice(NAMES): chance.choice(("file", 7))}
            (folder / "group_vars" / f"{name}.yml").write_text(json.dumps(values))
    return tuple(paths)


def _ini(chance: Random) -> str:
    lines = [f"[{name}]" for name in GROUPS]  # all are there, so that all may be children
    for _ in range(chance.randint(2, 9)):
        group = chance.choice((*GROUPS, "all", "ungrouped"))
        kind = chance.choice(("", ":children", ":vars"))
        later = [name for name in GROUPS if name > group]  # no circles
        if kind == ":children" and not later:
            continue
        lines.append(f"[{group}{kind}]")
        for _ in range(chance.randint(0, 3)):
            match kind:
                case "":
                    values = [_pair(chance) for _ in range(chance.randint(0, 2))]
                    lines.append(" ".join((chance.choice(HOSTS), *values)))
                case ":children":
                    lines.append(chance.choice(later))
                case _:
                    lines.append(
                        chance.choice((_pair(chance), f"{PRIORITY}={chance.choice('124')}"))
                    )
    return "\n".join(lines) + "\n"


def _pair(chance: Random) -> str:
    return f"{chance.choice(NAMES)}={chance.choice(TEXTS)}"


def _yaml(chance: Random) -> dict[str, Any]:
    names = chance.sample((*GROUPS, "all"), chance.randint(1, 3))
    return {name: _group(chance, "" if name == "all" else name) for name in names}


def _group(chance: Random, above: str, depth: int = 0) -> dict[str, Any] | None:
    group: dict[str, Any] = {}
    if chance.random() < 0.7:
        given = (None, {}, {chance.choice(NAMES): chance.choice((1, "x", "winrm", None, True))})
        hosts = [chance.choice(HOSTS) for _ in range(chance.randint(0, 3))]
        group["hosts"] = {name: chance.choice(given) for name in hosts}
    if chance.random() < 0.6:
        names = [chance.choice((*NAMES, PRIORITY)) for _ in range(chance.randint(0, 3))]
        group["vars"] = {name: chance.choice((1, 3, 5)) for name in names}
    if depth < 3 and chance.random() < 0.6:
        below = [name for name in chance.sample(GROUPS, 2) if name > above]
        group["children"] = {name: _group(chance, name, depth + 1) for name in below}
    return group or None
