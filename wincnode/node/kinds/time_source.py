"""Where the machine takes its time from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """Servers belong to ntp; a domain names its own."""
    if values.get("type") == "ntp" and not values.get("servers"):
        yield "servers", "missing; it takes a list of servers where type is ntp"
    if values.get("type") == "domain" and "servers" in values:
        yield "servers", "given where type is domain; the domain names its own"


KIND = Kind(
    name="time_source",
    doc="Where the Windows Time service takes its time from; a step of kind service keeps it up.",
    rule=_rule,
    example="{servers: [0.pool.ntp.org, 1.pool.ntp.org]}",
    fields=(
        Field(
            name="type",
            type="text",
            role="want",
            default="ntp",
            allowed=("ntp", "domain"),
            doc="ntp asks the servers given here, domain those of the machine's domain.",
        ),
        Field(
            name="servers",
            type="texts",
            role="want",
            compare="set",
            pattern=r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?",
            form="a list of names or addresses such as time.example.com",
            doc="Time servers; they are asked as NTP has it, not at one fixed interval.",
        ),
    ),
)
