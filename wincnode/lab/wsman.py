"""WS-Management messages: a request is read into data, replies and faults are built from data.

Source: [MS-WSMV] 2.2.4 and 3.1.4; real exchanges in jborean93/pypsrp
tests/tests_pypsrp/responses/*.yml, whose shapes the replies follow.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from wincnode.lab.refusals import Refusal

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
WMI_ERROR = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
ANONYMOUS = f"{ADDRESSING}/role/anonymous"
CMD_SHELL = f"{SHELL}/cmd"

# Error codes: microsoft/windows-rs, the generated constants of wsmerror.h.
OPERATION_TIMED_OUT = 2150858793
UNEXPECTED_SELECTORS = 2150858843
SCHEMA_VALIDATION_ERROR = 2150858817
INVALID_RESOURCE_URI = 2150858752
ACTION_NOT_SUPPORTED = 2150858834

# What base64 of stdout may not fill of the envelope: headers, stream elements, the sealed frame.
ENVELOPE_OVERHEAD_BYTES = 4096

_NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "s": ENVELOPE,
        "a": ADDRESSING,
        "x": TRANSFER,
        "w": WSMAN,
        "rsp": SHELL,
        "f": FAULT,
        "cfg": CONFIG,
        "wsmid": IDENTITY,
    }.items()
)
_DURATION = re.compile(r"P(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)")


class MessageError(Exception):
    """The bytes are no WS-Management request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request; `name` is the last part of its action, such as Receive."""

    name: str
    action: str
    message_id: str
    resource: str
    selectors: Mapping[str, str]
    options: Mapping[str, str]
    timeout_s: float
    max_envelope_bytes: int
    body: ET.Element

    @property
    def shell_id(self) -> str:
        """The shell it speaks of; empty when it names none."""
        return self.selectors.get("ShellId", "").upper()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What goes back: a whole envelope and its HTTP status."""

    text: str
    status: int = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Streams:
    """What one Receive reply carries."""

    stdout: bytes
    stderr: bytes
    done: bool
    exit_code: int


def parse_request(data: bytes) -> Request:
    """Read an envelope.

    Raises: MessageError: it is not XML, or has neither an action nor an Identify body.
    """
    try:
        root = ET.fromstring(data)  # noqa: S314 - a test server on loopback reads its own client
    except ET.ParseError as err:
        raise MessageError(f"The request is not XML: {err}") from err
    header = _child(root, ENVELOPE, "Header")
    body = _child(root, ENVELOPE, "Body")
    action = _text(header, ADDRESSING, "Action")
    if not action and len(body) and body[0].tag.endswith("}Identify"):
        action = "Identify"
    if not action:
        raise MessageError("The request has no Action.")
    return Request(
        name=action.rpartition("/")[2],
        action=action,
        message_id=_text(header, ADDRESSING, "MessageID"),
        resource=_text(header, WSMAN, "ResourceURI"),
        selectors=_named(header, "SelectorSet", "Selector"),
        options=_named(header, "OptionSet", "Option"),
        timeout_s=parse_duration(_text(header, WSMAN, "OperationTimeout") or "PT60S"),
        max_envelope_bytes=int(_text(header, WSMAN, "MaxEnvelopeSize") or 153600),
        body=body,
    )


def parse_duration(text: str) -> float:
    """Read an xs:duration of hours, minutes and seconds.

    Raises: MessageError: it is not one.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise MessageError(f"{text!r} is not a duration.")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def command_line(request: Request) -> tuple[str, str | None]:
    """Read a Command's whole command line, and the identifier that the client chose, if any."""
    line = _child(request.body, SHELL, "CommandLine")
    parts = [_text(line, SHELL, "Command")]
    parts += [element.text or "" for element in line.findall(f"{{{SHELL}}}Arguments")]
    return " ".join(part for part in parts if part), line.get("CommandId")


def environment(request: Request) -> dict[str, str]:
    """Read the environment variables of a Create."""
    return {
        element.get("Name", ""): element.text or ""
        for element in request.body.iter(f"{{{SHELL}}}Variable")
    }


def sent(request: Request) -> tuple[str, bytes, bool]:
    """Read a Send: the command, the bytes, and whether stdin ends here.

    Raises: MessageError: the stream is not base64.
    """
    stream = _child(_child(request.body, SHELL, "Send"), SHELL, "Stream")
    try:
        data = base64.b64decode(stream.text or "")
    except binascii.Error as err:
        raise MessageError(f"The stream is not base64: {err}") from err
    # pywinrm writes True, other clients true or 1.
    end = stream.get("End", "").lower() in ("true", "1")
    return stream.get("CommandId", "").upper(), data, end


def received_command(request: Request) -> str:
    """Read which command a Receive asks for."""
    stream = _child(_child(request.body, SHELL, "Receive"), SHELL, "DesiredStream")
    return stream.get("CommandId", "").upper()


def signalled(request: Request) -> tuple[str, str]:
    """Read a Signal: the command, and the last part of its code, such as terminate."""
    signal = _child(request.body, SHELL, "Signal")
    code = _text(signal, SHELL, "Code")
    return signal.get("CommandId", "").upper(), code.rpartition("/")[2]


def reply(request: Request, body: str) -> Reply:
    """Build the reply to a request around the XML of its body."""
    return Reply(text=_envelope(request, f"{request.action}Response", body))


def identified(product_version: str) -> Reply:
    """Build the reply to Identify, which has no header."""
    body = (
        f"<wsmid:IdentifyResponse><wsmid:ProtocolVersion>{WSMAN}</wsmid:ProtocolVersion>"
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>{escape(product_version)}</wsmid:ProductVersion>"
        "</wsmid:IdentifyResponse>"
    )
    return Reply(text=f"<s:Envelope {_NAMESPACES}><s:Header/><s:Body>{body}</s:Body></s:Envelope>")


def created(request: Request, shell_id: str) -> Reply:
    """Build the reply to Create: where the shell is, and the shell itself."""
    body = (
        f"<x:ResourceCreated><a:Address>{ANONYMOUS}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{CMD_SHELL}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{escape(shell_id)}</w:Selector></w:SelectorSet>'
        "</a:ReferenceParameters></x:ResourceCreated>"
        f"<rsp:Shell><rsp:ShellId>{escape(shell_id)}</rsp:ShellId>"
        f"<rsp:ResourceUri>{CMD_SHELL}</rsp:ResourceUri><rsp:State>Connected</rsp:State>"
        "<rsp:InputStreams>stdin</rsp:InputStreams>"
        "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
        # The default of real servers: every CreateResponse of the pypsrp recordings.
        "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut></rsp:Shell>"
    )
    return reply(request, body)


def streamed(request: Request, command_id: str, streams: Streams) -> Reply:
    """Build the reply to Receive; Done carries the exit code and the end of both streams."""
    name = quoteattr(command_id)
    body = "".join(
        f'<rsp:Stream Name="{stream}" CommandId={name}>{base64.b64encode(data).decode()}'
        "</rsp:Stream>"
        for stream, data in (("stdout", streams.stdout), ("stderr", streams.stderr))
        if data
    )
    state, code = "Running", ""
    if streams.done:
        state, code = "Done", f"<rsp:ExitCode>{streams.exit_code}</rsp:ExitCode>"
        body += "".join(
            f'<rsp:Stream Name="{stream}" CommandId={name} End="true"/>'
            for stream in ("stdout", "stderr")
        )
    body += (
        f'<rsp:CommandState CommandId={name} State="{SHELL}/CommandState/{state}">{code}'
        "</rsp:CommandState>"
    )
    return reply(request, f"<rsp:ReceiveResponse>{body}</rsp:ReceiveResponse>")


def fault(request: Request, code: int, *, subcode: str, message: str) -> Reply:
    """Build a fault with Windows' error code in its detail."""
    detail = (
        f'<f:WSManFault Code="{code}" Machine="127.0.0.1">'
        f"<f:Message>{escape(message)}</f:Message></f:WSManFault>"
    )
    return _fault(request, subcode, message, detail)


def refused(request: Request, refusal: Refusal) -> Reply:
    """Build the fault of an operation that is refused, its code where Windows puts it."""
    if not refusal.wmi:
        return fault(request, refusal.code, subcode=refusal.subcode, message=refusal.message)
    text = escape(refusal.message)
    detail = (
        f'<e:MSFT_WmiError xmlns:e="{WMI_ERROR}"><e:Message>{text}</e:Message>'
        f"<e:MessageID>HRESULT 0x{refusal.code:x}</e:MessageID>"
        f"<e:error_Code>{refusal.code}</e:error_Code><e:error_Type>HRESULT</e:error_Type>"
        f"<e:error_WindowsErrorMessage>{text}</e:error_WindowsErrorMessage></e:MSFT_WmiError>"
    )
    return _fault(request, refusal.subcode, refusal.message, detail)


def _fault(request: Request, subcode: str, message: str, detail: str) -> Reply:
    body = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>"
        f"<s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(message)}</s:Text></s:Reason>'
        f"<s:Detail>{detail}</s:Detail></s:Fault>"
    )
    return Reply(text=_envelope(request, f"{WSMAN[:-4]}/fault", body), status=500)


def _envelope(request: Request, action: str, body: str) -> str:
    return (
        f"<s:Envelope {_NAMESPACES}><s:Header><a:Action>{escape(action)}</a:Action>"
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:To>{ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(request.message_id)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


def _child(parent: ET.Element, namespace: str, name: str) -> ET.Element:
    found = parent.find(f"{{{namespace}}}{name}")
    return ET.Element(name) if found is None else found


def _text(parent: ET.Element, namespace: str, name: str) -> str:
    return (_child(parent, namespace, name).text or "").strip()


def _named(header: ET.Element, group: str, item: str) -> dict[str, str]:
    return {
        element.get("Name", ""): element.text or ""
        for element in _child(header, WSMAN, group).findall(f"{{{WSMAN}}}{item}")
    }
