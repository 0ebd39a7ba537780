"""What facts say of a node before the ladder is tried on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wincnode.commands.situation import Wish, installed, situation
from wincnode.facts import Facts
from wincnode.hcs.rungs import Situation
from wincnode.inventory import load
from wincnode.inventory.model import Inventory

TEXT = """\
cluster:
  kubernetes: v1.36.4
runtime:
  containerd: 2.2.1
  isolation: [process, hyperv]
connection: {user: a, password: {env: P}}
nodes: {web-1: {address: 10.0.0.1}}
"""
SERVER = {"states": {"Containers": "Installed", "Hyper-V": "Available"}}
CLIENT = {"states": {"Containers": "Disabled", "Microsoft-Hyper-V": "Enabled"}}
PAUSE = "registry.k8s.io/pause:3.10.2"


def inventory(folder: Path, text: str = TEXT) -> Inventory:
    path = folder / "wincnode.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def facts(**sections: Any) -> Facts:
    return Facts(sections=sections, errors={})


def services(*names: str) -> dict[str, Any]:
    return {"services": {name: {} for name in names}}


def test_nothing_is_known_of_a_node_that_said_nothing(tmp_path: Path) -> None:
    found = situation(facts(), inventory(tmp_path), Wish(), build=20348)

    assert found == Situation(
        build=20348,
        runtime="containerd",
        image=PAUSE,
        no_image="",
        isolation=("process", "hyperv"),
    )


@pytest.mark.parametrize(
    ("features", "expected"), [(SERVER, (True, False)), (CLIENT, (False, True)), ({}, (None, None))]
)
def test_servers_and_clients_name_features_in_two_ways(
    features: dict[str, Any], expected: tuple[bool | None, bool | None], tmp_path: Path
) -> None:
    found = situation(facts(features=features), inventory(tmp_path), Wish(), build=20348)

    assert (found.containers, found.hyperv) == expected


@pytest.mark.parametrize(
    ("names", "runtime"),
    [
        (("containerd", "docker"), "containerd"),
        (("docker",), "docker"),
        (("com.docker.service",), "docker"),
        (("vmcompute",), None),
    ],
)
def test_the_runtime_is_the_service_that_is_there(
    names: tuple[str, ...], runtime: str | None, tmp_path: Path
) -> None:
    found = situation(facts(services=services(*names)), inventory(tmp_path), Wish(), build=20348)

    assert found.runtime == runtime
    assert found.vmcompute == ("vmcompute" in names)


def test_wishes_go_before_the_inventory(tmp_path: Path) -> None:
    image = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
    wish = Wish(image=image, isolation=("process",), lcow=("C:\\a", "C:\\b"))

    found = situation(
        facts(hardware={"hypervisor_present": False}), inventory(tmp_path), wish, build=20348
    )

    assert (found.image, found.isolation, found.lcow) == (image, ("process",), wish.lcow)
    assert found.hypervisor is False


def test_an_inventory_without_versions_leads_to_no_image(tmp_path: Path) -> None:
    bare = inventory(
        tmp_path, TEXT.replace("  kubernetes: v1.36.4\n", "  pod_cidr: 10.244.0.0/16\n")
    )

    found = situation(facts(), bare, Wish(), build=20348)

    assert found.image == ""
    assert found.no_image.startswith("the inventory leads to no image: ")


def test_an_install_has_seen_to_what_the_ladder_needs(tmp_path: Path) -> None:
    """The facts are from before it."""
    found = installed(inventory(tmp_path), build=26100)

    assert found == Situation(
        build=26100,
        containers=True,
        hyperv=True,
        vmcompute=True,
        runtime="containerd",
        image=PAUSE,
        no_image="",
        isolation=("process", "hyperv"),
    )
