"""Every field of every step kind that takes a text, and what becomes of a hostile one in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import PureWindowsPath
from typing import TypeAlias

from conformance.case import ENVIRONMENT, READY
from hostile import ALL, NO_FILE, Row, Step

from wincnode.lab.windows import defender, firewall, programs, services
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended
from wincnode.lab.windows.registry import Value

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


LINES = frozenset({"lines", "long"})
IN_ADDRESS = frozenset({"dash", "single", "expression", "long"})
# Their texts lie on the disk only while a program reads them.
JOINS: tuple[Row, ...] = (
    Row(
        field="kubeadm_join.configuration",
        step=lambda value, _at: {"server": SERVER, "configuration": value},
        refused=frozenset(),
    ),
    Row(
        field="kubelet_bootstrap.kubeconfig",
        step=lambda value, _at: {"server": SERVER, "kubeconfig": value, "ca": "x"},
        refused=frozenset(),
    ),
    Row(
        field="kubelet_bootstrap.ca",
        step=lambda value, _at: {"server": SERVER, "kubeconfig": "x", "ca": value},
        refused=frozenset(),
    ),
)


def hns_step(at: str, **values: object) -> Step:
    """Give the fields of a step that makes a network."""
    name = str(values.get("name", at))
    on = [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": values.get("adapter")}}]
    policies = {"Policies": on} if "adapter" in values else {}
    wanted = {"Name": name, "Owner": "wincnode", "Type": "Private", **policies, **V2}
    return {"name": name, "type": "Private", "document": json.dumps(wanted), **values}


def hns_name(machine: Machine, value: str, _at: str) -> object:
    """Give the name of a network."""
    rows = machine.hns.documents("network")
    return next((row["Name"] for row in rows if row["Name"] == value), None)


def hns_adapter(machine: Machine, _value: str, at: str) -> object:
    """Give the adapter that a network was asked for on."""
    (row,) = (row for row in machine.hns.documents("network") if row["Name"] == at)
    return row["Policies"][0]["Settings"]["NetworkAdapterName"]


def hns_refused(field: str, *, list: bool = True) -> Row:
    """Give a field of a network that takes none of the values."""
    return refused(
        f"hns_network.{field}",
        lambda value, at: hns_step(at, **{field: [value] if list else value}),
    )


ROWS: tuple[Row, ...] = (
    Row(
        field="hns_network.name",
        step=lambda value, at: hns_step(at, name=value),
        refused=LINES,
        most=256,
        there=hns_name,
    ),
    Row(
        field="hns_network.adapter",
        step=lambda value, at: hns_step(at, adapter=value),
        refused=LINES,
        most=256,
        there=hns_adapter,
    ),
    *map(hns_refused, ("prefixes", "gateways", "routes", "vsids", "vlans", "mac_ranges")),
    *map(hns_refused, ("dns_servers", "dns_search")),
    *(hns_refused(field, list=False) for field in ("dns_suffix", "document")),
    disk(
        "archive.path",
        lambda value, at: {
            "path": inside(at, value),
            "files": ["inside.txt"],
            "sha256": ARCHIVE_SHA,
            "source": HOME + r"\archive.zip",
        },
        there=name(),
    ),
    refused(
        "archive.files",
        lambda value, at: {"path": inside(at), "files": [value], "sha256": SHA, "source": HOME},
    ),
    refused(
        "archive.sha256",
        lambda value, at: {"path": inside(at), "files": ["a"], "sha256": value, "source": HOME},
    ),
    disk(
        "archive.source",
        lambda value, at: {
            "path": inside(f"{at}-to"),
            "files": ["inside.txt"],
            "sha256": ARCHIVE_SHA,
            "source": inside(at, value, ".zip"),
        },
        before=file(".zip", ARCHIVE),
        there=lambda machine, value, at: (
            value if machine.path(inside(f"{at}-to", "inside.txt")).read_bytes() == BODY else None
        ),
    ),
    refused(
        "certificate.thumbprint",
        lambda value, _at: {"store": "root", "thumbprint": value, "state": "absent"},
    ),
    refused(
        "certificate.pem",
        lambda value, _at: {"store": "root", "thumbprint": THUMBPRINT, "pem": value},
    ),
    refused(
        "container_image.reference",
        lambda value, _at: {"reference": f"registry.example/{value}:1", "pull": True},
    ),
    disk(
        "container_image.archive",
        lambda value, at: {"reference": image(at), "archive": inside(at, value, ".tar")},
        before=with_archive,
        there=imported,
    ),
    Row(
        field="defender_exclusion.value",
        step=lambda value, _at: {"type": "path", "value": value},
        refused=NO_FILE,
        most=16383,
        there=exclusion,
    ),
    disk(
        "directory.path",
        lambda value, at: {"path": inside(at, value)},
        before=folder,
        there=name(),
    ),
    refused("directory.sddl", lambda value, at: {"path": inside(at), "sddl": f"D:{value}"}),
    disk(
        "download.path",
        lambda value, at: {
            "path": inside(at, value),
            "sha256": BODY_SHA,
            "size": len(BODY),
            "sources": ["{{ served }}/x"],
        },
        before=folder,
        there=name(),
    ),
    refused(
        "download.sha256",
        lambda value, at: {"path": inside(at), "sha256": value, "size": 1, "sources": []},
    ),
    Row(
        field="download.sources",
        step=lambda value, at: {
            "path": inside(at, "x"),
            "sha256": BODY_SHA,
            "size": len(BODY),
            "sources": [f"{{{{ served }}}}/{value}"],
        },
        refused=ALL - IN_ADDRESS,
        before=folder,
        # What the server was asked for is looked at there.
        there=lambda machine, value, at: (
            value if content(machine, value, at) == BODY.decode() else None
        ),
    ),
    refused(
        "download.proxy",
        lambda value, at: {
            "path": inside(at),
            "sha256": SHA,
            "size": 1,
            "sources": [],
            "proxy": f"http://{value}",
        },
    ),
    Row(
        field="environment.name",
        step=lambda value, _at: {"name": value, "value": "x"},
        refused=LINES,
        most=254,
        there=value_name(ENVIRONMENT),
    ),
    Row(
        field="environment.value",
        step=lambda value, at: {"name": at, "value": value},
        refused=frozenset({"long"}),
        there=data(ENVIRONMENT),
    ),
    Row(
        field="environment.entries",
        step=lambda value, at: {"name": at, "entries": [value]},
        refused=frozenset({"expression", "lines", "long"}),
        there=data(ENVIRONMENT),
    ),
    Row(
        field="environment.without",
        step=lambda value, at: {"name": at, "without": [value]},
        refused=frozenset({"expression", "lines", "long"}),
        before=lambda machine, value, at: machine.registry.set(
            ENVIRONMENT, at, Value(kind="String", data=f"first;{value};last")
        ),
        there=lambda machine, value, at: (
            value if machine.registry.data(ENVIRONMENT, at) == "first;last" else None
        ),
    ),
    disk(
        "file.path",
        lambda value, at: {"path": inside(at, value), "content": "x"},
        before=folder,
        there=name(),
    ),
    Row(
        field="file.content",
        step=lambda value, at: {"path": inside(at, "x"), "content": value},
        refused=frozenset(),
        before=folder,
        there=content,
    ),
    Row(
        field="firewall_rule.name",
        step=lambda value, _at: {"name": value, "display_name": "x"},
        refused=LINES | {"backtick"},
        most=511,
        there=value_name(firewall.RULES),
    ),
    Row(
        field="firewall_rule.display_name",
        step=lambda value, at: {"name": at, "display_name": value},
        refused=LINES,
        most=10_000,
        there=rule_field("Name"),
    ),
    refused(
        "firewall_rule.local_port",
        lambda value, at: {"name": at, "display_name": "x", "local_port": [value]},
    ),
    refused(
        "firewall_rule.remote_address",
        lambda value, at: {"name": at, "display_name": "x", "remote_address": [value]},
    ),
    refused("hostname.name", lambda value, _at: {"name": value}),
    refused(
        "kubeadm_join.server",
        lambda value, _at: {"server": f"https://{value}", "configuration": "x"},
    ),
    refused(
        "kubelet_bootstrap.server",
        lambda value, _at: {"server": f"https://{value}", "kubeconfig": "x", "ca": "x"},
    ),
    refused("optional_feature.name", lambda value, _at: {"name": value}),
    refused("optional_feature.with", lambda value, _at: {"name": "A", "with": [value]}),
    refused("optional_feature.without", lambda value, _at: {"name": "A", "without": [value]}),
    disk(
        "optional_feature.source",
        lambda value, at: {"name": at, "source": inside(at, value)},
        before=lambda machine, _value, at: machine.features.load({at: "Removed"}),
        there=lambda machine, _value, at: source_of(machine, at),
    ),
    refused("pagefile.drive", lambda value, _at: {"drive": value, "mode": "none"}),
    disk(
        "pod_sandboxes.crictl",
        lambda value, at: {"crictl": inside(at, value, ".exe")},
        before=with_crictl,
        there=name(".yaml.gone"),
    ),
    Row(
        field="registry_value.path",
        step=lambda value, at: {
            "path": rf"HKLM:\{KEY}\{at}\{value}",
            "name": "x",
            "value": ["x"],
        },
        refused=LINES,
        most=255,
        there=lambda machine, _value, at: next(
            key.removeprefix(f"HKLM\\{KEY}\\{at}\\")
            for key in machine.registry.snapshot()
            if f"\\{at}\\" in key
        ),
    ),
    Row(
        field="registry_value.name",
        step=lambda value, at: {"path": rf"HKLM:\{KEY}\{at}", "name": value, "value": ["x"]},
        refused=frozenset({"long"}),
        most=16_383,
        there=lambda machine, _value, at: next(iter(machine.registry.values(rf"HKLM\{KEY}\{at}"))),
    ),
    *(
        Row(
            field="registry_value.value",
            step=lambda value, at, kind=kind: {
                "path": rf"HKLM:\{KEY}",
                "name": at,
                "type": kind,
                "value": [value],
            },
            refused=frozenset(),
            there=first(data(rf"HKLM\{KEY}")),
        )
        for kind in ("String", "ExpandString", "MultiString")
    ),
    Row(
        field="scheduled_task.name",
        step=lambda value, _at: {"name": f"\\{value}", "command": "x"},
        refused=NO_FILE | {"backtick"},
        most=200,
        there=task_name,
    ),
    Row(
        field="scheduled_task.command",
        step=lambda value, at: {"name": f"\\{at}", "command": value},
        refused=LINES,
        most=259,
        there=task("execute"),
    ),
    Row(
        field="scheduled_task.arguments",
        step=lambda value, at: {"name": f"\\{at}", "command": "x", "arguments": value},
        refused=LINES,
        most=32_000,
        there=task("argument"),
    ),
    refused(
        "scheduled_task.at",
        lambda value, at: {"name": f"\\{at}", "command": "x", "trigger": "daily", "at": value},
    ),
    Row(
        field="service.name",
        step=lambda value, _at: {
            "name": value,
            "command": "x",
            "state": "stopped",
            "restart_after_s": 5,
        },
        refused=LINES | {"double"},
        most=255,
        there=service_name,
    ),
    Row(
        field="service.command",
        step=lambda value, at: {"name": at, "command": value},
        refused=LINES,
        most=32_766,
        there=service("PathName"),
    ),
    Row(
        field="service.display_name",
        step=lambda value, at: {
            "name": at,
            "command": "x",
            "state": "stopped",
            "display_name": value,
        },
        refused=LINES,
        most=256,
        there=service("DisplayName"),
    ),
    Row(
        field="service.depends_on",
        step=lambda value, at: {
            "name": at,
            "command": "x",
            "state": "stopped",
            "depends_on": [value],
        },
        refused=LINES | {"double"},
        most=255,
        there=first(setting("DependOnService")),
    ),
    Row(
        field="service.environment",
        step=lambda value, at: {
            "name": at,
            "command": "x",
            "environment": [f"V={value}"],
        },
        refused=frozenset({"long"}),
        there=lambda machine, value, at: str(
            first(setting("Environment"))(machine, value, at)
        ).removeprefix("V="),
    ),
    disk(
        "service.restart_when_newer",
        lambda value, at: {"name": at, "restart_when_newer": [inside(at, value)]},
        before=reader,
        there=restarted,
    ),
    refused("time_source.servers", lambda value, _at: {"servers": [value]}),
    disk(
        "wait_for.name",
        lambda value, at: {"subject": "file", "name": inside(at, value)},
        before=file(),
        there=name(),
        outcome="ok",
    ),
    disk(
        "wait_for.name",
        lambda value, at: {"subject": "cri", "name": inside(at, value, ".exe")},
        before=with_crictl,
        there=name(".yaml.asked"),
        outcome="ok",
    ),
    Row(
        field="wait_for.name",
        step=lambda value, _at: {"subject": "service", "name": f"{value}w"},
        refused=LINES | {"double"},
        most=254,
        before=lambda machine, value, _at: machine.services.load(
            {f"{value}w": {"State": "Running"}}
        ),
        # It is waited for in vain where it is looked for by another name.
        there=lambda _machine, value, _at: value,
        outcome="ok",
    ),
    Row(
        field="wait_for.name",
        step=lambda value, _at: {"subject": "http", "name": f"{{{{ served }}}}/{value}"},
        refused=ALL - IN_ADDRESS,
        # What the server was asked for is looked at there.
        there=lambda _machine, value, _at: value,
        outcome="ok",
    ),
    refused("wait_for.name", lambda value, _at: {"subject": "port", "name": value}),
    # No pipe is ever there in the lab.
    Row(
        field="wait_for.name",
        step=lambda value, _at: {"subject": "pipe", "name": value},
        refused=LINES,
        most=247,
    ),
    refused("windows_feature.name", lambda value, _at: {"name": value}),
    refused("windows_feature.with", lambda value, _at: {"name": "A", "with": [value]}),
    disk(
        "windows_feature.source",
        lambda value, at: {"name": at, "source": inside(at, value)},
        before=lambda machine, _value, at: machine.features.load({at: "Removed"}),
        there=lambda machine, _value, at: source_of(machine, at),
    ),
)


def source_of(machine: Machine, at: str) -> object:
    """Give the last name of the source that a feature's files came from."""
    return PureWindowsPath(machine.features.sources[at]).name
