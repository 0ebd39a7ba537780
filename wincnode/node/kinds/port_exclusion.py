"""Ports that Windows keeps for whoever asks for them by their numbers."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind, presence
from wincnode.node.kinds.port_range import FAMILY, LAST_PORT, PROTOCOL, beyond

KIND = Kind(
    name="port_exclusion",
    doc="Ports that nobody is given at random: they stay for who asks for them by number.",
    rule=beyond,
    example="{protocol: tcp, family: ipv4, start: 30000, count: 2768}",
    fields=(
        PROTOCOL,
        FAMILY,
        Field(
            name="start",
            type="number",
            role="key",
            required=True,
            minimum=1,
            maximum=LAST_PORT,
            doc="First port.",
        ),
        Field(
            name="count",
            type="number",
            role="key",
            required=True,
            minimum=1,
            maximum=LAST_PORT,
            doc="How many ports.",
        ),
        presence("Whether they are kept; ports that are in use cannot be."),
    ),
)
