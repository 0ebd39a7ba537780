"""How a node is reached: one section of the inventory."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from wincnode.inventory.fields import entry
from wincnode.secrets import Source

# Source: learn.microsoft.com/windows/win32/winrm, "Installation and configuration for Windows
# Remote Management", section "Listener and service defaults".
PORTS = MappingProxyType({"https": 5986, "http": 5985})


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """How a node is reached over WinRM."""

    scheme: str = entry("text", "Transport.", default="https", allowed=("https", "http"))
    port: int | None = entry(
        "number", "TCP port; 5986 for https and 5985 for http.", minimum=1, maximum=65535
    )
    auth: str = entry(
        "text",
        "How to log on.",
        default="ntlm",
        allowed=("ntlm", "basic", "kerberos", "credssp", "certificate"),
    )
    user: str | None = entry("text", r"Account, such as `Administrator` or `CORP\ops`.")
    password: Source | None = entry(  # noqa: RUF009 - it gives a dataclass field
        "source",
        "Where the password comes from: `{env: NAME}`, `{file: PATH}` (mode 0600), "
        "`{prompt: true}` or `{command: [..]}`; never the password itself.",
    )
    ca_file: str | None = entry("path", "PEM file of the authority behind the certificates.")
    fingerprint: str | None = entry(
        "text",
        "SHA-256 of the node's certificate, trusted instead of an authority.",
        pattern=r"^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$",
        form="64 hexadecimal digits (SHA-256)",
    )
    cert_file: str | None = entry("path", "PEM file of the client certificate.")
    key_file: str | None = entry("path", "PEM file of the client certificate's key.")
    connect_timeout_s: int = entry(
        "number",
        "Seconds until an address without a connection or a first answer is given up.",
        default=5,
        minimum=1,
        maximum=600,
    )
    allow_unencrypted: bool = entry(
        "flag",
        "Allow basic over http, which sends the password readable to everyone on the way.",
        default=False,
    )

    @property
    def effective_port(self) -> int:
        """The port that is used: the given one, else the scheme's."""
        return self.port or PORTS[self.scheme]
