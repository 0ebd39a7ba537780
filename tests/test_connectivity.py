"""What a node reaches, over real sockets: both engines say the same, and the checks judge it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from certificates import certificate
from files_server import serving
from network_check_cases import facts as facts_of
from nodes import ENGINES, lab_node, linked

from wincnode import runner
from wincnode.checks import Finding, Severity, Target, Verdict, Wanted, run_checks
from wincnode.checks.connectivity import judge
from wincnode.commands.targets import reachable
from wincnode.events import FactsRead
from wincnode.facts import FactMissing, Facts
from wincnode.inventory import parse
from wincnode.lab.windows.registry import Value

ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


@dataclass(frozen=True, kw_only=True)
class Places:
    """What is reached and what is not."""

    web: str
    tls: str
    closed: str
    authority: str


def closed_port() -> int:
    """Give a port that nobody listens on."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Serve a registry, files and an API server."""
    pem, _ = certificate(tmp_path_factory.mktemp("pem"))
    with serving() as web, serving(pem) as tls:
        # What a proxy is asked for is the whole address.
        web.contents |= {"/file": b"bytes", "/v2/": b"", "http://registry.invalid/v2/": b""}
        web.redirects |= {"/moved": web.url("/file")}
        web.statuses |= {"/private/v2/": [401] * 9}
        tls.contents |= {"/v2/": b""}
        yield Places(
            web=web.base,
            tls=tls.base,
            closed=f"https://127.0.0.1:{closed_port()}",
            authority=pem.read_text(),
        )


def asked(places: Places) -> list[dict[str, str]]:
    """List what the node is to try."""
    return [
        {"kind": "api", "url": places.tls},
        {"kind": "api", "url": places.closed},
        {"kind": "registry", "url": f"{places.web}/v2/"},
        {"kind": "registry", "url": f"{places.web}/private/v2/"},
        {"kind": "registry", "url": f"{places.tls}/v2/"},
        {"kind": "download", "url": f"{places.web}/file"},
        {"kind": "download", "url": f"{places.web}/moved"},
        {"kind": "download", "url": f"{places.web}/gone"},
        {"kind": "dns", "url": "dns://localhost"},
        {"kind": "tcp", "url": places.web.replace("http:", "tcp:")},
        {"kind": "tcp", "url": places.closed.replace("https:", "tcp:")},
    ]


def said(places: Places, folder: Path, engine: str) -> dict[str, Any]:
    """Let a node try them all, and give what came of each by its address."""
    with lab_node(folder, engine=engine) as node, linked(node) as link:
        wish = {"connectivity": {"targets": asked(places)}}
        events = runner.read_facts(link, node="web-1", sections=("connectivity",), asked=wish)
        (read,) = [row for row in events if isinstance(row, FactsRead)]
    assert read.error == ""
    assert read.data is not None
    return {row["url"]: row for row in read.data["targets"]}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_node_says_what_it_reaches(engine: str, places: Places, tmp_path: Path) -> None:
    """Names of what went wrong are those of .NET, whatever the node's language."""
    found = said(places, tmp_path / "node", engine)
    ends = {url: (row["connected"], row["status"], row["error"]) for url, row in found.items()}
    assert ends == {
        places.tls: (True, None, ""),
        places.closed: (False, None, "ConnectionRefused"),
        f"{places.web}/v2/": (True, 200, ""),
        f"{places.web}/private/v2/": (True, 401, ""),
        f"{places.tls}/v2/": (True, None, "AuthenticationFailed"),
        f"{places.web}/file": (True, 206, ""),
        f"{places.web}/moved": (True, 206, ""),
        f"{places.web}/gone": (True, 404, ""),
        "dns://localhost": (True, None, ""),
        places.web.replace("http:", "tcp:"): (True, None, ""),
        places.closed.replace("https:", "tcp:"): (False, None, "ConnectionRefused"),
    }
    assert "127.0.0.1" in found["dns://localhost"]["addresses"]
    shown = found[places.tls]["certificate"]
    assert judge(shown, places.tls, places.authority, datetime.now(UTC)) is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_registry_is_asked_through_the_proxy_of_the_machine(
    engine: str, places: Places, tmp_path: Path
) -> None:
    """Containerd takes it from the variables, and goes around it for what NO_PROXY names."""
    far, near = "http://registry.invalid/v2/", f"{places.web}/v2/"
    words = places.web.replace("http://", "ada:hunter2@")
    # Linux takes this address for its own, and no program takes it for one of loopback.
    shut = places.closed.replace("127.0.0.1", "0.0.0.0")
    refused = ("", None, "ConnectionRefused")
    first = {
        far: ("registry", (places.web.replace("//", "//***@"), 200, "")),
        near: ("registry", ("", 200, "")),
        shut: ("registry", refused),
    }
    then = {
        f"http{shut.removeprefix('https')}": ("registry", refused),
        f"{shut}/file": ("download", refused),
    }
    with lab_node(tmp_path / "node", engine=engine) as node, linked(node) as link:
        for around, asked in (("near.example", first), (".local, 0.0.0.0", then)):
            for name, text in (("HTTP_PROXY", words), ("NO_PROXY", around)):
                node.machine.registry.set(ENVIRONMENT, name, Value(kind="String", data=text))
            wish = {"targets": [{"kind": kind, "url": url} for url, (kind, _) in asked.items()]}
            events = runner.read_facts(
                link, node="web-1", sections=("connectivity",), asked={"connectivity": wish}
            )
            (read,) = [row for row in events if isinstance(row, FactsRead)]
            assert read.data is not None, read.error
            ends = [(row["via"], row["status"], row["error"]) for row in read.data["targets"]]
            assert ends == [end for _, end in asked.values()]


def findings(rows: list[dict[str, Any]], wanted: Wanted) -> dict[str, Finding]:
    """Judge a healthy node that said these of its targets."""
    sections = {**facts_of("ws2022"), "connectivity": {"targets": rows}}
    return {row.check: row for row in run_checks(Facts(sections=sections), wanted)}


def row(url: str, **changes: Any) -> dict[str, Any]:
    """Give what a node says of a target."""
    empty = {"via": "", "connected": True, "status": None, "error": "", "certificate": ""}
    return {"url": url, **empty, "addresses": [], **changes}


REGISTRIES = Wanted(
    targets=(
        Target(kind="registry", name="docker.io", url="https://mirror/v2/"),
        Target(kind="registry", name="docker.io", url="https://registry-1.docker.io/v2/"),
        Target(kind="registry", name="own", url="https://own/v2/", own_trust=True),
        Target(kind="download", name="kubelet", url="https://dl/kubelet.exe"),
    )
)


def test_one_mirror_is_enough_and_a_trust_of_its_own_is_the_runtimes_to_judge() -> None:
    """Containerd tries mirrors in turn, and trusts by its own files."""
    rows = [
        row("https://mirror/v2/", connected=False, error="TimedOut"),
        row("https://registry-1.docker.io/v2/", status=401),
        row("https://own/v2/", error="AuthenticationFailed"),
        row("https://dl/kubelet.exe", status=206),
    ]
    found = findings(rows, REGISTRIES)
    assert found["conn.registry"].verdict is found["conn.download"].verdict is Verdict.PASS


def test_what_is_not_reached_is_told_with_its_reason() -> None:
    """A proxy on the way is named, too."""
    rows = [
        row("https://mirror/v2/", connected=False, error="TimedOut"),
        row("https://registry-1.docker.io/v2/", via="http://proxy:3128", status=407),
        row("https://own/v2/", status=200),
        row("https://dl/kubelet.exe", status=404),
    ]
    found = findings(rows, REGISTRIES)
    assert (found["conn.registry"].blocks, found["conn.download"].blocks) == (True, False)
    assert "mirror/v2/: TimedOut" in found["conn.registry"].evidence
    assert "through http://proxy:3128: 407" in found["conn.registry"].evidence
    assert "https://dl/kubelet.exe: 404" in found["conn.download"].evidence
    assert found["conn.download"].severity is Severity.WARNING


NAMES = Wanted(
    targets=(
        Target(kind="registry", name="own", url="https://own/v2/"),
        Target(kind="dns", name="own", url="dns://own"),
        Target(kind="dns", name="api", url="dns://api"),
    )
)


def test_names_that_a_proxy_looks_up_need_no_resolver_of_the_node() -> None:
    """A name that the node itself needs is another matter, and the cause of what follows."""
    unknown = {"connected": False, "error": "HostNotFound"}
    rows = [
        row("https://own/v2/", via="http://proxy:3128", status=200),
        row("dns://own", **unknown),
        row("dns://api", addresses=["10.0.0.9"]),
    ]
    found = findings(rows, NAMES)["conn.dns"]
    assert (found.verdict, found.evidence) == (Verdict.PASS, "api is 10.0.0.9")
    rows[0] = row("https://own/v2/", **unknown)
    found = findings(rows, NAMES)["conn.dns"]
    assert (found.verdict, found.evidence) == (Verdict.FAIL, "own: HostNotFound")
    assert findings(rows, NAMES)["conn.registry"].because_of == ("conn.dns",)


def test_a_node_that_refuses_has_been_reached() -> None:
    """One that is silent has not: a firewall or no way."""
    peers = Wanted(
        targets=tuple(
            Target(kind="tcp", name=name, url=f"tcp://10.0.0.{number}:5986")
            for number, name in enumerate(("web-1", "web-2"), 1)
        )
    )
    rows = [
        row("tcp://10.0.0.1:5986"),
        row("tcp://10.0.0.2:5986", connected=False, error="ConnectionRefused"),
    ]
    found = findings(rows, peers)["conn.peer"]
    assert found.verdict is Verdict.PASS
    assert found.evidence == (
        "connected to web-1 (10.0.0.1:5986); refused by web-2 (10.0.0.2:5986)"
    )
    rows[1] = row("tcp://10.0.0.2:5986", connected=False, error="TimedOut")
    found = findings(rows, peers)["conn.peer"]
    assert (found.verdict, found.blocks) == (Verdict.FAIL, False)
    assert found.evidence == "web-2 (10.0.0.2:5986): TimedOut"


def test_an_api_server_out_of_reach_blocks_and_its_certificate_is_unknown() -> None:
    """What was not seen is not judged."""
    wanted = Wanted(targets=(Target(kind="api", name="api", url="https://api:6443"),))
    closed = row("https://api:6443", connected=False, error="HostNotFound")
    found = findings([closed], wanted)
    assert found["conn.api"].blocks
    assert "HostNotFound" in found["conn.api"].evidence
    assert found["conn.api.tls"].verdict is Verdict.UNKNOWN
    silent = row("https://api:6443", error="AuthenticationFailed")
    found = findings([silent], wanted)
    assert found["conn.api"].verdict is Verdict.PASS
    assert found["conn.api.tls"].verdict is Verdict.FAIL
    assert not found["conn.api.tls"].blocks


def shown(folder: Path) -> tuple[str, str]:
    """Give a certificate for 127.0.0.1 as a node sends it, and its PEM."""
    import base64

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    pem, _ = certificate(folder)
    made = x509.load_pem_x509_certificate(pem.read_bytes())
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode(), pem.read_text()


def test_a_certificate_is_judged_by_name_time_and_authority(tmp_path: Path) -> None:
    """Authorities of two clusters have one name, kubernetes: the key tells them apart."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    mine, authority = shown(tmp_path / "a")
    _, other = shown(tmp_path / "b")
    now = datetime.now(UTC)
    url = "https://127.0.0.1:6443"

    def words(url: str, authority: str, at: datetime) -> str:
        outcome = judge(mine, url, authority, at)
        return outcome.evidence if outcome else ""

    assert words(url, authority, now) == words(url, "", now) == ""
    assert "is for 127.0.0.1" in words("https://api.example", authority, now)
    assert "valid from" in words(url, authority, now + timedelta(days=9))
    assert "another cluster" in words(url, other, now)
    with pytest.raises(FactMissing):
        judge("bm8gY2VydGlmaWNhdGU=", url, "", now)
    with pytest.raises(FactMissing):
        judge("?", url, "", now)


INVENTORY = """\
cluster: {api_server: 10.0.0.9, cni: flannel, kubernetes: 1.36.4}
runtime:
  containerd: 2.3.7
  registries:
    - {host: docker.io, mirrors: ['https://mirror.example/v2/hub'], ca_file: ca.pem}
    - {host: registry.k8s.io, server: 'http://cache.example:5000', allow_unencrypted: true}
connection: {user: u, password: {env: P}}
nodes: {a: }
"""
LOCK = """\
schema: wincnode/lock/v1
artifacts:
"""


def entry(name: str, url: str) -> str:
    """Give a row of a lock file."""
    return (
        f"- {{component: {name}, version: 1.0.0, url: '{url}', sha256: '{'a' * 64}', size: 9,"
        f" verified: digest, checksum_url: '{url}.sha256'}}\n"
    )


def test_targets_come_from_the_inventory_and_its_lock_file(tmp_path: Path) -> None:
    """The API server, each place where the first images may come from, a file of each host."""
    rows = entry("kubelet", "https://dl.k8s.io/a") + entry("kubeadm", "https://dl.k8s.io/b")
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "wincnode.lock.yaml").write_text(LOCK + rows + entry("cri", "https://github/c"))
    inventory = parse(INVENTORY, tmp_path / "wincnode.yaml")
    wanted = reachable(inventory, Wanted())
    assert [(row.kind, row.url, row.own_trust) for row in wanted.targets] == [
        ("api", "https://10.0.0.9:6443", False),
        ("registry", "https://mirror.example/v2/hub/", True),
        ("registry", "https://registry-1.docker.io/v2/", True),
        ("registry", "http://cache.example:5000/v2/", False),
        ("download", "https://dl.k8s.io/a", False),
        ("download", "https://github/c", False),
        *(
            ("dns", f"dns://{name}", False)
            for name in (
                *("mirror.example", "registry-1.docker.io", "cache.example", "dl.k8s.io"),
                "github",
            )
        ),
    ]
    assert wanted.server == "https://10.0.0.9:6443"


def test_the_registries_of_pods_are_tried_as_well(tmp_path: Path) -> None:
    """Whoever says that each node must run an image says that it must be pulled."""
    text = "preflight: {images: ['a.example/b', 'a.example/c']}\n"
    text += "connection: {user: u, password: {env: P}}\nnodes: {a: }\n"
    wanted = reachable(parse(text, tmp_path / "wincnode.yaml"), Wanted())
    urls = ["https://a.example/v2/", "dns://a.example"]
    assert [row.url for row in wanted.targets or ()] == urls


def test_an_inventory_of_nodes_alone_names_nothing_to_reach(tmp_path: Path) -> None:
    """A first look at machines asks nobody but them."""
    text = "connection: {user: u, password: {env: P}}\nnodes: {a: }\n"
    assert reachable(parse(text, tmp_path / "wincnode.yaml"), Wanted()).targets == ()
