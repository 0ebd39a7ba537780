"""pywinrm's HTTP made strict: pins, caps, no proxy, no redirect, one try per password."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters
import winrm.transport
from requests_credssp.exceptions import AuthenticationException, NTStatusException
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from winrm.exceptions import WinRMTransportError

from wincnode.errors import BadReply, ConfigError
from wincnode.transport import ConnectionSettings, endpoint, errors_map

MAX_REPLY_BYTES = 16 << 20
# What is handed to the network at once, and has the whole time limit of a send for itself: on a
# link of 2 KB/s a message of 0.5 MB takes minutes, and nothing is wrong while its bytes flow.
PART_BYTES = 4096
_SCHEMES = {"basic", "credssp", "digest", "kerberos", "negotiate", "ntlm"}


class _CappedResponse(requests.Response):
    """Stops reading a body that is larger than any WS-Management reply."""

    def iter_content(
        self, chunk_size: int | None = 1, decode_unicode: bool = False
    ) -> Iterator[Any]:
        read_bytes = 0
        for chunk in super().iter_content(chunk_size, decode_unicode):
            read_bytes += len(chunk)
            if read_bytes > MAX_REPLY_BYTES:
                self.close()
                raise BadReply(
                    f"{urlsplit(self.url).netloc}: a reply of more than {MAX_REPLY_BYTES} bytes",
                    remedy="See what answers at this address: WinRM's replies end at 0.5 MB.",
                    id="link.flood",
                )
            yield chunk


class _Http(HTTPConnection):
    """Sends in parts."""

    def send(self, data: Any) -> None:
        for part in _parts(data):
            super().send(part)


class _Https(HTTPSConnection):
    """Sends in parts."""

    def send(self, data: Any) -> None:
        for part in _parts(data):
            super().send(part)


def _parts(data: Any) -> Iterator[Any]:
    """Cut bytes; anything else is not cut."""
    if not isinstance(data, bytes):
        yield data
        return
    for at in range(0, len(data), PART_BYTES):
        yield data[at : at + PART_BYTES]


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(requests.adapters.HTTPAdapter):
    """One connection; a pin is checked in the handshake, before any request leaves.

    Args: offered: collects the schemes that the node names in its challenges.
    """

    def __init__(self, settings: ConnectionSettings, offered: set[str]) -> None:
        self._offered = offered
        self._patience_s = settings.connect_timeout_s
        self._answered = self._logged_on = False
        self._before_logon = settings.before_logon
        self._challenge: requests.Response | None = None
        self._tls: dict[str, object] = {}
        if settings.fingerprint:
            self._tls["assert_fingerprint"] = endpoint.normal_fingerprint(settings.fingerprint)
        if settings.auth == "certificate":
            # WinRM asks for the client certificate after the handshake, by a renegotiation that
            # TLS 1.3 has not: github.com/ansible-collections/ansible.windows/issues/333
            self._tls["ssl_maximum_version"] = ssl.TLSVersion.TLSv1_2
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool, **self._tls)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """Send a request; the first answer is soon there, as long as it checks no password."""
        if "Authorization" in request.headers:
            if not self._logged_on:
                self._before_logon()
            self._logged_on = True
        elif not self._answered:
            # http.sys refuses it at once; what does not is as good as a machine that is off.
            more["timeout"] = self._patience_s
        response = super().send(request, *args, **more)
        self._answered = True
        return response

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        response.__class__ = _CappedResponse
        if response.status_code == 401:
            self._challenge = response
            line = response.headers.get("WWW-Authenticate", "").lower()
            self._offered |= set(line.replace(",", " ").split()) & _SCHEMES
        return response

    def close(self) -> None:
        """Close the connection, also when a handshake that failed has not given it back."""
        if self._challenge is not None:
            self._challenge.close()
        super().close()


class Wire(winrm.transport.Transport):
    """pywinrm's HTTP, with no proxy, no .netrc, no redirect, and one try per password."""

    def __init__(self, settings: ConnectionSettings) -> None:
        if settings.auth == "kerberos" and not winrm.transport.HAVE_KERBEROS:
            raise ConfigError(
                f"{settings.address}: auth kerberos needs pykerberos, which is not installed",
                remedy="Install it with `pip install wincnode[kerberos]`; it is built from C and"
                " needs a compiler and the Kerberos headers (Debian: gcc, libkrb5-dev).",
                id="link.kerberos",
            )
        super().__init__(
            endpoint.endpoint_url(settings),
            username=settings.user or None,
            password=settings.password,
            service="HTTP",
            cert_pem=settings.cert_file or None,
            cert_key_pem=settings.key_file or None,
            ca_trust_path=settings.ca_file or None,  # type: ignore[arg-type] # None is allowed
            auth_method=settings.auth,
            # Over http these schemes must seal; pywinrm's "auto" would fall back to plain text.
            message_encryption="always"
            if settings.scheme == "http" and settings.auth != "basic"
            else "auto",
            # With None, requests sets NO_PROXY in the environment for a moment; threads of other
            # nodes do the same, and fail: psf/requests src/requests/utils.py `set_environ`.
            # What is asked for here is overwritten by `_harden`.
            proxy="",
        )
        self.settings = settings
        self._offered: set[str] = set()
        self.timeouts_s = (settings.connect_timeout_s, settings.read_timeout_s)
        self._used_s = time.monotonic()

    def build_session(self) -> requests.Session:
        """Return the one session, hardened before it sends anything."""
        if self.session is not None:
            return self.session
        session = super().build_session()
        self._harden(session)
        return session

    def setup_encryption(self, session: requests.Session) -> None:
        """Log on with an empty message, so that the next one can be sealed."""
        # It sends the first request, from inside pywinrm's build_session.
        self._harden(session)
        try:
            super().setup_encryption(session)
        except BaseException:
            # pywinrm would take the half-made session for ready, and send plain text on it.
            self.close_session()
            raise

    def _harden(self, session: requests.Session) -> None:
        if not session.trust_env:
            return  # another adapter would lose the connection that NTLM has just logged on
        session.trust_env = False
        session.proxies = {}
        session.headers["Accept-Encoding"] = "identity"
        session.verify = False if self.settings.fingerprint else (self.settings.ca_file or True)
        session.adapters.clear()
        session.mount(f"{self.settings.scheme}://", _Adapter(self.settings, self._offered))

    def close_session(self) -> None:
        """Close the connection and forget its keys."""
        super().close_session()
        self.encryption = None

    def send_message(self, message: str | bytes) -> bytes:
        """Send one message, a second time only when the node cannot have read it."""
        if time.monotonic() - self._used_s > self.settings.max_idle_s:
            self.close_session()
        try:
            return super().send_message(message)
        except WinRMTransportError as err:
            # The node could not unseal a message that was sealed for a connection since closed;
            # nothing was executed: github.com/diyan/pywinrm/issues/277
            if err.code != 400 or self.encryption is None:
                raise
            self.close_session()
            return super().send_message(message)
        finally:
            self._used_s = time.monotonic()

    def _send_message_request(
        self, session: requests.Session, prepared_request: requests.PreparedRequest
    ) -> requests.Response:
        node, user = endpoint.node_name(self.settings), self.settings.user
        try:
            response = session.send(
                prepared_request, timeout=self.timeouts_s, allow_redirects=False
            )
        except (AuthenticationException, NTStatusException) as err:
            offered = frozenset(self._offered)
            raise errors_map.credssp_error(node, err, user=user, offered=offered) from err
        status = response.status_code
        if status == 200:
            return response
        if status == 401:
            raise errors_map.not_let_in(
                node, auth=self.settings.auth, user=user, offered=frozenset(self._offered)
            )
        if 300 <= status < 400:
            target = errors_map.sanitised(response.headers.get("Location", ""))
            raise errors_map.not_winrm(node, f"HTTP {status}, a redirect", f"to {target}")
        text = self._get_message_response_text(response).decode(errors="replace")
        raise WinRMTransportError("http", status, text)

    def _get_message_response_text(self, response: requests.Response) -> bytes:
        node = endpoint.node_name(self.settings)
        sealed = "-session-encrypted" in response.headers.get("Content-Type", "")
        if self.encryption is not None and response.ok and not sealed:
            raise BadReply(f"{node}: an unsealed reply on a sealed session", id="link.bad-reply")
        text = super()._get_message_response_text(response) if response.content else b""
        if response.ok and not text.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            raise errors_map.not_winrm(node, "not XML", text[:4000].decode(errors="replace"))
        if b"<!DOCTYPE" in text or b"<!doctype" in text[:4000].lower() or b"\0" in text[:200]:
            raise errors_map.not_winrm(node, "HTML", text[:4000].decode(errors="replace"))
        return text
