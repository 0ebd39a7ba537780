"""Networks of HNS as a script that puts them back removes and makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wincnode.lab.windows.hns import Hns

# What HNS says of a network and takes in no document.
SAID_ONLY = frozenset({"Health", "Version", "State", "Telemetry"})
FOUND_POLICIES = frozenset({"ProviderAddress", "DrMacAddress"})


def remove(hns: Hns, id: str) -> None:
    """Remove a network with its endpoints.

    Raises: HnsError.
    """
    for row in hns.documents("endpoint"):
        if row["HostComputeNetwork"] == id:
            hns.delete("endpoint", str(row["ID"]))
    hns.delete("network", id)


def create(hns: Hns, document: Mapping[str, Any]) -> None:
    """Make a network as it was, under its own id.

    Raises: HnsError.
    """
    made = {name: value for name, value in document.items() if name not in SAID_ONLY}
    made["Policies"] = [
        row for row in made.get("Policies", ()) if row["Type"] not in FOUND_POLICIES
    ]
    hns.create("network", str(document["ID"]), made)
