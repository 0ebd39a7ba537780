"""The ports from which Windows gives outgoing connections theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value

LAST_PORT = 65535
# Bounds of the range: support.microsoft.com/kb/929851
FIRST_START, LEAST_COUNT = 1025, 255


def beyond(values: Mapping[str, Value]) -> Iterator[Problem]:
    """No port lies behind the last one."""
    start, count = values.get("start"), values.get("count")
    if isinstance(start, int) and isinstance(count, int) and start + count - 1 > LAST_PORT:
        yield "count", f"is {count}; from {start} on it takes at most {LAST_PORT - start + 1}"


PROTOCOL = Field(
    name="protocol",
    type="text",
    role="key",
    required=True,
    allowed=("tcp", "udp"),
    doc="Protocol.",
)
FAMILY = Field(
    name="family",
    type="text",
    role="key",
    required=True,
    allowed=("ipv4", "ipv6"),
    doc="Version of IP; each has a range of its own.",
)
KIND = Kind(
    name="port_range",
    doc="The dynamic ports, from which outgoing connections get theirs.",
    rule=beyond,
    example="{protocol: tcp, family: ipv4, start: 34000, count: 31536}",
    fields=(
        PROTOCOL,
        FAMILY,
        Field(
            name="start",
            type="number",
            role="want",
            required=True,
            minimum=FIRST_START,
            maximum=LAST_PORT,
            doc="First port; above 32767 it leaves the default ports of node port services free.",
        ),
        Field(
            name="count",
            type="number",
            role="want",
            required=True,
            minimum=LEAST_COUNT,
            maximum=LAST_PORT,
            doc="How many ports.",
        ),
    ),
)
