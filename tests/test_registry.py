"""The registry client against a real registry on loopback, over http and https."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import certificates
import pytest
import registry_server
from registry_server import BASIC, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Registry, serving

from wincnode.artifacts.web import Pace
from wincnode.errors import ConfigError, RegistryError, RegistryRefused, RegistryUnreachable
from wincnode.images.offer import Image
from wincnode.images.reference import parse
from wincnode.inventory.model import Registry as Row
from wincnode.registry import credentials, many
from wincnode.registry.client import Ways, read
from wincnode.registry.credentials import Logins, load
from wincnode.registry.documents import ACCEPT, LIMIT_MANIFEST
from wincnode.registry.http import origin
from wincnode.secrets import Secret

QUICK = Pace(tries=3, wait_s=0.01, connect_s=2, silent_s=2)
NOBODY = Logins(path=Path("none"), auths={}, helpers={})
AUTH = BASIC.removeprefix("Basic ")


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take neither a proxy nor credentials from the machine that tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Serve an index of two builds as app:1, and a single image as app:single."""
    with serving() as found:
        found.index("app", "1", "10.0.17763.5", "10.0.20348.7")
        found.image("app", "10.0.17763.9", tag="single")
        yield found


def ways(registry: Registry, logins: Logins = NOBODY, **more: object) -> Ways:
    """Reach a registry of loopback over http."""
    return Ways(logins=logins, plain_http={registry.host}, pace=QUICK, **more)  # type: ignore[arg-type]


def image(registry: Registry, name: str = "app:1", logins: Logins = NOBODY) -> Image:
    """Read an image."""
    return read(parse(f"{registry.host}/{name}"), ways(registry, logins))


def logins(tmp_path: Path, **rows: object) -> Logins:
    """Read a config.json."""
    (tmp_path / "config.json").write_text(json.dumps(rows))
    return load({"DOCKER_CONFIG": str(tmp_path)}, tmp_path)


def versions(found: Image) -> list[str]:
    """Give the versions that an image offers."""
    return [row.real.os_version for row in found.entries]


@pytest.mark.parametrize("docker", [False, True])
def test_an_index_is_read_in_its_order(registry: Registry, *, docker: bool) -> None:
    """OCI's and Docker's types; one request is enough where the index says it all."""
    registry.index("app", "2", "10.0.26100.4061", "10.0.20348.5499", docker=docker)

    found = image(registry, "app:2")

    assert (found.kind, versions(found)) == ("index", ["10.0.26100.4061", "10.0.20348.5499"])
    ((path, headers),) = registry.seen
    assert path == "/v2/app/manifests/2"
    assert headers["Accept"] == ACCEPT
    assert "Authorization" not in headers


@pytest.mark.parametrize("docker", [False, True])
def test_a_single_manifest_is_known_by_its_config(registry: Registry, *, docker: bool) -> None:
    """A manifest itself names no build."""
    digest = registry.image("app", "10.0.20348.1", tag="2", docker=docker)

    found = image(registry, "app:2")

    assert (found.kind, found.digest, versions(found)) == ("manifest", digest, ["10.0.20348.1"])
    assert found.entries[0].listed is None


def test_a_digest_leads_to_one_manifest_past_the_index(registry: Registry) -> None:
    """With a tag beside it, the digest wins."""
    digest = image(registry).entries[0].digest

    found = image(registry, f"app:1@{digest}")

    assert (found.kind, found.digest, versions(found)) == ("manifest", digest, ["10.0.17763.5"])


def test_what_an_index_leaves_out_is_looked_up_in_the_config(registry: Registry) -> None:
    """An entry without a platform, one without os.version, and an index below the index."""
    digests = [registry.image("app", f"10.0.20348.{number}") for number in (1, 2)]
    nested = registry.index("app", "", "10.0.26100.3")
    windows = {"os": "windows", "architecture": "amd64"}
    rows = [
        {"mediaType": OCI_MANIFEST, "digest": digests[0]},
        {"mediaType": OCI_MANIFEST, "digest": digests[1], "platform": windows},
        {"mediaType": OCI_INDEX, "digest": nested},
        {"mediaType": "application/vnd.example", "digest": digests[0]},
    ]
    registry.index("app", "2", *rows)

    found = image(registry, "app:2")

    assert versions(found) == ["10.0.20348.1", "10.0.20348.2", "10.0.26100.3"]
    assert [row.listed is None for row in found.entries] == [True, False, False]
    assert [[up.digest for up in row.within] for row in found.entries] == [[], [], [nested]]


def test_platforms_are_read_as_containerd_reads_them(registry: Registry) -> None:
    """In any case, by any of an architecture's names; without a system, the config says it."""
    digest = registry.image("app", "10.0.20348.1")
    shouted = {"os": "Windows", "architecture": "X86_64", "os.version": "10.0.20348.2"}
    platforms = (shouted, {"architecture": "AMD64"})
    rows = [{"mediaType": OCI_MANIFEST, "digest": digest, "platform": row} for row in platforms]
    registry.index("app", "2", *rows)

    found = [(row.real.os, row.real.arch) for row in image(registry, "app:2").entries]

    assert found == [("windows", "amd64")] * 2


@pytest.mark.parametrize("kind", ["application/json", "text/plain; charset=utf-8", "", "\x1b"])
def test_a_media_type_that_containerd_refuses_is_told(registry: Registry, kind: str) -> None:
    """It goes by the header of the answer, whatever the document says of itself."""
    registry.held["/v2/app/manifests/1"] = (kind, registry.held["/v2/app/manifests/1"][1])

    with pytest.raises(RegistryError, match="containerd refuses it too") as caught:
        image(registry)

    assert "\x1b" not in caught.value.message
    registry.held["/v2/app/manifests/1"] = (
        f"{OCI_INDEX}; charset=utf-8",
        registry.held["/v2/app/manifests/1"][1],
    )
    assert image(registry).kind == "index"


def test_layers_that_lie_elsewhere_are_told(registry: Registry) -> None:
    """A mirror without them cannot serve the image."""
    made = registry_server.config("10.0.17763.1")
    registry.blob("app", made)
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layer = {"mediaType": kind, "urls": ["https://mcr.example/layer"]}
    registry.hold("app", registry_server.manifest(made, docker=True, layers=(layer,)), "2")

    assert image(registry, "app:2").entries[0].foreign == ("https://mcr.example/layer",)


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


def test_what_a_registry_writes_of_addresses_reaches_no_terminal(registry: Registry) -> None:
    """Its realm and its redirects stand in messages."""
    registry.auth, registry.realm = "token", f"{registry.base}/\x1b]0;x\x07t"
    with pytest.raises(RegistryRefused, match=r"/\\x1b\]0;x\\x07t: gives no token"):
        image(registry)
    registry.auth = ""
    for where in ("ftp://a\x1b0;x/", "http://a:b\x1b/"):
        registry.redirects["/v2/app/manifests/1"] = where
        with pytest.raises(RegistryError, match=r"a(:b)?\\x1b"):
            image(registry)


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


def test_a_mirror_comes_first_and_the_registry_after_it(registry: Registry) -> None:
    """One that fails is passed over; it is told which registry is meant."""
    with serving() as mirror, serving() as broken:
        mirror.index("app", "1", "10.0.26100.1")
        broken.statuses["/v2/app/manifests/1"] = [503] * 9
        row = Row(host=registry.host, mirrors=(broken.base, mirror.base))
        found = read(
            parse(f"{registry.host}/app:1"), ways(registry, registries={registry.host: row})
        )

        assert versions(found) == ["10.0.26100.1"]
        assert found.served_by == f"{mirror.base}/v2"
        assert mirror.paths() == [f"/v2/app/manifests/1?ns={registry.host}"]
        mirror.held.clear()
        found = read(
            parse(f"{registry.host}/app:1"), ways(registry, registries={registry.host: row})
        )
        assert versions(found) == ["10.0.17763.5", "10.0.20348.7"]
        assert registry.paths() == ["/v2/app/manifests/1"]


def test_a_mirror_s_path_and_the_server_of_a_registry_are_taken_as_they_are() -> None:
    """As Harbor's proxies need it; the mirror of `_default` is one of every registry."""
    with serving() as registry:
        registry.index("hub/library/app", "latest", "10.0.20348.1")
        rows = {
            "docker.io": Row(host="docker.io", mirrors=(f"{registry.base}/v2/hub/",)),
            "_default": Row(host="_default", mirrors=(f"{registry.base}/v2/hub/library",)),
            "own.example": Row(host="own.example", server=f"{registry.base}/v2/hub/library"),
        }
        for name in ("app", "docker.io/library/app:latest", "reg.example/app", "own.example/app"):
            found = read(parse(name), Ways(logins=NOBODY, registries=rows, pace=QUICK))
            assert versions(found) == ["10.0.20348.1"]


def test_https_needs_an_authority_that_is_trusted(tmp_path: Path) -> None:
    """That of the inventory, or none where it says so; nothing is sent before."""
    pem, _ = certificates.certificate(tmp_path)
    with serving(pem) as registry:
        registry.index("app", "1", "10.0.20348.1")
        name = parse(f"{registry.host}/app:1")
        with pytest.raises(RegistryUnreachable) as caught:
            read(name, Ways(logins=NOBODY, pace=QUICK))
        assert (caught.value.id, registry.seen) == ("registry.untrusted", [])
        for row in (Row(ca_file=str(pem)), Row(skip_verify=True)):
            found = read(name, Ways(logins=NOBODY, registries={"_default": row}, pace=QUICK))
            assert versions(found) == ["10.0.20348.1"]


@pytest.mark.parametrize("proxy", ["socks5://u:hunter2@127.0.0.1:1", "http://u:hunter2@[bad", "::"])
def test_a_proxy_that_cannot_be_spoken_to_is_named(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """The address of the registry is not what is wrong; without the proxy's password."""
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")

    with pytest.raises(RegistryError, match="or its proxy in the environment is none") as caught:
        image(registry)

    assert "hunter2" not in caught.value.message


def test_what_breaks_at_one_image_is_no_other_s_error(registry: Registry) -> None:
    """500 is of one image; 503 is of the registry, which is not waited for again."""
    names = [f"{registry.host}/{name}:1" for name in ("a", *(f"b{n}" for n in range(8)), "app")]
    registry.statuses["/v2/a/manifests/1"] = [500] * 9
    quick = Pace(tries=1, connect_s=2, silent_s=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many, "AT_ONCE", 1)
        found = many.read_all(names, replace(ways(registry), pace=quick))
        assert isinstance(found[names[0]], RegistryUnreachable)
        assert isinstance(found[names[-1]], Image)
        registry.statuses["/v2/a/manifests/1"] = [503] * 9
        found = many.read_all(names, replace(ways(registry), pace=quick))
        assert found[names[-1]] is found[names[0]]


def test_what_passes_is_tried_again(registry: Registry) -> None:
    """429 and 5xx; Retry-After is kept to."""
    registry.statuses["/v2/app/manifests/1"] = [429]
    registry.retry_after = "1"
    begun = time.monotonic()

    assert image(registry).kind == "index"
    assert time.monotonic() - begun >= 1
    registry.retry_after = ""
    registry.statuses["/v2/app/manifests/1"] = [500, 503]
    assert image(registry).kind == "index"


@pytest.mark.parametrize(
    ("status", "id", "tries", "word"),
    [
        (
            429,
            "registry.unreachable",
            3,
            "answered 429 (BROKEN: on \\x1b[31mpurpose); tried 3 times",
        ),
        (500, "registry.unreachable", 3, "answered 500"),
        (404, "registry.missing", 1, "there is no such image (BROKEN"),
        (403, "registry.not-let-in", 1, "answered 403"),
        (400, "registry", 1, "answered 400"),
    ],
)
def test_an_error_that_stays_is_told_with_the_registry_s_words(
    registry: Registry, status: int, id: str, tries: int, word: str
) -> None:
    """Control characters in them reach no terminal."""
    registry.statuses["/v2/app/manifests/1"] = [status] * 9

    with pytest.raises(RegistryError) as caught:
        image(registry)

    assert caught.value.id == id
    assert word in caught.value.message
    assert len(registry.seen) == tries


def other(content: bytes, kind: str = OCI_INDEX) -> tuple[str, bytes]:
    """Give what is held in the place of app:1."""
    return kind, content


ENTRY = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "0" * 64}


def index_of(*rows: object) -> tuple[str, bytes]:
    """Hold an index of entries in the place of app:1."""
    return other(json.dumps({"manifests": rows}).encode())


@pytest.mark.parametrize(
    ("held", "word"),
    [
        (other(b" " * (LIMIT_MANIFEST + 1)), f"more than {LIMIT_MANIFEST} bytes"),
        (other(b"<html>log in</html>", "text/html"), "no JSON object"),
        (other(b"[" * 100_000), "no JSON object"),
        (other(b'{"schemaVersion": 2}', "application/json"), "neither an index nor a manifest"),
        (other(b'{"schemaVersion": 1}', DOCKER_MANIFEST), "schema 1"),
        (other(b'{"manifests": [], "layers": []}'), "neither an index nor a manifest"),
        (other(b'{"config": {}, "layers": []}'), "or both"),
        (other(b'{"manifests": []}', OCI_MANIFEST), "or both"),
        (other(f'{{"manifests": [], "mediaType": "{OCI_MANIFEST}"}}'.encode()), "or both"),
        (other(b'{"manifests": [], "mediaType": [1]}'), "mediaType is no text"),
        (other(b'{"manifests": {}}'), "no list of at most 1000"),
        (index_of(*[ENTRY] * 1001), "no list of at most 1000"),
        (other(b'{"manifests": [{}]}'), "without a digest"),
        (index_of({**ENTRY, "digest": "sha256:a"}), "without a digest"),
        (index_of({**ENTRY, "platform": 1}), "no object"),
        (index_of({**ENTRY, "platform": {"os.version": 1}}), "is no text"),
        (index_of({**ENTRY, "platform": {"os.features": [1]}}), "no list"),
        (index_of({**ENTRY, "digest": "../../../x"}), "without a digest"),
        (other(b'{"layers": [], "config": null}', OCI_MANIFEST), "without a digest"),
        (other(b'{"layers": []}', OCI_MANIFEST), "without a digest"),
    ],
)
def test_what_is_no_manifest_is_told(
    registry: Registry, held: tuple[str, bytes], word: str
) -> None:
    """Login pages, hostile sizes and nonsense end in a clear error."""
    registry.held["/v2/app/manifests/1"] = held

    with pytest.raises(RegistryError) as caught:
        image(registry)

    assert caught.value.id == "registry.bad-reply"
    assert word in caught.value.message


def test_content_with_another_digest_is_refused(registry: Registry) -> None:
    """Of a manifest by digest, of a config, and against the registry's own word."""
    index = image(registry)
    path = f"/v2/app/manifests/{index.entries[0].digest}"
    registry.held[path] = registry.held["/v2/app/manifests/single"]
    with pytest.raises(RegistryError, match="another digest"):
        image(registry, f"app@{index.entries[0].digest}")
    (config,) = [path for path, (_, body) in registry.held.items() if b"10.0.17763.9" in body]
    registry.held[config] = ("application/json", b"{}")
    with pytest.raises(RegistryError, match="another digest"):
        image(registry, "app:single")
    registry.headers["Docker-Content-Digest"] = "sha256:" + "0" * 64
    with pytest.raises(RegistryError, match="another digest"):
        image(registry)


def test_an_index_that_makes_many_look_ups_ends(registry: Registry) -> None:
    """One that holds itself cannot be made; many entries without a platform can."""
    digest = registry.image("app", "10.0.20348.1")
    registry.index("app", "1", *([{"mediaType": OCI_MANIFEST, "digest": digest}] * 40))

    with pytest.raises(RegistryError, match="more than 32"):
        image(registry)
    assert len(registry.seen) <= 1 + 2 * 32


@pytest.mark.parametrize(
    "location", ["https://user:pw@127.0.0.1/x", "ftp://127.0.0.1/x", "http://[bad", ""]
)
def test_redirects_lead_to_web_addresses_and_end(registry: Registry, location: str) -> None:
    """The empty one leads to where it came from."""
    registry.redirects["/v2/app/manifests/1"] = location

    with pytest.raises(RegistryError) as caught:
        image(registry)
    assert caught.value.id == "registry.redirect"


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


def test_nobody_listening_is_told(registry: Registry) -> None:
    """After as many tries as the pace has."""
    with serving() as gone:
        host = gone.host
    with pytest.raises(RegistryUnreachable, match="tried 3 times") as caught:
        read(parse(f"{host}/app:1"), Ways(logins=NOBODY, plain_http={host}, pace=QUICK))
    assert caught.value.exit_code == 4
