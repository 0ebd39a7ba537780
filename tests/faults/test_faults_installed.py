"""F39 and F40: what others, or wincnode itself, installed before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from client import journals
from fault_rows import APPLY, PREFLIGHT, Row, Run, fault, raised

from wincnode.commands.inspect import Inspection
from wincnode.commands.install import worker_variables
from wincnode.errors import ConfigError
from wincnode.facts import Facts
from wincnode.inventory import load
from wincnode.lab.nodes import LabNode

Lab = Callable[..., LabNode]


@fault(
    "F39",
    "another tool has installed something: a kubelet, RKE2, k0s, Docker, an agent of a network, NSSM,"
    " networks of HNS",
    does="names what it is, and blocks where two cannot live together; `--ignore ID` takes a finding"
    " over; `wincnode cleanup` shows what it would take away of a node that others made, asks, and"
    " takes it away; RKE2, k0s, other runtimes, agents, folders and networks stay, each with what"
    " removes it",
    error="sw.kubelet",
    exit_code=5,
    rehearse=(
        "sw.kubelet",
        "sw.rke2",
        "sw.k0s",
        "sw.docker",
        "sw.cni",
        "sw.nssm",
        "net.hns.networks",
    ),
)
def test_f39_what_others_installed(row: Row, run: Run, lab: Lab) -> None:
    """Install and join ask all of this; a playbook of one's own asks what it touches."""
    lab(profile="sw.kubelet")
    row.holds(run(*PREFLIGHT))

    others = {
        "sw.rke2": True,
        "sw.k0s": True,
        "left.kubeconfig": True,
        "sw.docker": False,
        "sw.containerd": False,
        "sw.cni": False,
        "sw.nssm": False,
        "net.hns.networks": False,
    }
    for number, profile in enumerate(others, start=2):
        lab(profile=profile, name=f"web-{number}")
    seen = run(*PREFLIGHT)
    for profile, node in zip(others, seen.report["nodes"][1:], strict=True):
        findings = {row["check"]: row for row in node["findings"] if row["verdict"] == "fail"}
        assert findings[profile]["evidence"]
        assert (node["status"] == "blocked") is others[profile], profile


KUBELET = r"C:\k\kubelet.exe"
CONFIG = r"C:\etc\kubernetes\kubelet.conf"
CLUSTER = "clusters:\n- cluster:\n    server: https://10.9.8.7:6443\n"
CLEANUP = ("cleanup", "web-1", "-o", "json")


def old_node(node: LabNode) -> None:
    """Make a machine what sig-windows-tools and NSSM made of it."""
    machine = node.machine
    for path, text in (
        (KUBELET, "x"),
        (CONFIG, CLUSTER),
        (r"C:\etc\cni\net.d\10-flannel.conf", "{}"),
        (r"C:\var\lib\kubelet\config.yaml", "x"),
    ):
        machine.path(path).parent.mkdir(parents=True, exist_ok=True)
        machine.path(path).write_text(text)
    for name in ("kubelet", "kube-proxy", "docker"):
        program = rf"C:\k\nssm.exe {name}"
        row = {"Name": name, "DisplayName": name, "PathName": program, "StartMode": "Automatic"}
        assert machine.services.create(row) == 0


def test_f39_what_others_left_of_a_node_goes(run: Run, lab: Lab) -> None:
    """Shown, asked for, done, and a no-op after that; the preflight blocks no longer."""
    node = lab()
    old_node(node)

    refused = run(*CLEANUP)
    shown = run(*CLEANUP, "--plan", "--exit-code")

    assert (refused.exit_code, shown.exit_code) == (2, 3)
    assert "nobody is there to confirm it" in refused.text
    titles = [row["title"] for row in shown.node["steps"] if row["outcome"] == "would_change"]
    assert titles == [
        r"service kube-proxy (C:\k\nssm.exe kube-proxy)",
        r"service kubelet (C:\k\nssm.exe kubelet)",
        rf"file {KUBELET}",
        rf"file {CONFIG}",
        r"file C:\var\lib\kubelet\config.yaml",
        r"file C:\etc\cni\net.d\10-flannel.conf",
    ]
    assert "its credentials are of https://10.9.8.7:6443" in shown.node["notes"][0]
    assert any("stays as it is: service docker" in text for text in shown.node["notes"])
    assert node.machine.path(KUBELET).exists()

    assert run(*CLEANUP, "--yes").exit_code == 0
    assert not node.machine.path(KUBELET).exists()
    assert not node.machine.path(CONFIG).exists()
    assert {"kubelet", "kube-proxy"} & {
        row["Name"] for row in node.machine.services.rows()
    } == set()
    # Nothing of it is taken for wincnode's own.
    assert not node.machine.path(r"C:\Program Files\wincnode\manifest.json").exists()
    again = run(*CLEANUP, "--yes")
    assert (again.exit_code, again.node["steps"]) == (0, [])
    assert not {"sw.kubelet", "left.kubeconfig"} & set(run(*PREFLIGHT).ids)


@pytest.mark.parametrize(
    ("profile", "command"), [("sw.rke2", "rke2-uninstall.ps1"), ("sw.k0s", "k0s reset")]
)
def test_f39_what_has_its_own_uninstaller_is_left_to_it(
    profile: str, command: str, run: Run, lab: Lab
) -> None:
    node = lab(profile=profile)

    end = run(*CLEANUP, "--yes")

    assert (end.exit_code, end.node["status"], journals(node)) == (0, "as-wanted", [])
    assert f"run `{command}` on the machine" in str(end.node["notes"])


def test_f39_what_wincnode_installed_is_not_of_others(run: Run, lab: Lab, tmp_path: Path) -> None:
    """What it has changed makes no kubelet its own, but what it has set up; `leave` takes back."""
    node = lab()
    old_node(node)
    assert run(*APPLY).exit_code == 0
    changed = run(*CLEANUP, "--plan")
    (tmp_path / "playbook.yaml").write_text(
        "name: x\nsteps:\n  - service: {name: kubelet, command: 'C:\\k\\kubelet.exe', start: auto}\n"
    )
    assert run(*APPLY).exit_code == 0
    shown = run(*CLEANUP, "--plan")

    assert {"name": "kubelet"} in [row["key"] for row in changed.node["steps"]]
    assert [row["key"] for row in shown.node["steps"]] == [{"name": "kube-proxy"}]
    for seen in (changed, shown):
        assert "`wincnode leave` takes it back" in str(seen.node["notes"])


INVENTORY = """\
cluster: {kubernetes: "1.36.3", pod_cidr: 10.244.0.0/16, service_cidr: 10.96.0.0/12, cni: flannel}
runtime: {containerd: "%s"}
connection: {scheme: https, user: x, password: {env: WINCNODE_LAB_PASSWORD}}
nodes: {web-1: {}}
"""


@fault(
    "F40",
    "an older or a newer version of ours is installed, or both, or somebody has edited a file of"
    " ours",
    does="replaces an older one; refuses to go back from a newer containerd, or from a newer minor of"
    " the kubelet, and names both; other programs keep no state and go either way; of an edited file"
    " or service the difference is shown, and the run's journal keeps what was there",
    error="config.downgrade",
    exit_code=2,
)
@pytest.mark.parametrize(
    ("containerd", "kubelet", "told"),
    [
        ("2.4.0", "", ["containerd 2.4.0 is installed, and 2.3.7 is wanted"]),
        ("2.3.8", "1.36.3", ["containerd 2.3.8 is installed, and 2.3.7 is wanted"]),
        ("2.3.6", "1.37.0", ["kubelet 1.37.0 is installed, and 1.36.3 is wanted"]),
        ("2.4.0", "2.0.1-rc.1", ["containerd 2.4.0 is", "; kubelet 2.0.1-rc.1 is installed"]),
    ],
)
def test_f40_a_newer_version(
    containerd: str, kubelet: str, told: list[str], row: Row, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        variables(tmp_path, containerd, kubelet, owned=True)

    row.holds(raised(caught.value))
    for text in told:
        assert text in caught.value.message
    assert ("kubelet" in caught.value.message) is any("kubelet" in text for text in told)


@pytest.mark.parametrize(
    ("containerd", "kubelet", "owned"),
    [
        ("2.3.7", "1.36.3", True),
        ("2.3.6", "1.35.9", True),
        ("1.7.28", "1.36.4", True),  # a patch of the kubelet may go back
        ("2.4.0", "1.37.0", False),
        ("", "", True),
    ],
)
def test_f40_an_older_version_is_replaced(
    containerd: str, kubelet: str, owned: bool, tmp_path: Path
) -> None:
    """What somebody else installed is judged by sw.containerd and sw.kubelet."""
    assert variables(tmp_path, containerd, kubelet, owned=owned)


def variables(folder: Path, containerd: str, kubelet: str, *, owned: bool) -> object:
    """Give what install sees of a node with such programs, or the refusal."""
    path = folder / "wincnode.yaml"
    path.write_text(INVENTORY % "2.3.7", encoding="utf-8")
    inventory = load(path)
    runtime = {"version": containerd, "kubelet": kubelet}
    facts = Facts(
        sections={"runtime": runtime, "leftovers": {"made": ["containerd", "kubelet"] * owned}}
    )
    found = Inspection(computer="WEB-1", build=20348, facts=facts, findings=())
    return worker_variables(inventory, today=date(2026, 11, 30))(inventory.nodes[0], found)


def test_f40_an_edited_file_is_shown_and_kept(run: Run, lab: Lab, tmp_path: Path) -> None:
    node = lab()
    (tmp_path / "playbook.yaml").write_text(
        "name: x\nsteps:\n  - file: {path: 'C:\\c.toml', content: 'ours'}\n", encoding="utf-8"
    )
    assert run(*APPLY).exit_code == 0
    node.machine.path(r"C:\c.toml").write_text("edited by hand")

    shown = run(*APPLY, "--plan", "--exit-code")
    made = run(*APPLY)

    assert shown.exit_code == 3
    difference = {"field": "content", "have": "edited by hand", "want": "ours"}
    assert shown.node["steps"][0]["diff"] == made.node["steps"][0]["diff"] == [difference]
    assert node.machine.path(r"C:\c.toml").read_text() == "ours"
    assert "edited by hand" in str(journals(node))


def test_f40_an_edited_service_is_shown_and_mended(run: Run, lab: Lab, tmp_path: Path) -> None:
    """As with `sc.exe config kubelet binPath=`: the flags of the inventory come back."""
    node = lab()
    (tmp_path / "playbook.yaml").write_text(
        "name: x\nsteps:\n  - service:\n      name: kubelet\n"
        "      command: 'C:\\k\\kubelet.exe --v=2'\n      start: manual\n      state: stopped\n",
        encoding="utf-8",
    )
    assert run(*APPLY).exit_code == 0
    edited = r"C:\k\kubelet.exe --v=9"
    assert node.machine.services.change("kubelet", {"PathName": edited}) == 0

    shown = run(*APPLY, "--plan", "--exit-code")
    made = run(*APPLY)

    difference = {"field": "command", "have": edited, "want": r"C:\k\kubelet.exe --v=2"}
    assert (shown.exit_code, made.exit_code) == (3, 0)
    assert shown.node["steps"][0]["diff"] == made.node["steps"][0]["diff"] == [difference]
    assert edited in str(journals(node)).replace("\\\\", "\\")
    (service,) = [row for row in node.machine.services.rows() if row["Name"] == "kubelet"]
    assert service["PathName"] == r"C:\k\kubelet.exe --v=2"
