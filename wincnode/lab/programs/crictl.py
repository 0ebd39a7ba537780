"""crictl.exe of a lab node, which asks its containerd.

Source: kubernetes-sigs/cri-tools:cmd/crictl/{info,version,images,container,sandbox}.go
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from wincnode.lab.programs import command_line
from wincnode.lab.programs.containerd import Containerd, Runtime, pull
from wincnode.lab.programs.images import normal
from wincnode.lab.windows.machine import CONTROL, Machine
from wincnode.lab.windows.programs import Ended

Program: TypeAlias = Callable[[Machine, str, Sequence[str]], Ended]
ENVIRONMENT = CONTROL + r"\Session Manager\Environment"
ENDPOINT = "npipe:////./pipe/containerd-containerd"
NOT_THERE = "The system cannot find the file specified."
FLAGS = (
    *("config", "c", "runtime-endpoint", "r", "image-endpoint", "i", "timeout", "t"),
    *("output", "o", "name", "label", "state", "s"),
)
SWITCHES = (
    *("quiet", "q", "debug", "D", "all", "a", "verbose", "v", "no-trunc", "version"),
    *("force", "f"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One command of crictl, to a runtime that answers."""

    machine: Machine
    containerd: Containerd
    runtime: Runtime
    rest: Sequence[str]
    is_json: bool
    quiet: bool


def program(containerd: Containerd) -> Program:
    """Give crictl.exe of a machine."""

    def run(machine: Machine, version: str, words: Sequence[str]) -> Ended:
        try:
            parsed = command_line.parse(words, values=FLAGS, switches=SWITCHES)
        except command_line.UnknownFlag as error:
            return Ended(code=1, stderr=f"flag provided but not defined: {error}\n")
        flags = parsed.flags
        if "version" in flags:
            return Ended(stdout=f"crictl version v{version}\n")
        endpoint, runtime = _endpoint(machine, flags), containerd.running
        if runtime is None or endpoint != ENDPOINT:
            return _no_runtime(endpoint)
        verb, *rest = parsed.words or [""]
        act = COMMANDS.get(verb)
        if act is None:
            return Ended(code=1, stderr=f"The lab's crictl does not know {verb}\n")
        is_json = "json" in {flags.get("output"), flags.get("o")}
        quiet = bool({"q", "quiet"} & set(flags))
        return act(
            Call(
                machine=machine,
                containerd=containerd,
                runtime=runtime,
                rest=rest,
                is_json=is_json,
                quiet=quiet,
            )
        )

    return run


def _version(call: Call) -> Ended:
    text = f"Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v{call.runtime.version}\n"
    return Ended(stdout=f"{text}RuntimeApiVersion:  v1\n")


def _pull(call: Call) -> Ended:
    reference = call.rest[0]
    pull(call.machine, call.runtime, reference)
    return Ended(stdout=f"Image is up to date for {normal(reference)}\n")


def _remove(call: Call) -> Ended:
    reference = call.rest[0]
    if call.runtime.images.remove(normal(reference)):
        return Ended(stdout=f"Deleted: {reference}\n")
    return _fatal(f"no such image {reference}")


def _endpoint(machine: Machine, flags: dict[str, str]) -> str:
    """Give the runtime that crictl speaks to: its flag, its file, or its default."""
    if asked := flags.get("runtime-endpoint") or flags.get("r"):
        return asked
    path = flags.get("config") or flags.get("c")
    path = path or str(machine.registry.data(ENVIRONMENT, "CRI_CONFIG_FILE", ""))
    file = machine.path(path) if path else None
    if file is None or not file.is_file():
        return ENDPOINT
    config = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return str(config.get("runtime-endpoint") or ENDPOINT)


def _no_runtime(endpoint: str) -> Ended:
    pipe = endpoint.removeprefix("npipe://")
    dial = f"transport: Error while dialing: open {pipe}: {NOT_THERE}"
    cause = f'rpc error: code = Unavailable desc = connection error: desc = "{dial}"'
    text = "validate service connection: validate CRI v1 runtime API for endpoint "
    return _fatal(f'{text}"{endpoint}": {cause}')


def _fatal(text: str) -> Ended:
    return Ended(code=1, stderr=f"level=fatal msg={json.dumps(text)}\n")


def _json(value: object) -> Ended:
    return Ended(stdout=json.dumps(value, indent=2) + "\n")


def _none(call: Call, name: str, heading: str) -> Ended:
    if call.is_json:
        return _json({name: []})
    return Ended() if call.quiet else Ended(stdout=heading + "\n")


def _images(call: Call) -> Ended:
    runtime, rows = call.runtime, call.runtime.images.rows()
    if call.is_json:
        images = [
            {
                "id": digest,
                "repoTags": [name],
                "repoDigests": [f"{name.rpartition(':')[0]}@{digest}"],
                "size": "100000000",
                "uid": None,
                "username": "",
                "spec": None,
                "pinned": name == runtime.config.sandbox,
            }
            for name, digest in rows.items()
        ]
        return _json({"images": images})
    if call.quiet:
        return Ended(stdout="".join(f"{digest}\n" for digest in rows.values()))
    lines = ["IMAGE TAG IMAGE ID SIZE"]
    for name, digest in rows.items():
        repository, _, tag = name.rpartition(":")
        lines.append(f"{repository} {tag} {digest[7:20]} 100MB")
    return Ended(stdout="\n".join(lines) + "\n")


COMMANDS: Mapping[str, Callable[[Call], Ended]] = {
    "info": lambda call: _json(call.containerd.info()),
    "version": _version,
    "images": _images,
    "image": _images,
    "img": _images,
    "ps": lambda call: _none(call, "containers", "CONTAINER IMAGE CREATED STATE NAME ATTEMPT"),
    "pods": lambda call: _none(call, "items", "POD ID CREATED STATE NAME NAMESPACE ATTEMPT"),
    "pull": _pull,
    "rmi": _remove,
    "rmp": lambda _call: Ended(),
}
