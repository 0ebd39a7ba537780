"""Where a hostile value is put on a machine, and how it is read back."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from conformance.case import READY
from hostile import NO_FILE, Row, Step

from wincnode.lab.windows import defender, firewall, programs, services
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended

There: TypeAlias = Callable[[Machine, str, str], object]


HOME = r"C:\hostile"


KEY = r"SOFTWARE\hostile"


SHA = "0" * 64


BODY = b"as it was served"


BODY_SHA = hashlib.sha256(BODY).hexdigest()


THUMBPRINT = "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43"


SERVER = "https://10.0.0.10:6443"


V2 = {"SchemaVersion": {"Major": 2, "Minor": 0}}


LONG_AGO = 1_000_000_000


CTR = r"C:\Program Files\containerd\bin\ctr.exe"


def archive() -> bytes:
    """Give a zip of one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr(zipfile.ZipInfo("inside.txt"), BODY)
    return packed.getvalue()


ARCHIVE = archive()


ARCHIVE_SHA = hashlib.sha256(ARCHIVE).hexdigest()


def inside(at: str, value: str = "", ending: str = "") -> str:
    """Give the path of what is called as the value, in a folder of the case's own."""
    return f"{HOME}\\{at}\\{value}{ending}"


def folder(machine: Machine, _value: str, at: str) -> None:
    """Make the folder of a case."""
    machine.path(inside(at)).mkdir(parents=True)


def file(ending: str = "", content: bytes = b"") -> Callable[[Machine, str, str], None]:
    """Make a file that is called as the value, long ago."""

    def make(machine: Machine, value: str, at: str) -> None:
        folder(machine, value, at)
        path = machine.path(inside(at)) / f"{value}{ending}"
        path.write_bytes(content)
        os.utime(path, (LONG_AGO, LONG_AGO))

    return make


def name(ending: str = "") -> There:
    """Give what something in the folder of the case is called, without its ending."""
    return lambda machine, _value, at: next(
        (
            path.name.removesuffix(ending)
            for path in machine.path(inside(at)).iterdir()
            if path.name.endswith(ending)
        ),
        None,
    )


def content(machine: Machine, _value: str, at: str) -> object:
    """Give the text of the file `x` of the case."""
    return machine.path(inside(at, "x")).read_bytes().decode()


def data(key: str) -> There:
    """Give the data of a value that is called as the case."""
    return lambda machine, _value, at: machine.registry.data(key, at)


def value_name(key: str) -> There:
    """Give the name of a value, as a key has it."""
    return lambda machine, value, _at: next(
        (have for have in machine.registry.values(key) if have == value), None
    )


def first(of: There) -> There:
    """Give the first of several texts."""

    def there(machine: Machine, value: str, at: str) -> object:
        found = of(machine, value, at)
        return found[0] if isinstance(found, list) and len(found) == 1 else found

    return there


def program(machine: Machine, name: str, path: str, does: programs.Program) -> None:
    """Put a program on the disk."""
    machine.programs[name] = does
    target = machine.path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(programs.script(name), encoding="utf-8")
    target.chmod(0o755)


def ctr(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be ctr.exe: an archive holds the image that its text names."""
    known = machine.path(r"C:\images.txt")
    match list(words):
        case ["-n", "k8s.io", "images", "ls", "-q"]:
            return Ended(stdout=known.read_text() if known.exists() else "")
        case ["-n", "k8s.io", "images", "import", path]:
            with known.open("a") as opened:
                opened.write(machine.path(path).read_text() + "\n")
            return Ended()
    return Ended(code=1, stderr=f"{words}\n")


def image(at: str) -> str:
    return f"registry.example/{at}:1"


def with_archive(machine: Machine, value: str, at: str) -> None:
    """Make an archive with the image of the case."""
    file(".tar", image(at).encode())(machine, value, at)
    program(machine, "ctr", CTR, ctr)


def imported(machine: Machine, value: str, at: str) -> object:
    """Give the value where containerd has the image that lies in its archive."""
    return value if image(at) in machine.path(r"C:\images.txt").read_text().split() else None


def crictl(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be crictl.exe: by each file of settings a pod runs, until all are removed."""
    gone = machine.path(words[1] + ".gone")
    match list(words):
        case ["--config", _, "pods", "-q"]:
            return Ended(stdout="" if gone.exists() else "0123\n")
        case ["--config", _, "rmp", "--all", "--force"]:
            gone.touch()
            return Ended()
        case ["--config", path, "info"]:
            machine.path(path + ".asked").touch()
            return Ended(stdout=READY)
    return Ended(code=1, stderr=f"{words}\n")


def with_crictl(machine: Machine, value: str, at: str) -> None:
    """Put a crictl.exe in a folder of the case, and a containerd that runs."""
    program(machine, "hostile-crictl", inside(at, value, ".exe"), crictl)
    machine.services.load({"containerd": {"State": "Running", "PathName": "c"}})


def service(field: str) -> There:
    """Give a property of the service that is called as the case."""
    return lambda machine, _value, at: next(
        row[field] for row in machine.services.rows() if row["Name"] == at
    )


def setting(field: str) -> There:
    """Give a value of the registry of the service that is called as the case."""
    return lambda machine, _value, at: machine.registry.data(f"{services.KEY}\\{at}", field)


def service_name(machine: Machine, value: str, _at: str) -> object:
    """Give a service's name, if it fails over: sc.exe found it, too."""
    failures = machine.registry.data(f"{services.KEY}\\{value}", "FailureActions")
    return next(
        (row["Name"] for row in machine.services.rows() if row["Name"] == value and failures), None
    )


def reader(machine: Machine, value: str, at: str) -> None:
    """Put a service in that runs since long before its file was written."""
    file()(machine, value, at)
    os.utime(machine.path(inside(at)) / value)
    began = datetime.fromtimestamp(LONG_AGO, UTC)
    machine.services.load({at: {"State": "Running", "PathName": "r", "CreationDate": began}})


def restarted(machine: Machine, value: str, at: str) -> object:
    """Give the value where the service runs since its file was written."""
    began = {row["ProcessId"]: row["CreationDate"] for row in machine.services.processes()}
    return value if began[service("ProcessId")(machine, value, at)].year > 2001 else None


def task(field: str) -> There:
    """Give what the task that is called as the case has."""
    return lambda machine, _value, at: getattr(machine.tasks[f"\\{at}".lower()], field)


def task_name(machine: Machine, value: str, _at: str) -> object:
    return next((row.name for row in machine.tasks.values() if row.name == value), None)


def rule_field(field: str) -> There:
    """Give a field of the rule that is called as the case."""

    def there(machine: Machine, _value: str, at: str) -> object:
        text = str(machine.registry.data(firewall.RULES, at))
        rows = [part.split("=", 1) for part in text.split("|") if "=" in part]
        return dict(rows)[field]

    return there


def exclusion(machine: Machine, value: str, _at: str) -> object:
    return value_name(rf"{defender.KEY}\Exclusions\Paths")(machine, value, _at)


def disk(field: str, step: Callable[[str, str], Step], **more: object) -> Row:
    """Give the row of a path whose last name is the value."""
    return Row(field=field, step=step, refused=NO_FILE, **more)  # type: ignore[arg-type]  # what Row takes


def refused(field: str, step: Callable[[str, str], Step]) -> Row:
    """Give the row of a field whose form lets none of the values through."""
    return Row(field=field, step=step)
