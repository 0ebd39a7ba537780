"""Requests to an API server: who is trusted, who is asking, what is tried again, what is told."""

from __future__ import annotations

import json
import select
import socket
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from certificates import certificate
from cluster_access import HASTE, administrator, base64_of, failed, kubeconfig, ok, told

from wincnode.cluster.api import NODES, PODS, SECRETS, Api
from wincnode.cluster.entries import Pem
from wincnode.cluster.kubeconfig import ClusterAccess, load
from wincnode.errors import ClusterError, ClusterRefused, ClusterUnreachable, ConfigError
from wincnode.lab.cluster import ControlPlane, control_plane
from wincnode.secrets import Secret

PLUGIN = """\
#!{python}
import json, os, pathlib, sys
folder = pathlib.Path(__file__).parent
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
with (folder / "runs").open("a") as runs:
    runs.write(json.dumps([info, sys.argv[1:], os.environ.get("WHO"), sys.stdin.read()]) + "\\n")
print((folder / "answer").read_text())
"""
V1 = "client.authentication.k8s.io/v1"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that no test changes but by its own users."""
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running


def access_of(plane: ControlPlane, user: str = "admin") -> ClusterAccess:
    return load(plane.kubeconfig(user))


def who(plane: ControlPlane) -> str:
    """Give who sent the last request."""
    return plane.audit[-1].user


class Plugin:
    """An exec plugin that answers what it is told to, and notes how it was called."""

    def __init__(self, folder: Path, plane: ControlPlane) -> None:
        self._folder = folder
        self._plane = plane
        script = folder / "login"
        script.write_text(PLUGIN.format(python=sys.executable))
        script.chmod(stat.S_IRWXU)

    def answers(self, status: Mapping[str, Any], *, version: str = V1) -> None:
        body = {"apiVersion": version, "kind": "ExecCredential", "status": dict(status)}
        (self._folder / "answer").write_text(json.dumps(body))

    def runs(self) -> list[Any]:
        return [json.loads(row) for row in (self._folder / "runs").read_text().splitlines()]

    def api(self, **more: Any) -> Api:
        run = {
            "apiVersion": V1,
            "command": "./login",
            "args": ["a b"],
            "env": [{"name": "WHO", "value": "me"}],
            "interactiveMode": "IfAvailable",
            **more,
        }
        cluster = {
            "server": self._plane.server,
            "certificate-authority-data": base64_of(self._plane.ca_pem),
            "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"a": 1}}],
        }
        path = kubeconfig(self._folder / "config", cluster, {"exec": run})
        return administrator(path)


@pytest.fixture
def plugin(tmp_path: Path, plane: ControlPlane) -> Plugin:
    return Plugin(tmp_path, plane)


def known(plane: ControlPlane, token: str, user: str) -> str:
    """Let the server know a token, and give it."""
    plane.token_kubeconfig(user, token, ("system:masters",))
    return token


def test_a_client_certificate_says_who_is_asking(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key reaches the TLS library through a file that is gone at once."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert administrator(plane.kubeconfig("ann")).version()["gitVersion"] == "v1.36.4"
    assert who(plane) == "ann"
    assert list(tmp_path.iterdir()) == []


def test_connections_are_kept_for_the_next_request(plane: ControlPlane) -> None:
    """A run of many requests makes one handshake."""
    api = Api(access_of(plane), patience=HASTE)
    api.version()
    began = api.connection._pool(api.connection._credentials.identity())
    for _ in range(3):
        api.version()
    pools = [began.pools[key] for key in began.pools.keys()]  # noqa: SIM118 - urllib3's own
    assert [pool.num_connections for pool in pools] == [1]


def test_a_token_of_a_file_is_read_for_each_request(plane: ControlPlane, tmp_path: Path) -> None:
    """Somebody else renews it meanwhile; it goes before the token that stands beside it."""
    file = tmp_path / "token"
    cluster = {"server": plane.server, "certificate-authority-data": base64_of(plane.ca_pem)}
    path = kubeconfig(tmp_path / "c", cluster, {"token": "stale", "tokenFile": "token"})
    api = administrator(path)
    for user in ("bob", "eve"):
        file.write_text(known(plane, f"token-of-{user}", user) + "\n")
        api.version()
        assert who(plane) == user


def test_a_name_of_the_kubeconfig_is_asked_for_and_compared(plane: ControlPlane) -> None:
    """tls-server-name stands for the address that the server is reached by."""
    access = access_of(plane)
    assert Api(replace(access, tls_server_name="kubernetes"), patience=HASTE).version()
    with pytest.raises(ClusterUnreachable, match=r"not trusted: .*other\.example") as caught:
        Api(replace(access, tls_server_name="other.example"), patience=HASTE).version()
    assert caught.value.id == "cluster.untrusted"


def test_another_authority_is_not_trusted_and_gets_no_credentials(
    plane: ControlPlane, tmp_path: Path
) -> None:
    """Nothing is tried twice, and only an explicit word turns the check off."""
    pem, _ = certificate(tmp_path)
    other = Secret(pem.read_text().partition("-----BEGIN CERT")[2].join(["-----BEGIN CERT", ""]))
    access = access_of(plane, "mallory")
    before = len(plane.audit)
    for ca in (Pem(text=other), Pem()):
        with pytest.raises(ClusterUnreachable, match="not trusted"):
            Api(replace(access, ca=ca), patience=HASTE).version()
    assert len(plane.audit) == before
    assert Api(replace(access, ca=Pem(), insecure=True), patience=HASTE).version()


def test_a_key_of_another_certificate_is_told_before_the_network(plane: ControlPlane) -> None:
    """The message holds neither."""
    key = load(plane.kubeconfig("bob")).key
    with pytest.raises(ConfigError, match="do not go together") as caught:
        Api(replace(access_of(plane, "ann"), key=key), patience=HASTE).version()
    assert "BEGIN" not in f"{caught.value.message}{caught.value.__cause__}"


def test_whom_the_kubeconfig_impersonates_is_told_to_the_server(plane: ControlPlane) -> None:
    """The headers reach the server; this one looks for the right to impersonate."""
    headers = (("Impersonate-User", "root"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b"))
    api = Api(replace(access_of(plane), impersonate=headers), patience=HASTE)
    sent = api.connection._headers(_request(), api.connection._credentials.identity())
    assert sent.getlist("Impersonate-Group") == ["a", "b"]
    assert sent["Impersonate-User"] == "root"


def _request() -> Any:
    from wincnode.cluster.connection import Request
    from wincnode.cluster.failures import Call

    return Request(call=Call(verb="get", resource="nodes"), method="GET", path="/")


def test_nothing_secret_is_sent_without_tls() -> None:
    """As kubectl: a token of a kubeconfig with an http server stays here."""
    access = ClusterAccess(server="http://127.0.0.1:1", token=Secret("topsecret"))
    api = Api(access, patience=HASTE)
    assert "Authorization" not in api.connection._headers(
        _request(), api.connection._credentials.identity()
    )


def test_a_plugin_gives_a_token_until_it_is_refused(plane: ControlPlane, plugin: Plugin) -> None:
    """It runs once for many requests, and anew when the server does not know the token."""
    plugin.answers({"token": known(plane, "first", "bob")})
    api = plugin.api()
    api.version()
    api.version()
    assert who(plane) == "bob"
    assert len(plugin.runs()) == 1
    del plane._server.tokens["first"]
    plugin.answers({"token": known(plane, "second", "eve")})
    api.version()
    assert (who(plane), len(plugin.runs())) == ("eve", 2)


def test_a_plugin_runs_again_when_its_answer_has_expired(
    plane: ControlPlane, plugin: Plugin
) -> None:
    """Before the request, not after a refusal."""
    plugin.answers(
        {"token": known(plane, "t", "bob"), "expirationTimestamp": "2020-01-01T00:00:00Z"}
    )
    api = plugin.api()
    api.version()
    api.version()
    assert len(plugin.runs()) == 2


def test_a_plugin_gives_a_client_certificate(plane: ControlPlane, plugin: Plugin) -> None:
    """Certificate and key arrive as PEM, not in base64."""
    access = access_of(plane, "carl")
    certificate, key = access.certificate.read().reveal(), access.key.read().reveal()
    plugin.answers({"clientCertificateData": certificate, "clientKeyData": key})
    plugin.api().version()
    assert who(plane) == "carl"


def test_a_plugin_is_told_the_cluster_if_it_asks_and_gets_no_terminal(
    plane: ControlPlane, plugin: Plugin
) -> None:
    """Its arguments and its environment are those of the kubeconfig."""
    plugin.answers({"token": known(plane, "t", "bob")})
    plugin.api().version()
    plugin.api(provideClusterInfo=True).version()
    (plain, arguments, own, stdin), (full, *_) = plugin.runs()
    assert plain == {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}}
    assert (arguments, own, stdin) == (["a b"], "me", "")
    assert full["spec"]["cluster"] == {
        "server": plane.server,
        "certificate-authority-data": base64_of(plane.ca_pem),
        "config": {"a": 1},
    }


@pytest.mark.parametrize(
    ("status", "more", "part"),
    [
        ({"token": "topsecret"}, {"interactiveMode": "Always"}, "there is nobody to answer"),
        ({}, {}, "wrote no ExecCredential"),
        ({"clientCertificateData": "topsecret"}, {}, "wrote no ExecCredential"),
        ({"token": "topsecret", "expirationTimestamp": "soon"}, {}, "wrote no ExecCredential"),
        (
            {"token": "topsecret", "expirationTimestamp": "2020-01-01T00:00:00"},
            {},
            "wrote no ExecCredential",
        ),
        ({"token": "topsecret\nb"}, {}, "wrote no ExecCredential"),
        ({}, {"command": "no-such-program", "installHint": "brew it"}, "cannot be started"),
        ({}, {"command": sys.executable, "args": ["-c", "raise SystemExit(3)"]}, "ended with 3"),
    ],
)
def test_a_plugin_that_gives_nothing_is_told_by_its_name(
    plugin: Plugin, status: dict[str, str], more: dict[str, Any], part: str
) -> None:
    """Its answer is never repeated, and its own hint is the remedy."""
    plugin.answers(status)
    with pytest.raises(ClusterRefused, match=part) as caught:
        plugin.api(**more).version()
    assert caught.value.id == "cluster.plugin"
    assert more.get("installHint", "") in caught.value.remedy
    assert "topsecret" not in f"{caught.value.message}{caught.value.__cause__}"


def test_who_is_not_known_is_told_so(plane: ControlPlane) -> None:
    """401 is not 403."""
    access = replace(access_of(plane), certificate=Pem(), key=Pem(), token=Secret("topsecret"))
    with pytest.raises(ClusterRefused) as caught:
        Api(access, patience=HASTE).version()
    assert (caught.value.id, caught.value.status) == ("cluster.not-let-in", 401)
    assert "topsecret" not in caught.value.message


def test_a_missing_right_is_told_with_verb_and_resource(plane: ControlPlane) -> None:
    """And with the server, and where the rights are listed."""
    api = administrator(plane.kubeconfig("few", [("get", "nodes")]))
    with pytest.raises(ClusterRefused) as caught:
        api.create(PODS, {}, namespace="apps", name="a", subresource="eviction")
    assert caught.value.id == "cluster.forbidden"
    for part in (plane.server, "create pods/eviction a in apps", 'User "few"'):
        assert part in caught.value.message
    assert "docs/cluster.md" in caught.value.remedy


@pytest.mark.parametrize(
    "first",
    [failed(429, Retry_After="0"), failed(500), failed(503), (502, "<html>", {}), None],
)
def test_what_passes_is_tried_again_where_nothing_changes(first: Any) -> None:
    """A create is not: nobody knows whether the first one did it."""
    with told(first, ok({"a": 1})) as (server, api):
        assert api.get(NODES, "win1") == {"a": 1}
    assert [path for _, path in server.asked] == ["/api/v1/nodes/win1"] * 2
    with told(first) as (server, api), pytest.raises(ClusterError) as caught:
        api.create(SECRETS, {"metadata": {"name": "s"}}, namespace="a")
    assert len(server.asked) == 1
    assert caught.value.id == ("cluster.unreachable" if first is None else "cluster.busy")
    assert "create secrets s in a" in caught.value.message


def test_a_server_that_stays_busy_is_given_up(plane: ControlPlane) -> None:
    """After as many tries as the patience has; the server's own word is shown."""
    with told(*[failed(503, "etcd is away")] * 3) as (server, api):
        with pytest.raises(ClusterError, match="etcd is away"):
            api.version()
    assert len(server.asked) == 3


def test_a_delete_of_one_object_may_be_tried_again() -> None:
    """Its UID keeps the second try from another object of the name; gone is gone."""
    with told(None, failed(404)) as (server, api):
        assert api.delete(SECRETS, "s", namespace="a", uid="1") is False
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "id"),
    [
        ((200, "<html>portal</html>", {}), "cluster.bad-reply"),
        ((200, "[1]", {}), "cluster.bad-reply"),
        ((302, "", {"Location": "https://login.example/"}), "cluster.bad-reply"),
        ((404, "not here", {}), "cluster.bad-reply"),
        (failed(404), "cluster.not-found"),
        (failed(409), "cluster.conflict"),
        (failed(422), "cluster.invalid"),
    ],
)
def test_each_refusal_has_its_id(answer: Any, id: str) -> None:
    """A portal that answers in the API server's place is no answer of the API server."""
    with told(answer) as (server, api), pytest.raises(ClusterError) as caught:
        api.get(NODES, "win1")
    assert caught.value.id == id
    assert f"{server.url}: get nodes win1: " in caught.value.message


def test_control_characters_of_a_server_reach_no_terminal() -> None:
    """What the server says is shown, and obeyed by nobody."""
    with told(failed(422, "\x1b[2J bad")) as (_, api), pytest.raises(ClusterError) as caught:
        api.get(NODES, "win1")
    assert "\\x1b[2J bad" in caught.value.message


def test_a_list_of_pages_is_one_list() -> None:
    """A page that the server has forgotten starts it again, without pages."""
    first = ok({"metadata": {"continue": "c", "resourceVersion": "7"}, "items": [{"n": 1}]})
    last = ok({"metadata": {"resourceVersion": "7"}, "items": [{"n": 2}]})
    with told(first, last) as (server, api):
        found = api.list(NODES, labels="a=b")
    assert (found.version, found.items) == ("7", ({"n": 1}, {"n": 2}))
    assert server.asked[1][1] == "/api/v1/nodes?labelSelector=a%3Db&limit=500&continue=c"
    with told(first, failed(410), last) as (server, api):
        assert api.list(NODES).items == ({"n": 2},)
    assert server.asked[2][1] == "/api/v1/nodes"


def test_nobody_listening_and_a_name_that_is_none_are_told_apart() -> None:
    """The first may pass, the second does not."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for server, part in (
        (f"https://user:topsecret@127.0.0.1:{port}", "nothing listens there"),
        ("https://no-such-host.invalid", "the resolver knows no such name"),
    ):
        with pytest.raises(ClusterUnreachable, match=part) as caught:
            Api(ClusterAccess(server=server), patience=HASTE).version()
        assert "topsecret" not in caught.value.message


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    """No request waits without end."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        access = ClusterAccess(server=f"http://127.0.0.1:{silent.getsockname()[1]}")
        patience = replace(HASTE, silent_s=0.05, tries=1)
        began = time.monotonic()
        with pytest.raises(ClusterUnreachable, match="no answer in time"):
            Api(access, patience=patience).version()
        assert time.monotonic() - began < 2


def test_the_server_s_clock_counts() -> None:
    """A token that lives by a clock that is late would be dead at once."""
    with told(ok({}, Date="Tue, 01 Jan 2030 00:00:00 GMT")) as (_, api):
        api.version()
    assert api.now().year == 2030


@contextmanager
def proxy(answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Iterator[tuple[str, list[bytes]]]:
    """Run a proxy for one CONNECT; gives its address and what it was asked."""
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as near:
            head = near.recv(65536)
            heard.append(head)
            near.sendall(answer)
            if b" 200 " not in answer:
                return
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                ends = {near: far, far: near}
                while True:
                    for end in select.select(list(ends), [], [], 5)[0]:
                        data = end.recv(65536)
                        if not data:
                            return
                        ends[end].sendall(data)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", heard


def test_the_kubeconfig_s_proxy_carries_the_same_tls(plane: ControlPlane) -> None:
    """The API server's certificate is checked through it, and its credentials are its own."""
    with proxy() as (address, heard):
        access = replace(access_of(plane, "ann"), proxy_url=f"http://u:p%40@{address}")
        assert Api(access, patience=HASTE).version()
    assert who(plane) == "ann"
    assert heard[0].startswith(f"CONNECT {plane.server.removeprefix('https://')}".encode())
    assert f"proxy-authorization: basic {base64_of('u:p@')}".lower().encode() in heard[0].lower()


def test_a_proxy_that_refuses_is_told_so(plane: ControlPlane) -> None:
    """Without the proxy's password."""
    with proxy(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as (address, _):
        access = replace(access_of(plane), proxy_url=f"http://u:topsecret@{address}")
        with pytest.raises(ClusterUnreachable, match="the proxy does not let through") as caught:
            Api(access, patience=replace(HASTE, tries=1)).version()
    assert "topsecret" not in f"{caught.value.message}{caught.value.__cause__}"


def test_a_proxy_that_is_no_address_is_refused(plane: ControlPlane) -> None:
    """Nothing of it is repeated: it may hold a password."""
    for url in ("http://u:topsecret@[::1", "http://u:topsecret@a:b", "topsecret"):
        with pytest.raises(ConfigError, match="the proxy is no address") as caught:
            Api(replace(access_of(plane), proxy_url=url), patience=HASTE).version()
        assert "topsecret" not in caught.value.message


def test_a_token_file_that_holds_none_is_told_without_it(
    plane: ControlPlane, tmp_path: Path
) -> None:
    """A header ends where a line does; the library would show what it was given."""
    file = tmp_path / "token"
    file.write_text("topsecret\nb")
    access = replace(access_of(plane), certificate=Pem(), key=Pem(), token_file=file)
    with pytest.raises(ConfigError, match="cannot be read as a token") as caught:
        Api(access, patience=HASTE).version()
    assert "topsecret" not in f"{caught.value.message}{caught.value.__context__}"


def test_a_proxy_of_another_kind_is_refused(plane: ControlPlane) -> None:
    """SOCKS would need one more library."""
    with pytest.raises(ConfigError, match="socks5; it takes http or https"):
        Api(replace(access_of(plane), proxy_url="socks5://p:1"), patience=HASTE).version()
