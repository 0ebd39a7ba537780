"""Golden files of documents on three builds of Windows, with the source of each field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wincnode.hcs.documents.fields import known, to_document

BUILDS = (17763, 20348, 26100)
Values = Callable[[int], Mapping[str, Any]]


def texts(values: Values, form: Callable[[Any], Any] = lambda row: row) -> Mapping[str, str]:
    """Give every golden file by its name.

    Args: values: the documents of a build by their names. form: what else becomes of one.
    """
    files = {
        f"{build}/{name}.json": json.dumps(
            [form(to_document(row, build)) for row in rows], indent=1
        )
        for build in BUILDS
        for name, rows in values(build).items()
    }
    return {**files, "fields.txt": _sources(values)}


def _sources(values: Values) -> str:
    """List each field of the documents with its first build and its source."""
    rows = {
        f"{name}: {_plain(path)}\t{first}\t{source}"
        for build in BUILDS
        for name, documents in values(build).items()
        for document in documents
        for path, first, source in known(document)
    }
    return "\n".join(["# document: field, first build, source", *sorted(rows)])


def _plain(path: str) -> str:
    """Leave numbers and names of list items out."""
    head, *rest = path.split("[")
    return head + "".join("[]" + part.partition("]")[2] for part in rest)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files anew."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
