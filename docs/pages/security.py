"""docs/security.md: the scripts, and their hashes."""

from __future__ import annotations

from pages.text import written
from wincnode import assets


def security_page() -> str:
    """Give docs/security.md: what runs where, and the SHA-256 of every script."""
    rows = [
        f"| `{path.relative_to(assets.PACKAGE / 'node').as_posix()}` | "
        f"`{assets.sha256(path.read_text(encoding='ascii'))}` |\n"
        for path in sorted((assets.PACKAGE / "node").rglob("*"))
        if path.suffix in {".ps1", ".cs"}
    ]
    text = written("security")
    return text + "\n| script | SHA-256 |\n|---|---|\n" + "".join(rows)
