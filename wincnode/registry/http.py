"""One request to a registry: proxies, redirects and limits; credentials stay with their host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from wincnode import __version__
from wincnode.artifacts.web import (
    LIMIT_HOPS,
    Pace,
    Passing,
    Session,
    pieces,
    redirected,
    told,
    tried,
)
from wincnode.errors import ArtifactError, RegistryError, RegistryUnreachable
from wincnode.events import printable
from wincnode.registry.documents import bad
from wincnode.secrets import Secret

T = TypeVar("T")
# A scheme, and a host with its port: what credentials are bound to.
Origin = tuple[str, str]

# What is read is small, so that slowness shows sooner than with a download.
PACE = Pace(tries=4, wait_s=0.5, slow_s=10)
# What an error has to say fits in this; a token too.
LIMIT_BYTES = 1024 * 1024
BROKE = HTTPStatus.INTERNAL_SERVER_ERROR
USUAL_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One request; `form` makes it a POST, which follows no redirect.

    Args: limit: of the answer's body in bytes. shown: what each origin is shown, and no other.
    """

    url: str
    accept: str = "application/json"
    shown: Mapping[Origin, Secret] = field(default_factory=dict)
    form: Mapping[str, Secret] | None = None
    limit: int = LIMIT_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back; the names of headers are those of requests, in any case.

    Args: url: that answered, after all redirects.
    """

    status: int
    content: bytes
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Http:
    """Sends requests, one at a time, with one idea of whom to trust."""

    def __init__(self, *, verify: bool | str, pace: Pace) -> None:
        self._session = Session()
        self._verify = verify
        self._pace = pace
        if verify is False:
            # The inventory says it; a warning for each request would say no more.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def patiently(self, action: Callable[[], T], url: str) -> T:
        """Do something until it works, with growing pauses.

        Raises: RegistryError.
        """
        with ours():
            return tried(action, shown(url), self._pace)

    def send(self, ask: Ask) -> Answer:
        """Send a request and follow its redirects.

        Raises: Passing: trying again may help. RegistryError, ConfigError.
        """
        at = ask.url
        with ours():
            for _ in range(LIMIT_HOPS + 1):
                response = self._sent(ask, at)
                with response:
                    if not response.is_redirect or ask.form is not None:
                        return self._answer(ask, response, at)
                    at = redirected(at, response.headers["location"])
        text = f"{shown(ask.url)}: redirects more than {LIMIT_HOPS} times"
        raise RegistryError(text, id="registry.redirect")

    def _sent(self, ask: Ask, at: str) -> requests.Response:
        with told(shown(at)):
            return self._session.request(
                "GET" if ask.form is None else "POST",
                at,
                headers={
                    "Accept": ask.accept,
                    "Accept-Encoding": "identity",
                    "User-Agent": f"wincnode/{__version__}",
                },
                data=ask.form and {name: value.reveal() for name, value in ask.form.items()},
                # Anything in this place keeps requests from looking into ~/.netrc.
                auth=_shows(ask.shown.get(origin(at))),
                stream=True,
                allow_redirects=False,
                timeout=(self._pace.connect_s, self._pace.silent_s),
                verify=self._verify,
            )

    def _answer(self, ask: Ask, response: requests.Response, at: str) -> Answer:
        content = bytearray()
        for piece in pieces(response, self._pace):
            content += piece
            if len(content) > ask.limit:
                raise bad(shown(ask.url), f"the answer has more than {ask.limit} bytes")
        length = response.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and len(content) < int(length[:18]):
            raise Passing(f"broke off after {len(content)} bytes")
        return Answer(
            status=response.status_code, content=bytes(content), url=at, headers=response.headers
        )


def origin(url: str) -> Origin:
    """Give what credentials are bound to: scheme, host and port, that of the scheme left out."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower().removesuffix(USUAL_PORTS.get(parts.scheme, ""))


def shown(url: str) -> str:
    """Give an address without its query, which may be signed; a registry may have written it."""
    return printable(url.partition("?")[0])


def seconds(text: str) -> float:
    """Read a Retry-After of seconds; a date counts as none."""
    return float(text[:6]) if text.isascii() and text.isdigit() else 0.0


@contextmanager
def ours() -> Iterator[None]:
    """Say in a registry's words what the layer below raises."""
    try:
        yield
    except ArtifactError as err:
        match err.id:
            case "artifact.unreachable":
                # A registry that breaks at one image may well have the next.
                broke = isinstance(err.__cause__, Passing) and err.__cause__.status == BROKE
                raise RegistryUnreachable(err.message, for_all=not broke) from err
            case "artifact.untrusted":
                raise RegistryUnreachable(err.message, id="registry.untrusted") from err
            case "artifact.redirect":
                raise RegistryError(err.message, id="registry.redirect") from err
            case _:
                raise RegistryError(err.message) from err


def _shows(
    authorization: Secret | None,
) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def put(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if authorization is not None:
            request.headers["Authorization"] = authorization.reveal()
        return request

    return put
