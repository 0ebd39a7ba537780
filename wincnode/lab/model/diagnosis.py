"""The section `diagnosis`, as its script returns it over a machine's model."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from wincnode import assets
from wincnode.lab.model.failures import ERRORS
from wincnode.lab.model.host import Host
from wincnode.lab.windows import programs
from wincnode.worker import paths

Section: TypeAlias = dict[str, Any]
LOGS = {"kubelet": paths.KUBELET_LOG, "containerd": paths.CONTAINERD_LOG}
END_BYTES, LINES, LINE_CHARACTERS = 65536, 60, 1000
EVENTS_READ, EVENTS = 40, 6


def diagnosis(host: Host) -> Section:
    """Read what tells why a join failed."""
    found = host.call("Get-CimInstance", ClassName="Win32_Service")
    services = [row for row in found if row["Name"].lower() in LOGS]
    folder = paths.CNI_CONF
    cni = [f"{folder}\\{name}" for name in host.disk.names(folder)]
    return {
        "services": {row["Name"].lower(): _service(host, row) for row in services},
        "logs": {name: _end(host, path) for name, path in LOGS.items()},
        "refused": _refused(host, services),
        "files": [_size(host, path) for path in _files()],
        "cni": [_size(host, path) for path in cni if host.disk.is_file(path)],
        "events": _events(host, {*LOGS, *(row["DisplayName"] for row in services)}),
    }


def _service(host: Host, row: Section) -> Section:
    processes = host.call("Get-CimInstance", ClassName="Win32_Process")
    commands = {process["ProcessId"]: process["CommandLine"] for process in processes}
    return {
        "state": row["State"],
        "exit_code": row["ExitCode"],
        "specific_exit_code": row["ServiceSpecificExitCode"],
        "process_id": row["ProcessId"],
        "path": _hidden(row["PathName"]),
        "command_line": _hidden(commands.get(row["ProcessId"], "")),
    }


def _end(host: Host, path: str) -> Section:
    if not host.disk.is_file(path):
        return {"path": path, "size_bytes": None, "lines": [], "error": ""}
    size = len(host.disk.read(path))
    text = host.disk.read(path, max(0, size - END_BYTES)).decode("utf-8", "replace")
    if size > END_BYTES:
        text = text[text.find("\n") + 1 :]
    lines = [line for line in map(str.rstrip, text.split("\n")) if line][-LINES:]
    shown = [_hidden(line)[:LINE_CHARACTERS] for line in lines]
    return {"path": path, "size_bytes": size, "lines": shown, "error": ""}


def _refused(host: Host, services: list[Section]) -> str:
    states = {row["Name"].lower(): row["State"] for row in services}
    if states.get("containerd") != "Stopped" or not host.disk.is_file(paths.CONTAINERD):
        return ""
    words = ["--config", paths.CONTAINERD_CONFIG, "config", "dump"]
    ended = programs.run(host.machine, paths.CONTAINERD, words)
    lines = ended.stderr.strip().split("\n")[-5:]
    return _hidden("\n".join(lines)) if ended.code else ""


def _hidden(text: str) -> str:
    text = re.sub(r"[a-z0-9]{6}\.[a-z0-9]{16}", "***", text)
    return re.sub(r"://[^/\s@]+@", "://***@", text)


def _events(host: Host, names: set[str]) -> list[Section]:
    wanted = {"LogName": "System", "ProviderName": "Service Control Manager", "Id": _ids()}
    try:
        rows = host.call("Get-WinEvent", FilterHashtable=wanted, MaxEvents=EVENTS_READ)
    except ERRORS:
        return []
    yesterday = datetime.now(UTC) - timedelta(days=1)
    entries = []
    for row in rows:
        values = [item["Value"] for item in row["Properties"]]
        if row["TimeCreated"] > yesterday and names & set(values[:2]):
            at = row["TimeCreated"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            entries.append({"id": row["Id"], "at": at, "values": values})
    return entries[:EVENTS]


def _size(host: Host, path: str) -> Section:
    there = host.disk.is_file(path)
    return {"path": path, "size_bytes": len(host.disk.read(path)) if there else None}


def _files() -> list[str]:
    """Give the files as the section's script lists them, so that they are listed once."""
    (listed,) = re.findall(r"(?s)\$files = @\((.*?)\)\n", assets.node_script("facts/diagnosis"))
    return re.findall("'([^']+)'", listed)


def _ids() -> list[int]:
    (listed,) = re.findall(r"\bId = ([\d, ]+)", assets.node_script("facts/diagnosis"))
    return [int(number) for number in listed.split(",")]
