"""The kinds `download` and `archive`."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from wincnode.artifacts.fetch import fetch, part_of
from wincnode.artifacts.lock import UNVERIFIED, Entry
from wincnode.artifacts.web import Pace
from wincnode.errors import ArtifactError
from wincnode.lab.model import acl
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values, to_line
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import SYSTEM32

CLOSED = acl.parse("O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
RECORD = ".wincnode-archive.json"
UNPACKED = ".wincnode-unpacked"
NOT_PUSHED = "there is no source, and what was pushed is another file"


def get_download(host: Host, key: Values, _want: Values) -> Found:
    """Give a file's SHA-256."""
    path = key["path"]
    return Found(values={"sha256": _hash(host, path)} if host.disk.is_file(path) else {})


def set_download(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Fetch the file, or take the one that was pushed; it takes its place when it is right."""
    path, part = key["path"], part_of(key["path"], want["sha256"])
    host.disk.make_folder(path.rpartition("\\")[0], CLOSED)
    have = host.machine.path(part).stat().st_size if host.disk.is_file(part) else 0
    _refuse_full(host, part, math.ceil(1.2 * (want["size"] - have)))
    if have >= want["size"]:
        if _hash(host, part) == want["sha256"]:
            host.disk.put_in_place(part, path)
            return
        host.disk.delete(part)
    host.disk.wait_until_free(path)
    why = NOT_PUSHED
    for url in want["sources"]:
        try:
            fetch(_entry(url, want), host.machine.path(path), pace=Pace(tries=want["tries"]))
        except ArtifactError as error:
            why = error.message
        else:
            return
    raise Failure(f"{path} cannot be had: {why}")


def _entry(url: str, want: Values) -> Entry:
    return Entry(
        component="",
        version="",
        url=url,
        sha256=want["sha256"],
        size=want["size"],
        verified=UNVERIFIED,
        checksum_url="",
    )


def _refuse_full(host: Host, part: str, size: int) -> None:
    drive = part[:2].upper()
    disks = host.call(
        "Get-CimInstance", ClassName="Win32_LogicalDisk", Filter=f"DeviceID='{drive}'"
    )
    if disks and (free := disks[0]["FreeSpace"]) < size:
        host.disk.delete(part)
        text = f"{free} are free, {size - free} are missing."
        raise Failure(f"The drive has no room for {size} bytes: {text}")


def get_archive(host: Host, key: Values, _want: Values) -> Found:
    """Give the SHA-256 of the archive that all files came from, and are as it holds them."""
    rows = _record(host, key["path"])
    archives, there = set(), []
    for file in key["files"]:
        name = file.rpartition("/")[2]
        path, row = f"{key['path']}\\{name}", rows.get(name)
        if host.disk.is_file(path):
            there.append(name)
        same = row and name in there and _hash(host, path) == row["sha256"]
        archives.add(row["archive"] if row and same else "")
    one = {"sha256": archives.pop()} if len(archives) == 1 and all(archives) else {}
    return Found(values={"there": there, **one})


def set_archive(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Unpack the files beside their places, and put each in its own."""
    folder, source, sha256 = key["path"], want["source"], want["sha256"]
    if not host.disk.is_file(source):
        raise Failure(f"There is no archive {source}.")
    if _hash(host, source) != sha256:
        raise Failure(f"{source} has not the SHA-256 {sha256}.")
    beside = f"{folder}\\{UNPACKED}"
    host.disk.delete_folder(beside)
    host.disk.make_folder(folder, CLOSED)
    host.disk.make_folder(beside, CLOSED)
    try:
        words = ["-xf", source, "-C", beside, *key["files"]]
        ended = programs.run(host.machine, f"{SYSTEM32}\\tar.exe", words)
        if ended.code:
            raise Failure(f"tar.exe ended with {ended.code}.")
        rows = dict(_record(host, folder))
        for file in key["files"]:
            name, unpacked = file.rpartition("/")[2], f"{beside}\\{file.replace('/', chr(92))}"
            rows[name] = {"archive": sha256, "sha256": _hash(host, unpacked)}
            host.disk.put_in_place(unpacked, f"{folder}\\{name}")
        host.disk.write(f"{folder}\\{RECORD}", to_line(dict(sorted(rows.items()))))
    finally:
        host.disk.delete_folder(beside)


def _record(host: Host, folder: str) -> Mapping[str, Any]:
    path = f"{folder}\\{RECORD}"
    rows: Mapping[str, Any] = json.loads(host.disk.read(path)) if host.disk.is_file(path) else {}
    return rows


def _hash(host: Host, path: str) -> str:
    with host.machine.path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
