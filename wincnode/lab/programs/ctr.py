"""ctr.exe of a lab node, which asks its containerd.

Source: containerd/containerd:cmd/ctr/commands/{version,images,content,snapshots}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from wincnode.lab.programs import command_line, snapshots
from wincnode.lab.programs.containerd import PIPE, Containerd, Runtime, pull
from wincnode.lab.programs.images import named_in
from wincnode.lab.windows import limits
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended

Program: TypeAlias = Callable[[Machine, str, Sequence[str]], Ended]
NOT_THERE = "The system cannot find the file specified."
FLAGS = (
    *("namespace", "n", "address", "a", "platform", "base-name", "index-name", "user", "u"),
    *("snapshotter", "target", "t", "timeout", "connect-timeout"),
)
SWITCHES = (
    *("quiet", "q", "all-platforms", "no-unpack", "local", "digests", "plain-http", "k"),
    *("skip-verify", "hosts-dir", "version", "v", "sync", "discard-unpacked-layers"),
)


def program(containerd: Containerd) -> Program:
    """Give ctr.exe of a machine."""

    def run(machine: Machine, version: str, words: Sequence[str]) -> Ended:
        try:
            parsed = command_line.parse(words, values=FLAGS, switches=SWITCHES)
        except command_line.UnknownFlag as error:
            return Ended(
                code=1, stderr=f"Incorrect Usage: flag provided but not defined: {error}\n"
            )
        flags, asked = parsed.flags, parsed.words
        if {"version", "v"} & set(flags):
            return Ended(stdout=f"ctr.exe github.com/containerd/containerd/v2 v{version}\n")
        client = f"Client:\n  Version:  v{version}\n  Revision: 0\n  Go version: go1.26\n\n"
        begun = client if asked == ["version"] else ""
        runtime = containerd.running
        address = flags.get("address") or flags.get("a") or PIPE
        if runtime is None or address != runtime.config.pipe:
            text = f'ctr: failed to dial "{address}": open {address}: {NOT_THERE}\n'
            return Ended(code=1, stderr=text, stdout=begun)
        if asked == ["version"]:
            server = f"Server:\n  Version:  v{runtime.version}\n  Revision: 0\n"
            return Ended(stdout=client + server + f"  UUID: {machine.computer}\n")
        return _asked(machine, runtime, asked, flags)

    return run


def _asked(
    machine: Machine, runtime: Runtime, asked: Sequence[str], flags: Mapping[str, str]
) -> Ended:
    """Be one of ctr's commands that ask the service."""
    space = flags.get("namespace") or flags.get("n") or "default"
    match asked:
        case ["images" | "image" | "i", *rest]:
            quiet = bool({"q", "quiet"} & set(flags))
            return _images(machine, runtime, rest, space=space, quiet=quiet)
        case ["content" | "c", *rest] if space == "k8s.io":
            return snapshots.content(machine, runtime, rest)
        case ["snapshots" | "snapshot", *rest] if flags.get("snapshotter") == "windows":
            target = flags.get("target") or flags.get("t") or ""
            return snapshots.snapshots(machine, runtime, rest, target=target)
    return Ended(code=1, stderr=f"The lab's ctr does not know {' '.join(asked)}\n")


def _images(
    machine: Machine, runtime: Runtime, words: Sequence[str], *, space: str, quiet: bool
) -> Ended:
    match words:
        case ["ls" | "list", *filters]:
            return _listed(runtime, space, filters, quiet=quiet)
        case ["import", archive]:
            return _imported(machine, runtime, archive)
        case ["pull", reference]:
            digest = pull(machine, runtime, reference)
            return Ended(stdout=f"{reference}: resolved {digest}\nelapsed: 1.0 s\n")
        case ["rm" | "remove" | "del" | "delete", *references]:
            return _removed(runtime, references)
    return Ended(code=1, stderr=f"The lab's ctr does not know images {' '.join(words)}\n")


def _listed(runtime: Runtime, space: str, filters: Sequence[str], *, quiet: bool) -> Ended:
    # Kubernetes' images are those of a namespace of its own.
    rows = runtime.images.rows() if space == "k8s.io" else {}
    asked = [row.removeprefix("name==").strip('"') for row in filters]
    rows = {name: digest for name, digest in rows.items() if not asked or name in asked}
    if quiet:
        return Ended(stdout="".join(f"{name}\n" for name in rows))
    kind = "application/vnd.oci.image.index.v1+json"
    lines = ["REF TYPE DIGEST SIZE PLATFORMS LABELS"]
    lines += [f"{name} {kind} {digest} 95.4 MiB windows/amd64 -" for name, digest in rows.items()]
    return Ended(stdout="\n".join(lines) + "\n")


def _imported(machine: Machine, runtime: Runtime, archive: str) -> Ended:
    file = machine.path(archive)
    if not file.is_file():
        return Ended(code=1, stderr=f"ctr: open {archive}: {NOT_THERE}\n")
    try:
        names = named_in(file)
    except ValueError as error:
        return Ended(code=1, stderr=f"ctr: {error}\n")
    limits.work(machine, "image_import")
    lines = [f"unpacking {name} ({runtime.images.add(name)})...done" for name in names]
    return Ended(stdout="\n".join(lines) + "\n")


def _removed(runtime: Runtime, references: Sequence[str]) -> Ended:
    missing = [name for name in references if not runtime.images.remove(name)]
    if missing:
        return Ended(code=1, stderr=f'ctr: image "{missing[0]}": not found\n')
    return Ended(stdout="".join(f"{name}\n" for name in references))
