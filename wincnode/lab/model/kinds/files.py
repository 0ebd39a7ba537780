"""The kinds `directory` and `file`."""

from __future__ import annotations

from itertools import takewhile
from pathlib import PureWindowsPath

from wincnode.lab.model import acl
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values


def get_directory(host: Host, key: Values, want: Values) -> Found:
    """Give whether there is a folder, and its access list where one is wanted."""
    path = key["path"]
    if not host.disk.is_folder(path):
        state = "pruned" if want.get("state") == "pruned" else "absent"
        return Found(values={"state": state, "parents": _missing_above(host, path)})
    pruned = want.get("state") == "pruned" and host.disk.names(path)
    values = {"state": "pruned" if pruned else "present"}
    text = want.get("sddl")
    if text:
        have, wanted = host.disk.access.of(path), acl.parse(text)
        same = have.access() == wanted.access()
        if text.startswith("O:"):
            same = same and have.owner == wanted.owner
        values["sddl"] = text if same else str(have)
    return Found(values=values)


def _missing_above(host: Host, path: str) -> list[str]:
    above = map(str, PureWindowsPath(path).parents)
    return list(takewhile(lambda folder: not host.disk.is_folder(folder), above))


def set_directory(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Make the folder with its access list, or remove it."""
    path, text = key["path"], want.get("sddl")
    if want.get("state") in {"absent", "pruned"}:
        host.disk.delete_folder(path)
        return
    descriptor = acl.parse(text) if text else None
    if descriptor and host.disk.is_folder(path):
        host.disk.access.set(path, descriptor)
    else:
        host.disk.make_folder(path, descriptor)


def get_file(host: Host, key: Values, want: Values) -> Found:
    """Give whether there is a file, and its text where one is wanted."""
    path = key["path"]
    if not host.disk.is_file(path):
        return Found(values={"state": "absent"})
    values = {"state": "present"}
    if "content" in want:
        values["content"] = host.disk.read_text(path)
    return Found(values=values)


def set_file(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Put the text in place whole, or remove the file."""
    path = key["path"]
    if want.get("state") == "absent":
        host.disk.delete(path)
        return
    new = path + ".wincnode-new"
    try:
        host.disk.write(new, want.get("content") or "")
        host.disk.put_in_place(new, path)
    except Failure:
        host.disk.delete(new)
        raise
