"""One step on a machine that is in one state before, and what brings machines to such states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.registry import Value

ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
READY = '{"status": {"conditions": [{"type": "RuntimeReady", "status": true}]}}'


def nothing(_machine: Machine) -> None:
    """Leave the machine as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One step on a machine that is in one state before."""

    id: str
    kind: str
    key: dict[str, Any]
    want: dict[str, Any]
    before: Callable[[Machine], None] = nothing
    broken: bool = False
    """The step fails or is refused, so it needs a machine of its own."""
    alone: bool = False
    """It needs a machine of its own."""
    timeout_s: int = 20
    keeps: str = ""
    """A file of the machine, in lower case, that is there afterwards."""


def folder(path: str) -> Callable[[Machine], None]:
    """Make a folder."""
    return lambda machine: machine.path(path).mkdir(parents=True)


def text(path: str, content: str) -> Callable[[Machine], None]:
    """Make a file."""

    def make(machine: Machine) -> None:
        machine.path(path).parent.mkdir(parents=True, exist_ok=True)
        machine.path(path).write_text(content, encoding="utf-8")

    return make


def link(path: str, target: str) -> Callable[[Machine], None]:
    """Make a link to a folder."""
    return lambda machine: machine.path(path).symlink_to(machine.path(target))


def value(key: str, name: str, kind: Any, data: Any) -> Callable[[Machine], None]:
    """Write a value of the registry."""
    return lambda machine: machine.registry.set(key, name, Value(kind=kind, data=data))


def service(name: str, **properties: str) -> Callable[[Machine], None]:
    """Put a service in."""
    return lambda machine: machine.services.load({name: properties})


def program(path: str, *, stdout: str) -> Callable[[Machine], None]:
    """Make a program that says one thing."""

    def make(machine: Machine) -> None:
        name = path.rpartition("\\")[2].removesuffix(".exe")
        machine.programs[name] = lambda *_: programs.Ended(stdout=stdout)
        file = machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(programs.script(name), encoding="utf-8")
        file.chmod(0o755)

    return make


def both(*steps: Callable[[Machine], None]) -> Callable[[Machine], None]:
    """Do one after the other."""

    def make(machine: Machine) -> None:
        for step in steps:
            step(machine)

    return make
