"""The name of the machine."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind

# A node's name is the host name in lower case, a DNS-1123 label:
# github.com/kubernetes/kubernetes staging/src/k8s.io/component-helpers/node/util/hostname.go.
# 15 characters: learn.microsoft.com/windows/win32/sysinfo/computer-names. Windows takes no name of
# digits alone: github.com/reactos/reactos modules/rostests/apitests/kernel32/SetComputerNameExW.c
NAME = r"(?!\d+$)[A-Za-z0-9]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?"

KIND = Kind(
    name="hostname",
    doc="The machine's name, under which its node is registered; it holds after a reboot.",
    example="{name: win-1}",
    fields=(
        Field(
            name="name",
            type="text",
            role="want",
            compare="text",
            required=True,
            pattern=NAME,
            form="a name of at most 15 letters, digits and hyphens, not of digits alone",
            doc="The name. SYSTEM may not rename a member of a domain: do that in the domain.",
        ),
    ),
)
