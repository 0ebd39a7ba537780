"""Reboots between runs: how many nodes at once, and when a node is really back."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from wincnode import runner
from wincnode.commands.reading import quietly, read_node
from wincnode.errors import NodeError, NodeUnreachable, NotLetIn
from wincnode.events import Event, Log
from wincnode.transport import Transport

Policy = Literal["never", "if-needed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How a rebooting node is waited for, in seconds.

    Args: first_s: until it is asked for the first time. pause_s: between two questions.
    """

    first_s: float = 10
    pause_s: float = 5
    logon_pause_s: float = runner.LOGON_PAUSE_S
    timeout_s: float = 1800


class Reboots:
    """Whether nodes may reboot, and how many of a fleet at once; its threads share it.

    A node holds one of `places` while it reboots.
    """

    def __init__(
        self, policy: Policy = "never", *, at_once: int = 1, patience: Patience | None = None
    ) -> None:
        self.policy = policy
        self.patience = patience or Patience()
        self.places = threading.BoundedSemaphore(at_once)


def reboot(transport: Transport, *, node: str, boot: str, patience: Patience) -> Iterator[Event]:
    """Reboot a node and wait until it answers from another boot.

    Args: boot: what identified its boot before.
    Raises: NodeUnreachable: it did not come back in time. NodeError: it would not reboot.
    """
    began = time.monotonic()
    deadline = began + patience.timeout_s
    logons = 0
    pause = patience.first_s
    heard = yield from _told(transport, node=node)
    while True:
        if time.monotonic() + pause > deadline:
            raise NodeUnreachable(
                f"{node}: not back from its reboot after {patience.timeout_s:.0f} s",
                remedy="Look at its console; when it is up, run the command again.",
                id="node.not-back",
            )
        time.sleep(pause)
        pause = patience.pause_s
        try:
            answers = _boot(transport, node=node)
        except NotLetIn:
            logons += 1
            if logons > runner.LOGON_ATTEMPTS:
                raise
            pause = patience.logon_pause_s
            transport.log_on_again()
            continue
        except NodeError:
            continue
        if answers not in {"", boot}:
            break
        if answers and not heard:
            heard = yield from _told(transport, node=node)
    yield Log(text=f"back after {time.monotonic() - began:.0f} s")


def _told(transport: Transport, *, node: str) -> Generator[Event, None, bool]:
    """Tell a node to reboot; gives whether it has certainly heard."""
    try:
        yield from runner.reboot(transport, node=node)
    except NodeUnreachable:
        return False
    return True


def _boot(transport: Transport, *, node: str) -> str:
    """Give what identifies the node's boot; nothing is written there."""
    hello = quietly(read_node(transport, node=node, sections=())).hello
    return hello.boot if hello else ""
