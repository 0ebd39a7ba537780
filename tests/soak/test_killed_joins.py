"""A client that is killed at any WinRM request of install and join is answered by a plain re-run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from clusters import Site, site
from conformance.play import end_state

# More than any of the two makes; one beyond the last request of an undisturbed run is no test.
MOST_REQUESTS = 24
WAIT_S = 60
# What differs between two machines that have joined: keys, certificates, times, and logs.
OWN = ("pki", "kubelet.conf", "kubelet.log", "kubeadm-flags", "net.d")


@pytest.mark.parametrize("number", range(1, MOST_REQUESTS + 1))
@pytest.mark.parametrize("verb", ["install", "join"])
def test_the_same_command_again_ends_the_work(verb: str, number: int, tmp_path: Path) -> None:
    """The node ends like one that nothing happened to; no token is left anywhere."""
    with site(tmp_path, profiles={"web-1": "ws2022", "web-2": "ws2022"}) as lab:
        if verb == "join":
            assert lab.run("install").code == 0
        if not killed(lab, f"{verb} web-1", number):
            pytest.skip(f"an undisturbed {verb} ends before request {number}")
        until_free(lab, f"{verb} web-1")
        for words in ("install", "join"):
            assert lab.run(words).code == 0

        assert digest(lab, "web-1") == digest(lab, "web-2")
        secrets = lab.cluster.plane.objects.rows("secrets", "kube-system")
        assert not [row for row in secrets if "bootstrap-token" in row["metadata"]["name"]]
        left = ("bootstrap-kubelet.conf", "join.yaml")
        names = {path.name for path in lab.nodes["web-1"].machine.drive.rglob("*")}
        assert not names & {*left}


def killed(lab: Site, words: str, number: int) -> bool:
    """Kill wincnode at a request to web-1; False where it ended before."""
    server = lab.nodes["web-1"].server
    before = len(server.requests)
    child = lab.start(words)
    end = time.monotonic() + WAIT_S
    while len(server.requests) - before < number and child.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    early = child.poll() is None
    child.kill()
    child.communicate()
    return early


def until_free(lab: Site, words: str) -> None:
    """Run the command until no run holds the node any more; then it must end well."""
    end = time.monotonic() + WAIT_S
    while (ended := lab.run(words)).code == 6:
        assert time.monotonic() < end
        time.sleep(0.5)
    assert ended.code == 0, ended.stderr


def digest(lab: Site, name: str) -> dict[str, object]:
    """Give what a machine holds, without what is its own."""
    found = end_state(lab.nodes[name])
    files = {
        path: content
        for path, content in found["files"].items()
        if not any(word in path for word in OWN)
    }
    services = [
        {key: value for key, value in row.items() if key != "ProcessId"}
        for row in found["services"]
    ]
    text = repr({"files": files, "services": services, "tasks": found["tasks"]})
    return {"state": text.replace(name, "NODE").replace(name.upper(), "NODE")}
