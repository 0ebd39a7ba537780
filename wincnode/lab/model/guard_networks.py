"""Networks of HNS as a guard notes them and puts them back, as guard.ps1 does it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from wincnode.lab.model import hns_networks
from wincnode.lab.model.failures import Failure
from wincnode.lab.windows import hns_rules as rules
from wincnode.lab.windows.hns import EXTERNAL, Hns
from wincnode.lab.windows.hns_rules import HnsError
from wincnode.lab.windows.machine import Machine
from wincnode.node.kinds.hns_network import KIND

Row: TypeAlias = Mapping[str, Any]


def noted(machine: Machine, plan: Row) -> list[Row]:
    """Give all networks, where the plan is about any; a machine whose HNS is off has none.

    Raises: Failure.
    """
    if not _steps(plan):
        return []
    hns = machine.hns
    try:
        return [dict(hns.query("network", id)) for id in hns.enumerate("network")]
    except HnsError as error:
        if error.code == rules.NOT_REGISTERED:
            return []
        raise Failure(f"HcnEnumerateNetworks gave {error}.") from error


def answers(hns: Hns) -> bool:
    """Tell whether HNS does; of one that is off nobody knows what networks it keeps."""
    try:
        hns.enumerate("network")
    except HnsError:
        return False
    return True


def adapters_of(plan: Row, note: Row) -> list[str]:
    """Give the adapters of the plan's networks; "" for one that does not say where it lies."""
    rows: list[Row] = []
    for step in _steps(plan):
        rows += [row for row in note["networks"] if row["Name"] == step["key"]["name"]]
        if isinstance(text := step["want"].get("document"), str):
            rows.append(json.loads(text))
    return [rules.adapter(row) for row in rows if row.get("Type") in EXTERNAL]


def restore(machine: Machine, plan: Row, note: Row) -> list[str]:
    """Put back those networks that the steps are about; gives what failed."""
    names = {row["key"]["name"] for row in _steps(plan)}
    if not names:
        return []
    hns, left = machine.hns, []
    if not answers(hns):
        if not note["hns"]:
            return []
        # Early in a boot it may be off, and its networks are there all the same.
        machine.services.start("hns")
        if not answers(hns):
            return ["networks: HNS does not answer."]
    now = {row["ID"]: row for row in hns.documents("network") if row["Name"] in names}
    had = {row["ID"]: row for row in note["networks"] if row["Name"] in names}
    for id in now.keys() - had.keys():
        try:
            hns_networks.remove(hns, id)
        except HnsError as error:
            left.append(f"network {now[id]['Name']}: {error}")
    for id in had.keys() - now.keys():
        try:
            hns_networks.create(hns, had[id])
        except HnsError as error:
            left.append(f"network {had[id]['Name']}: {error}")
    return left


def _steps(plan: Row) -> Sequence[Row]:
    return [row for row in plan["steps"] if row["kind"] == KIND.name]
