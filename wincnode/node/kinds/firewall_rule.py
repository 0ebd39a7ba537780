"""A rule of Windows Defender Firewall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value, presence

LAST_PORT = 65535
# Source of the words: ADDRESS-KEYWORD-VAL,
# learn.microsoft.com/openspecs/windows_protocols/ms-gpfas (2.2.2)
ADDRESS = (
    r"Any|LocalSubnet|DNS|DHCP|WINS|DefaultGateway"
    r"|[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3}|-[0-9A-Fa-f.:]{2,45})?"
)


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """Ports belong to TCP and UDP; a range goes upwards; Any stands alone."""
    ports = values.get("local_port")
    if isinstance(ports, list):
        if values.get("protocol") == "Any" and ports != ["Any"]:
            yield "protocol", "is Any; it takes one of TCP, UDP where local_port is given"
        numbers = [str(port) for port in ports if port != "Any"]
        if wrong := next((port for port in numbers if not _is_port(port)), None):
            yield "local_port", f"has {wrong}; ports are 1 to {LAST_PORT}, a range goes upwards"
    for field in ("local_port", "remote_address", "profile"):
        listed = values.get(field)
        if isinstance(listed, list) and "Any" in listed and len(listed) > 1:
            yield field, "has Any beside others; Any stands alone"


def _is_port(text: str) -> bool:
    first, _, last = text.partition("-")
    return 1 <= int(first) <= int(last or first) <= LAST_PORT


# Source of the words: learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule
KIND = Kind(
    name="firewall_rule",
    doc="A rule of Windows Defender Firewall.",
    rule=_rule,
    example="{name: kubelet, display_name: kubelet, protocol: TCP, local_port: ['10250']}",
    timeout_s=120,
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            # 511 characters (wszRuleId) and 10,000 (wszName):
            # learn.microsoft.com/openspecs/windows_protocols/ms-fasp (2.2.37). The cmdlets take
            # * ? [ ] and ` for a pattern, by which they would find other rules or none:
            # learn.microsoft.com/powershell/module/netsecurity/remove-netfirewallrule
            pattern=r"[^|*?\[\]`\x00-\x1f]{1,511}",
            form="a name of at most 511 characters without | * ? [ ] and `",
            doc="Unique name of the rule, not the one that is shown.",
        ),
        presence("Whether there is to be such a rule."),
        Field(
            name="display_name",
            type="text",
            role="want",
            # "cannot be set to All": the page of remove-netfirewallrule
            pattern=r"(?!(?i:All)$)[^|\x00-\x1f]{1,10000}",
            form="at most 10000 characters on one line, without |, and not All",
            doc="Name shown to people.",
        ),
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
            pattern=ADDRESS,
            form="a list of addresses such as 10.0.0.0/8, or words such as LocalSubnet",
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
