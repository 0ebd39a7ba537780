"""Which certificate a node shows now, and pinning it: no credentials are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wincnode import fleet
from wincnode.commands.inspect import failed
from wincnode.errors import ConfigError, UntrustedNode, WincnodeError
from wincnode.fleet import Stop
from wincnode.inventory import ansible, marks, pins
from wincnode.inventory.model import Inventory, Node
from wincnode.report import NodeReport, Report, Status
from wincnode.transport.certificate import Shown, in_pairs, presented
from wincnode.transport.endpoint import normal_fingerprint, place

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a node shows, beside what is pinned.

    Args: pin: the SHA-256 that the inventory has for it, its own or that of all; "" if none.
    """

    node: str
    place: str
    shown: Shown
    pin: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """What a person compares."""
        shown = self.shown
        times = f"{shown.since:%Y-%m-%d} to {shown.until:%Y-%m-%d}" if shown.until else "not told"
        return (
            f"{self.place} shows {shown.subject} for {shown.names or 'no names'}, valid {times}",
            f"SHA-256 of what it shows: {shown.sha256}",
            f"SHA-256 that is pinned: {self.pin or 'none'}",
        )

    @property
    def known(self) -> bool:
        """Whether it is the one that is pinned."""
        return self.pin == self.shown.sha256


# Tells whether a certificate is the node's own; a person, or a SHA-256 from elsewhere, knows.
Decide = Callable[[Seen], bool]
Put = Callable[[Path, bytes], None]


def expects(text: str) -> Decide:
    """Give what takes one certificate alone.

    Raises: ConfigError: the text is no SHA-256; later UntrustedNode, where another one is shown.
    """
    wanted = in_pairs(normal_fingerprint(text))
    if not wanted:
        raise ConfigError(
            "the expected SHA-256 is empty",
            remedy="Read it on the node itself; docs/security.md says how.",
            id="link.fingerprint",
        )

    def decide(seen: Seen) -> bool:
        if seen.shown.sha256 != wanted:
            raise UntrustedNode(
                f"{seen.node}: {seen.place} shows another certificate than the expected one:"
                f" SHA-256 {seen.shown.sha256}",
                remedy="Read the SHA-256 on the node itself again; if it differs from this one,"
                " somebody is between you and the node.",
                id="trust.other",
            )
        return True

    return decide


def run(inventory: Inventory, nodes: Sequence[Node], decide: Decide, put: Put) -> Report:
    """Ask the nodes for their certificates side by side, then pin one after the other.

    Args: put: writes a file as a whole.
    """
    by_name = {node.name: node for node in nodes}

    def look(name: str) -> Iterator[Seen]:
        yield seen(by_name[name])

    found = dict(fleet.run(list(by_name), look, parallel=fleet.READING, stop=Stop()))
    return Report(
        command="trust",
        nodes=tuple(_pinned(inventory, name, found[name], decide, put) for name in by_name),
    )


def seen(node: Node) -> Seen:
    """Give what a node shows.

    Raises: ConfigError: it speaks plain http. NodeError: nothing answers there, or not with TLS.
    """
    connection = node.connection
    address, port = node.address or node.name, connection.effective_port
    if connection.scheme != "https":
        raise ConfigError(
            f"{node.name}: plain http shows no certificate",
            remedy="Set `scheme: https` of the node's connection (port 5986).",
            id="trust.http",
        )
    return Seen(
        node=node.name,
        place=place(address, port),
        shown=presented(address, port, connection.connect_timeout_s),
        pin=in_pairs(normal_fingerprint(connection.fingerprint or "")),
    )


def _pinned(
    inventory: Inventory, name: str, found: Seen | Exception, decide: Decide, put: Put
) -> NodeReport:
    """Give what became of one node."""
    if isinstance(found, WincnodeError):
        return failed(name, found)
    if isinstance(found, Exception):
        raise found  # a bug of ours
    try:
        told = _trusted(inventory.path, found, decide, put)
    except WincnodeError as error:
        return replace(failed(name, error), notes=found.lines)
    status: Status = "as-wanted" if found.known else "done"
    return NodeReport(node=name, status=status, notes=(*found.lines, told))


def _trusted(path: Path, seen: Seen, decide: Decide, put: Put) -> str:
    """Pin a certificate that whoever decides takes for the node's; gives what to say of it.

    Raises: UntrustedNode: it is not taken for that. ConfigError: it cannot be written.
    """
    if not decide(seen):
        raise UntrustedNode(f"{seen.node}: not trusted; nothing was written", id="trust.declined")
    if seen.known:
        return "is pinned already"
    try:
        _write(path, seen.node, seen.shown.sha256, put)
    except (ConfigError, OSError) as error:
        raise ConfigError(
            f"{seen.node}: the pin was not written: {error}",
            remedy=f"Put it into wincnode.yaml: {pins.by_hand(seen.node, seen.shown.sha256)}",
            id="trust.by-hand",
        ) from error
    return f"pinned in {path}"


def _write(path: Path, node: str, sha256: str, put: Put) -> None:
    """Write a node's pin into the inventory; comments, order and form of the rest stay.

    Raises: ConfigError: the file is Ansible's, or cannot be edited so. OSError.
    """
    if ansible.is_ansible(path):
        raise ConfigError(f"{path}: is an inventory of Ansible, which has no word for a pin")
    content, _ = marks.read_bytes(path)
    text = pins.pinned(marks.to_text(content, path), path, node=node, sha256=sha256)
    put(path, (BOM if content.startswith(BOM) else b"") + text.encode())
