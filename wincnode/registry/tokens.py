"""What a registry asks for before it answers, and what it is shown: Basic, or a token.

Source: distribution/distribution:docs/spec/auth/{token,oauth}.md
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from wincnode.artifacts.web import PASSING, Passing
from wincnode.errors import RegistryRefused
from wincnode.events import printable
from wincnode.registry.credentials import HEADER_WORD, REMEDY, Login
from wincnode.registry.documents import bad, parsed
from wincnode.registry.http import Answer, Ask, Http, origin, seconds, shown
from wincnode.secrets import Secret

LIMIT_HEADER = 4096
# Whoever answers wrote the header: no quantifier gives back, and no word is begun in its middle.
_WORDS = re.compile(
    r"(?<![A-Za-z0-9_-])(?:(?P<name>[A-Za-z0-9_-]++)\s*+=\s*+"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<bare>[^\s,"]++))'
    r"|(?P<scheme>[A-Za-z0-9_-]++)(?=\s|,|$))"
)


def challenges(header: str) -> Mapping[str, Mapping[str, str]]:
    """Read WWW-Authenticate: each way to log on, in lower case, with its parameters."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for word in _WORDS.finditer(header[:LIMIT_HEADER]):
        if word["scheme"]:
            current = found.setdefault(word["scheme"].lower(), {})
        else:
            quoted = re.sub(r"\\(.)", r"\1", word["quoted"] or "")
            current[word["name"].lower()] = word["bare"] or quoted
    return found


def authorization(
    http: Http, refused: Answer, login: Login | None, *, url: str, path: str
) -> Secret:
    """Give the Authorization header that a refused request lacked.

    Args: url: that was asked for. path: the image's, for which the token is.
    Raises: RegistryRefused, RegistryError. Passing: trying again may help.
    """
    asked = challenges(refused.headers.get("www-authenticate", ""))
    if login is not None and login.bearer is not None:
        return Secret(f"Bearer {login.bearer.reveal()}")
    if "realm" in asked.get("bearer", {}):
        return _token(http, asked["bearer"], login, url=url, path=path)
    if "basic" in asked and login is not None and login.password is not None:
        return _basic(login.user, login.password)
    if "basic" in asked:
        raise RegistryRefused(f"{shown(url)}: asks for a user and a password", remedy=REMEDY)
    raise RegistryRefused(f"{shown(url)}: the registry lets nobody in, and does not say how")


def _token(
    http: Http, asked: Mapping[str, str], login: Login | None, *, url: str, path: str
) -> Secret:
    realm = asked["realm"]
    if not _may_ask(realm, url):
        raise bad(shown(url), f"it sends for a token to {printable(shown(realm), limit=200)}")
    fields = {
        "service": asked.get("service", ""),
        "scope": asked.get("scope") or f"repository:{path}:pull",
    }
    return _read(http.send(_ask(realm, fields, login)), realm)


def _may_ask(realm: str, url: str) -> bool:
    """Tell whether a realm is a web address, and no less encrypted than the registry."""
    try:
        parts = urlsplit(realm)
    except ValueError:
        return False
    allowed = {"https"} if url.startswith("https:") else {"http", "https"}
    return parts.scheme in allowed and bool(parts.netloc) and "@" not in parts.netloc


def _ask(realm: str, fields: Mapping[str, str], login: Login | None) -> Ask:
    if login is not None and login.refresh_token is not None:
        rows = {"grant_type": "refresh_token", "client_id": "wincnode", **fields}
        form = {name: Secret(value) for name, value in rows.items()}
        return Ask(url=realm, form={**form, "refresh_token": login.refresh_token})
    query = urlencode({name: value for name, value in fields.items() if value})
    url = f"{realm}{'&' if '?' in realm else '?'}{query}"
    if login is None or login.password is None:
        return Ask(url=url)
    return Ask(url=url, shown={origin(url): _basic(login.user, login.password)})


def _read(answer: Answer, realm: str) -> Secret:
    if answer.status in PASSING:
        after_s = seconds(answer.headers.get("retry-after", ""))
        raise Passing(f"{shown(realm)} answered {answer.status}", after_s=after_s)
    if answer.status != HTTPStatus.OK:
        text = f"{shown(realm)}: gives no token: the server answered {answer.status}"
        raise RegistryRefused(text, remedy=REMEDY)
    found = parsed(answer.content, shown(realm))
    token = found.get("token") or found.get("access_token")
    if not isinstance(token, str) or not HEADER_WORD.fullmatch(token):
        raise bad(shown(realm), "it gives no token")
    return Secret(f"Bearer {token}")


def _basic(user: str, password: Secret) -> Secret:
    text = f"{user}:{password.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(text).decode()}")
