"""Asks a container runtime where the layers of an image lie.

Source: containerd/containerd:cmd/ctr/commands/{images,content,snapshots},
plugins/snapshots/windows/windows.go@301026e5; moby/moby:daemon/graphdriver/windows/windows.go;
opencontainers/image-spec:config.md (chain IDs); microsoft/hcsshim:internal/uvmfolder/locate.go
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from wincnode.hcs.local.failures import (
    INVALID,
    NO_FILE,
    NO_PATH,
    NOT_SUPPORTED,
    NOT_THERE,
    CallFailed,
)
from wincnode.hcs.local.files import Files

CTR = r"C:\Program Files\containerd\bin\ctr.exe"
DOCKER = r"C:\Program Files\docker\docker.exe"
# Where the kubelet's images are: containerd/containerd:internal/cri/constants/constants.go.
NAMESPACE = "k8s.io"
_MARK = "parentLayerPaths="
# Path, words, and seconds; gives the exit code, stdout and stderr.
Start: TypeAlias = "Callable[[str, Sequence[str], float], tuple[int, str, str]]"


class Images:
    """What is asked of container runtimes. Args: build: of this Windows."""

    def __init__(self, files: Files, start: Start, build: int) -> None:
        self._files = files
        self._start = start
        self._build = build

    def layers(
        self, runtime: str, image: str, *, utility_vm: bool, limit_s: float
    ) -> dict[str, Any]:
        """Give the folders of an image's layers, the top-most first.

        Raises: CallFailed.
        """
        if runtime == "containerd":
            parents = self._of_containerd(image, limit_s)
        elif runtime == "docker":
            parents = self._of_docker(image, limit_s)
        else:
            raise CallFailed(INVALID, f"{runtime} is no runtime; it takes containerd or docker.")
        found: dict[str, Any] = {"parents": parents, "base": parents[-1]}
        if utility_vm:
            folders = (f"{parent}\\UtilityVM" for parent in parents)
            there = next((path for path in folders if self._files.real(path).is_dir()), None)
            if there is None:
                raise CallFailed(NO_PATH, f"No layer of {image} has a folder UtilityVM.")
            found["utility_vm"] = there
        return found

    def _of_containerd(self, image: str, limit_s: float) -> list[str]:
        rows = self._ctr(limit_s, "images", "ls", f"name=={image}").splitlines()[1:]
        digests = [words[2] for words in map(str.split, rows) if words[:1] == [image]]
        if not digests:
            raise CallFailed(NOT_THERE, f"containerd has no image {image}.")
        problem = CallFailed(NOT_THERE, f"containerd has not unpacked {image} for this Windows.")
        for chain in self._chains(digests[0], limit_s):
            key = f"wincnode-{uuid.uuid4().hex}"
            snapshots = ("snapshots", "--snapshotter", "windows")
            try:
                said = self._ctr(limit_s, *snapshots, "view", "--target", "C:\\", key, chain)
            except CallFailed as failed:
                problem = failed
                continue
            finally:
                # A view that was not made is none that could be removed.
                self._start(CTR, ["--namespace", NAMESPACE, *snapshots, "rm", key], limit_s)
            return _parents(said)
        raise problem

    def _chains(self, digest: str, limit_s: float) -> Iterator[str]:
        """Give the chain IDs of an image's platforms, that of this build first."""
        top = self._content(digest, limit_s)
        rows = [row for row in top.get("manifests", ()) if _is_windows(row)]
        rows.sort(key=lambda row: _build(row) != self._build)
        manifests = [row["digest"] for row in rows] if "manifests" in top else [digest]
        for one in manifests:
            try:
                manifest = top if one == digest else self._content(one, limit_s)
                config = self._content(manifest["config"]["digest"], limit_s)
            except CallFailed:
                # Of an index only what fits was fetched.
                continue
            yield _chain(config["rootfs"]["diff_ids"])

    def _content(self, digest: str, limit_s: float) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._ctr(limit_s, "content", "get", digest))
        except ValueError as error:
            raise CallFailed(INVALID, f"{digest} is no JSON.") from error
        return found

    def _ctr(self, limit_s: float, *words: str) -> str:
        return self._said(CTR, ("--namespace", NAMESPACE, *words), limit_s)

    def _of_docker(self, image: str, limit_s: float) -> list[str]:
        words = ("image", "inspect", "--format", "{{json .GraphDriver.Data}}", image)
        try:
            top = str(json.loads(self._said(DOCKER, words, limit_s))["dir"])
        except (ValueError, KeyError, TypeError) as error:
            raise CallFailed(INVALID, "docker names no folder of the image.") from error
        chain = self._files.real(f"{top}\\layerchain.json")
        # A base layer has no such file, or null in it.
        rest = json.loads(chain.read_text("utf-8-sig")) if chain.is_file() else None
        return [top, *(str(row) for row in rest or ())]

    def _said(self, program: str, words: Sequence[str], limit_s: float) -> str:
        if not self._files.real(program).is_file():
            raise CallFailed(NO_FILE, f"There is no {program}.")
        code, said, complaint = self._start(program, words, limit_s)
        if code:
            name = program.rpartition("\\")[2]
            absent = "not found" in complaint.lower() or "no such image" in complaint.lower()
            text = f"{name} ended with {code}: {complaint.strip()[-500:]}"
            raise CallFailed(NOT_THERE if absent else NO_FILE, text)
        return said


def _parents(said: str) -> list[str]:
    """Read the layers in what ctr prints of a mount."""
    words = said.split()
    kind = words[words.index("-t") + 1] if "-t" in words else "?"
    if kind != "windows-layer":
        text = f"The image's layers are of type {kind}; only windows-layer is known here."
        raise CallFailed(NOT_SUPPORTED, text)
    at = said.find(_MARK)
    try:
        found, _ = json.JSONDecoder().raw_decode(said[at + len(_MARK) :])
    except ValueError as error:
        raise CallFailed(INVALID, "ctr names no layers.") from error
    if at < 0 or not found or not all(isinstance(row, str) for row in found):
        raise CallFailed(INVALID, "ctr names no layers.")
    return list(found)


def _is_windows(row: Mapping[str, Any]) -> bool:
    platform = row.get("platform") or {}
    return platform.get("os") == "windows" and platform.get("architecture") == "amd64"


def _build(row: Mapping[str, Any]) -> int:
    parts = str((row.get("platform") or {}).get("os.version", "")).split(".")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdecimal() else 0


def _chain(diff_ids: Sequence[str]) -> str:
    chain = diff_ids[0]
    for diff in diff_ids[1:]:
        chain = "sha256:" + hashlib.sha256(f"{chain} {diff}".encode()).hexdigest()
    return chain
