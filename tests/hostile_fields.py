"""Every field of every step kind that takes a text, and what becomes of a hostile one in it."""

from __future__ import annotations

import json
from pathlib import PureWindowsPath

from conformance.case import ENVIRONMENT
from hostile import ALL, NO_FILE, Row, Step
from hostile_places import (
    ARCHIVE,
    ARCHIVE_SHA,
    BODY,
    BODY_SHA,
    HOME,
    KEY,
    SERVER,
    SHA,
    THUMBPRINT,
    V2,
    content,
    data,
    disk,
    exclusion,
    file,
    first,
    folder,
    image,
    imported,
    inside,
    name,
    reader,
    refused,
    restarted,
    rule_field,
    service,
    service_name,
    setting,
    task,
    task_name,
    value_name,
    with_archive,
    with_crictl,
)

from wincnode.lab.windows import firewall
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.registry import Value

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
