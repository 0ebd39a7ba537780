"""The kind `wait_for`."""

from __future__ import annotations

import json
import re
import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows import programs

ANSWER_S = 5


def get(host: Host, key: Values, want: Values) -> Found:
    """Give whether what is waited for is there."""
    state = "present" if _is_there(host, key["subject"], key["name"]) else "absent"
    settled = state == want.get("state")
    return Found(state="settled" if settled else "settling", values={"state": state})


def _is_there(host: Host, subject: str, name: str) -> bool:
    match subject:
        case "file":
            return host.disk.is_file(name)
        case "service":
            return (host.service(name) or {}).get("State") == "Running"
        case "port":
            return _listens(_port(host, int(name)))
        case "http":
            return _responds(host, name)
        case "cri":
            return _is_ready(programs.run(host.machine, name, ["--config", _config(name), "info"]))
    # No pipe is ever open on a machine without real processes.
    return False


def _config(crictl: str) -> str:
    return re.sub(r"\.exe$", ".yaml", crictl, flags=re.IGNORECASE)


def _is_ready(ended: programs.Ended) -> bool:
    if ended.code:
        return False
    rows = json.loads(ended.stdout)["status"]["conditions"]
    return [row["status"] for row in rows if row["type"] == "RuntimeReady"] == [True]


def _port(host: Host, port: int) -> int:
    """Give where a port of the machine's loopback is on the host's, which machines share."""
    return host.machine.loopback.get(port, port)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S):
            return True
    except OSError:
        return False


def _responds(host: Host, url: str) -> bool:
    parts = urlsplit(url)
    port = _port(host, parts.port) if parts.port else None
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    link = kind(parts.hostname or "", port, timeout=ANSWER_S)
    try:
        link.request("GET", parts._replace(scheme="", netloc="", fragment="").geturl() or "/")
        return link.getresponse().status < 400
    except (OSError, HTTPException):
        return False
    finally:
        link.close()
