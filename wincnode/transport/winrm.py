"""The messages of a WinRM shell, one method each; with wire.py the only user of pywinrm."""

from __future__ import annotations

import base64
import contextlib
import ssl
import struct
import uuid
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import requests
import spnego.exceptions
import urllib3.exceptions
import winrm.protocol
import xmltodict
from winrm.exceptions import (
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)

from wincnode.errors import BadReply, NodeError, NotLetIn
from wincnode.transport import ConnectionLost, ConnectionSettings, endpoint, errors_map
from wincnode.transport.certificate import peer_certificate, untrusted
from wincnode.transport.wire import Wire

# The default MaxEnvelopeSizekb since Server 2012 R2 (winrm-fs README); pywinrm declares 153600,
# which makes the node cut its output into four times as many replies.
MAX_ENVELOPE_BYTES = 512_000
CLEANUP_TIMEOUTS_S = (2.0, 5.0)
_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_RESOURCE = f"{_SHELL}/cmd"
_RECEIVE = f"{_SHELL}/Receive"
_SEND = f"{_SHELL}/Send"
# Where the bytes of a Send go; xmltodict takes a third of its time for what is 0.5 MB long.
_DATA = "{DATA}"
# What pywinrm, requests-ntlm and ElementTree raise when a stranger answers something odd.
_ODD_REPLY = (
    *(AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError),
    *(ET.ParseError, WinRMError, struct.error),
)

# pywinrm derives them from RequestException; they can be imported only where pykerberos is.
_KERBEROS_ERRORS = frozenset({"KerberosExchangeError", "MutualAuthenticationError"})


class _Messages(winrm.protocol.Protocol):
    """pywinrm's SOAP over our wire, with the envelope size that Windows allows."""

    def __init__(self, settings: ConnectionSettings) -> None:
        # pywinrm makes a Transport of its own here, which never opens anything; Kerberos is the
        # scheme for which it demands no password.
        super().__init__(
            endpoint.endpoint_url(settings),
            transport="kerberos",
            operation_timeout_sec=settings.operation_timeout_s,
            read_timeout_sec=int(settings.read_timeout_s) + 1,
        )
        self.wire = Wire(settings)
        self.transport = self.wire

    def build_wsman_header(
        self,
        action: str,
        resource_uri: str,
        shell_id: str | None = None,
        message_id: str | uuid.UUID | None = None,
    ) -> dict[str, Any]:
        header = super().build_wsman_header(action, resource_uri, shell_id, message_id)
        header["env:Header"]["w:MaxEnvelopeSize"]["#text"] = str(MAX_ENVELOPE_BYTES)
        return header

    def send_input(self, shell: str, command_id: str, data: bytes, *, end: bool) -> None:
        """Send a part of stdin; it is base64, so that nothing in it has to be escaped."""
        envelope = self.build_wsman_header(_SEND, _RESOURCE, shell)
        stream = {
            "@Name": "stdin",
            "@CommandId": command_id,
            "@End": "true" if end else "false",
            "#text": _DATA,
        }
        envelope["env:Body"] = {"rsp:Send": {"rsp:Stream": stream}}
        head, tail = xmltodict.unparse({"env:Envelope": envelope}).split(_DATA)
        self.send_message(f"{head}{base64.b64encode(data).decode()}{tail}")

    def receive_message(self, shell: str, command_id: str) -> tuple[str, str]:
        """Return a Receive and its MessageID; sent twice, it gets the same output twice."""
        envelope = self.build_wsman_header(_RECEIVE, _RESOURCE, shell)
        stream = {"@CommandId": command_id, "#text": "stdout stderr"}
        envelope["env:Body"] = {"rsp:Receive": {"rsp:DesiredStream": stream}}
        message_id = str(envelope["env:Header"]["a:MessageID"])
        return message_id, xmltodict.unparse({"env:Envelope": envelope})


@contextlib.contextmanager
def _mapped(  # noqa: C901 - one branch per library
    settings: ConnectionSettings, *, started: bool
) -> Iterator[None]:
    """Turn what the libraries raise into errors of ours."""
    node = endpoint.node_name(settings)
    try:
        yield
    except NodeError:
        raise
    except WSManFaultError as err:
        code = err.wsman_fault_code if err.wsman_fault_code is not None else err.wmierror_code
        raise errors_map.fault_error(node, errors_map.Fault(code=code, reason=err.reason)) from err
    except WinRMTransportError as err:
        scheme, auth = settings.scheme, settings.auth
        text = err.response_text
        raise errors_map.http_error(node, err.code, text, scheme=scheme, auth=auth) from err
    except (requests.RequestException, urllib3.exceptions.HTTPError) as err:
        raise _link_error(settings, err, started=started) from err
    except spnego.exceptions.SpnegoError as err:
        if started:
            raise ConnectionLost(f"{node}: a reply does not unseal") from err
        said = errors_map.sanitised(str(err))
        raise NotLetIn(f"{node}: {settings.auth} failed: {said}", id="link.auth") from err
    except PermissionError as err:
        raise errors_map.not_let_in(
            node, auth=settings.auth, user=settings.user, offered=frozenset()
        ) from err
    except OSError as err:
        raise _link_error(settings, err, started=started) from err
    except WinRMOperationTimeoutError as err:
        raise BadReply(f"{node}: WinRM did not do it in time", id="link.timeout") from err
    except _ODD_REPLY as err:
        said = errors_map.sanitised(str(err))
        message = f"{node}: a reply that WinRM does not send ({type(err).__name__}: {said})"
        raise BadReply(message, id="link.bad-reply") from err


def _link_error(settings: ConnectionSettings, err: Exception, *, started: bool) -> NodeError:
    node, causes = endpoint.node_name(settings), tuple(errors_map.causes_of(err))
    unverified = [c for c in causes if isinstance(c, ssl.SSLCertVerificationError)]
    pinned = bool(settings.fingerprint) and "Fingerprints did not match" in str(err)
    if unverified or pinned:
        host, port = endpoint.host_of(settings.address), endpoint.port_of(settings)
        shown = peer_certificate(host, port, settings.connect_timeout_s)
        why = unverified[0].verify_message if unverified else ""
        return untrusted(node, why, shown, pin=settings.fingerprint if pinned else "")
    if settings.auth == "kerberos" and type(err).__name__ in _KERBEROS_ERRORS:
        return errors_map.kerberos_error(node, err, user=settings.user)
    if settings.auth == "certificate" and errors_map.alert_on_certificate(causes):
        return errors_map.not_let_in(
            node, auth=settings.auth, user=settings.user, offered=frozenset()
        )
    timeout_s = settings.connect_timeout_s
    error = errors_map.link_error(node, err, connect_timeout_s=timeout_s, started=started)
    # A TLS port hangs up on plain http without a word; whether it is one, a handshake tells.
    if settings.scheme == "http" and not started and error.id == ConnectionLost.id:
        host, port = endpoint.host_of(settings.address), endpoint.port_of(settings)
        if peer_certificate(host, port, timeout_s) is not None:
            return errors_map.is_tls(node)
    return error


class Link:
    """One shell service of one node: each method is one message, each failure one of our errors."""

    def __init__(self, settings: ConnectionSettings) -> None:
        endpoint.refuse_contradictions(settings)
        self._settings = settings
        with _mapped(settings, started=False):
            self._messages = _Messages(settings)

    def open_shell(self) -> str:
        """Open a shell whose programs write UTF-8, and return its id."""
        with _mapped(self._settings, started=False):
            return _named(self._messages.open_shell(codepage=65001), "ShellId")

    def start(self, shell: str, command: str) -> str:
        """Start a command with a pipe as its stdin, and return its id."""
        with _mapped(self._settings, started=True):
            started = self._messages.run_command(shell, command, console_mode_stdin=False)
            return _named(started, "CommandId")

    def send(self, shell: str, command_id: str, data: bytes, *, end: bool) -> None:
        """Append to the command's stdin; `end` closes it."""
        with _mapped(self._settings, started=True):
            self._messages.send_input(shell, command_id, data, end=end)

    def receive_message(self, shell: str, command_id: str) -> tuple[str, str]:
        """Return a Receive's MessageID and text, for `receive`."""
        return self._messages.receive_message(shell, command_id)

    def receive(self, message: str) -> bytes | None:
        """Return the reply to a Receive; None when there is no output yet."""
        with _mapped(self._settings, started=True):
            try:
                return self._messages.send_message(message)
            except WinRMOperationTimeoutError:
                return None

    def terminate(self, shell: str, command_id: str) -> None:
        """Say that the command's output was taken, and end it when it still runs."""
        with self._hurried(), _mapped(self._settings, started=True):
            self._messages.cleanup_command(shell, command_id)

    def delete(self, shell: str) -> None:
        """Delete the shell."""
        with self._hurried(), _mapped(self._settings, started=True):
            self._messages.close_shell(shell, close_session=False)

    def drop(self) -> None:
        """Close the connection; the next message makes a new one, and logs on again."""
        self._messages.wire.close_session()

    @contextlib.contextmanager
    def _hurried(self) -> Iterator[None]:
        wire = self._messages.wire
        usual, wire.timeouts_s = wire.timeouts_s, CLEANUP_TIMEOUTS_S
        try:
            yield
        finally:
            wire.timeouts_s = usual


def _named(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"no {what}")
    return value
