"""What facts say of a node before the rungs of the smoke ladder are tried on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from wincnode.errors import ConfigError
from wincnode.facts import FactMissing, Facts
from wincnode.hcs.lifecycles import Runtime
from wincnode.hcs.rungs import Situation
from wincnode.inventory.fields import IMAGE
from wincnode.inventory.model import Inventory
from wincnode.isolation import ISOLATIONS, Isolation
from wincnode.node.kinds import PATH
from wincnode.support import load_support
from wincnode.worker.containerd import sandbox_image

T = TypeVar("T")
# The sections that the ladder looks at.
SECTIONS = ("os", "hardware", "features", "services")
INSTALLED = ("Installed", "Enabled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the ladder is to try.

    Args:
        image: in place of the one that every pod starts with. pull: whether it may be fetched.
        isolation: in place of the inventory's. hosted: whether a container is to be made in a
            utility VM step by step, too. lcow: kernel and root file system on the node.
    """

    image: str = ""
    pull: bool = True
    isolation: tuple[Isolation, ...] = ()
    hosted: bool = False
    lcow: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse an image that no container runtime could pull.

        Raises: ConfigError.
        """
        if self.image and not re.fullmatch(IMAGE, self.image):
            raise ConfigError(
                f"--image is {self.image!r:.80}, which is no full reference of an image",
                remedy="Give registry, name and tag: mcr.microsoft.com/windows/nanoserver:ltsc2022",
            )


def linux_files(text: str) -> tuple[str, str] | None:
    """Read KERNEL,ROOTFS; an empty text is None.

    Raises: ConfigError: these are no two full paths.
    """
    if not text:
        return None
    kernel, comma, rootfs = text.partition(",")
    if not comma or not all(re.fullmatch(PATH, path) for path in (kernel, rootfs)):
        raise ConfigError(
            f"--lcow is {text!r:.80}; it takes two full paths of the node, KERNEL,ROOTFS"
        )
    return kernel, rootfs


def situation(facts: Facts, inventory: Inventory, wish: Wish, *, build: int) -> Situation:
    """Put together what is known; what the node did not say is unknown."""
    image, why = (wish.image, "") if wish.image else _image(inventory, build)
    wanted = tuple(row for row in ISOLATIONS if row in inventory.runtime.isolation)
    return Situation(
        build=build,
        containers=_known(lambda: _installed(facts, "Containers")),
        hyperv=_known(lambda: _installed(facts, "Hyper-V", "Microsoft-Hyper-V")),
        hypervisor=_known(lambda: facts.known("hardware").flag("hypervisor_present")),
        vmcompute=_known(lambda: "vmcompute" in facts.known("services").section("services").data),
        runtime=_runtime(facts),
        image=image,
        no_image=why,
        isolation=wish.isolation or wanted,
        hosted=wish.hosted,
        lcow=wish.lcow,
    )


def installed(inventory: Inventory, *, build: int) -> Situation:
    """Give what holds of a node that `install` has just seen to."""
    wanted = tuple(row for row in ISOLATIONS if row in inventory.runtime.isolation)
    image, why = _image(inventory, build)
    return Situation(
        build=build,
        containers=True,
        hyperv="hyperv" in wanted,
        vmcompute=True,
        runtime="containerd",
        image=image,
        no_image=why,
        isolation=wanted,
    )


def _image(inventory: Inventory, build: int) -> tuple[str, str]:
    """Give the image that every pod of a node starts with, or why none is known."""
    try:
        return sandbox_image(inventory, build=build, support=load_support()), ""
    except ConfigError as error:
        return "", f"the inventory leads to no image: {error.message}"


def _runtime(facts: Facts) -> Runtime | None:
    """Give the runtime whose images are used; where the node did not say, containerd is asked."""
    try:
        names = facts.known("services").section("services").data
    except FactMissing:
        return "containerd"
    if "containerd" in names:
        return "containerd"
    return "docker" if names.keys() & {"docker", "com.docker.service"} else None


def _installed(facts: Facts, *names: str) -> bool:
    """Say whether a feature is installed, of which servers and clients have two names.

    Raises: FactMissing.
    """
    states = facts.known("features").section("states")
    for name in names:
        if name in states.data:
            return states.text(name) in INSTALLED
    raise FactMissing(f"the node did not report the feature {names[0]}")


def _known(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except FactMissing:
        return None
