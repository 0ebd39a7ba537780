"""A module imports only from floors below its own."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "wincnode"

# The one table to change when the design changes; a row imports from the rows above it.
ORDER = (
    ("errors", "programs"),
    ("secrets", "assets"),
    ("builds", "error_ids", "addresses", "node_ports", "machines", "causes"),
    ("isolation",),
    ("support", "hcs", "updates"),
    ("hns",),
    ("inventory", "node", "facts", "events"),
    ("differences", "images"),
    ("plan", "rendering"),
    ("checks", "playbook", "worker", "diagnosis"),
    ("reset",),
    ("report",),
    ("transport",),
    ("lockout",),
    ("runner", "fleet", "connect", "cluster"),
    ("artifacts",),
    ("registry",),
    ("commands",),
    ("ui", "formats"),
    ("cli",),
    ("__main__",),
)
FLOORS = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}
IMPORTERS = {
    "rich": {"ui"},
    "typer": {"cli"},
    "winrm": {"transport"},
    "requests": {"transport", "artifacts", "registry"},
}


def modules() -> list[tuple[str, Path]]:
    """Give each product module with the name of its room."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room not in {"lab", "__init__"}:
            found.append((room, path))
    return found


def imports(path: Path) -> set[str]:
    """Give the dotted names that a module imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_room_has_a_floor() -> None:
    """A new room is placed on a floor before anything uses it."""
    rooms = {room for room, _ in modules()}

    assert rooms - set(FLOORS) == set()


def test_imports_go_down_only() -> None:
    """No module imports from its own floor's neighbours or from above."""
    wrong = []
    for room, path in modules():
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "wincnode" or len(parts) < 2 or parts[1] == room:
                continue
            target = FLOORS.get(parts[1])
            if target is not None and target >= FLOORS[room]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")

    assert wrong == []


def test_the_product_never_imports_the_lab() -> None:
    """The lab stands apart."""
    wrong = [str(path) for _, path in modules() if any("wincnode.lab" in n for n in imports(path))]

    assert wrong == []


def test_outer_libraries_stay_in_their_rooms() -> None:
    """rich, typer and pywinrm are used in one room each, requests in three."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for room, path in modules()
        for name in imports(path)
        if room not in IMPORTERS.get(name.split(".")[0], {room})
    ]

    assert wrong == []


def test_every_library_that_is_imported_is_a_dependency() -> None:
    """What comes along with another library may leave with it."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    rows = project["project"]["dependencies"]
    named = {re.split(r"[^a-z0-9-]", row)[0].replace("-", "_") for row in rows}
    named |= {"winrm", "yaml", "spnego", "wincnode"}  # pywinrm, pyyaml, pyspnego, ourselves
    used = {name.split(".")[0] for _, path in modules() for name in imports(path)}

    assert used - named - sys.stdlib_module_names == set()
