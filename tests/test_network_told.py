"""Adapters before and after a change, as a report tells them."""

from __future__ import annotations

from wincnode.commands.network_told import notes_of
from wincnode.events import GuardConfirmed, GuardReverted, GuardWaiting

BEFORE = {
    "name": "Ethernet",
    "mac": "00-15-5D-00-00-01",
    "dhcp": False,
    "addresses": [{"address": "10.0.0.5", "prefix_length": 24, "origin": "Manual"}],
    "dns": ["10.0.0.2", "10.0.0.3"],
    "metric": 25,
    "mtu": 1500,
    "category": "Private",
    "routes": [
        {"destination": "0.0.0.0/0", "next_hop": "10.0.0.1", "metric": 256},
        {"destination": "169.254.169.254/32", "next_hop": "10.0.0.1", "metric": 1},
    ],
}
AFTER = {
    **BEFORE,
    "name": "vEthernet (Ethernet)",
    "dhcp": True,
    "category": "Public",
    "routes": BEFORE["routes"][:1],  # type: ignore[index]  # a list
}


def test_what_changed_stands_side_by_side() -> None:
    event = GuardWaiting(within_s=120, before=(BEFORE, {**BEFORE, "addresses": []}), after=(AFTER,))

    moved = "10.0.0.5/24"
    rest = "DNS 10.0.0.2, 10.0.0.3; MTU 1500; metric 25"
    assert notes_of(event) == (
        f"before: Ethernet: {moved}; static; gateway 10.0.0.1; route to the metadata; {rest}; Private",
        f"after: vEthernet (Ethernet): {moved}; by DHCP; gateway 10.0.0.1; {rest}; Public",
    )
    (back,) = notes_of(GuardReverted(reason="nobody came back", after=(BEFORE,)))
    assert back.startswith("put back: Ethernet: 10.0.0.5/24; static")
    assert notes_of(GuardConfirmed()) == ()


def test_what_came_in_another_form_is_left_out() -> None:
    odd = {"name": "x", "addresses": [1, {"address": "10.0.0.5", "prefix_length": 24}], "dns": 5}
    event = GuardWaiting(within_s=1, before=(odd, {"addresses": "x"}, {"routes": 1}), after=())

    assert notes_of(event) == ("before: x: 10.0.0.5/24; static",)
