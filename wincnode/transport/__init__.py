"""Bytes to one process on a node and its lines back, whatever they travel over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from wincnode.errors import NodeUnreachable


class ConnectionLost(NodeUnreachable):
    """The link broke after work was handed over; the caller may attach to the run again."""

    id = "link.lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionSettings:
    """How one node is reached; the password is revealed only here, at the edge.

    Args:
        address: a host name or an IP literal; "" with `scheme="local"`.
        port: 0 stands for the scheme's own (5985 http, 5986 https).
        ca_file: PEM authorities to trust instead of the system's.
        fingerprint: SHA-256 of the node's certificate; trusts that certificate and no other.
        cert_file, key_file: the client certificate of `auth="certificate"`, PEM.
        allow_unencrypted: allows Basic over http, which shows the password to the network.
        max_idle_s: seconds without a message after which a connection is made anew.
        silence_s: seconds after which a command that writes nothing is taken for lost. A node's
            sections have a minute at most; of a longer step, the runner asks anew how it goes.
        before_logon: is called before the first message of a connection that carries credentials.
    """

    address: str = ""
    port: int = 0
    scheme: Literal["http", "https", "local"] = "https"
    auth: Literal["ntlm", "basic", "kerberos", "credssp", "certificate"] = "ntlm"
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    fingerprint: str = ""
    cert_file: str = ""
    key_file: str = ""
    connect_timeout_s: float = 5
    operation_timeout_s: int = 20
    read_timeout_s: float = 35
    allow_unencrypted: bool = False
    # HTTP.sys closes a connection that idles for 120 s, and firewalls forget one without a word;
    # one made new costs less than finding out.
    max_idle_s: float = 60
    silence_s: float = 150
    before_logon: Callable[[], None] = lambda: None


class Stdin(Protocol):
    """What a command gets to read: bytes, or what gives them part by part as they are sent."""

    def __len__(self) -> int:
        """Give the number of bytes."""
        ...

    def __getitem__(self, part: slice, /) -> bytes:
        """Give some of them."""
        ...


class Transport(Protocol):
    """One node's link; commands run one after the other on it, from one thread."""

    @property
    def exit_code(self) -> int | None:
        """The last command's exit code, once its lines are exhausted."""

    @property
    def stderr(self) -> bytes:
        """What the last command wrote to stderr."""
        ...

    def run(self, command: str, stdin: Stdin) -> Iterator[bytes]:
        """Yield the command's stdout lines, without their ends, as they arrive.

        `exit_code` and `stderr` are the command's once the iterator is exhausted. Closing the
        iterator early ends the command.

        Raises:
            ConnectionLost: the link broke after the command may have started.
            NodeError: the node could not be reached, refused, or sent nonsense.
        """
        ...

    def log_on_again(self) -> None:
        """Let one more attempt to log on be made after a refused one, where it may succeed now."""

    def close(self) -> None:
        """Give back what the node holds for this link; never raises."""


def open_transport(settings: ConnectionSettings) -> Transport:
    """Return the link that the settings describe; nothing is sent before the first `run`.

    Raises:
        ConfigError: the settings contradict themselves, or cannot work on this host.
    """
    # Imported here because pywinrm costs 0.3 s, which `--help` and rendering must not pay.
    if settings.scheme == "local":
        from wincnode.transport.local import LocalTransport

        return LocalTransport()
    from wincnode.transport.shell import WinrmTransport

    return WinrmTransport(settings)
