"""A cluster whose network is nobody's but its owner's: `cni: none`."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from clusters import Site, site

from wincnode.cluster.stages import NO_NETWORK
from wincnode.worker import paths

CONFIGURATION = '{"cniVersion": "1.0.0", "name": "own", "plugins": [{"type": "own"}]}'
PATIENCE_S = 120


def refusal(lab: Site) -> str:
    """Give why the cluster does not call the node Ready."""
    node = lab.cluster.plane.objects.get("nodes", "web-1") or {"status": {}}
    rows = {row["type"]: row["message"] for row in node["status"].get("conditions", ())}
    return str(rows.get("Ready", ""))


def test_a_network_of_ones_own_is_waited_for(tmp_path: Path) -> None:
    """Its folders are there before its agent, and the join lasts until that has done its part."""
    with site(tmp_path) as lab:
        lab.change("cni: flannel", "cni: none")
        node = lab.nodes["web-1"]
        # The lab's network does nothing on this node.
        node.worker.cni_agent = False
        assert lab.run("install").code == 0
        assert node.machine.path(paths.CNI_BIN).is_dir()
        folder = node.machine.path(paths.CNI_CONF)
        assert list(folder.iterdir()) == []
        heard: list[str] = []

        def agent() -> None:
            end = time.monotonic() + PATIENCE_S
            while NO_NETWORK not in "".join(heard[-1:]) and time.monotonic() < end:
                time.sleep(0.05)
                heard.append(refusal(lab))
            (folder / "10-own.conflist").write_text(CONFIGURATION, encoding="utf-8")

        own = threading.Thread(target=agent)
        own.start()
        joined = lab.run("join")
        own.join()
        again = lab.run("install")

        assert NO_NETWORK in heard[-1]
        assert joined.code == 0, joined.stderr
        said = joined.stderr
        assert said.index("registered with") < said.index("connected to the network of pods")
        assert lab.ready()
        assert set(again.outcomes("web-1")) == {"ok"}
        assert (folder / "10-own.conflist").read_text(encoding="utf-8") == CONFIGURATION
