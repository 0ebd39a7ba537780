"""What a WS-Management reply to Receive says, judged as something a stranger wrote."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from wincnode.errors import BadReply

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """The output in one reply; `done` in the command's last one."""

    stdout: bytes
    stderr: bytes
    done: bool
    exit_code: int | None


def parse_received(reply: bytes, *, message_id: str, node: str) -> Received:
    """Return what a Receive reply carries, exit codes as unsigned 32-bit numbers.

    A reply may hold several Stream elements per stream, and still has data when it is Done.
    Source: [MS-WSMV] 3.1.4.14; github.com/jborean93/pypsrp tests/tests_pypsrp/responses/*.yml.

    Raises:
        BadReply: it is not XML, answers another message, or has no stream and no state.
    """
    try:
        root = ET.fromstring(reply)  # noqa: S314 - wire.py lets no DOCTYPE and 16 MiB at most in
    except ET.ParseError as err:
        raise _bad(node, "is not XML") from err
    relates_to = root.findtext(f".//{{{ADDRESSING}}}RelatesTo", "")
    if relates_to.strip().lower() != message_id.lower():
        raise _bad(node, "answers another message")
    streams = root.findall(f".//{{{SHELL}}}Stream")
    state = root.find(f".//{{{SHELL}}}CommandState")
    if state is None and not streams:
        raise _bad(node, "has neither output nor a command state")
    output = {"stdout": bytearray(), "stderr": bytearray()}
    for stream in streams:
        name = stream.get("Name", "")
        if name not in output:
            raise _bad(node, "has a stream nobody asked for")
        output[name] += _decoded(stream.text or "", node)
    return Received(
        stdout=bytes(output["stdout"]),
        stderr=bytes(output["stderr"]),
        done=state is not None and state.get("State", "").endswith("/CommandState/Done"),
        exit_code=_exit_code(state, node),
    )


def _decoded(text: str, node: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as err:
        raise _bad(node, "has a stream that is not base64") from err


def _exit_code(state: ET.Element | None, node: str) -> int | None:
    text = "" if state is None else state.findtext(f"{{{SHELL}}}ExitCode", "").strip()
    if not text:
        return None
    try:
        return int(text[:12]) & 0xFFFFFFFF
    except ValueError as err:
        raise _bad(node, "has an exit code that is no number") from err


def _bad(node: str, what: str) -> BadReply:
    return BadReply(
        f"{node}: the reply to Receive {what}",
        remedy="See what answers at this address: it does not speak WS-Management as Windows does.",
        id="link.bad-reply",
    )
