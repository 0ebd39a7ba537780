"""The manifests that a cluster with Windows nodes needs; no cluster is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wincnode import __version__
from wincnode.builds import Build, load_builds, supported_builds
from wincnode.cluster import render
from wincnode.cluster.kubeconfig import server_of
from wincnode.cluster.networks import load_networks
from wincnode.cluster.render import Manifest
from wincnode.cluster.wanted import Wanted, wanted
from wincnode.errors import ConfigError
from wincnode.inventory import load_settings, marks
from wincnode.inventory.model import Inventory


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What to render: nothing named means all supported builds, and every manifest."""

    inventory: Path
    builds: Sequence[int] = ()
    only: Sequence[str] = ()
    as_json: bool = False


def run(options: Options) -> str:
    """Give the manifests as one text.

    Raises: ConfigError: everything that is wrong with the inventory and the options, a line each.
    """
    what, found = manifests(options)
    if options.as_json:
        return render.json_text(found)
    return render.yaml_text(what, found, version=__version__)


def manifests(options: Options) -> tuple[Wanted, tuple[Manifest, ...]]:
    """Render the chosen manifests, and give them with what they are made of.

    Raises: ConfigError.
    """
    what, found = manifests_of(load_settings(options.inventory), chosen_builds(options.builds))
    known = render.names(what)
    for name in options.only:
        if name not in known:
            raise ConfigError(f"no manifest is called {name!r}; one of {', '.join(known)}")
    return what, tuple(row for row in found if not options.only or row.name in options.only)


def manifests_of(
    inventory: Inventory, builds: tuple[Build, ...]
) -> tuple[Wanted, tuple[Manifest, ...]]:
    """Render every manifest that an inventory wants, and give them with what they are made of.

    Raises: ConfigError.
    """
    what = _wanted(inventory, builds)
    return what, render.render(what, render.load_templates())


def chosen_builds(numbers: Sequence[int]) -> tuple[Build, ...]:
    """Give the named builds, oldest first, or all that Kubernetes supports as nodes.

    Raises: ConfigError: a number is no such build.
    """
    supported = {build.build: build for build in supported_builds(load_builds())}
    allowed = ", ".join(f"{build.build} ({build.name})" for build in supported.values())
    wrong = [number for number in numbers if number not in supported]
    if wrong:
        raise ConfigError(
            "\n".join(
                f"--build {number} is no supported node; one of {allowed}" for number in wrong
            )
        )
    return tuple(supported[number] for number in sorted({*numbers} or supported))


def _wanted(inventory: Inventory, builds: tuple[Build, ...]) -> Wanted:
    kubeconfig = inventory.cluster.kubeconfig
    # The kubeconfig is looked into only where the inventory leaves the address to it.
    ask = kubeconfig is not None and inventory.cluster.api_server is None
    found = wanted(
        inventory,
        networks=load_networks(),
        builds=builds,
        kubeconfig_server=server_of(Path(kubeconfig)) if kubeconfig is not None and ask else "",
    )
    if not isinstance(found, Wanted):
        raise ConfigError(marks.positioned(found, inventory.path), id="config.cluster")
    return found
