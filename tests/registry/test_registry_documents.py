"""Indexes, manifests and configs, as the registry client reads them from a real registry."""

from __future__ import annotations

import json

import pytest
import registry_server
from registry_reader import image, versions
from registry_server import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Registry

from wincnode.errors import RegistryError
from wincnode.registry.documents import ACCEPT, LIMIT_MANIFEST


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
