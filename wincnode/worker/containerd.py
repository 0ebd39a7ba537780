"""containerd's configuration for a node, and the command of its service."""

from __future__ import annotations

from dataclasses import dataclass

from wincnode.builds import Build
from wincnode.errors import ConfigError
from wincnode.inventory import Inventory
from wincnode.support import Support, line_of, matcher_of, numbers, pause_for
from wincnode.worker import paths
from wincnode.worker.command_line import command_line
from wincnode.worker.containerd_rules import problems
from wincnode.worker.handlers import HYPERVISOR, handlers
from wincnode.worker.templates import rendered

# A base image of Windows is gigabytes: the default of five minutes without a byte is too short for
# slow links, and the networks' own operators use this one.
# Source: openshift/windows-machine-config-operator:pkg/internal (containerd.toml)
PULL_TIMEOUT = "30m0s"
# bin_dirs stands in the place of bin_dir from this line on; 2.4 does not know bin_dir any more.
# Source: containerd/containerd:internal/cri/config/config.go@v2.1.9, which 2.0.11 has not; @v2.4.2
BIN_DIRS_SINCE = (2, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """What containerd is to be on one node."""

    version: str
    config_version: int
    sandbox_image: str
    handlers: tuple[str, ...]


def runtime(
    inventory: Inventory, *, build: int, support: Support, builds: tuple[Build, ...]
) -> Runtime:
    """Give what a node of a Windows build gets by the inventory.

    Args: builds: those whose images newer hosts run where `runtime.hyperv_builds` names none.
    Raises: ConfigError: a version is missing or unknown, or no pause image fits the build.
    """
    wish = inventory.runtime
    line = support.containerd.get(line_of(wish.containerd or ""))
    if line is None or not wish.containerd:
        known = ", ".join(support.containerd)
        raise ConfigError(f"runtime.containerd is {wish.containerd!r}; known are {known}")
    guests = tuple(map(int, wish.hyperv_builds)) or tuple(row.build for row in builds)
    return Runtime(
        version=wish.containerd.removeprefix("v"),
        config_version=line.config_version,
        sandbox_image=sandbox_image(inventory, build=build, support=support),
        handlers=handlers(build, isolation=wish.isolation, builds=guests),
    )


def sandbox_image(inventory: Inventory, *, build: int, support: Support) -> str:
    """Give the image that every pod on a node of a Windows build starts with.

    Raises: ConfigError: no pause image fits the build.
    """
    wish = inventory.runtime
    if wish.sandbox_image:
        return wish.sandbox_image
    hyperv = "hyperv" in wish.isolation
    minor = line_of(inventory.cluster.kubernetes or "")
    rule = matcher_of(support, wish.containerd or "").rule
    return pause_for(support, minor, build=build, hyperv=hyperv, rule=rule)


def configuration(wish: Runtime) -> str:
    """Give config.toml.

    Raises: ConfigError: it would hold what containerd refuses, or silently ignores.
    """
    scope = {
        "version": wish.config_version,
        "many_bin_dirs": numbers(wish.version)[:2] >= BIN_DIRS_SINCE,
        "sandbox_image": wish.sandbox_image,
        "pull_timeout": PULL_TIMEOUT,
        "handlers": [{"name": n, "hyperv": n.startswith(HYPERVISOR)} for n in wish.handlers],
        "paths": {
            "root": paths.CONTAINERD_ROOT,
            "state": paths.CONTAINERD_STATE,
            "pipe": paths.CONTAINERD_PIPE,
            "ttrpc": paths.CONTAINERD_TTRPC_PIPE,
            "registries": paths.REGISTRIES,
            "cni_bin": paths.CNI_BIN,
            "cni_conf": paths.CNI_CONF,
        },
    }
    template = "containerd-1.toml" if wish.config_version == 2 else "containerd-2.toml"
    text = rendered(template, scope)
    if found := problems(text):
        raise ConfigError("\n".join(f"{paths.CONTAINERD_CONFIG}: {row}" for row in found))
    return text


def crictl_configuration() -> str:
    """Give crictl.yaml."""
    return rendered("crictl.yaml", {"endpoint": paths.CRI_ENDPOINT})


def service_command() -> str:
    """Give the command of containerd's service; without a log file its messages are lost.

    Source: containerd/containerd:cmd/containerd/command/service_windows.go@v2.3.7
    """
    return command_line(
        (
            paths.CONTAINERD,
            "--run-service",
            "--service-name",
            paths.CONTAINERD_SERVICE,
            "--config",
            paths.CONTAINERD_CONFIG,
            "--log-file",
            paths.CONTAINERD_LOG,
        )
    )
