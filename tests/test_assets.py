"""Files that ship with the package, found by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from wincnode import assets


def test_a_bare_name_is_a_shipped_playbook_unless_a_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One's own file goes first; a path is never looked for elsewhere."""
    monkeypatch.chdir(tmp_path)
    name = Path("prepare.yaml")

    assert assets.playbook(name).read_text().startswith("# What every Windows worker")
    assert assets.playbook(Path("./x") / name) == Path("x/prepare.yaml")
    name.write_text("")
    assert assets.playbook(name) == name
