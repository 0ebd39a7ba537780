"""Sections of facts about containerd, proxies and variables, over a machine's model."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from wincnode.lab.model.host import MANIFEST, Host
from wincnode.lab.windows import programs
from wincnode.lab.windows.services import expanded

Section: TypeAlias = dict[str, Any]
CONTROL_SET = r"HKLM\SYSTEM\CurrentControlSet"
ENVIRONMENT = CONTROL_SET + r"\Control\Session Manager\Environment"
CONNECTIONS = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
CONTAINERD = r"C:\Program Files\containerd"
KUBELET = r"C:\k\kubelet.exe"
MOST_BYTES = 4096
SUBNETS = (
    r"C:\k\SourceVip.json",
    r"C:\k\SourceVipRequest.json",
    r"C:\run\flannel\subnet.env",
)


def runtime(host: Host) -> Section:
    """Read which containerd is installed, what it says of sandboxes, and what old nodes left."""
    command = host.machine.registry.data(CONTROL_SET + r"\Services\containerd", "ImagePath", "")
    at = re.match(r'(?i)"([^"]+containerd\.exe)"|(.+?containerd\.exe)(?:\s|$)', command)
    program = expanded(at[1] or at[2]) if at else rf"{CONTAINERD}\bin\containerd.exe"
    named = re.search(r'--config[ =](?:"([^"]+)"|(\S+))', command)
    config = (named[1] or named[2]) if named else rf"{CONTAINERD}\config.toml"
    there = host.disk.is_file(program)
    sandbox = ""
    ours = host.disk.is_file(MANIFEST) and host.disk.is_file(KUBELET)
    if host.disk.is_file(config):
        pattern = r"(?m)^\s*sandbox(?:_image)?\s*=\s*[\"']([^\"']+)[\"']"
        found = re.findall(pattern, host.disk.read_text(config))
        sandbox = found[-1] if found else ""
    return {
        "program": program,
        "there": there,
        "version": _version(host, program) if there else "",
        "kubelet": _version(host, KUBELET) if ours else "",
        "config": config,
        "sandbox_image": sandbox,
        "subnets": [path for path in SUBNETS if host.disk.is_file(path)],
        **_traces(host),
    }


def _version(host: Host, program: str) -> str:
    said = " ".join(programs.run(host.machine, program, ["--version"]).stdout.splitlines())
    number = re.search(r"\sv?(\d+\.\d+\.\d+[-.\w]*)", said)
    return number[1] if number else ""


def proxy(host: Host) -> Section:
    """Read the proxies of the machine: variables, those of services, and WinHTTP's."""
    read = host.machine.registry.data
    blob = read(CONNECTIONS, "WinHttpSettings", [])
    return {
        "machine": {
            name.lower(): hidden(read(ENVIRONMENT, name, ""))
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
        },
        "services": {name: own for name in ("containerd", "kubelet") if (own := _own(host, name))},
        "winhttp": bytes(blob).hex().upper() if len(blob) <= MOST_BYTES else "",
    }


def _own(host: Host, service: str) -> dict[str, str]:
    pairs = host.machine.registry.data(rf"{CONTROL_SET}\Services\{service}", "Environment", [])
    found = [re.match("(?i)(HTTP_PROXY|HTTPS_PROXY|NO_PROXY)=(.*)$", pair) for pair in pairs]
    return {row[1].lower(): hidden(row[2]) for row in found if row}


def hidden(text: str) -> str:
    """Mask credentials of an address, as the node's scripts do."""
    return re.sub(r"(^|//)[^/\s@]+@", r"\1***@", text)


def _traces(host: Host) -> Section:
    values = host.machine.registry.values(ENVIRONMENT)
    marks = "(?i)(KUBE|CONTAINER|RKE2|CATTLE|CALICO|FLANNEL|CNI_)"
    places = r"(?i)\\(k|kubernetes|containerd|rancher|rke2|k0s|cni|docker)(\\|$)"
    path = str(host.machine.registry.data(ENVIRONMENT, "Path", ""))
    return {
        "variables": [name for name in values if re.match(marks, name)],
        "path": [row for row in expanded(path).split(";") if re.search(places, row)],
    }
