"""What a kubelet was told: its command line, its configuration, and what it refuses of both.

Source: kubernetes/kubernetes:cmd/kubelet/app/{server,options/options,options/globalflags}.go;
staging/src/k8s.io/component-base/logs/kube-log-runner; CHANGELOG of 1.24 to 1.37
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from wincnode.lab.cluster.patches import merged
from wincnode.lab.programs import command_line
from wincnode.lab.programs.containerd import version_at
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import HEAD

LOG_RUNNER = "kube-log-runner"
RUNNER_FLAGS = ("log-file", "log-file-size", "log-file-age", "flush-interval")
RUNNER_SWITCHES = ("also-stdout", "redirect-stderr")
# kube-log-runner rotates from 1.34 on.
ROTATION, ROTATES_SINCE = ("log-file-size", "log-file-age", "flush-interval"), 34
FLAGS = (
    *("bootstrap-kubeconfig", "kubeconfig", "config", "config-dir", "cert-dir", "root-dir"),
    *("hostname-override", "node-ip", "node-labels", "register-with-taints", "cloud-provider"),
    *("windows-priorityclass", "v", "container-runtime-endpoint", "resolv-conf", "provider-id"),
    *("enforce-node-allocatable", "cluster-dns", "cluster-domain", "feature-gates", "max-pods"),
    *(
        "image-credential-provider-config",
        "image-credential-provider-bin-dir",
        "node-status-max-images",
    ),
    *(
        "system-reserved",
        "kube-reserved",
        "eviction-hard",
        "runtime-request-timeout",
        "tls-cert-file",
    ),
    *("tls-private-key-file", "client-ca-file", "authorization-mode", "healthz-port", "vmodule"),
    *("logging-format", "log-flush-frequency", "cgroup-driver", "hairpin-mode", "pod-cidr"),
)
SWITCHES = (
    *("windows-service", "enable-debugging-handlers", "cgroups-per-qos", "register-node"),
    *(
        "rotate-certificates",
        "rotate-server-certificates",
        "fail-swap-on",
        "anonymous-auth",
        "version",
    ),
    *("enable-server", "serialize-image-pulls", "authentication-token-webhook"),
)
# The minor that has a flag no more.
REMOVED: Mapping[str, int] = {
    "network-plugin": 24,
    "cni-bin-dir": 24,
    "cni-conf-dir": 24,
    "image-pull-progress-deadline": 24,
    "log-dir": 26,
    "log-file": 26,
    "logtostderr": 26,
    "container-runtime": 27,
    "keep-terminated-pod-volumes": 31,
    "cloud-config": 34,
    "pod-infra-container-image": 35,
    "containerd": 37,
    "global-housekeeping-interval": 37,
}
NOT_FOUND = "The system cannot find the file specified."
HEALTHZ = 10248


class Refused(ValueError):
    """The kubelet does not run with that; `log` is where it says so, if anywhere."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a kubelet runs with."""

    version: str
    node: str
    flags: Mapping[str, str]
    config: Mapping[str, Any]
    log: str

    @property
    def cert_dir(self) -> str:
        """Where it keeps its certificates."""
        return self.flags.get("cert-dir", r"C:\var\lib\kubelet\pki")

    @property
    def healthz(self) -> tuple[str, int]:
        """Address and port that it tells its health at."""
        address = self.config.get("healthzBindAddress", "127.0.0.1")
        return str(address), int(self.config.get("healthzPort", HEALTHZ))

    @property
    def endpoint(self) -> str:
        """The runtime that it speaks to."""
        flag = self.flags.get("container-runtime-endpoint")
        return str(flag or self.config.get("containerRuntimeEndpoint") or "")

    @property
    def labels(self) -> dict[str, str]:
        """The labels that it was told to register with."""
        rows = [row.partition("=") for row in self.flags.get("node-labels", "").split(",") if row]
        return {name: value for name, _, value in rows}

    @property
    def taints(self) -> list[dict[str, str]]:
        """The taints that it was told to register with."""
        if text := self.flags.get("register-with-taints"):
            return [_taint(row) for row in text.split(",")]
        return [dict(row) for row in self.config.get("registerWithTaints") or ()]


def _taint(text: str) -> dict[str, str]:
    head, _, effect = text.partition(":")
    key, has_value, value = head.partition("=")
    return {"key": key, "effect": effect, **({"value": value} if has_value else {})}


def read(machine: Machine, command: str) -> Settings:
    """Give what a service's command line starts.

    Raises: Refused: nothing; the program says why.
    """
    log, words = _unwrapped(machine, command_line.split(command))
    program, *arguments = words
    try:
        version = version_at(machine, program)
    except FileNotFoundError:
        text = f'unable to run command: exec: "{program}": {NOT_FOUND}'
        raise Refused(text, log) from None
    try:
        flags = _flags(version, arguments)
        config = _config(machine, flags)
        _refuse(machine, flags, config)
    except command_line.UnknownFlag as error:
        raise Refused(f"Error: failed to parse kubelet flag: {error}", log) from error
    except Refused as error:
        raise Refused(str(error), log) from None
    node = flags.get("hostname-override") or machine.computer.lower()
    return Settings(version=version, node=node, flags=flags, config=config, log=log)


def _unwrapped(machine: Machine, words: list[str]) -> tuple[str, list[str]]:
    """Take kube-log-runner off a command line; gives its log file."""
    file = machine.path(words[0])
    head = HEAD.match(file.read_text(encoding="utf-8")) if file.is_file() else None
    if head is None:
        raise Refused(f"{words[0]}: {NOT_FOUND}")
    if head[1] != LOG_RUNNER:
        return "", words
    end = next((n for n, word in enumerate(words[1:], 1) if not word.startswith("-")), len(words))
    rotates = int(head[2].split(".")[1]) >= ROTATES_SINCE
    known = RUNNER_FLAGS if rotates else ("log-file",)
    try:
        flags = command_line.parse(words[1:end], values=known, switches=RUNNER_SWITCHES).flags
    except command_line.UnknownFlag as error:
        raise Refused(f"flag provided but not defined: {error}") from error
    if end == len(words):
        raise Refused("not enough arguments to run")
    return flags.get("log-file", ""), words[end:]


def _flags(version: str, arguments: Sequence[str]) -> dict[str, str]:
    minor = int(version.split(".")[1])
    old = tuple(name for name, gone in REMOVED.items() if minor < gone)
    return command_line.parse(arguments, values=(*FLAGS, *old), switches=SWITCHES).flags


def _config(machine: Machine, flags: Mapping[str, str]) -> dict[str, Any]:
    """Read the configuration and lay the drop-ins over it, by their names."""
    if "config" not in flags:
        return {}
    config = _file(machine, flags["config"])
    folder = machine.path(flags["config-dir"]) if "config-dir" in flags else None
    for file in sorted(folder.glob("*.conf")) if folder and folder.is_dir() else ():
        config = merged(config, _file(machine, rf"{flags['config-dir']}\{file.name}"))
    return config


def _file(machine: Machine, path: str) -> dict[str, Any]:
    prefix = f"failed to load kubelet config file, path: {path}, error: "
    file = machine.path(path)
    if not file.is_file():
        raise Refused(
            f'{prefix}failed to read kubelet config file "{path}", error: open {path}: {NOT_FOUND}'
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise Refused(f"{prefix}{error}") from error
    kind = content.get("kind") if isinstance(content, dict) else None
    if kind != "KubeletConfiguration":
        raise Refused(
            f'{prefix}no kind {kind!r} is registered for version "kubelet.config.k8s.io/v1beta1"'
        )
    found: dict[str, Any] = content
    return found


def _refuse(machine: Machine, flags: Mapping[str, str], config: Mapping[str, Any]) -> None:
    """Refuse what cannot be on Windows.

    Source: kubernetes/kubernetes:pkg/kubelet/apis/config/validation/validation_windows.go,
    pkg/kubelet/eviction/helpers.go; kubernetes/kubernetes#130142
    """
    for field in ("singleProcessOOMKill", "userNamespaces"):
        if config.get(field) is not None:
            text = f"invalid configuration: {field} is not supported on Windows"
            raise Refused(f"failed to validate kubelet configuration, error: {text}")
    for signal in config.get("evictionHard") or ():
        if signal.endswith("inodesFree"):
            raise Refused(
                f"failed to run Kubelet: failed to create kubelet: "
                f"eviction signal {signal} is not supported on this platform"
            )
    authority = (config.get("authentication") or {}).get("x509", {}).get("clientCAFile")
    if authority and not machine.path(authority).is_file():
        raise Refused(
            f"failed to construct kubelet dependencies: unable to load client CA file "
            f"{authority}: open {authority}: {NOT_FOUND}"
        )
    if flags.get("windows-priorityclass", "NORMAL_PRIORITY_CLASS") not in PRIORITIES:
        raise Refused(
            f"unknown priority class {flags['windows-priorityclass']}, valid ones are "
            f"available at https://docs.microsoft.com/en-us/windows/win32/procthread/"
            "scheduling-priorities"
        )


# kubernetes/kubernetes:pkg/windows/service; cmd/kubelet/app/init_windows.go
PRIORITIES = frozenset(
    f"{name}_PRIORITY_CLASS"
    for name in ("IDLE", "BELOW_NORMAL", "NORMAL", "ABOVE_NORMAL", "HIGH", "REALTIME")
)
