"""What nodes get of images, judged before they are touched; registries are real ones on loopback."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from facts_documents import document
from registry_server import DOCKER_MANIFEST, Registry, config, manifest, serving
from test_checks import facts_with
from test_outputs import here

from wincnode.artifacts.web import Pace
from wincnode.checks import Finding, Severity, Verdict, Wanted, run_checks
from wincnode.cluster import facts as cluster_facts
from wincnode.cluster.api import Api
from wincnode.cluster.kubeconfig import load as load_kubeconfig
from wincnode.commands.pulls import ask, of_cluster
from wincnode.errors import ConfigError
from wincnode.facts import Facts
from wincnode.images.named import Named, Pull
from wincnode.images.offer import Entry, Image, Kind, Platform
from wincnode.images.reference import parse as parse_reference
from wincnode.inventory import parse
from wincnode.inventory.model import Inventory
from wincnode.lab.cluster import ControlPlane

ALL = ("10.0.17763.1", "10.0.20348.1", "10.0.26100.1")
FLANNEL = "sigwindowstools/flannel"
PROXY = "sigwindowstools/kube-proxy"
QUICK = Pace(tries=1, wait_s=0, connect_s=1, silent_s=2, slow_s=2)


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take neither a proxy nor credentials from the machine that tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))


def pull(*versions: str, role: Any = "pod", kind: Kind = "index", **more: Any) -> Pull:
    """Give an image of Windows versions as it was read."""
    foreign = more.pop("foreign", ())
    entries = tuple(
        Entry(
            digest=f"sha256:{place}",
            listed=found if kind == "index" else None,
            real=found,
            foreign=foreign,
        )
        for place, text in enumerate(versions)
        for found in (Platform(os="windows", arch="amd64", os_version=text),)
    )
    image = Image(
        reference=parse_reference("a.example/b"),
        kind=kind,
        digest="",
        entries=entries,
        served_by="",
    )
    return Pull(named=Named(name="a.example/b", role=role, **more), image=image)


def unread(failure: Any, role: Any = "pod") -> Pull:
    """Give an image that could not be read."""
    return Pull(named=Named(name="a.example/b", role=role), failure=failure, reason="why not")


def judged(check: str, *pulls: Pull, containerd: str = "2.3.4", hyperv: bool = False) -> Finding:
    """Judge a healthy Server 2022, of revision 2582."""
    facts = facts_with((("os", "ubr"), 2582))
    wanted = Wanted(images=pulls, containerd=containerd, hyperv=hyperv)
    return next(row for row in run_checks(facts, wanted) if row.check == check)


PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
ERROR, WARNING = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize(
    ("found", "verdict", "severity", "words"),
    [
        (pull(*ALL), PASS, ERROR, "a.example/b gives it 20348.1"),
        (pull("10.0.17763.1"), FAIL, ERROR, "containerd takes none of its images"),
        (pull("10.0.26100.1", kind="manifest"), FAIL, ERROR, "only the start of the container"),
        (pull("10.0.20348.3000"), FAIL, WARNING, "newer than the host's 20348.2582"),
        (pull(""), FAIL, WARNING, "does not say its Windows build"),
        (pull("", host_process=True), PASS, ERROR, "a manifest without os.version"),
        (pull("10.0.17763.1", kind="manifest", host_process=True), PASS, ERROR, "gives it 17763.1"),
        (pull("10.0.17763.1", host_process=True), FAIL, ERROR, "takes none of its images"),
        (pull("10.0.17763.1", builds=(17763,)), PASS, ERROR, "no image is named"),
        (unread("missing"), FAIL, ERROR, "why not"),
        (unread("unread"), UNKNOWN, ERROR, "why not"),
        (unread("refused"), UNKNOWN, ERROR, "why not"),
        (pull("10.0.17763.1", role="pause"), PASS, ERROR, "no image is named"),
    ],
)
def test_an_image_is_judged_by_the_manifest_that_the_node_gets(
    found: Pull, verdict: Verdict, severity: Severity, words: str
) -> None:
    """By build, revision and kind; what could not be asked is unknown, never an error of ours."""
    row = judged("img.host", found)
    assert (row.verdict, row.severity) == (verdict, severity)
    assert words in row.evidence


def test_an_older_image_runs_where_hyperv_isolation_is_wanted() -> None:
    """A warning: containerd takes it by its own tag or digest alone."""
    old = pull("10.0.17763.1", kind="manifest")
    assert judged("img.host", old).blocks
    row = judged("img.host", old, hyperv=True)
    assert (row.verdict, row.severity) == (FAIL, WARNING)
    assert "runs Hyper-V-isolated alone" in row.evidence


def test_the_worst_image_decides_and_what_is_right_is_no_part_of_it() -> None:
    """One that could not be read does not hide one that does not run."""
    row = judged("img.host", pull(*ALL), unread("unread"), pull("10.0.17763.1"))
    assert row.blocks
    first, second = row.evidence.split("; why", 1)[0], row.evidence
    assert "takes none" in first
    assert "gives it" not in second


@pytest.mark.parametrize(
    ("found", "hyperv", "verdict", "severity", "words"),
    [
        (pull(*ALL, role="pause"), True, PASS, ERROR, "gives it 20348.1"),
        (pull("10.0.17763.1", role="pause"), False, FAIL, ERROR, "process isolation"),
        (pull("10.0.17763.1", role="pause"), True, FAIL, ERROR, "process isolation"),
        (unread("unread", "pause"), False, UNKNOWN, ERROR, "why not"),
        (unread("missing", "pause"), False, FAIL, ERROR, "why not"),
        (pull(*ALL), False, PASS, ERROR, "no sandbox image"),
    ],
)
def test_the_sandbox_must_start_in_every_isolation(
    found: Pull, *, hyperv: bool, verdict: Verdict, severity: Severity, words: str
) -> None:
    """Whichever a pod asks for, it starts with that image."""
    row = judged("img.pause", found, hyperv=hyperv)
    assert (row.verdict, row.severity) == (verdict, severity)
    assert words in row.evidence


def test_an_older_sandbox_boots_an_older_virtual_machine() -> None:
    """On Server 2025, pause 3.10.1 leads to a machine of 20348, which refuses images of 26100."""
    facts = facts_with((("os", "build"), 26100), (("os", "ubr"), 9000))
    wanted = Wanted(images=(pull("10.0.20348.1", role="pause"),), hyperv=True, containerd="2.3.4")
    row = next(row for row in run_checks(facts, wanted) if row.check == "img.pause")
    assert (row.verdict, row.severity) == (FAIL, WARNING)
    assert "takes no newer image" in row.evidence


def test_layers_that_lie_elsewhere_are_told_with_their_hosts() -> None:
    """Addresses come from whoever made the image: they are shown, and not asked."""
    url = "https://mcr.microsoft.com/v2/windows/blobs/x?sig=1"
    row = judged("img.foreign", pull(*ALL, foreign=(url, "https://\x1b[31m/")))
    assert (row.verdict, row.severity) == (FAIL, WARNING)
    assert "layers at " in row.evidence
    assert "mcr.microsoft.com" in row.evidence
    assert "\x1b" not in row.evidence
    assert "sig" not in row.evidence
    assert judged("img.foreign", pull(*ALL)).verdict is PASS
    assert judged("img.foreign", unread("unread")).verdict is UNKNOWN


def test_a_refusal_blocks_where_no_pod_could_bring_credentials() -> None:
    """The sandbox's image is pulled without any; pods have secrets of their own."""
    assert judged("img.auth", unread("refused", "pause")).blocks
    row = judged("img.auth", unread("refused"))
    assert (row.verdict, row.severity) == (FAIL, WARNING)
    assert judged("img.auth", unread("unread")).verdict is UNKNOWN
    assert judged("img.auth", unread("missing"), pull(*ALL)).verdict is PASS


def test_nothing_is_said_of_images_that_nobody_asked_about() -> None:
    """Verbs that change a node find out by doing it."""
    found = {row.check for row in run_checks(facts_with(), Wanted())}
    assert not [check for check in found if check.startswith("img.")]
    assert {"conn.api", "conn.registry"}.isdisjoint(found)


def inventory(registry: Registry, more: str = "") -> Inventory:
    """Give an inventory whose registries are all one on loopback."""
    text = (
        "cluster: {kubernetes: 1.36.4, api_server: 'api:6443', pod_cidr: 10.244.0.0/16,"
        " service_cidr: 10.96.0.0/12, cni: flannel}\n"
        "runtime: {containerd: 2.2.7, registries: [\n"
        + "".join(
            f"  {{host: {host}, server: '{registry.base}', allow_unencrypted: true}},\n"
            for host in ("docker.io", "registry.k8s.io", "a.example")
        )
        + f"]}}\n{more}connection: {{user: u, password: {{env: P}}}}\nnodes: {{a: }}\n"
    )
    return parse(text, Path("wincnode.yaml"))


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Serve what an inventory with flannel leads to."""
    with serving() as found:
        found.index("pause", "3.10.2", *ALL)
        found.index(FLANNEL, "v0.21.5-hostprocess", *ALL)
        found.index(PROXY, "v1.36.4-calico-hostprocess", *ALL)
        yield found


def test_every_image_is_asked_for_once(registry: Registry) -> None:
    """Pause for each build is the same image; the network's, and those of the user."""
    registry.index("app", "1", "10.0.20348.7")
    found = ask(inventory(registry, "preflight: {images: [a.example/app:1]}\n"), Facts())

    assert {(row.named.name, row.named.role) for row in found} == {
        ("registry.k8s.io/pause:3.10.2", "pause"),
        (f"docker.io/{FLANNEL}:v0.21.5-hostprocess", "network"),
        (f"docker.io/{PROXY}:v1.36.4-calico-hostprocess", "network"),
        ("a.example/app:1", "pod"),
    }
    assert all(row.image for row in found)
    assert all(row.named.host_process for row in found if row.named.role == "network")
    assert registry.paths().count("/v2/pause/manifests/3.10.2?ns=registry.k8s.io") == 1
    assert len(registry.paths()) == len(set(registry.paths()))


def test_layers_are_read_of_each_manifest_of_windows(registry: Registry) -> None:
    """An index does not tell where layers lie."""
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layer = {"mediaType": kind, "urls": ["https://mcr.example/layer"]}
    made = manifest(config("10.0.20348.1"), docker=True, layers=(layer,))
    digest = registry.hold("app", made)
    platform = {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"}
    row = {"mediaType": DOCKER_MANIFEST, "digest": digest, "size": 1, "platform": platform}
    registry.index("app", "1", row, docker=True)
    found = ask(inventory(registry, "preflight: {images: [a.example/app:1]}\n"), Facts())

    assert judged("img.foreign", *found).evidence == "a.example/app:1 has layers at mcr.example"


def test_what_a_registry_says_is_told_and_ends_nothing(registry: Registry) -> None:
    """One is not there, one is refused, one is broken; the others are judged."""
    registry.held.pop("/v2/pause/manifests/3.10.2")
    registry.statuses[f"/v2/{FLANNEL}/manifests/v0.21.5-hostprocess"] = [403]
    registry.statuses[f"/v2/{PROXY}/manifests/v1.36.4-calico-hostprocess"] = [500] * 9
    found = ask(inventory(registry), Facts(), QUICK)

    assert {row.named.name.rpartition("/")[2].partition(":")[0]: row.failure for row in found} == {
        "pause": "missing",
        "flannel": "refused",
        "kube-proxy": "unread",
    }
    row = judged("img.pause", *found)
    assert row.blocks
    assert "there is no such image" in row.evidence
    assert judged("img.auth", *found).severity is WARNING
    assert judged("img.host", *found).verdict is UNKNOWN


def test_a_registry_out_of_reach_is_waited_for_once() -> None:
    """Nobody answers there: unknown with the reason, and no second wait for its next image."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = Registry(base=f"http://127.0.0.1:{silent.getsockname()[1]}")
        images = ", ".join(f"a.example/app:{number}" for number in range(40))
        wanted = inventory(at, f"preflight: {{images: [{images}]}}\n")
        wanted = replace(wanted, cluster=replace(wanted.cluster, cni=None, kubernetes=None))
        began = time.monotonic()
        found = ask(wanted, Facts(), replace(QUICK, silent_s=0.3))
        took = time.monotonic() - began

    assert took < 3
    assert {row.failure for row in found} == {"unread"}
    row = judged("img.host", *found)
    assert (row.verdict, row.blocks) == (UNKNOWN, False)
    assert "[registry.unreachable]" in row.evidence


def test_what_leads_to_no_image_is_an_answer_as_well(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A Kubernetes that is not known, a network without its subnet, a login that cannot be read."""
    (tmp_path / "wincnode.yaml").write_text("cluster:\n  cni: flannel\n")
    known = replace(inventory(registry), path=tmp_path / "wincnode.yaml")
    odd = replace(known, cluster=replace(known.cluster, kubernetes="1.99.0", pod_cidr=None))
    found = ask(odd, Facts())
    assert [(row.named.role, row.failure) for row in found] == [
        *[("pause", "missing")] * 3,
        ("network", "unread"),
    ]
    assert "Kubernetes 1.99 is not known" in judged("img.pause", *found).evidence
    assert judged("img.pause", *found).blocks
    assert "cluster.pod_cidr: missing; flannel needs it" in judged("img.host", *found).evidence

    (tmp_path / "config.json").write_text("{")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = ask(known, Facts())
    assert {row.failure for row in found} == {"unread"}
    assert "is no JSON" in judged("img.pause", *found).evidence


def test_the_daemon_sets_of_the_cluster_name_images_too(
    plane: ControlPlane, registry: Registry
) -> None:
    """Those for Windows alone; the inventory's are not told twice."""
    windows = {"kubernetes.io/os": "windows"}
    of_host = {"windowsOptions": {"hostProcess": True}}
    build = {"node.kubernetes.io/windows-build": "10.0.17763"}
    for name, spec in {
        "linux": {"nodeSelector": {"kubernetes.io/os": "linux"}},
        "any": {},
        "flannel": {"nodeSelector": windows, "securityContext": of_host},
        "old": {"nodeSelector": {**windows, **build}},
    }.items():
        pod = {
            "initContainers": [{"name": "i", "image": "a.example/init:1"}],
            "containers": [{"name": "a", "image": f"docker.io/{FLANNEL}:v0.21.5-hostprocess"}],
            **spec,
        }
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": pod}
        whole = {"selector": {"matchLabels": labels}, "template": template}
        meta = {"namespace": "kube-system", "name": name}
        plane.objects.put("daemonsets.apps", {"metadata": meta, "spec": whole})
    cluster = cluster_facts.read(Api(load_kubeconfig(plane.kubeconfig(), None)))

    rows = list(of_cluster(cluster))
    assert {(row.name.partition(":")[0], row.builds, row.host_process) for row in rows} == {
        ("a.example/init", (), True),
        (f"docker.io/{FLANNEL}", (), True),
        ("a.example/init", (17763,), False),
        (f"docker.io/{FLANNEL}", (17763,), False),
    }
    assert list(of_cluster(Facts())) == []
    names = [row.named.name for row in ask(inventory(registry), cluster)]
    assert names.count(f"docker.io/{FLANNEL}:v0.21.5-hostprocess") == 1
    assert names.count("a.example/init:1") == 2


def saved(folder: Path, build: int = 17763) -> None:
    """Save the facts of one node."""
    os = {"build": build, "ubr": 9}
    sections = {"os": os, "hardware": {"architecture": 9}}
    (folder / "facts.json").write_bytes(document(a={"sections": sections}))


def test_saved_facts_are_judged_with_registries_only_on_request(
    registry: Registry, tmp_path: Path
) -> None:
    """`--from` touches no network by itself; what only a network tells is then left out."""
    registry.index("app", "1", "10.0.20348.7")
    saved(tmp_path)
    (tmp_path / "wincnode.yaml").write_text(
        "runtime: {registries: [{host: a.example, allow_unencrypted: true,"
        f" server: '{registry.base}'}}]}}\n"
        "preflight: {images: ['a.example/app:1']}\n"
        "connection: {user: u, password: {env: P}}\nnodes: {a: }\n"
    )
    judge = ("preflight", "--from", "facts.json")

    def checks(*words: str) -> dict[str, str]:
        here(tmp_path, *judge, "-o", "json=out.json", *words)
        rows = json.loads((tmp_path / "out.json").read_text())["nodes"][0]["findings"]
        return {row["check"]: row["verdict"] for row in rows}

    assert not [check for check in checks() if check.startswith(("img.", "conn.api"))]
    assert registry.paths() == []
    assert checks("--images", "--only", "img") == {
        "img.host": "fail",
        "img.pause": "pass",
        "img.foreign": "pass",
        "img.auth": "pass",
    }
    code, _, stderr = here(tmp_path, *judge, "--only", "img")
    assert (code, "saved facts do not tell img.auth" in stderr) == (2, True)


@pytest.mark.parametrize(
    "name", ["nginx", "a.example/b", "a.example:5000/b/c:1@sha256:" + "0" * 64]
)
def test_images_of_the_inventory_are_those_that_pods_may_name(name: str) -> None:
    """The schema's pattern and the reader of references agree."""
    text = f"preflight: {{images: ['{name}']}}\nconnection: {{user: u, password: {{env: P}}}}\nnodes: {{a: }}\n"
    assert parse(text, Path("w.yaml")).preflight.images == (name,)
    assert parse_reference(name).text == name


@pytest.mark.parametrize("name", ["No Image", "a.example/B", "http://a/b", "a b", "a:", "x" * 1025])
def test_what_no_pod_may_name_is_refused_by_its_line(name: str) -> None:
    """Before any network is touched."""
    text = f"preflight:\n  images:\n    - '{name}'\nconnection: {{user: u, password: {{env: P}}}}\nnodes: {{a: }}\n"
    with pytest.raises(ConfigError, match=r"w\.yaml:3: "):
        parse(text, Path("w.yaml"))
    with pytest.raises(ConfigError):
        parse_reference(name)


def test_nothing_that_is_left_to_judge_is_no_good_news(tmp_path: Path) -> None:
    """Nobody listens at the node of this inventory, and nobody asks it."""
    text = "connection: {user: u, password: {env: HOME}}\nnodes: {a: {address: 127.0.0.1}}\n"
    (tmp_path / "wincnode.yaml").write_text(text)
    code, _, stderr = here(tmp_path, "preflight", "--no-images", "--only", "img")
    assert (code, "--no-images leaves nothing to judge of img.auth" in stderr) == (2, True), stderr

    for only in ("cl", "host.unique"):
        code, _, stderr = here(tmp_path, "preflight", "--only", only)
        assert (code, "no cluster is asked, which leaves nothing to judge of" in stderr) == (
            2,
            True,
        )
        assert only in stderr

    (tmp_path / "f.json").write_bytes(document(a={}))
    code, _, stderr = here(tmp_path, "preflight", "--from", "f.json", "--only", "cl")
    assert (code, "saved facts do not tell cl." in stderr) == (2, True), stderr
