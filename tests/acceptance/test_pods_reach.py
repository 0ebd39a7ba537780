"""`wincnode network test` as a user runs it: before and after the join, killed, and with faults."""

from __future__ import annotations

import getpass
import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import TIMEOUT_S, Ran, Site, site

from wincnode.cluster import trial_pods

NODES = {"web-1": "ws2019", "web-2": "ws2025"}
TEST = "network test --start-timeout 30"
PODS = {("pod.service", "service"), ("pod.dns", "name of the service"), ("pod.pods", "web-1")}
PODS |= {("pod.pods", "web-2"), ("pod.linux", "to linux-1"), ("pod.linux", "from linux-1")}
PODS |= {("pod.udp", "linux-1"), ("pod.mtu", "linux-1")}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two machines with addresses of their own, and a Linux node."""
    with site(tmp_path_factory.mktemp("site"), profiles=NODES, linux=("linux-1",)) as made:
        for number, name in enumerate(NODES, 21):
            made.change(f"  {name}:\n", f"  {name}:\n    node_ip: 192.0.2.{number}\n")
        yield made


def cells(ran: Ran, node: str) -> dict[tuple[str, str], str]:
    return {(row["check"], row["target"]): row["verdict"] for row in ran.of(node)["findings"]}


def left(lab: Site) -> list[str]:
    """Give what tests have left in the cluster."""
    return [
        row["metadata"]["name"]
        for what in ("pods", "services")
        for row in lab.cluster.plane.objects.rows(what)
        if trial_pods.RUN in row["metadata"].get("labels", {})
    ]


def wait(holds: Any) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_from_bare_machines_to_pods_that_reach_each_other(lab: Site) -> None:
    """Before the join the nodes alone, after it their pods; a fault fails its cells.

    What a client that is killed in the middle leaves is left alone for an hour, as nobody knows
    that it is dead; then the next test takes it away.
    """
    before = lab.run(TEST)
    assert before.code == 0, before.stderr
    for name in NODES:
        found = cells(before, name)
        assert {verdict for key, verdict in found.items() if key[0].startswith("pod.")} == {
            "unknown"
        }
        own = {key: found[key] for key in found if key[0].startswith("conn.")}
        assert set(own.values()) == {"pass"}, own
        assert ("conn.peer", next(iter(set(NODES) - {name}))) in own

    for words in ("install", "join"):
        done = lab.run(words)
        assert done.code == 0, [row for row in done.of("web-1")["steps"] if row["error"]]
    after = lab.run(TEST)
    assert after.code == 0, after.stderr
    for name in NODES:
        assert cells(after, name).items() >= dict.fromkeys(PODS, "pass").items()
        assert set(cells(after, name).values()) == {"pass"}
        assert after.of(name)["status"] == "done"
    assert left(lab) == []

    # The client is killed while its pods are there.
    child = lab.start(f"{TEST} --pods")
    wait(lambda: len(left(lab)) > 2)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=TIMEOUT_S)
    of_killed = left(lab)
    assert of_killed

    beside = lab.run(f"{TEST} --pods")

    assert beside.code == 0, beside.stderr
    (note,) = beside.of("web-1")["notes"]
    assert f"another test of the network, of {getpass.getuser()}@" in note
    assert left(lab) == of_killed
    lab.cluster.plane.clock.advance(3601)
    lab.nodes["web-1"].worker.line.lost.add("pods@web-2")

    again = lab.run(f"{TEST} --pods")

    assert again.code == 1
    wrong = {key for key, verdict in cells(again, "web-1").items() if verdict == "fail"}
    assert ("pod.pods", "web-2") in wrong
    assert ("pod.pods", "web-1") not in wrong
    assert "fail" not in cells(again, "web-2").values()
    (note,) = again.of("web-1")["notes"]
    assert "took away what an earlier test had left" in note
    assert left(lab) == []

    # Who presses ^C is waited for, until all is taken away.
    child = lab.start(f"{TEST} --pods -o markdown")
    wait(lambda: left(lab))
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 130, err
    assert left(lab) == []

    # A service may lead to the pod that is lost, too.
    ids = ("pod.pods", "pod.udp", "pod.service", "pod.dns", "pod.nodeport")
    ignored = " ".join(f"--ignore {id}" for id in ids)
    child = lab.start(f"{TEST} --pods {ignored} -o markdown -o table=table.txt")
    out, err = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 0, err
    assert re.search(r"\| web\\-1 \| ok \| warn \|", out)
    assert "from a pod on the node to pods" in (lab.folder / "table.txt").read_text()
    lab.nodes["web-1"].worker.line.lost.clear()

    two_at_once(lab)


def two_at_once(lab: Site) -> None:
    """Let two people test: each has pods of its own, and takes away those alone."""
    children = [lab.start(f"{TEST} --pods -o json") for _ in range(2)]
    ended = [(child, *child.communicate(timeout=TIMEOUT_S)) for child in children]
    for child, out, err in ended:
        assert child.returncode == 0, out + err
        for row in json.loads(out)["nodes"]:
            found = {(one["check"], one["target"]): one["verdict"] for one in row["findings"]}
            assert found.items() >= dict.fromkeys(PODS, "pass").items()
    assert left(lab) == []


def test_a_cluster_that_is_away_is_told_or_an_error(lab: Site) -> None:
    """Exit code 4 with --pods, before any node is asked; else pods are unknown."""
    lab.cluster.plane.outage = True
    try:
        needed, other = lab.run(f"{TEST} --pods"), lab.run(TEST)
    finally:
        lab.cluster.plane.outage = False

    assert (needed.code, needed.report) == (4, {})
    pods = {verdict for key, verdict in cells(other, "web-1").items() if key[0].startswith("pod.")}
    assert pods == {"unknown"}
    assert Path(lab.folder).exists()


def test_scripts_of_a_node_reach_the_api_server(tmp_path: Path) -> None:
    """By the address that it has for nodes alone; when it is gone, they do not."""
    with site(tmp_path, engine="powershell", profiles={"web-1": "ws2022"}) as made:
        found = made.run(f"{TEST} --no-pods")
        made.cluster.plane.stop()
        away = made.run(f"{TEST} --no-pods")

    told = {row["check"]: row["verdict"] for row in found.of("web-1")["findings"]}
    assert (told["conn.api"], told["conn.api.tls"]) == ("pass", "pass")
    assert found.code == 0, found.of("web-1")["findings"]
    told = {row["check"]: row["verdict"] for row in away.of("web-1")["findings"]}
    assert told["conn.api"] == "fail"
