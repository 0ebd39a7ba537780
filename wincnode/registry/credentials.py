"""Who we are at a registry: Docker's config.json and the helpers that it names."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wincnode.errors import ConfigError, RegistryRefused
from wincnode.images.reference import DEFAULT_HOST
from wincnode.programs import written
from wincnode.secrets import LIMIT_BYTES, Secret

HELPER_TIMEOUT_S = 60
# The key of Docker Hub. Source: docker/cli:cli/config/configfile/file.go
HUB_KEY = "https://index.docker.io/v1/"
# What a helper gives as the user of a refresh token, and says where it has nothing.
# Source: docker/docker-credential-helpers:credentials/{credentials.go,error.go}
TOKEN_USER = "<token>"  # noqa: S105 - a user's name
NOT_FOUND = "credentials not found in native keychain"
# One header's value: a line break in it would begin another header.
HEADER_WORD = re.compile(r"[!-~]{1,65536}")
REMEDY = "Log in with `docker login`, or see credsStore and credHelpers of Docker's config.json."


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What a registry is shown; a refresh token and a bearer token stand without a user."""

    user: str = ""
    password: Secret | None = None
    refresh_token: Secret | None = None
    bearer: Secret | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Logins:
    """Docker's config.json; empty where there is none."""

    path: Path
    auths: Mapping[str, Mapping[str, Any]]
    helpers: Mapping[str, str]
    store: str = ""

    def of(self, host: str) -> Login | None:
        """Give the login of a registry; a helper of its own comes before the store and the file.

        Raises: RegistryRefused: the helper fails. ConfigError: what the file says is no login.
        """
        key = HUB_KEY if host == DEFAULT_HOST else host
        if helper := self.helpers.get(host) or self.helpers.get(key) or self.store:
            return _asked(helper, key)
        row = next((row for name, row in self.auths.items() if _host(name) == host), None)
        return _login(row, f"{self.path}: the login of {host}") if row else None


def load(environ: Mapping[str, str], home: Path) -> Logins:
    """Read the config.json that docker reads: of DOCKER_CONFIG, else of ~/.docker.

    Raises: ConfigError: it is there and cannot be read.
    """
    path = Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        found = {}
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read: {err.strerror}") from err
    except (ValueError, RecursionError):
        # Not chained: the exception holds the file's text.
        raise ConfigError(f"{path}: is no JSON") from None
    rows = found if isinstance(found, dict) else {}
    auths, helpers, store = (rows.get(name) for name in ("auths", "credHelpers", "credsStore"))
    return Logins(
        path=path,
        auths={k: v for k, v in _map(auths).items() if isinstance(v, dict)},
        helpers={k: v for k, v in _map(helpers).items() if isinstance(v, str)},
        store=store if isinstance(store, str) else "",
    )


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _host(key: str) -> str:
    """Give the registry that a key of `auths` stands for: docker wrote whole addresses too."""
    try:
        host = urlsplit(key if "://" in key else f"//{key}").netloc
    except ValueError:
        return ""  # as docker does with a key that is no address: it is no registry's
    return DEFAULT_HOST if host in {"index.docker.io", "registry-1.docker.io"} else host


def _login(row: Mapping[str, Any], where: str) -> Login | None:
    refresh, bearer = (_text(row, name, where) for name in ("identitytoken", "registrytoken"))
    try:
        decoded = base64.b64decode(_text(row, "auth", where)).decode()
    except ValueError:
        # Not chained: the exception may hold the text.
        raise ConfigError(f"{where}: auth is no text in Base64", remedy=REMEDY) from None
    user, _, password = decoded.rstrip("\0").partition(":")
    user = user or _text(row, "username", where)
    password = password or _text(row, "password", where)
    if bearer and not HEADER_WORD.fullmatch(bearer):
        raise ConfigError(f"{where}: registrytoken is no token", remedy=REMEDY)
    if refresh or bearer:
        return Login(refresh_token=_secret(refresh), bearer=_secret(bearer))
    return Login(user=user, password=Secret(password)) if user else None


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str) or not _is_unicode(value):
        raise ConfigError(f"{where}: {name} is no text", remedy=REMEDY)
    return value


def _is_unicode(text: str) -> bool:
    """Tell whether a text of JSON can be sent: it may hold halves of characters."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _secret(value: str) -> Secret | None:
    return Secret(value) if value else None


def _asked(helper: str, key: str) -> Login | None:
    """Ask a credential helper.

    Source: docker/docker-credential-helpers:README.md, "Development"
    """
    program = f"docker-credential-{helper}"
    if not re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9._]*", helper):
        raise _failed(f"the helper of {key} has no name of a program")
    try:
        code, output = written(
            [program, "get"], given=key.encode(), limit=LIMIT_BYTES, timeout_s=HELPER_TIMEOUT_S
        )
    except OSError as err:
        raise _failed(f"cannot start {program}: {err.strerror}") from err
    except subprocess.TimeoutExpired:
        # Not chained: the exception holds what the helper had written.
        raise _failed(f"{program} took longer than {HELPER_TIMEOUT_S} s") from None
    if len(output) > LIMIT_BYTES:
        raise _failed(f"{program} wrote more than {LIMIT_BYTES} bytes")
    if code:
        if NOT_FOUND in output.decode(errors="replace"):
            return None
        raise _failed(f"{program} ended with {code}")
    return _answered(output, program)


def _answered(output: bytes, program: str) -> Login | None:
    try:
        found = json.loads(output)
        user, secret = found["Username"], found["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        # Not chained: the exception may hold what the helper wrote.
        raise _failed(f"{program} wrote no credentials") from None
    if not all(isinstance(text, str) and _is_unicode(text) for text in (user, secret)):
        raise _failed(f"{program} wrote no credentials")
    if user == TOKEN_USER:
        return Login(refresh_token=Secret(secret))
    return Login(user=user, password=Secret(secret)) if user else None


def _failed(text: str) -> RegistryRefused:
    return RegistryRefused(text, remedy=REMEDY, id="registry.credentials")
