"""What a lab node's containerd holds of an image besides its name: its documents and its layers.

Source: opencontainers/image-spec:{image-index,manifest,config}.md (documents, chain IDs);
containerd/containerd:plugins/snapshots/windows/windows.go, cmd/ctr/commands/snapshots@301026e5
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from wincnode.lab.programs.containerd import Runtime
from wincnode.lab.programs.images import COMPATIBLE, builds_of, is_index
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended

FOLDER = r"io.containerd.snapshotter.v1.windows"
# Where the lab notes which snapshots there are; containerd has a database of its own form.
FILE = "wincnode-lab-snapshots.json"
NOT_FOUND = "not found"


def digest(*words: str) -> str:
    """Give a digest, which is a matter of words here."""
    return "sha256:" + sha256("|".join(words).encode()).hexdigest()


def built_for(reference: str, host: int) -> int:
    """Give the build of an image that a host fetches, or that it is of where none fits."""
    builds = builds_of(reference) or (host,)
    older = [row for row in builds if COMPATIBLE <= row <= host]
    return host if host in builds else max(older, default=builds[0])


def diff_ids(reference: str) -> tuple[str, str]:
    """Give the base and the layer above it."""
    return digest("layer", "base", reference), digest("layer", "top", reference)


def chain_id(reference: str) -> str:
    """Give the name of an image's committed snapshot."""
    first, second = diff_ids(reference)
    return "sha256:" + sha256(f"{first} {second}".encode()).hexdigest()


def documents(reference: str, top: str, host: int) -> dict[str, dict[str, Any]]:
    """Give an image's documents by their digests; of an index, those of one platform are there."""
    build = built_for(reference, host)
    platform = {"os": "windows", "architecture": "amd64", "os.version": f"10.0.{build}.1"}
    config = digest("config", reference)
    manifest = {"schemaVersion": 2, "config": {"digest": config}, "layers": []}
    found: dict[str, dict[str, Any]] = {
        config: {**platform, "rootfs": {"type": "layers", "diff_ids": list(diff_ids(reference))}}
    }
    if not is_index(reference):
        return {**found, top: manifest}
    rows = [
        {
            "digest": digest("manifest", str(row), reference),
            "platform": {**platform, "os.version": f"10.0.{row}.1"},
        }
        for row in builds_of(reference) or (build,)
    ]
    own = next(row["digest"] for row in rows if row["platform"] == platform)
    attestation = {"digest": digest("attestation"), "platform": {"os": "unknown"}}
    return {
        **found,
        top: {"schemaVersion": 2, "manifests": [*rows, attestation]},
        str(own): manifest,
    }


def content(machine: Machine, runtime: Runtime, words: Sequence[str]) -> Ended:
    """Be `ctr content`."""
    if len(words) != 2 or words[0] != "get":
        return Ended(code=1, stderr=f"The lab's ctr does not know content {' '.join(words)}\n")
    for reference, top in runtime.images.rows().items():
        found = documents(reference, top, machine.profile.build).get(words[1])
        if found is not None:
            return Ended(stdout=json.dumps(found))
    return Ended(code=1, stderr=f"ctr: content {words[1]}: {NOT_FOUND}\n")


def snapshots(machine: Machine, runtime: Runtime, words: Sequence[str], *, target: str) -> Ended:
    """Be `ctr snapshots`, of the snapshotter `windows`."""
    store = _Store(machine, runtime)
    match words:
        case ["view", key, chain]:
            return store.view(key, chain, target)
        case ["mounts" | "m" | "mount", where, key]:
            return store.mounts(where, key)
        case ["rm" | "remove" | "del" | "delete", *keys]:
            return store.remove(keys)
    return Ended(code=1, stderr=f"The lab's ctr does not know snapshots {' '.join(words)}\n")


class _Store:
    """The snapshots of one node, on its disk."""

    def __init__(self, machine: Machine, runtime: Runtime) -> None:
        self._machine = machine
        self._images = runtime.images
        self._root = f"{runtime.config.root}\\{FOLDER}\\snapshots"
        self._file = machine.path(f"{runtime.config.root}\\{FILE}")
        text = self._file.read_text(encoding="utf-8") if self._file.is_file() else "{}"
        # By key or chain: the numbers of the snapshot and of those below it.
        self._rows: dict[str, list[int]] = json.loads(text)

    def view(self, key: str, chain: str, target: str) -> Ended:
        if key in self._rows:
            return Ended(code=1, stderr=f'ctr: snapshot "{key}": already exists\n')
        parents = self._unpacked(chain)
        if not parents:
            text = f'ctr: failed to create snapshot: missing parent "{chain}" bucket: {NOT_FOUND}\n'
            return Ended(code=1, stderr=text)
        number = self._next()
        folder = self._machine.path(f"{self._root}\\{number}")
        folder.mkdir(parents=True)
        (folder / "sandbox.vhdx").write_text("disk", encoding="ascii")
        self._write({**self._rows, key: [number, *parents]})
        return self.mounts(target, key) if target else Ended()

    def mounts(self, target: str, key: str) -> Ended:
        rows = self._rows.get(key)
        if rows is None:
            return Ended(code=1, stderr=f"ctr: snapshot {key} does not exist: {NOT_FOUND}\n")
        source, *parents = [f"{self._root}\\{number}" for number in rows]
        below = json.dumps(parents, separators=(",", ":"))
        text = f"mount -t windows-layer {source} {target} -o ro,parentLayerPaths={below}\n"
        return Ended(stdout=text)

    def remove(self, keys: Sequence[str]) -> Ended:
        for key in keys:
            rows = self._rows.pop(key, None)
            if rows is None:
                text = f'ctr: failed to remove "{key}": snapshot {key} does not exist: {NOT_FOUND}'
                return Ended(code=1, stderr=f"{text}\n")
            shutil.rmtree(self._machine.path(f"{self._root}\\{rows[0]}"), ignore_errors=True)
            self._write(self._rows)
        return Ended()

    def _unpacked(self, chain: str) -> list[int]:
        """Give the snapshots of an image's layers, the top-most first, laid on the disk at last."""
        reference = next((row for row in self._images.rows() if chain_id(row) == chain), None)
        if reference is None:
            return []
        if chain not in self._rows:
            base = self._next()
            self._write({**self._rows, chain: [base + 1, base]})
            self._lay(base, built_for(reference, self._machine.profile.build))
        return self._rows[chain]

    def _lay(self, base: int, build: int) -> None:
        for number in (base, base + 1):
            self._machine.path(f"{self._root}\\{number}\\Files").mkdir(parents=True, exist_ok=True)
        folder = self._machine.path(f"{self._root}\\{base}")
        (folder / "UtilityVM" / "Files").mkdir(parents=True, exist_ok=True)
        for name in ("blank.vhdx", "UtilityVM/SystemTemplate.vhdx"):
            (folder / name).write_text("disk", encoding="ascii")
        # A real base says it in its registry.
        (folder / "lab-build.txt").write_text(str(build), encoding="ascii")

    def _next(self) -> int:
        return max((number for row in self._rows.values() for number in row), default=0) + 1

    def _write(self, rows: dict[str, list[int]]) -> None:
        self._rows = rows
        self._file.write_text(json.dumps(rows), encoding="utf-8")
