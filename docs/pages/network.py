"""docs/network.md: what networks of HNS expect."""

from __future__ import annotations

from pages.text import table, written
from wincnode.cluster.networks import load_networks
from wincnode.hns.features import FEATURES


def network_page() -> str:
    """Give docs/network.md: networks and the guard explained, what CNIs expect, versions of HNS."""
    expected = [
        (f"{name} {mode.name}", f"`{row.name}`", row.type, row.prefix, str(row.vsid or ""), more)
        for name, network in load_networks().items()
        for mode in network.modes.values()
        if (row := mode.external) is not None
        for more in ["; ".join(text for text in (row.caveat, row.source) if text)]
    ]
    features = [
        (f"`{name}`", ", ".join(str(span) for span in spans)) for name, spans in FEATURES.items()
    ]
    columns = ("cluster.cni", "network", "type", "prefix", "VSID", "what to know, and sources")
    text = written("network")
    return (
        text.replace("EXPECTED\n", table(columns, expected).strip() + "\n")
        + "\n## Which HNS knows what\n\nSource: microsoft/hcsshim:hcn/hcnglobals.go@7c9ff7f4.\n"
        + table(("feature", "versions of HNS"), features)
    )
