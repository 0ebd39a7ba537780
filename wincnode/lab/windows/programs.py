"""Programs of a simulated machine: files on its disk that ask the model.

Such a file is a small script. Its second line says what it is, `# wincnode-lab program: NAME
VERSION`, so that an engine that executes nothing knows it too.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from wincnode.lab.windows import certificates, limits, power, services

if TYPE_CHECKING:
    from wincnode.lab.windows.machine import Machine

HEAD = re.compile(r"#!.*\n# wincnode-lab program: (\S+) ?(\S*)\n")
SCRIPT = """#!{python}
# wincnode-lab program: {name} {version}
import sys
sys.path.insert(0, {root!r})
from wincnode.lab.windows.programs import main
sys.exit(main({name!r}, {version!r}, sys.argv[1:]))
"""
# More than any program here takes of the clock of its machine.
LONGEST_S = 3600
ACCESS_DENIED = 5  # ERROR_ACCESS_DENIED, [MS-ERREF] 2.2
NOT_FOUND = 9009  # cmd.exe's, for a program that is not there


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a program ended."""

    code: int = 0
    stdout: str = ""
    stderr: str = ""


# Called with the machine, the program's version and its arguments.
Program: TypeAlias = "Callable[[Machine, str, Sequence[str]], Ended]"


def script(name: str, version: str = "") -> str:
    """Give a program's file."""
    root = str(Path(__file__).parents[3])
    return SCRIPT.format(python=sys.executable, name=name, version=version, root=root)


def run(machine: Machine, path: str, words: Sequence[str]) -> Ended:
    """Run a program by its full path on the machine, as its file would."""
    file = machine.path(path)
    found = (
        HEAD.match(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None
    )
    if found is None:
        return Ended(code=NOT_FOUND, stderr=f"'{path}' is not recognized as a program.\n")
    return answer(machine, found[1], found[2], words)


def answer(
    machine: Machine, name: str, version: str, words: Sequence[str], *, system: bool = False
) -> Ended:
    """Do what a program does; policy may deny it to all but SYSTEM."""
    if name in machine.denied and not system:
        return Ended(code=ACCESS_DENIED)
    program = machine.programs.get(name)
    if program is None:
        return Ended(code=NOT_FOUND, stderr=f"The lab does not model {name}.\n")
    try:
        return program(machine, version, words)
    except limits.TooLong as error:
        return Ended(code=1, stderr=f"{error}\n")


def main(name: str, version: str, words: list[str]) -> int:
    """Be a program, on the machine that WINCNODE_LAB names.

    Returns: its exit code, of which Linux keeps 8 bits; never 0 for a failure.
    """
    port, token = os.environ["WINCNODE_LAB"].split()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=LONGEST_S) as link:
        bound = {"name": name, "version": version, "words": words}
        request = {"token": token, "cmdlet": "program", "bound": bound}
        link.sendall(json.dumps(request).encode("ascii") + b"\n")
        row = json.loads(link.makefile().readline())["rows"][0]
    sys.stdout.write(row["stdout"])
    sys.stderr.write(row["stderr"])
    code: int = row["code"]
    return code and (code & 0xFF or 1)


def sc(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be sc.exe."""
    return Ended(code=services.sc(machine.services, words))


def shutdown(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be shutdown.exe, for `/r /t S`.

    Source: learn.microsoft.com/windows-server/administration/windows-commands/shutdown;
    87 is ERROR_INVALID_PARAMETER ([MS-ERREF] 2.2).
    """
    if "/r" not in words or "/t" not in words[:-1]:
        return Ended(code=87)
    machine.shut_down(float(words[words.index("/t") + 1]))
    return Ended()


def netsh(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be netsh.exe, for ranges of ports."""
    code, text = machine.ports.netsh(words)
    return Ended(code=code, stdout=text)


def powercfg(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be powercfg.exe, for power plans."""
    code, text = power.powercfg(machine.registry, words)
    return Ended(code=code, stdout=text)


def w32tm(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be w32tm.exe, for `/config /update`, which tells the service to read its settings.

    Source: learn.microsoft.com/windows-server/networking/windows-time-service/
    windows-time-service-tools-and-settings; 1062 is ERROR_SERVICE_NOT_ACTIVE ([MS-ERREF] 2.2).
    """
    rows = {row["Name"].lower(): row["State"] for row in machine.services.rows()}
    if list(words) != ["/config", "/update"]:
        return Ended(code=1)
    return Ended(code=0 if rows.get("w32time") == "Running" else 1062)


def certutil(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be certutil.exe, for the stores of the machine."""
    code, text = certificates.certutil(machine.registry, machine.path, words)
    return Ended(code=code, stdout=text)


def tar(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be tar.exe, for `-xf ARCHIVE -C FOLDER MEMBER...` of a tar in gzip or a zip.

    Source: github.com/libarchive/libarchive tar/bsdtar.1; 1 is its code for any failure.
    """
    match words:
        case ["-xf", archive, "-C", folder, *members]:
            into = str(machine.path(folder))
            try:
                with machine.path(archive).open("rb") as file:
                    _unpack(file, into, members)
            except (OSError, KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
                return Ended(code=1, stderr=f"tar.exe: {error}\n")
            return Ended()
    return Ended(code=1, stderr="tar.exe: Must specify one of -c, -r, -t, -u, -x\n")


def _unpack(file: BinaryIO, into: str, members: Sequence[str]) -> None:
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as zipped:
            for member in members:
                zipped.extract(member, into)
        return
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:*") as tarred:
        for member in members:
            tarred.extract(member, into, filter="data")


WINDOWS: dict[str, Program] = {
    "certutil": certutil,
    "netsh": netsh,
    "powercfg": powercfg,
    "sc": sc,
    "shutdown": shutdown,
    "tar": tar,
    "w32tm": w32tm,
}
