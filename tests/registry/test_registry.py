"""The registry client against a real registry on loopback: mirrors, TLS, failures, redirects."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import certificates
import pytest
from registry_reader import NOBODY, QUICK, image, versions, ways
from registry_server import Registry, serving

from wincnode.artifacts.web import Pace
from wincnode.errors import RegistryError, RegistryRefused, RegistryUnreachable
from wincnode.images.offer import Image
from wincnode.images.reference import parse
from wincnode.inventory.model import Registry as Row
from wincnode.registry import many
from wincnode.registry.client import Ways, read


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


@pytest.mark.parametrize(
    "location", ["https://user:pw@127.0.0.1/x", "ftp://127.0.0.1/x", "http://[bad", ""]
)
def test_redirects_lead_to_web_addresses_and_end(registry: Registry, location: str) -> None:
    """The empty one leads to where it came from."""
    registry.redirects["/v2/app/manifests/1"] = location

    with pytest.raises(RegistryError) as caught:
        image(registry)
    assert caught.value.id == "registry.redirect"


def test_nobody_listening_is_told(registry: Registry) -> None:
    """After as many tries as the pace has."""
    with serving() as gone:
        host = gone.host
    with pytest.raises(RegistryUnreachable, match="tried 3 times") as caught:
        read(parse(f"{host}/app:1"), Ways(logins=NOBODY, plain_http={host}, pace=QUICK))
    assert caught.value.exit_code == 4
