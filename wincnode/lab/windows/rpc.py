"""The wire between a machine's model and the stand-ins of cmdlets in its PowerShell processes.

A request and its reply are a line of JSON each, over loopback:
{"token", "cmdlet", "bound"} -> {"rows"}, and where it went wrong
{"error": {"message", "id", "category"}} beside them.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socketserver
import threading
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from wincnode.lab.windows import programs
from wincnode.lab.windows.cmdlets import CmdletError, call
from wincnode.lab.windows.machine import Machine


class Rpc:
    """Answers calls on one machine's model until it is closed."""

    def __init__(self, machine: Machine) -> None:
        self._token = secrets.token_hex(16)
        self._server = _Server(machine, self._token)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    @property
    def address(self) -> str:
        """What a process of the machine needs to call: port and token."""
        return f"{self._server.server_address[1]} {self._token}"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, machine: Machine, token: str) -> None:
        self.machine = machine
        self.token = token
        super().__init__(("127.0.0.1", 0), _Call)


class _Call(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        line = self.rfile.readline()
        if line:
            reply = answer(self.server.machine, self.server.token, line)
            self.wfile.write(json.dumps(reply, default=_plain).encode("ascii") + b"\n")


def answer(machine: Machine, token: str, line: bytes) -> dict[str, Any]:
    """Carry one call out; `program` runs one, whose one row is how it ended."""
    request = json.loads(line)
    if not hmac.compare_digest(str(request["token"]), token):
        return _error("This process is not of the machine.", "Token", "SecurityError")
    name, bound = request["cmdlet"], request["bound"]
    if name == "program":
        ended = programs.answer(machine, bound["name"], bound["version"], bound["words"])
        return {"rows": [asdict(ended)]}
    try:
        return {"rows": call(machine, name, bound)}
    except CmdletError as error:
        return _error(error.message, error.id, error.category) | {"rows": error.rows}
    except LookupError as error:
        return _error(f"The lab does not model {name}: {error!r}", "NotModelled", "NotImplemented")


def _error(message: str, id: str, category: str) -> dict[str, Any]:
    return {"rows": [], "error": {"message": message, "id": id, "category": category}}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    raise TypeError(type(value).__name__)
