"""The client against Debian's own docker-registry, which `.ci/run` unpacks; skipped elsewhere."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from registry_server import BASIC, DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, digest_of
from registry_server import config as config_of
from registry_server import manifest as manifest_of

from wincnode.builds import load_builds
from wincnode.errors import RegistryError, RegistryRefused
from wincnode.images.choose import Node, choose
from wincnode.images.reference import parse
from wincnode.isolation import Version
from wincnode.registry.client import Ways, read
from wincnode.registry.credentials import Login, Logins, load
from wincnode.secrets import Secret
from wincnode.support import load_support, matcher_of

PROGRAM = os.environ.get("WINCNODE_REGISTRY") or shutil.which("docker-registry")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="docker-registry is not installed")
# `robot` with the password hunter2.
HTPASSWD = "robot:$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A registry that runs; `headers` let a test write to it."""

    host: str
    headers: dict[str, str]

    def put_blob(self, name: str, content: bytes) -> str:
        """Upload a blob."""
        base = f"http://{self.host}"
        begun = requests.post(f"{base}/v2/{name}/blobs/uploads/", headers=self.headers, timeout=5)
        begun.raise_for_status()
        digest = digest_of(content)
        sent = requests.put(
            f"{begun.headers['Location']}&digest={digest}",
            data=content,
            headers={**self.headers, "Content-Type": "application/octet-stream"},
            timeout=5,
        )
        sent.raise_for_status()
        return digest

    def put(self, name: str, content: bytes, kind: str, tag: str = "") -> str:
        """Upload a manifest or an index."""
        digest = digest_of(content)
        url = f"http://{self.host}/v2/{name}/manifests/{tag or digest}"
        headers = {**self.headers, "Content-Type": kind}
        requests.put(url, data=content, headers=headers, timeout=5).raise_for_status()
        return digest

    def put_index(self, name: str, tag: str, *versions: str, docker: bool = False) -> None:
        """Upload an index of Windows versions with all that it points to."""
        kind = DOCKER_MANIFEST if docker else OCI_MANIFEST
        rows = []
        for version in versions:
            made = config_of(version)
            self.put_blob(name, made)
            content = manifest_of(made, docker=docker)
            digest = self.put(name, content, kind, f"{tag}-{version}")
            platform = {"os": "windows", "architecture": "amd64", "os.version": version}
            size = len(content)
            rows.append({"mediaType": kind, "digest": digest, "size": size, "platform": platform})
        index = DOCKER_INDEX if docker else OCI_INDEX
        body = {"schemaVersion": 2, "mediaType": index, "manifests": rows}
        self.put(name, json.dumps(body).encode(), index, tag)


@contextlib.contextmanager
def running(folder: Path, headers: dict[str, str], auth: object = None) -> Iterator[Running]:
    """Run docker-registry on a free port of loopback."""
    assert PROGRAM is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": host},
        **({"auth": auth} if auth else {}),
    }
    path = folder / "registry.yml"
    path.write_text(yaml.safe_dump(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "serve", str(path)], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                requests.get(f"http://{host}/v2/", timeout=5)
                break
            time.sleep(0.05)
        yield Running(host=host, headers=headers)
    finally:
        process.terminate()
        process.wait(10)


def ways(registry: Running, login: Login | None = None) -> Ways:
    """Reach the registry, as somebody or nobody."""
    rows = {}
    if login is not None and login.password is not None:
        rows[registry.host] = {"username": login.user, "password": login.password.reveal()}
    logins = Logins(path=Path("none"), auths=rows, helpers={})
    return Ways(logins=logins, plain_http={registry.host})


ROBOT = Login(user="robot", password=Secret("hunter2"))


@pytest.mark.parametrize("docker", [False, True])
def test_a_windows_index_is_read_and_judged(tmp_path: Path, *, docker: bool) -> None:
    """Of both kinds: by tag, by the digest of one of its manifests, and by a tag of that one."""
    versions = ("10.0.17763.8755", "10.0.20348.5499", "10.0.26100.4061")
    with running(tmp_path, {}) as registry:
        registry.put_index("app", "1", *versions, docker=docker)

        image = read(parse(f"{registry.host}/app:1"), ways(registry))
        assert [row.real.os_version for row in image.entries] == list(versions)
        for name in (f"app@{image.entries[1].digest}", f"app:1-{versions[1]}"):
            single = read(parse(f"{registry.host}/{name}"), ways(registry))
            assert [row.real.os_version for row in single.entries] == [versions[1]]
            assert single.kind == "manifest"

    matcher = matcher_of(load_support(), "2.3.4")
    found = {
        host: choose(
            image, Node(version=Version(build=host), matcher=matcher), "process", load_builds()
        )
        for host in (17763, 19042, 20348, 26100)
    }
    assert {host: row.verdict.verdict for host, row in found.items()} == {
        17763: "allow",
        19042: "deny",
        20348: "allow",
        26100: "allow",
    }
    assert [row.entry and row.entry.real.os_version for row in found.values()] == [
        versions[0],
        None,
        *versions[1:],
    ]


def test_basic_authentication(tmp_path: Path) -> None:
    """With htpasswd; nobody and a wrong password are not let in."""
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "ours", "path": str(tmp_path / "htpasswd")}}
    with running(tmp_path, {"Authorization": BASIC}, auth) as registry:
        registry.put_index("app", "1", "10.0.20348.1")
        name = parse(f"{registry.host}/app:1")

        assert read(name, ways(registry, ROBOT)).kind == "index"
        for login in (None, Login(user="robot", password=Secret("wrong"))):
            with pytest.raises(RegistryRefused):
                read(name, ways(registry, login))


def test_tokens_of_a_server_beside_it(tmp_path: Path) -> None:
    """The registry checks each token's signature, its time and its scope."""
    with token_server(tmp_path) as (auth, push):
        with running(tmp_path, {"Authorization": f"Bearer {push}"}, auth) as registry:
            registry.put_index("app", "1", "10.0.20348.1", "10.0.26100.1")
            name = parse(f"{registry.host}/app:1")

            assert read(name, ways(registry, ROBOT)).kind == "index"
            single = parse(f"{registry.host}/app:1-10.0.20348.1")
            assert read(single, ways(registry, ROBOT)).entries[0].real.os_version == "10.0.20348.1"
            with pytest.raises(RegistryRefused):
                read(name, ways(registry))


@pytest.mark.parametrize("name", ["app:2", "nobody/none:1", f"app@sha256:{'0' * 64}"])
def test_what_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    """A tag, a repository and a digest."""
    with running(tmp_path, {}) as registry:
        registry.put_index("app", "1", "10.0.20348.1")

        with pytest.raises(RegistryError) as caught:
            read(parse(f"{registry.host}/{name}"), ways(registry))
        assert caught.value.id == "registry.missing"


def test_the_login_of_docker_s_own_file(tmp_path: Path) -> None:
    """As `docker login` writes it."""
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "ours", "path": str(tmp_path / "htpasswd")}}
    with running(tmp_path, {"Authorization": BASIC}, auth) as registry:
        registry.put_index("app", "1", "10.0.20348.1")
        rows = {registry.host: {"auth": BASIC.removeprefix("Basic ")}}
        (tmp_path / "config.json").write_text(json.dumps({"auths": rows}))
        logins = load({"DOCKER_CONFIG": str(tmp_path)}, tmp_path)

        image = read(
            parse(f"{registry.host}/app:1"), Ways(logins=logins, plain_http={registry.host})
        )
        assert image.kind == "index"


@contextlib.contextmanager
def token_server(folder: Path) -> Iterator[tuple[object, str]]:
    """Give tokens to `robot`; yields the registry's settings for it, and a token to write with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "bundle.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    der = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()

    def token(*actions: str) -> str:
        head = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        at = int(time.time())
        access = [{"type": "repository", "name": "app", "actions": actions}]
        times = {"nbf": at - 10, "iat": at, "exp": at + 60}
        claims = {"iss": "issuer", "aud": "ours", "jti": "1", **times, "access": access}
        text = ".".join(map(encoded, (json.dumps(row).encode() for row in (head, claims))))
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{encoded(signature)}"

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == BASIC
            body = json.dumps({"token": token("pull")}).encode() if known else b"{}"
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    settings = {
        "realm": f"http://127.0.0.1:{server.server_port}/token",
        "service": "ours",
        "issuer": "issuer",
        "rootcertbundle": str(folder / "bundle.pem"),
    }
    try:
        yield {"token": settings}, token("pull", "push")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def encoded(content: bytes) -> str:
    """Write bytes as a JWT does."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
