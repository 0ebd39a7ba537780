"""`wincnode compat`: by the rules alone, and with what real registries on loopback hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from registry_server import Registry, serving

from wincnode.builds import load_builds
from wincnode.cluster import access
from wincnode.cluster.api import Api
from wincnode.cluster.kubeconfig import ClusterAccess
from wincnode.commands import compat, compat_images, compat_sources
from wincnode.commands.compat import Question
from wincnode.commands.compat_sources import Sources, gather
from wincnode.errors import ClusterError, ConfigError
from wincnode.inventory import load
from wincnode.lab.cluster import ControlPlane

PAUSE = ("10.0.17763.1", "10.0.20348.1", "10.0.26100.1")


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take neither a proxy nor credentials from the machine that tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Serve an image for two builds."""
    with serving() as found:
        found.index("app", "1", "10.0.17763.5", "10.0.20348.7")
        yield found


def wincnode(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Ask as a user asks."""
    return subprocess.run(
        [sys.executable, "-m", "wincnode", "compat", *words],
        input=stdin,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def answers(registry: Registry, *names: str, **more: Any) -> dict[str, Any]:
    """Ask about images of the registry; gives the JSON."""
    images = [f"{registry.host}/{name}" for name in names]
    sources = Sources(images=images, plain_http={registry.host})
    return compat_images.to_data(compat_images.run(Question(**more), sources))


def test_one_verdict_is_one_object() -> None:
    """A host, an image and an isolation; --exit-code makes a denial end with 5."""
    words = ("--host", "20348", "--image", "17763", "--isolation", "process", "-o", "json")
    asked = wincnode(*words, "--exit-code")

    assert asked.returncode == 5, asked.stderr
    found = json.loads(asked.stdout)
    assert found == {
        "schema": "wincnode/compat/v1",
        "command": "compat",
        "host": "20348",
        "image": "17763",
        "isolation": "process",
        "verdict": "deny",
        "rule": "R3",
        "reason": "host build 20348 takes images of its own build alone, the image has 17763",
        "source": found["source"],
        "warnings": [],
    }
    assert "containerd/platforms" in found["source"]


def test_both_isolations_are_told_with_their_reasons() -> None:
    """Where none is given; nothing but a denial that counts changes the exit code."""
    found = compat.run(Question(hosts=["20348"], images=["17763"]))

    assert [row.verdict.verdict for row in found.rows] == ["deny", "conditional"]
    assert found.exit_code(denied_counts=False) == 0
    text = "\n".join(compat.lines(found))
    assert text.startswith("image 17763 on host 20348, process isolation: deny (R3): ")
    assert "warning: Hyper-V must be on" in text
    assert len(compat.to_data(found)["verdicts"]) == 2


def test_the_matrix_has_each_known_host_and_each_build_with_images() -> None:
    """A line per host, a column per image, and what the letters mean."""
    head, *rows, legend = compat.lines(compat.run(Question()))

    assert head.split()[3:] == [
        str(row.build) for row in load_builds().values() if row.channel in {"LTSC", "SAC"}
    ]
    assert [int(row.split()[0]) for row in rows] == sorted(load_builds())
    (ws2025,) = [row for row in rows if row.startswith("26100")]
    assert ws2025.endswith("- h    P H    P H")
    assert legend.startswith("P process, H Hyper-V")


def test_a_runtime_s_rule_and_another_architecture_are_judged_by() -> None:
    """A version of containerd, a line of it, or nothing; ARM64 runs nothing."""
    verdicts = [
        compat.run(
            Question(
                hosts=["26200"], images=["20348"], isolation="process", containerd=text, arch=arch
            )
        )
        .rows[0]
        .verdict
        for text, arch in (("", "amd64"), ("2.2", "amd64"), ("v2.4.0", "amd64"), ("2.4", "arm64"))
    ]
    assert [(row.verdict, row.rule) for row in verdicts] == [
        ("conditional", "R3"),
        ("deny", "R2"),
        ("conditional", "R3"),
        ("deny", "architecture"),
    ]


@pytest.mark.parametrize(
    ("question", "word"),
    [
        (Question(hosts=["ltsc2022"]), "--host ltsc2022 is no Windows build"),
        (Question(images=["10.0"]), "--image 10.0 is no Windows build"),
        (Question(containerd="latest"), "--containerd latest is no version"),
    ],
)
def test_what_is_no_build_and_no_version_is_refused(question: Question, word: str) -> None:
    """With what to give instead."""
    with pytest.raises(ConfigError, match=word) as caught:
        compat.run(question)
    assert caught.value.remedy


def test_images_are_judged_by_what_the_registry_holds(registry: Registry) -> None:
    """For the builds that are supported as nodes; each with the manifest that it gets."""
    (found,) = answers(registry, "app:1")["images"]

    assert (found["kind"], found["error"]) == ("index", None)
    assert [row["os_version"] for row in found["offers"]] == ["10.0.17763.5", "10.0.20348.7"]
    assert [
        (row["host"], row["isolation"], row["verdict"], row["os_version"])
        for row in found["verdicts"]
    ] == [
        ("17763", "process", "allow", "10.0.17763.5"),
        ("17763", "hyperv", "allow", "10.0.17763.5"),
        ("20348", "process", "allow", "10.0.20348.7"),
        ("20348", "hyperv", "allow", "10.0.20348.7"),
        ("26100", "process", "allow", "10.0.20348.7"),
        ("26100", "hyperv", "allow", "10.0.20348.7"),
    ]


def test_an_image_that_fails_ends_no_other_s_answer(registry: Registry) -> None:
    """Its error has an id and a remedy; a denial alone counts only where it is to."""
    sources = Sources(
        images=[f"{registry.host}/app:2", "No Image", f"{registry.host}/app:1"],
        plain_http={registry.host},
    )
    found = compat_images.run(Question(hosts=["19042"], containerd="2.2"), sources)

    assert [row.error and row.error.id for row in found.results] == [
        "registry.missing",
        "config",
        None,
    ]
    assert found.exit_code(denied_counts=True) == 1
    ok = compat_images.Answers(containerd="2.3", results=found.results[2:])
    assert (ok.exit_code(denied_counts=False), ok.exit_code(denied_counts=True)) == (0, 5)
    text = "\n".join(compat_images.lines(found))
    assert "[registry.missing]" in text
    assert "host 19042, process: deny (R2): containerd takes none of its images" in text


def test_manifests_on_stdin_name_the_images(registry: Registry) -> None:
    """Linux pods are left out; the same image is asked for once."""
    registry.image("single", "10.0.26100.7", tag="1")
    containers = [{"image": f"{registry.host}/{name}"} for name in ("app:1", "single:1", "app:1")]
    linux = {"nodeSelector": {"kubernetes.io/os": "linux"}, "containers": [{"image": "nginx"}]}
    objects = [{"spec": {"containers": containers}}, {"spec": {"template": {"spec": linux}}}]
    asked = wincnode(
        *("--images-from", "-", "--plain-http", registry.host, "--host", "20348.9"),
        *("--isolation", "process", "--exit-code", "--containerd", "2.3.4"),
        stdin=yaml.safe_dump_all(objects),
    )

    assert asked.returncode == 5, asked.stderr
    assert asked.stdout.splitlines() == [
        f"{registry.host}/app:1 (stdin)",
        asked.stdout.splitlines()[1],
        f"{registry.host}/single:1 (stdin)",
        asked.stdout.splitlines()[3],
        "as containerd 2.3.4 picks",
    ]
    assert "host 20348.9, process: allow (R2); gets 10.0.20348.7, sha256:" in asked.stdout
    assert "only the start of the container fails; gets 10.0.26100.7" in asked.stdout
    assert registry.paths().count("/v2/app/manifests/1") == 1


def test_an_inventory_names_what_every_node_runs(registry: Registry, tmp_path: Path) -> None:
    """Pause, the network's agent and kube-proxy, by the inventory's mirrors and containerd."""
    for name in ("pause", "sigwindowstools/kube-proxy", "sigwindowstools/flannel"):
        for tag in ("3.10.2", "v1.36.4-calico-hostprocess", "v0.21.5-hostprocess"):
            registry.index(name, tag, *PAUSE)
    path = tmp_path / "wincnode.yaml"
    path.write_text(
        "cluster: {kubernetes: 1.36.4, api_server: 'api:6443', pod_cidr: 10.244.0.0/16,"
        " service_cidr: 10.96.0.0/12, cni: flannel}\n"
        f"runtime: {{containerd: 2.2.7, registries: [{{host: _default, allow_unencrypted: true,"
        f" mirrors: ['{registry.base}']}}]}}\n"
        "connection: {user: u, password: {env: P}}\nnodes: {web-1: {}}\n"
    )
    sources = Sources(inventory=load(path))
    found = compat_images.to_data(compat_images.run(Question(isolation="process"), sources))

    assert found["containerd"] == "2.2.7"
    rows = {row["image"]: row for row in found["images"]}
    assert rows.keys() == {
        "registry.k8s.io/pause:3.10.2",
        "docker.io/sigwindowstools/flannel:v0.21.5-hostprocess",
        "docker.io/sigwindowstools/kube-proxy:v1.36.4-calico-hostprocess",
    }
    assert {row["served_by"] for row in rows.values()} == {f"{registry.base}/v2"}
    for row in rows.values():
        assert [line["verdict"] for line in row["verdicts"]] == ["allow"] * 3
    assert rows["registry.k8s.io/pause:3.10.2"]["from"] == ["pause"]


def test_the_cluster_s_pods_name_images(plane: ControlPlane, tmp_path: Path) -> None:
    """Those on Linux nodes are left out."""
    for system in ("linux", "windows"):
        meta = {"name": system, "labels": {"kubernetes.io/os": system}}
        plane.objects.put("nodes", {"metadata": meta})
        spec = {"nodeName": system, "containers": [{"name": "a", "image": f"a.example/{system}"}]}
        pod = {"metadata": {"name": system, "namespace": "default"}, "spec": spec}
        plane.objects.put("pods", pod)

    found = gather(Sources(cluster=True, kubeconfig=plane.kubeconfig()), ())

    assert [row.name for row in found] == ["a.example/windows"]


@pytest.mark.parametrize("text", ["a: [", "\x00", "!!python/object:os.system {}"])
def test_manifests_that_are_no_yaml_are_told(tmp_path: Path, text: str) -> None:
    """Before any registry is asked."""
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="is no YAML"):
        gather(Sources(manifests=str(path)), ())
    with pytest.raises(ConfigError, match="cannot be read"):
        gather(Sources(manifests=str(tmp_path / "none")), ())


@pytest.mark.parametrize("text", ["", "win1 ansible_host=x\n", "5\n"])
def test_a_file_without_objects_is_no_list_of_manifests(tmp_path: Path, text: str) -> None:
    """A pipeline that gives the wrong file would pass otherwise."""
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError, match="holds no object of Kubernetes"):
        gather(Sources(manifests=str(tmp_path / "a.yaml")), ())


def test_a_registry_over_http_is_named_as_images_name_it() -> None:
    """With a scheme before it no image would be meant, and https would be asked all the same."""
    done = wincnode("localhost:1/a", "--plain-http", "http://localhost:1")
    assert done.returncode == 2
    assert "--plain-http http://localhost:1 is no host" in done.stderr


def test_a_server_of_strange_objects_is_told_and_its_pages_end() -> None:
    """What has a form of its own is no bug of ours, and a page that leads to itself is no loop."""
    mine = Api(ClusterAccess(server="https://a.example"))
    for pages, part in (
        ({"items": [{}], "metadata": {}}, "have a form of their own: KeyError"),
        ({"items": [], "metadata": {"continue": "again"}}, "its pages have no end"),
    ):
        with (
            mock.patch.object(Api, "read", return_value=pages),
            mock.patch.object(access, "require"),
            mock.patch.object(compat_sources, "_api", return_value=mine),
            pytest.raises(ClusterError, match=part) as caught,
        ):
            compat_sources.gather(compat_sources.Sources(cluster=True), ())
        assert caught.value.id == "cluster.bad-reply"


def test_a_build_does_not_go_with_images() -> None:
    """One question at a time."""
    asked = wincnode("nginx", "--image", "20348")

    assert asked.returncode == 2
    assert "--image is a build" in asked.stderr
