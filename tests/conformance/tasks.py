"""The cases of test_conformance for scheduled tasks, certificates and images of containers."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Sequence

from conformance.case import READY, Case, both, text
from wincnode.lab.windows import certificates, programs, tasks
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended
from wincnode.node.kinds.certificate import thumbprint

TASK = {
    "state": "present",
    "command": r"C:\Program Files\r\rotate.exe",
    "arguments": """-if "a & b" < 'c' -path C:\\x""",
    "trigger": "daily",
    "at": "03:30",
    "repeat_minutes": 90,
    "account": "NETWORK SERVICE",
}
AT_START = {**TASK, "trigger": "startup", "at": "", "repeat_minutes": 0, "account": "SYSTEM"}
XML = """\
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
<Triggers><BootTrigger/></Triggers>
<Principals><Principal id="Author"><UserId>{account}</UserId></Principal></Principals>
<Settings><Enabled>{enabled}</Enabled></Settings>
<Actions><Exec><Command>C:\\old.exe</Command></Exec></Actions></Task>"""
PEM = ssl.DER_cert_to_PEM_cert(b"a certificate, as far as a store is concerned")
OTHER = ssl.DER_cert_to_PEM_cert(b"another")
PAUSE = "registry.k8s.io/pause:3.10.2"
CTR = r"C:\Program Files\containerd\bin\ctr.exe"
IMAGES = r"C:\images.json"


def task(name: str, *, enabled: str, account: str = "S-1-5-18") -> Callable[[Machine], None]:
    """Put a task in."""

    def make(machine: Machine) -> None:
        definition = XML.format(enabled=enabled, account=account)
        made = tasks.defined("\\wincnode\\", name, definition)
        machine.tasks[f"\\wincnode\\{name}"] = made

    return make


def trusted(pem: str) -> Callable[[Machine], None]:
    """Put a certificate into the store of roots."""

    def make(machine: Machine) -> None:
        file = machine.folder / "root.pem"
        file.write_text(pem)
        words = ["-addstore", "-f", "root", "root.pem"]
        assert certificates.certutil(machine.registry, lambda _: file, words)[0] == 0

    return make


def runtime(*images: str) -> Callable[[Machine], None]:
    """Put in ctr and crictl of a runtime that holds images; its archives name their images."""

    def make(machine: Machine) -> None:
        for name, path, program in (("ctr", CTR, ctr), ("crictl", r"C:\k\crictl.exe", crictl)):
            machine.programs[name] = program
            text(path, programs.script(name))(machine)
            machine.path(path).chmod(0o755)
        store(machine, sorted({*held(machine), *images}))

    return make


def held(machine: Machine) -> list[str]:
    file = machine.path(IMAGES)
    names: list[str] = json.loads(file.read_text()) if file.exists() else []
    return names


def store(machine: Machine, names: list[str]) -> None:
    machine.path(IMAGES).write_text(json.dumps(names))


def ctr(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be ctr, for the namespace of pods."""
    match words:
        case ["-n", "k8s.io", "images", "ls", "-q"]:
            return Ended(stdout="".join(f"{name}\n" for name in held(machine)))
        case ["-n", "k8s.io", "images", "import", archive] if machine.path(archive).is_file():
            store(machine, [*held(machine), machine.path(archive).read_text()])
            return Ended(stdout="unpacking it...done\n")
        case ["-n", "k8s.io", "images", "rm", "--sync", name]:
            store(machine, [row for row in held(machine) if row != name])
            return Ended(stdout=f"{name}\n")
    return Ended(code=1, stderr="\nctr: no such file\n")


def crictl(machine: Machine, _version: str, words: Sequence[str]) -> Ended:
    """Be crictl, which also says that the runtime is ready."""
    match words:
        case ["--config", r"C:\k\crictl.yaml", "pull", name]:
            store(machine, [*held(machine), name])
            return Ended(stdout=f"Image is up to date for {name}\n")
    return Ended(stdout=READY)


CASES = (
    Case(
        id="scheduled_task absent",
        kind="scheduled_task",
        key={"name": r"\wincnode\rotate"},
        want=TASK,
    ),
    Case(
        id="scheduled_task absent, in no folder",
        kind="scheduled_task",
        key={"name": r"\at start"},
        want=AT_START,
    ),
    Case(
        id="scheduled_task different, as somebody disabled it and changed its account",
        kind="scheduled_task",
        key={"name": r"\wincnode\off"},
        want={**AT_START, "command": r"C:\old.exe", "arguments": ""},
        before=task("off", enabled="false", account="S-1-5-21-1-2-3-500"),
    ),
    Case(
        id="scheduled_task present",
        kind="scheduled_task",
        key={"name": r"\wincnode\ON"},
        want={**AT_START, "command": r"C:\old.exe", "arguments": ""},
        before=task("on", enabled="true"),
    ),
    Case(
        id="scheduled_task to go",
        kind="scheduled_task",
        key={"name": r"\wincnode\gone"},
        want={"state": "absent"},
        before=task("gone", enabled="true"),
    ),
    Case(
        id="certificate absent",
        kind="certificate",
        key={"store": "ca", "thumbprint": thumbprint(PEM).lower()},
        want={"state": "present", "pem": PEM},
    ),
    Case(
        id="certificate present",
        kind="certificate",
        key={"store": "root", "thumbprint": thumbprint(PEM)},
        want={"state": "present", "pem": PEM},
        before=trusted(PEM),
    ),
    Case(
        id="certificate to go",
        kind="certificate",
        key={"store": "root", "thumbprint": thumbprint(OTHER)},
        want={"state": "absent"},
        before=trusted(OTHER),
    ),
    Case(
        id="certificate broken: it is none",
        kind="certificate",
        key={"store": "root", "thumbprint": thumbprint(OTHER)},
        want={"state": "present", "pem": "nothing"},
        broken=True,
    ),
    Case(
        id="container_image absent, from an archive",
        kind="container_image",
        key={"reference": PAUSE},
        want={"state": "present", "archive": r"C:\my images\pause.tar"},
        before=both(text(r"C:\my images\pause.tar", PAUSE), runtime()),
    ),
    Case(
        id="container_image absent, from a registry",
        kind="container_image",
        key={"reference": "mcr.microsoft.com/windows/nanoserver:ltsc2022"},
        want={"state": "present", "pull": True},
        before=runtime(),
    ),
    Case(
        id="container_image present",
        kind="container_image",
        key={"reference": "10.0.0.1:5000/a:1"},
        want={"state": "present", "pull": True},
        before=runtime("10.0.0.1:5000/a:1"),
    ),
    Case(
        id="container_image to go",
        kind="container_image",
        key={"reference": "quay.io/old:1"},
        want={"state": "absent"},
        before=runtime("quay.io/old:1"),
    ),
    Case(
        id="container_image broken: the archive holds another",
        kind="container_image",
        key={"reference": PAUSE},
        want={"state": "present", "archive": r"C:\other.tar"},
        before=both(text(r"C:\other.tar", "quay.io/other:1"), runtime()),
        broken=True,
    ),
    Case(
        id="container_image broken: no archive is there",
        kind="container_image",
        key={"reference": PAUSE},
        want={"state": "present", "archive": r"C:\none.tar"},
        before=runtime(),
        broken=True,
    ),
    Case(
        id="container_image broken: nothing is installed yet",
        kind="container_image",
        key={"reference": PAUSE},
        want={"state": "present", "archive": r"C:\none.tar"},
        broken=True,
    ),
)
