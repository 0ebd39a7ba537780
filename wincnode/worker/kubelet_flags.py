"""Which flags a user may give to the kubelet of a Kubernetes minor: rows of `data/kubelet.yaml`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from wincnode.assets import PACKAGE
from wincnode.inventory import Inventory
from wincnode.node.kinds import MOST_LINE
from wincnode.support import line_of, numbers
from wincnode.worker.kubelet import service_command

# A field of the inventory such as `kubelet.extra_args.max-pods`, and what is wrong with it.
Mistake = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """A flag that older instructions name, and the minor whose kubelet no longer takes it."""

    name: str
    removed: str
    instead: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """What is known of flags: those that work, those that are refused, those that are gone.

    Args: own: what wincnode sets itself, and where it is asked for. unfit: why a node with that
        flag does not join.
    """

    known: tuple[str, ...]
    own: Mapping[str, str]
    unfit: Mapping[str, str]
    removed: Mapping[str, Removed]


def load_flags() -> Flags:
    """Read the table; a mistake in it is a bug of ours."""
    rows = yaml.safe_load((PACKAGE / "data" / "kubelet.yaml").read_text(encoding="utf-8"))
    return Flags(
        known=tuple(rows["flags"]),
        own={row["name"]: row["instead"] for row in rows["own"]},
        unfit={row["name"]: f"{row['because']} ({row['source']})" for row in rows["unfit"]},
        removed={row["name"]: Removed(**row) for row in rows["removed"]},
    )


def flag_mistakes(inventory: Inventory, flags: Flags) -> tuple[Mistake, ...]:
    """Say which `extra_args` the kubelet of this Kubernetes would not start with, and why."""
    minor = line_of(inventory.cluster.kubernetes or "")
    found = [*_mistakes("kubelet.extra_args", inventory.kubelet.extra_args, minor, flags)]
    for node in inventory.nodes:
        # What the node has from the defaults is told once, at the defaults.
        own = {
            name: value
            for name, value in node.kubelet.extra_args.items()
            if inventory.kubelet.extra_args.get(name) != value
        }
        found += _mistakes(f"nodes.{node.name}.kubelet.extra_args", own, minor, flags)
        if (length := len(service_command(node))) > MOST_LINE:
            problem = (
                f"its labels and kubelet.extra_args make a command line of {length} characters;"
                f" Windows takes {MOST_LINE}"
            )
            found.append((f"nodes.{node.name}", problem))
    return tuple(found)


def _mistakes(
    where: str, arguments: Mapping[str, str], minor: str, flags: Flags
) -> Iterator[Mistake]:
    for name in arguments:
        if problem := _problem(name, minor, flags):
            yield f"{where}.{name}", problem


def _problem(name: str, minor: str, flags: Flags) -> str:
    if name in flags.own:
        return f"wincnode sets --{name} itself: {flags.own[name]}"
    if name in flags.unfit:
        return f"with --{name} a node does not join: {flags.unfit[name]}"
    gone = flags.removed.get(name)
    # Without a version the newest is meant, which has none of them.
    if gone and (not minor or numbers(minor) >= numbers(gone.removed)):
        return f"Kubernetes {gone.removed} removed --{name}: {gone.instead} ({gone.source})"
    if name in flags.known or gone:
        return ""
    close = difflib.get_close_matches(name, flags.known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"the kubelet has no flag --{name} on Windows{hint}"
