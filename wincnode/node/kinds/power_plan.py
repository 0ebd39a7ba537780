"""The power plan of the machine."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind

KIND = Kind(
    name="power_plan",
    doc="The machine's active power plan.",
    example="{plan: high_performance}",
    fields=(
        Field(
            name="plan",
            type="text",
            role="want",
            required=True,
            allowed=("balanced", "high_performance", "power_saver"),
            doc="The plan; group policy may have chosen another.",
        ),
    ),
)
