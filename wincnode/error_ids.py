"""What each error id means: rows of `data/errors.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from wincnode.assets import PACKAGE


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorId:
    """One id; `exit_code` is the process's where nothing worse happened."""

    id: str
    exit_code: int
    title: str
    meaning: str
    remedy: str
    source: str = ""


def load_error_ids() -> Mapping[str, ErrorId]:
    """Read the table, by id; a mistake in it is a bug of ours."""
    path = PACKAGE / "data" / "errors.yaml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))["errors"]
    return {row["id"]: ErrorId(**row) for row in rows}
