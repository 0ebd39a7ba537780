"""Links from the product's transport to a lab server."""

from __future__ import annotations

from collections.abc import Sequence

from wincnode.lab.server import WsmanServer
from wincnode.transport import ConnectionSettings
from wincnode.transport.shell import WinrmTransport

USERS = {"alice": "pass-1"}


def link_to(server: WsmanServer, delays_s: Sequence[float] = (), **more: object) -> WinrmTransport:
    """Return a link to a lab server as alice, by NTLM unless told otherwise.

    Args: delays_s: how long a quota that is used up is waited for, each time.
    """
    settings: dict[str, object] = {
        "address": "127.0.0.1",
        "port": server.port,
        "scheme": "https" if server.encrypted else "http",
        "user": "alice",
        "password": "pass-1",
    }
    return WinrmTransport(
        ConnectionSettings(**(settings | more)),  # type: ignore[arg-type] # test data
        resend_delays_s=(0, 0),
        quota_delays_s=delays_s,
    )
