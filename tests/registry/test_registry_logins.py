"""What a registry, and whoever it names, is shown of credentials, and where they come from."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import certificates
import pytest
from registry_reader import AUTH, NOBODY, QUICK, image, logins, versions
from registry_server import BASIC, Registry, serving

from wincnode.errors import ConfigError, RegistryError, RegistryRefused
from wincnode.images.reference import parse
from wincnode.inventory.model import Registry as Row
from wincnode.registry import credentials
from wincnode.registry.client import Ways, read
from wincnode.registry.credentials import load
from wincnode.registry.http import origin
from wincnode.secrets import Secret


def test_a_token_is_fetched_once_and_shown(registry: Registry, tmp_path: Path) -> None:
    """For the image's path alone; the password goes to the realm only, and ~/.netrc nowhere."""
    registry.auth = "token"
    found = image(registry, "app:single", logins(tmp_path, auths={registry.host: {"auth": AUTH}}))

    assert versions(found) == ["10.0.17763.9"]
    shown = [headers.get("Authorization") for _, headers in registry.seen]
    assert shown == [None, BASIC, "Bearer let-me-in", "Bearer let-me-in"]
    assert registry.paths()[1] == "/token?service=ours&scope=repository%3Aapp%3Apull"


def test_an_anonymous_token_needs_no_login(registry: Registry) -> None:
    """Public registries give one to everybody."""
    registry.auth, registry.anonymous = "token", True

    assert versions(image(registry)) == ["10.0.17763.5", "10.0.20348.7"]


def test_a_refresh_token_is_exchanged(registry: Registry, tmp_path: Path) -> None:
    """By POST, so that it stands in no address."""
    registry.auth = "token"
    image(registry, "app:1", logins(tmp_path, auths={registry.host: {"identitytoken": "0815"}}))

    assert "/token" in registry.paths()
    assert not any("0815" in path for path in registry.paths())


def test_basic_is_shown_where_it_is_asked_for(registry: Registry, tmp_path: Path) -> None:
    """Never before."""
    registry.auth = "basic"
    image(
        registry, "app:1", logins(tmp_path, auths={f"https://{registry.host}/v1/": {"auth": AUTH}})
    )

    assert [headers.get("Authorization") for _, headers in registry.seen] == [None, BASIC]


@pytest.mark.parametrize("auth", ["basic", "token"])
@pytest.mark.parametrize("known", [False, True])
def test_who_is_not_let_in_is_told_how(
    registry: Registry, tmp_path: Path, auth: str, *, known: bool
) -> None:
    """No password stands in the message, and nothing is tried again."""
    registry.auth = auth
    rows = {registry.host: {"username": "robot", "password": "guessed"}} if known else {}

    with pytest.raises(RegistryRefused) as caught:
        image(registry, "app:1", logins(tmp_path, auths=rows))

    assert "docker login" in caught.value.remedy
    assert "guessed" not in caught.value.message
    assert len(registry.seen) <= 2


def test_no_credentials_follow_a_redirect_to_another_host(tmp_path: Path) -> None:
    """Blobs are stored elsewhere, and who stores them is nobody to know the token."""
    with serving() as registry, serving() as storage:
        registry.auth = "token"
        registry.image("app", "10.0.20348.1", tag="1")
        (blob,) = [path for path in registry.held if "/blobs/" in path]
        storage.held[blob] = registry.held.pop(blob)
        registry.redirects[blob] = f"{storage.base}{blob}?signature=secret"

        found = image(registry, "app:1", logins(tmp_path, auths={registry.host: {"auth": AUTH}}))

        assert versions(found) == ["10.0.20348.1"]
        ((path, headers),) = storage.seen
        assert path.endswith("?signature=secret")
        assert "Authorization" not in headers


def test_who_is_redirected_to_is_shown_nothing_of_the_registry(tmp_path: Path) -> None:
    """It may ask for a token as any registry may: for its own login, or for nobody's."""
    with serving() as registry, serving() as storage:
        storage.index("app", "1", "10.0.20348.1")
        storage.auth, storage.anonymous = "token", True
        registry.redirects["/v2/app/manifests/1"] = f"{storage.base}/v2/app/manifests/1"
        rows = {registry.host: {"auth": AUTH}}

        assert versions(image(registry, "app:1", logins(tmp_path, auths=rows))) == ["10.0.20348.1"]

        shown = [headers.get("Authorization") for _, headers in storage.seen]
        assert shown == [None, None, "Bearer let-me-in"]
        assert [headers.get("Authorization") for _, headers in registry.seen] == [None, None]
        storage.auth = "basic"
        with pytest.raises(RegistryRefused, match="asks for a user and a password"):
            image(registry, "app:1", logins(tmp_path, auths=rows))
        rows[storage.host] = {"auth": AUTH}
        assert image(registry, "app:1", logins(tmp_path, auths=rows)).kind == "index"


def test_a_chain_of_logins_ends(registry: Registry, tmp_path: Path) -> None:
    """A registry that lets nobody in is asked twice, and no more."""
    registry.auth, registry.anonymous = "token", True
    registry.statuses["/v2/app/manifests/1"] = [401] * 9
    registry.headers["WWW-Authenticate"] = f'Bearer realm="{registry.base}/token"'

    with pytest.raises(RegistryRefused, match="answered 401"):
        image(registry, "app:1", logins(tmp_path))

    assert registry.paths().count("/v2/app/manifests/1") == 2


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://A.example:443/x", "https://a.example/y"),
        ("http://a.example:80", "http://a.example"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_a_usual_port_is_no_other_host(url: str, same: str) -> None:
    """Some registries write it in their redirects; another port is another host."""
    assert origin(url) == origin(same)
    assert origin(url.replace("http:", "https:").replace(":443", ":80")) != origin(same)


def test_a_helper_gives_the_login(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for this registry, before what the file says."""
    registry.auth = "basic"
    answer = json.dumps({"Username": "robot", "Secret": "hunter2"})
    helper(tmp_path, monkeypatch, f"read host; echo $host > {tmp_path}/asked; echo '{answer}'")
    rows = {registry.host: {"username": "robot", "password": "old"}}
    found = logins(tmp_path, auths=rows, credHelpers={registry.host: "test"})

    assert image(registry, "app:1", found).kind == "index"
    assert (tmp_path / "asked").read_text().strip() == registry.host
    assert logins(tmp_path, credsStore="test").of(registry.host) is not None


def hides(error: Exception, secret: str) -> bool:
    """Tell whether an error shows nothing of a secret, in a traceback either."""
    chained = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return secret not in str(error) and chained is None


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put docker-credential-test on the path."""
    path = folder / "docker-credential-test"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("echo hunter2; exit 3", "ended with 3"),
        ("echo hunter2", "wrote no credentials"),
        ("exec yes hunter2", "wrote more than 65536 bytes"),
        ("exec 1>&-; echo hunter2 >&2; exec sleep 20", "took longer than 2 s"),
        ("echo hunter2; exec sleep 20", "took longer than 2 s"),
        ('echo \'{"Username": 1, "Secret": "hunter2"}\'', "wrote no credentials"),
        ('echo \'{"Username": "x", "Secret": "hunter2\\\\ud800"}\'', "wrote no credentials"),
    ],
)
def test_a_helper_that_fails_is_told_without_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, word: str
) -> None:
    """What it wrote may be a password; one that never ends is ended."""
    monkeypatch.setattr(credentials, "HELPER_TIMEOUT_S", 2)
    helper(tmp_path, monkeypatch, script)

    with pytest.raises(RegistryRefused, match=word) as caught:
        logins(tmp_path, credsStore="test").of("a.example")

    assert caught.value.id == "registry.credentials"
    assert hides(caught.value, "hunter2")


def test_a_helper_without_credentials_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a name that is a path starts no program."""
    helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1")
    assert logins(tmp_path, credsStore="test").of("a.example") is None
    with pytest.raises(RegistryRefused, match="no name of a program"):
        logins(tmp_path, credsStore="../../bin/sh").of("a.example")


def test_docker_hub_is_known_by_its_old_name(tmp_path: Path) -> None:
    """`docker login` writes that."""
    found = logins(tmp_path, auths={"https://index.docker.io/v1/": {"auth": AUTH}}).of("docker.io")

    assert found is not None
    assert (found.user, found.password) == ("robot", Secret("hunter2"))


def test_a_config_that_is_none_is_told_without_its_text(tmp_path: Path) -> None:
    """It holds passwords; where there is none, nobody is logged in."""
    (tmp_path / "config.json").write_text("hunter2 {")
    with pytest.raises(ConfigError, match="is no JSON") as caught:
        load({"DOCKER_CONFIG": str(tmp_path)}, tmp_path)
    assert hides(caught.value, "hunter2")
    assert load({}, tmp_path / "home").of("docker.io") is None


@pytest.mark.parametrize(
    "row",
    [
        {"auth": "hunter2\u00e9"},
        {"auth": ["hunter2"]},
        {"auth": "/w=="},
        {"username": "x", "password": "hunter2\ud800"},
        {"identitytoken": "hunter2\ud800"},
        {"registrytoken": "hunter2\nX-Also: y"},
        {"registrytoken": "hunter2\u20ac"},
    ],
)
def test_a_login_that_is_none_is_told_without_its_text(tmp_path: Path, row: object) -> None:
    """An old hand edited the file; no header and no traceback shows what stands there."""
    with pytest.raises(ConfigError, match=r"the login of a\.example: \w+ is no t") as caught:
        logins(tmp_path, auths={"a.example": row}).of("a.example")
    assert hides(caught.value, "hunter2")


@pytest.mark.parametrize("key", ["http://[bad", "ex\u2100mple", "", "//", "\ud800"])
def test_a_key_that_is_no_address_is_no_registry_s(tmp_path: Path, key: str) -> None:
    """It keeps no other login from being found."""
    found = logins(tmp_path, auths={key: {"auth": AUTH}, "a.example": {"auth": AUTH}})

    assert found.of("a.example") is not None
    assert found.of("b.example") is None


@pytest.mark.parametrize(
    "realm", ["ftp://a.example/t", "http://user:pw@a.example/t", "x", "http://["]
)
def test_a_realm_that_is_no_web_address_gets_nothing(
    registry: Registry, tmp_path: Path, realm: str
) -> None:
    """The password stays here."""
    registry.auth, registry.realm = "token", realm

    with pytest.raises(RegistryError, match="sends for a token to"):
        image(registry, "app:1", logins(tmp_path, auths={registry.host: {"auth": AUTH}}))


def test_a_realm_without_encryption_gets_nothing_of_an_encrypted_registry(tmp_path: Path) -> None:
    """Who can change the answer could read the password."""
    pem, _ = certificates.certificate(tmp_path)
    with serving(pem) as registry, serving() as realm:
        registry.auth, registry.realm = "token", f"{realm.base}/token"
        row = Row(ca_file=str(pem))
        with pytest.raises(RegistryError, match="sends for a token to"):
            read(
                parse(f"{registry.host}/app:1"),
                Ways(logins=NOBODY, registries={"_default": row}, pace=QUICK),
            )
        assert realm.seen == []
