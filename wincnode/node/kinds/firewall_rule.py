"""A rule of Windows Defender Firewall."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind, presence

# Source of the words: learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule
KIND = Kind(
    name="firewall_rule",
    doc="A rule of Windows Defender Firewall.",
    timeout_s=120,
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            pattern=r"[^|]+",
            form="a name without `|`",
            doc="Unique name of the rule, not the one that is shown.",
        ),
        presence("Whether there is to be such a rule."),
        Field(name="display_name", type="text", role="want", doc="Name shown to people."),
        Field(name="enabled", type="flag", role="want", default=True, doc="Whether it counts."),
        Field(
            name="direction",
            type="text",
            role="want",
            default="Inbound",
            allowed=("Inbound", "Outbound"),
            doc="Direction of the connections.",
        ),
        Field(
            name="action",
            type="text",
            role="want",
            default="Allow",
            allowed=("Allow", "Block"),
            doc="What happens to them.",
        ),
        Field(
            name="protocol",
            type="text",
            role="want",
            default="TCP",
            allowed=("TCP", "UDP", "Any"),
            doc="Protocol.",
        ),
        Field(
            name="local_port",
            type="texts",
            role="want",
            compare="set",
            pattern=r"[0-9]{1,5}(-[0-9]{1,5})?|Any",
            form="a list of ports such as 10250 or 30000-32767, in quotes",
            doc="Ports of the node; all where it is not given.",
        ),
        Field(
            name="remote_address",
            type="texts",
            role="want",
            compare="set",
            doc="Addresses and networks of the other side; all where it is not given.",
        ),
        Field(
            name="profile",
            type="texts",
            role="want",
            compare="set",
            allowed=("Any", "Domain", "Private", "Public"),
            doc="Network profiles in which it counts.",
        ),
    ),
)
