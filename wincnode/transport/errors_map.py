"""What went wrong on a link, said in our words: HTTP answers, WS-Man faults, sockets, TLS."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wincnode.errors import BadReply, NodeError, NodeRefused, NodeUnreachable, NotLetIn
from wincnode.transport import ConnectionLost, resolver

# Codes: wsmerror.h; their shapes: [MS-WSMV] 2.2.4.43, WinRb/WinRM tests/spec/stubs/responses.
OPERATION_TIMEOUT = 2150858793
SHELL_GONE = 2150858843
ACCESS_DENIED = 5
BUSY = 170
# ERROR_WSMAN_QUOTA_*: the service's own, then those of the plugin that runs shells; each with its
# setting: learn.microsoft.com/windows/win32/winrm/quotas, .../winrm/quotas-for-remote-shells
_QUOTAS = {
    2150859173: "shells (MaxShellsPerUser)",
    2150859174: "operations (MaxConcurrentOperationsPerUser)",
    2150859175: "requests for each user",
    2150859176: "requests",
    2150859179: "users (MaxConcurrentUsers)",
    2150859236: "shells (MaxShellsPerUser of the plugin)",
    2150859237: "users (MaxConcurrentUsers of the plugin)",
    2150859238: "shells (MaxShells of the plugin)",
    2150859239: "operations (MaxConcurrentOperations of the plugin)",
    2150859240: "operations (MaxConcurrentOperationsPerUser of the plugin)",
    2150859241: "commands (MaxConcurrentCommandsPerShell of the plugin)",
}
_SHELLS_FORBIDDEN = 2150859180
_COMMAND_TOO_LONG = 2147942606
_CERTIFICATE_ALERTS = (
    *("BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REVOKED", "CERTIFICATE_EXPIRED"),
    *("CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "ACCESS_DENIED"),
)
_LOGON_FAILURE = 0xC000006D  # [MS-ERREF] 2.3.1
_SHOWN_CHARACTERS = 200

_SCHEMES_FOR = {
    "basic": {"basic"},
    "ntlm": {"negotiate", "ntlm"},
    "kerberos": {"negotiate", "kerberos"},
    "credssp": {"credssp"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A SOAP fault: its code, from WSManFault or from MSFT_WmiError, and the node's own words."""

    code: int | None
    reason: str


def sanitised(text: str, limit: int = _SHOWN_CHARACTERS) -> str:
    """Return a stranger's text safe for a terminal: printable, one line, cut."""
    shown = "".join(c if c.isprintable() else " " for c in text[: limit * 20])
    return " ".join(shown.split())[:limit]


def fault_error(node: str, fault: Fault) -> NodeError:  # noqa: PLR0911 - one return per code
    """Return the error for a WS-Man fault; texts are in the node's language, so codes decide."""
    said = sanitised(fault.reason)
    code = fault.code
    if code == ACCESS_DENIED:
        return NotLetIn(
            f"{node}: the account may log on but not run commands (access denied, 5)",
            remedy="Use a member of Administrators; a local one other than the built-in needs"
            " LocalAccountTokenFilterPolicy=1, which also lets its hash be passed.",
            id="link.access-denied",
        )
    if code in _QUOTAS:
        return NodeRefused(
            f"{node}: the node's limit of WinRM {_QUOTAS[code]} is used up ({code}): {said}",
            remedy="It was waited for, and nobody's session was ended. Wait for other sessions to"
            " end, or end them on the node: restarting WinRM there ends all. `winrm get"
            " winrm/config` there shows the limits.",
            id="link.quota",
        )
    if code == _SHELLS_FORBIDDEN:
        return NodeRefused(
            f"{node}: the node forbids remote shells (AllowRemoteShellAccess is false)",
            remedy="Allow remote shell access in the node's WinRM policy.",
            id="link.shells-forbidden",
        )
    if code == SHELL_GONE:
        return ConnectionLost(
            f"{node}: the remote shell is gone (WinRM restarted, or it was idle for too long)",
            remedy="Attach to the run again.",
            id="link.shell-gone",
        )
    if code == BUSY:
        return NodeRefused(f"{node}: the command has not taken its last input yet", id="link.busy")
    if code == _COMMAND_TOO_LONG:
        return NodeRefused(f"{node}: the command line is too long for Windows", id="link.fault")
    return NodeRefused(f"{node}: WinRM fault {code}: {said}", id="link.fault")


def http_error(node: str, status: int, body: str, *, scheme: str, auth: str) -> NodeError:
    """Return the error for an HTTP answer that is neither success, 401 nor a SOAP fault."""
    shown = sanitised(body)
    if status == 413:
        return NodeRefused(
            f"{node}: a message was larger than the node's MaxEnvelopeSizekb",
            remedy="Raise MaxEnvelopeSizekb on the node to 500, the default since 2012 R2.",
            id="link.envelope",
        )
    if status in (425, 429, 503):
        # A proxy in between answers so too; its page tells.
        return NodeUnreachable(
            f"{node}: WinRM is starting or overloaded (HTTP {status})"
            + (f"; what answers says: {shown}" if shown else ""),
            remedy="Try again in a minute; if the words are not of Windows, see what is between.",
            id="link.starting",
        )
    if status == 500 and not shown and scheme == "http" and auth != "basic":
        return NotLetIn(
            f"{node}: the node refused a message that it took for unencrypted",
            remedy="Use https.",
            id="link.unencrypted",
        )
    return not_winrm(node, f"HTTP {status}", body)


def not_winrm(node: str, what: str, body: str) -> BadReply:
    """Return the error for something that answers, but not with WS-Management."""
    return BadReply(
        f"{node}: what answers is not WinRM ({what}): {sanitised(body) or 'an empty answer'}",
        remedy="Check address and port: WinRM listens on 5986 (https) and 5985 (http).",
        id="link.not-winrm",
    )


def not_let_in(node: str, *, auth: str, user: str, offered: frozenset[str]) -> NotLetIn:
    """Return the error for HTTP 401, told apart by the schemes that the node offered."""
    if auth == "certificate":
        return NotLetIn(
            f"{node}: the node does not accept the client certificate",
            remedy="Map it under WSMan:\\localhost\\ClientCertificate and enable Certificate"
            " authentication there.",
            id="link.certificate-auth",
        )
    if offered and not offered & _SCHEMES_FOR[auth]:
        names = ", ".join(sorted(offered))
        return NotLetIn(
            f"{node}: the node does not offer {auth}; it offers {names}",
            remedy=f"{_instead(offered)}, or enable {auth} on the node.",
            id="link.scheme",
        )
    if auth == "kerberos":
        return NotLetIn(
            f"{node}: the node refused the Kerberos ticket of {user}",
            remedy="See with `klist` whose ticket is used and for which name of the node; the"
            " node must be in that realm, and the account one of its administrators.",
            id="link.ticket",
        )
    return NotLetIn(
        f"{node}: the node refused the password of {user}; one attempt was made",
        remedy="Check user and password before another attempt: failed ones count towards the"
        " account's lock-out. UAC's token filter also refuses local accounts, and a proxy that"
        " ends TLS on the way breaks the channel binding of all.",
        id="link.password",
    )


def _instead(offered: frozenset[str]) -> str:
    """Say which setting of a connection goes with what a node offers."""
    auths = [auth for auth, names in _SCHEMES_FOR.items() if offered & names]
    # NTLM and Kerberos seal their messages; of two that do, the one that needs no realm.
    best = next((auth for auth in ("ntlm", "kerberos", "credssp", "basic") if auth in auths), "")
    if not best:
        return "Nothing that it offers is known to wincnode: enable Negotiate there"
    also = ", over https alone" if best == "basic" else ""
    return f"Set `auth: {best}` of the node's connection{also}"


def credssp_error(node: str, err: BaseException, *, user: str, offered: frozenset[str]) -> NotLetIn:
    """Return the error for a CredSSP handshake that failed.

    A refused password is an NTSTATUS inside the handshake, not a 401:
    github.com/diyan/pywinrm/issues/235
    """
    # requests-credssp keeps only some codes; the others are in what it was raised from.
    inner = getattr(err.__cause__, "base_error", None)
    status: int = getattr(err, "status", 0) or getattr(inner, "winerror", 0)
    if "credssp" not in offered or status & 0xFFFFFFFF == _LOGON_FAILURE:
        return not_let_in(node, auth="credssp", user=user, offered=offered)
    return NotLetIn(
        f"{node}: CredSSP failed: {sanitised(str(err))}",
        remedy="See the failed logons in the node's security log; ntlm needs less of the node.",
        id="link.auth",
    )


def kerberos_error(node: str, err: BaseException, *, user: str) -> NotLetIn:
    """Return the error for a ticket that could not be had or used; GSSAPI's last text says why."""
    parts = err.__context__.args if err.__context__ is not None else ()
    texts = [part[0] for part in parts if isinstance(part, tuple) and part]
    said = sanitised(str(texts[-1] if texts else err))
    # krb5/krb5:src/lib/krb5/error_tables/krb5_err.et (KRB5KRB_AP_ERR_SKEW,
    # KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN)
    if "clock skew too great" in said.lower():
        return NotLetIn(
            f"{node}: Kerberos failed: {said}",
            remedy="Set the clocks of this host, of the node and of the domain controller: they"
            " may differ by 5 minutes at most (`timedatectl` here, `w32tm /resync` there).",
            id="link.clock-skew",
        )
    if re.search(r"server.*not found in kerberos database", said, re.IGNORECASE):
        return NotLetIn(
            f"{node}: Kerberos failed: {said}",
            remedy="Give the node by the name that it has in its realm, not by an address or an"
            " alias; `setspn -L COMPUTER` there lists the names under HTTP/ and WSMAN/.",
            id="link.spn",
        )
    return NotLetIn(
        f"{node}: Kerberos failed: {said}",
        remedy=f"Get a ticket with `kinit {user}`. The inventory must have the node's name in"
        " its realm, not an address, and the clocks may differ by 5 minutes at most.",
        id="link.auth",
    )


def link_error(
    node: str, err: BaseException, *, connect_timeout_s: float, started: bool
) -> NodeError:
    """Return the error for a broken or never made connection.

    Args: started: something may run on the node already, so that the link is lost, not absent.
    """
    unreachable = ConnectionLost if started else NodeUnreachable
    causes = tuple(causes_of(err))
    names = {type(cause).__name__ for cause in causes}
    if any(isinstance(cause, ssl.SSLError) for cause in causes) and "WRONG_VERSION" in repr(causes):
        return NodeUnreachable(
            f"{node}: the port does not speak TLS",
            remedy="https belongs to port 5986; 5985 speaks http.",
            id="link.not-tls",
        )
    unresolved = next((cause for cause in causes if isinstance(cause, socket.gaierror)), None)
    if unresolved is not None:
        said = sanitised(unresolved.strerror or "")
        what = f"its name is not known to {resolver.asked()}: {said}"
        remedy = "Check the name, or set address to an IP address."
        name = "name"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        what = "connection refused; nothing listens on this port"
        remedy = "Start the WinRM service and its listener (Enable-PSRemoting), or check the port."
        name = "refused"
    elif names & {"ConnectTimeoutError", "ConnectTimeout"} or (
        isinstance(err, TimeoutError) and not started
    ):
        what = f"no answer within {connect_timeout_s:g} s"
        remedy = "The node is off, or a firewall drops the packets: open the port on the way there."
        name = "no-answer"
    elif names & {"ReadTimeout", "ReadTimeoutError"} and not started:
        what = "it takes connections and answers nothing"
        remedy = "See whether WinRM listens on this port, or something in front of it; restarting"
        remedy += " the WinRM service on the node helps where it hangs."
        name = "silent"
    elif names & {"ReadTimeout", "ReadTimeoutError"}:
        what, remedy, name = "it stopped answering", "See whether the node is still up.", "lost"
    else:
        what = f"the connection broke ({sanitised(str(causes[-1])) or type(err).__name__})"
        remedy = "See whether the node is still up."
        name = "lost"
    return unreachable(f"{node}: {what}", remedy=remedy, id=f"link.{name}")


def is_tls(node: str) -> NodeUnreachable:
    """Return the error for a port that speaks TLS where plain http was sent to it."""
    return NodeUnreachable(
        f"{node}: the port speaks TLS, and plain http was sent to it",
        remedy="Port 5986 speaks https only: set `scheme: https` of the node's connection, or the"
        " port of http, 5985.",
        id="link.tls",
    )


def alert_on_certificate(causes: Sequence[BaseException]) -> bool:
    """Tell whether the node ended the TLS handshake because of our certificate: RFC 5246 7.2.2."""
    reasons = [cause.reason or "" for cause in causes if isinstance(cause, ssl.SSLError)]
    return any("_ALERT_" in reason and reason.endswith(_CERTIFICATE_ALERTS) for reason in reasons)


def causes_of(err: BaseException) -> Iterator[BaseException]:
    """Yield the exception and what it wraps, outermost first.

    requests and urllib3 hide the socket's own error in `reason`, in `args`, or as the context.
    """
    seen: set[int] = set()
    left: list[object] = [err]
    while left:
        cause = left.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        left += [getattr(cause, "reason", None), *cause.args, cause.__cause__ or cause.__context__]
