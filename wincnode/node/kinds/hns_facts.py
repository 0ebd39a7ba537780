"""What the Host Network Service has, whoever made it."""

from __future__ import annotations

from wincnode.node.kinds import Kind

KIND = Kind(
    name="hns_facts",
    doc=(
        "Tells HNS's version, networks, endpoints and namespaces in one event, and which networks"
        " are wincnode's; leaves nothing different. A check asks nothing."
    ),
    example="{}",
    brings=("calls.cs", "compile", "network.cs", "networks"),
    timeout_s=120,
    fields=(),
)
