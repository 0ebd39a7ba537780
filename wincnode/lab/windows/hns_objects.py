"""What the Host Network Service of a simulated machine does to its objects, as a state has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from wincnode.lab.windows import hns_rules as rules
from wincnode.lab.windows.hns_rules import HnsError

Row: TypeAlias = dict[str, Any]
Document: TypeAlias = Mapping[str, Any]


def add_endpoint(state: Row, document: Any, made: Row, network: str) -> None:
    """Put an endpoint on a network.

    Raises: HnsError.
    """
    of = find(state, "network", network)["document"]
    others = [
        row["document"]
        for row in state["endpoints"]
        if row["document"]["HostComputeNetwork"] == of["ID"]
    ]
    rules.endpoint(document, of, others)
    made["IpConfigurations"] = made.get("IpConfigurations") or rules.free_address(of, others)
    made.setdefault("MacAddress", f"00-15-5D-00-00-{len(others) % 256:02X}")
    made.setdefault("Policies", [])
    made.setdefault("Flags", 0)
    made["HostComputeNetwork"] = of["ID"]
    made["HostComputeNamespace"] = ""
    state["endpoints"].append({"document": made})


def add_namespace(state: Row, document: Any, made: Row) -> None:
    """Make a namespace; its number is that of its compartment, of which 1 is the host's.

    Raises: HnsError.
    """
    rules.namespace(document)
    made.setdefault("Type", "Host")
    made["NamespaceGuid"] = made["ID"]
    made["NamespaceId"] = 2 + state["made"]
    made["Resources"] = []
    state["made"] += 1
    state["namespaces"].append({"document": made})


def change_resource(state: Row, space: Row, change: str, settings: Document) -> None:
    """Add an endpoint to a namespace, or take it out.

    Raises: HnsError.
    """
    end = find(state, "endpoint", str(settings.get("EndpointId", "")))["document"]
    here = end["HostComputeNamespace"] == space["ID"]
    if change == "Remove":
        if not here:
            raise HnsError(rules.NOT_ATTACHED)
        detach(state, end["ID"])
        end["HostComputeNamespace"] = ""
        return
    if end["HostComputeNamespace"]:
        raise HnsError(rules.IN_A_NAMESPACE)
    end["HostComputeNamespace"] = space["ID"]
    space["Resources"].append({"Type": "Endpoint", "Data": {"Id": end["ID"]}})


def detach(state: Row, endpoint: str) -> None:
    """Take an endpoint out of the namespaces that name it."""
    for row in state["namespaces"]:
        row["document"]["Resources"] = [
            item for item in row["document"]["Resources"] if item["Data"]["Id"] != endpoint
        ]


def change_policies(row: Row, change: str, policies: list[Row]) -> None:
    """Add, remove or replace policies of a document.

    Raises: HnsError.
    """
    for wanted in policies:
        there = wanted in row["Policies"]
        if change == "Add" and there:
            raise HnsError(rules.POLICY_EXISTS)
        if change == "Remove" and not there:
            raise HnsError(rules.POLICY_NOT_FOUND)
        if change == "Remove":
            row["Policies"].remove(wanted)
            continue
        if change == "Update":
            row["Policies"] = [item for item in row["Policies"] if item["Type"] != wanted["Type"]]
        row["Policies"].append(wanted)


def find(state: Row, kind: str, id: str) -> Row:
    """Give the row of an object.

    Raises: HnsError: there is none.
    """
    for row in state[f"{kind}s"]:
        if row["document"]["ID"].lower() == id.lower():
            found: Row = row
            return found
    raise HnsError(rules.MISSING[kind])


def has(rows: list[Row], id: str) -> bool:
    """Say whether an id is among rows."""
    return any(row["document"]["ID"] == id for row in rows)


def bound(state: Row) -> list[str]:
    """Name the adapters that lie under a switch."""
    return list(dict.fromkeys(row["adapter"] for row in state["networks"] if row["adapter"]))


def policy(type: str, value: str) -> Row:
    """Write a policy that HNS adds by itself."""
    name = "Address" if type == "DrMacAddress" else type
    return {"Type": type, "Settings": {name: value}}


def fresh_id(state: Row) -> str:
    """Give an id that is not yet there: how HNS makes them is not told."""
    state["made"] += 1
    return f"{state['generation']:08X}-0000-4000-8000-{state['made']:012X}"


def from_v1(row: Document) -> Row:
    """Give the document of a network that a profile has as Get-HnsNetwork shows it."""
    subnets = [
        {
            "IpAddressPrefix": item["AddressPrefix"],
            "Routes": [
                {"NextHop": item.get("GatewayAddress", ""), "DestinationPrefix": "0.0.0.0/0"}
            ],
        }
        for item in row.get("Subnets", ())
    ]
    return {
        "Name": row["Name"],
        "Type": row["Type"],
        "Policies": [],
        "Ipams": [{"Type": "Static", "Subnets": subnets}] if subnets else [],
        "Flags": rules.PERSISTENT,
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }


def to_v1(document: Document) -> Row:
    """Give a network as Get-HnsNetwork shows it: microsoft/hcsshim:internal/hns/hnsnetwork.go."""
    return {
        "ID": document["ID"],
        "Name": document["Name"],
        "Type": document["Type"],
        "Subnets": [{"AddressPrefix": row["IpAddressPrefix"]} for row in rules.subnets(document)],
    }
