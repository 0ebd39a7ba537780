"""containerd of a lab node: its configuration, whether it runs, and what its CRI says.

Source: containerd/containerd:cmd/containerd/command/main.go,
cmd/containerd/server/config/config.go, internal/cri/server/{status,cni_conf_syncer}.go
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wincnode.lab.programs import command_line
from wincnode.lab.programs.images import Images, normal
from wincnode.lab.windows import limits
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import HEAD, Ended

SERVICE = "containerd"
PIPE = r"\\.\pipe\containerd-containerd"
FLAGS = ("config", "c", "log-file", "log-level", "l", "service-name", "address", "root", "state")
SWITCHES = ("run-service", "register-service", "unregister-service", "version", "v")
ROOT = r"C:\ProgramData\containerd\root"
DEFAULT_CONFIG = r"C:\Program Files\containerd\config.toml"
# containerd/containerd:internal/cri/config/config_windows.go
CONF_DIR = r"C:\Program Files\containerd\cni\conf"
BIN_DIR = r"C:\Program Files\containerd\cni\bin"
PROCESS = "runhcs-wcow-process"
CRI_2 = "io.containerd.grpc.v1.cri"
CRI_RUNTIME = "io.containerd.cri.v1.runtime"
CRI_IMAGES = "io.containerd.cri.v1.images"
GRPC_4 = "io.containerd.server.v1.grpc"


class ConfigRefused(ValueError):
    """containerd does not start with that file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """What matters here of a configuration."""

    version: int
    root: str
    pipe: str
    sandbox: str
    bin_dirs: tuple[str, ...]
    conf_dir: str
    handlers: tuple[str, ...]


def config_version_of(version: str) -> int:
    """Give the newest configuration version that a containerd reads: version/version.go."""
    major, minor = (int(part) for part in version.split(".")[:2])
    if major == 1:
        return 2
    return 3 if minor < 3 else 4


def read(text: str, version: str) -> Config:
    """Read a configuration as a containerd of that version does.

    Raises: ConfigRefused: with containerd's words.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused(f"failed to unmarshal TOML: toml: {error}") from error
    newest, number = config_version_of(version), data.get("version", 1)
    if number > newest:
        if newest == 2:
            text = f"config version `{number}` is not supported, the max version is `{newest}`"
        else:
            text = "expected containerd config version equal to or less than "
            text += f"`{newest}`, got `{number}`"
        raise ConfigRefused(text)
    if number < 2:
        raise ConfigRefused(f"unsupported config version `{number}`")
    try:
        return _read(data, number)
    except (TypeError, AttributeError) as error:
        raise ConfigRefused(f"failed to load TOML: {error}") from error


def _read(data: dict[str, Any], number: int) -> Config:
    plugins = data.get("plugins", {})
    if number == 2:
        cri = plugins.get(CRI_2, {})
        sandbox, runtime = cri.get("sandbox_image", ""), cri
    else:
        runtime = plugins.get(CRI_RUNTIME, {})
        sandbox = plugins.get(CRI_IMAGES, {}).get("pinned_images", {}).get("sandbox", "")
    grpc = plugins.get(GRPC_4, {}) if number > 3 else data.get("grpc", {})
    cni = runtime.get("cni", {})
    table = runtime.get("containerd", {})
    handlers = tuple(table.get("runtimes", {PROCESS: {}}))
    default = table.get("default_runtime_name", PROCESS)
    if default not in handlers:
        raise ConfigRefused(
            f"no corresponding runtime configured in `containerd.runtimes` for "
            f'`containerd` `default_runtime_name = "{default}"`'
        )
    return Config(
        version=number,
        root=data.get("root", ROOT),
        pipe=grpc.get("address", PIPE),
        sandbox=sandbox,
        bin_dirs=tuple(cni.get("bin_dirs") or [cni.get("bin_dir", BIN_DIR)]),
        conf_dir=cni.get("conf_dir", CONF_DIR),
        handlers=handlers,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """A containerd that runs."""

    version: str
    config: Config
    images: Images


class Containerd:
    """The containerd of one machine, as its service has started it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._runtime: Runtime | None = None

    @property
    def running(self) -> Runtime | None:
        """What runs, if something does."""
        rows = {row["Name"].lower(): row["State"] for row in self._machine.services.rows()}
        return self._runtime if rows.get(SERVICE) == "Running" else None

    def load(self, command: str) -> Runtime:
        """Give what a command line starts.

        Raises: ConfigRefused: nothing; FileNotFoundError: the program is not there.
        """
        program, *words = command_line.split(command)
        version = version_at(self._machine, program)
        try:
            flags = command_line.parse(words, values=FLAGS, switches=SWITCHES).flags
        except command_line.UnknownFlag as error:
            raise ConfigRefused(f"flag provided but not defined: {error}") from error
        path = flags.get("config") or flags.get("c") or DEFAULT_CONFIG
        file = self._machine.path(path)
        if not file.is_file() and path != DEFAULT_CONFIG:
            text = f"open {path}: The system cannot find the file specified."
            raise ConfigRefused(f"failed to load TOML: {path}: {text}")
        text = file.read_text(encoding="utf-8") if file.is_file() else "version = 2"
        config = read(text, version)
        images = Images(self._machine.path(config.root))
        return Runtime(version=version, config=config, images=images)

    def begin(self, command: str) -> None:
        """Run what a command line starts, of which `load` has found that it does."""
        runtime = self.load(command)
        for folder in (runtime.config.root, runtime.config.conf_dir):
            self._machine.path(folder).mkdir(parents=True, exist_ok=True)
        flags = command_line.parse(
            command_line.split(command)[1:], values=FLAGS, switches=SWITCHES
        ).flags
        if "log-file" in flags:
            log = self._machine.path(flags["log-file"])
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as file:
                file.write(f'level=info msg="starting containerd" version=v{runtime.version}\n')
                file.write('level=info msg="containerd successfully booted in 0.2s"\n')
        self._runtime = runtime

    def network(self) -> str:
        """Say why pods have no network; nothing where they have one."""
        runtime = self.running
        folder = runtime.config.conf_dir if runtime else CONF_DIR
        if configurations(self._machine.path(folder)):
            return ""
        return "Network plugin returns error: cni plugin not initialized"

    def info(self) -> dict[str, Any]:
        """Give what `crictl info` prints."""
        runtime = self.running
        if runtime is None:
            return {}
        problem = self.network()
        folder = runtime.config.conf_dir
        load = f"cni config load failed: no network config found in {folder}: "
        status = load + "cni plugin not initialized: failed to load cni config"
        cni = {"binDirs": list(runtime.config.bin_dirs), "confDir": folder, "maxConfNum": 1}
        ready = {"type": "RuntimeReady", "status": True, "reason": "", "message": ""}
        net = {"type": "NetworkReady", "status": not problem, "message": problem}
        net["reason"] = "NetworkPluginNotReady" if problem else ""
        warnings = {"type": "ContainerdHasNoDeprecationWarnings", "status": True}
        plain = {"reason": "", "message": ""}
        return {
            "status": {"conditions": [ready, net, {**warnings, **plain}]},
            "runtimeHandlers": [
                {"features": {}, "name": name} for name in sorted(runtime.config.handlers)
            ],
            "config": {
                "cni": cni,
                "containerd": {"runtimes": {name: {} for name in runtime.config.handlers}},
                "sandboxImage": runtime.config.sandbox,
                "containerdRootDir": runtime.config.root,
            },
            "golang": "go1.26",
            "lastCNILoadStatus": status if problem else "OK",
            "lastCNILoadStatus.default": status if problem else "OK",
        }


def pull(machine: Machine, runtime: Runtime, reference: str, *, in_step: bool = True) -> str:
    """Fetch an image, which takes its time unless it is there; gives its digest.

    Args: in_step: whether a step of a run waits for it.
    Raises: TooLong: the step may not take so long.
    """
    name = normal(reference)
    there = runtime.images.rows()
    if name in there:
        return there[name]
    limits.work(machine, "image_pull", in_step=in_step)
    return runtime.images.add(name)


def configurations(folder: Path) -> list[str]:
    """List the network configurations in a folder that can be read.

    Source: containerd/go-cni:opts.go (loadFromConfDir)
    """
    found = []
    rows = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in rows:
        if file.suffix not in {".conf", ".conflist", ".json"}:
            continue
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if isinstance(content, dict) and ("type" in content or content.get("plugins")):
            found.append(file.name)
    return found


def version_at(machine: Machine, path: str) -> str:
    """Give the version that a program's file is of.

    Raises: FileNotFoundError: there is no such program.
    """
    file = machine.path(path if path.lower().endswith(".exe") else f"{path}.exe")
    head = (
        HEAD.match(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None
    )
    if head is None:
        raise FileNotFoundError(path)
    return head[2]


def program(machine: Machine, version: str, words: Sequence[str]) -> Ended:
    """Be containerd.exe on a command line: it tells its version, and checks a configuration."""
    try:
        parsed = command_line.parse(words, values=FLAGS, switches=SWITCHES)
    except command_line.UnknownFlag as error:
        return Ended(code=1, stderr=f"containerd: flag provided but not defined: {error}\n")
    if {"version", "v"} & set(parsed.flags):
        return Ended(stdout=f"containerd.exe github.com/containerd/containerd/v2 v{version} 0\n")
    if parsed.words == ["config", "dump"]:
        file = machine.path(parsed.flags.get("config", DEFAULT_CONFIG))
        try:
            read(file.read_text(encoding="utf-8"), version)
        except (OSError, ConfigRefused) as error:
            return Ended(code=1, stderr=f"containerd: {error}\n")
        return Ended(stdout=file.read_text(encoding="utf-8"))
    return Ended(code=1, stderr="containerd: The lab runs containerd as a service only\n")
