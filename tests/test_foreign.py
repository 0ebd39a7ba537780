"""What others left of a node on a machine: what goes, and what stays with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from wincnode.facts import FactMissing, Facts
from wincnode.reset import Reset
from wincnode.reset.foreign import clusters, plan
from wincnode.reset.inverses import JOINED

SERVICE = {"state": "Running", "path": r"C:\x.exe", "shown": "x"}


def facts(*services: str, made: tuple[str, ...] = (), **more: Any) -> Facts:
    leftovers = {"folders": [], "programs": [], "kubeconfigs": [], "cni_configs": []}
    runtime = {"subnets": [], "variables": [], "path": []}
    sections: dict[str, Any] = {
        "services": {"services": dict.fromkeys(services, SERVICE)},
        "leftovers": {
            **leftovers,
            "owned": bool(made),
            "made": list(made),
            **pick(more, leftovers),
        },
        "runtime": {**runtime, **pick(more, runtime)},
        "hns": {"networks": more.get("networks")},
    }
    return Facts(sections=sections)


def pick(given: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in known}


def keys(found: Reset) -> list[str]:
    return [str(next(iter(step.key.values()))) for step in found.plan.steps]


def test_nothing_is_left_of_a_machine_that_had_nothing() -> None:
    assert plan(facts("w32time", "hns"), "a") == Reset(plan=plan(facts(), "a").plan, left=())
    assert plan(facts(), "a").plan.steps == ()


def test_services_end_before_their_programs_go() -> None:
    """Those that need the kubelet come first; a path in two lists goes once."""
    found = plan(
        facts(
            "kubelet",
            "flanneld",
            "kube-proxy",
            programs=[r"C:\k\kubelet.exe"],
            kubeconfigs=[{"path": r"C:\etc\kubernetes\kubelet.conf", "server": "https://a:6443"}],
            cni_configs=["10-old.conf"],
            subnets=[r"C:\run\flannel\subnet.env"],
        ),
        "a",
    )
    assert keys(found)[:4] == ["kube-proxy", "flanneld", "kubelet", r"C:\k\kubelet.exe"]
    assert keys(found)[-2:] == [r"C:\etc\cni\net.d\10-old.conf", r"C:\run\flannel\subnet.env"]
    assert set(JOINED) <= set(keys(found))
    assert len(keys(found)) == len(set(keys(found)))
    assert {step.want["state"] for step in found.plan.steps} == {"absent"}
    assert found.plan.undo  # so that nothing of it is noted as wincnode's
    assert [step.id.partition("-")[0] for step in found.plan.steps][:2] == ["1", "2"]


def test_what_stays_says_what_removes_it() -> None:
    found = plan(
        facts(
            *("containerd", "docker", "calicofelix"),
            folders=[r"C:\opt\cni\bin"],
            variables=["KUBE_NETWORK"],
            path=[r"C:\k"],
            networks=[{"name": "cbr0\x1b[2J"}],
        ),
        "a",
    )
    told = [str(row) for row in found.left]
    assert found.plan.steps == ()
    for text in ("service docker: ", "service calicofelix: ", "variable KUBE_NETWORK: ", "Path: "):
        assert any(row.startswith(text) for row in told), text
    assert any(row.startswith(r"folder C:\opt\cni\bin: ") for row in told)
    assert any(row.startswith("HNS network cbr0\\x1b[2J: ") for row in told), told
    assert "\x1b" not in "".join(told)


@pytest.mark.parametrize(
    "more",
    [
        {"folders": [r"C:\var\lib\rancher"]},
        {"programs": [r"C:\usr\local\bin\rke2.exe"]},
        {"folders": [r"C:\var\lib\k0s"]},
    ],
)
def test_of_an_installation_with_an_uninstaller_no_part_is_taken(more: dict[str, Any]) -> None:
    found = plan(facts("kubelet", "kube-proxy", **more), "a")
    assert (found.plan.steps, len(found.left)) == ((), 1)


def test_a_machine_of_wincnodes_keeps_its_kubelet() -> None:
    ours = ("containerd", "Kubelet")
    kubelet = r"C:\k\kubelet.exe"
    found = plan(facts("kubelet", "containerd", "flanneld", made=ours, programs=[kubelet]), "a")
    assert keys(found) == ["flanneld"]
    assert ["wincnode leave" in str(row) for row in found.left] == [True]


def test_a_machine_that_is_only_prepared_has_a_kubelet_of_others() -> None:
    """A playbook has changed something there, and no install has run."""
    kubelet, folder = r"C:\k\kubelet.exe", r"C:\opt\cni\bin"
    prepared = facts("kubelet", made=("W32Time",), programs=[kubelet], folders=[folder])
    found = plan(prepared, "a")
    assert keys(found) == ["kubelet", kubelet]
    assert [row.what for row in found.left] == ["what wincnode installed", f"folder {folder}"]


def test_clusters_are_named_once() -> None:
    rows = [{"path": p, "server": "https://a"} for p in ("x", "y")]
    assert clusters(facts(kubeconfigs=[*rows, {"path": "z", "server": ""}])) == ("https://a",)


def test_a_machine_that_does_not_tell_is_left_alone() -> None:
    with pytest.raises(FactMissing):
        plan(Facts(sections={}), "a")
