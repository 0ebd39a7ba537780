"""From an inventory's connection to a transport: the place where passwords are revealed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

from wincnode.inventory.model import Node
from wincnode.lockout import Guard
from wincnode.secrets import Secret, Source, refuse_prompts, resolve
from wincnode.transport import ConnectionSettings, Transport, open_transport

Scheme = Literal["https", "http"]
Auth = Literal["ntlm", "basic", "kerberos", "credssp", "certificate"]


def connector(nodes: tuple[Node, ...], *, may_ask: bool) -> Callable[[str], Transport]:
    """Give the function that opens a node's transport.

    Each password source is asked once, here, before any thread runs: a prompt or a command
    that serves twenty nodes is answered once.

    Args: may_ask: a person is there to answer a prompt.
    Raises: ConfigError: a password cannot be had.
    """
    if not may_ask:
        refuse_prompts(f"connection.password of {node.name}" for node in nodes if _asks(node))
    by_name = {node.name: node for node in nodes}
    passwords = _passwords(nodes)
    guard = Guard()

    def connect(name: str) -> Transport:
        node = by_name[name]
        source = node.connection.password
        secret = passwords[source] if source is not None else Secret("")
        trial = guard.trial((node.connection.user, source), node=name)
        return trial.over(open_transport(_settings(node, secret, trial.begin)))

    return connect


def _asks(node: Node) -> bool:
    return node.connection.password is not None and node.connection.password.kind == "prompt"


def _passwords(nodes: tuple[Node, ...]) -> dict[Source, Secret]:
    found: dict[Source, Secret] = {}
    for node in nodes:
        source = node.connection.password
        if source is not None and source not in found:
            found[source] = resolve(source, what=f"password of {node.name}")
    return found


def _settings(node: Node, password: Secret, before_logon: Callable[[], None]) -> ConnectionSettings:
    connection = node.connection
    return ConnectionSettings(
        address=node.address or node.name,
        port=connection.effective_port,
        # The inventory's loader has held both words to their allowed values.
        scheme=cast("Scheme", connection.scheme),
        auth=cast("Auth", connection.auth),
        user=connection.user or "",
        password=password.reveal(),
        ca_file=connection.ca_file or "",
        fingerprint=connection.fingerprint or "",
        cert_file=connection.cert_file or "",
        key_file=connection.key_file or "",
        connect_timeout_s=connection.connect_timeout_s,
        allow_unencrypted=connection.allow_unencrypted,
        before_logon=before_logon,
    )
