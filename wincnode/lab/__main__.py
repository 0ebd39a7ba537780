"""`wincnode-lab`: simulated Windows nodes for rehearsal."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wincnode.lab.model import ModelEngine, load_profile, profile_names
from wincnode.lab.server import WsmanServer

USER = "Administrator"
PASSWORD = "lab-Passw0rd"  # noqa: S105 - it guards simulated nodes on loopback
INVENTORY = """\
# Written by wincnode-lab: simulated nodes on loopback, which speak plain http with sealed NTLM.
cluster:
  pod_cidr: 10.244.0.0/16
  service_cidr: 10.96.0.0/12
connection:
  scheme: http
  auth: ntlm
  user: {user}
  password:
    env: WINCNODE_LAB_PASSWORD
nodes:
{nodes}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `wincnode-lab`."""
    parser = argparse.ArgumentParser(prog="wincnode-lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("demo", help="run preflight against a healthy, a broken and an absent node")
    up = verbs.add_parser("up", help="start nodes, write their inventory, and wait for ^C")
    up.add_argument("profiles", nargs="+", choices=profile_names(), metavar="PROFILE")
    up.add_argument("--inventory", type=Path, default=Path("wincnode.yaml"), metavar="FILE")
    options = parser.parse_args(arguments)
    return demo() if options.verb == "demo" else stay_up(options.profiles, options.inventory)


def demo() -> int:
    """Show `wincnode preflight` over real WinRM, and the exit code that it ends with.

    Returns: 0 when the demo went as it should: the broken node blocked, the absent one reported.
    """
    with (
        tempfile.TemporaryDirectory(prefix="wincnode-demo-") as folder,
        lab_nodes({"web-1": "ws2022", "web-2": "ws2019-broken"}, pace_s=0.15) as ports,
    ):
        inventory = Path(folder) / "wincnode.yaml"
        write_inventory(inventory, {**ports, "web-3": closed_port()})
        command = [sys.executable, "-m", "wincnode", "preflight", "-i", str(inventory)]
        print("$ wincnode preflight -i wincnode.yaml", flush=True)  # noqa: T201 - a program's own output
        code = subprocess.run(command, env=environment(), check=False).returncode
        print(f"exit code {code}: a node is blocked (5) and one is unreachable (4); 5 goes first")  # noqa: T201
    return 0 if code == 5 else 1


def stay_up(profiles: Sequence[str], inventory: Path) -> int:
    """Keep nodes running until ^C."""
    names = {f"lab-{number}": name for number, name in enumerate(profiles, start=1)}
    with lab_nodes(names, pace_s=0.0) as ports:
        write_inventory(inventory, ports)
        print(f"export WINCNODE_LAB_PASSWORD={PASSWORD}\nwincnode preflight -i {inventory}")  # noqa: T201
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


@contextmanager
def lab_nodes(profiles: dict[str, str], *, pace_s: float) -> Iterator[dict[str, int]]:
    """Run one WS-Management server for each name; gives their ports and stops them at the end."""
    with ExitStack() as stack:
        ports = {}
        for name, profile in profiles.items():
            engine = ModelEngine(load_profile(profile), computer=name.upper(), pace_s=pace_s)
            server = stack.enter_context(WsmanServer(engine, users={USER: PASSWORD}))
            ports[name] = server.port
        yield ports


def write_inventory(path: Path, ports: dict[str, int]) -> None:
    """Write the inventory of lab nodes."""
    rows = [
        f"  {name}:\n    address: 127.0.0.1\n    connection:\n      port: {port}\n"
        for name, port in ports.items()
    ]
    path.write_text(INVENTORY.format(user=USER, nodes="".join(rows)), encoding="utf-8")


def environment() -> dict[str, str]:
    """Give the environment in which wincnode finds the lab's password."""
    return {**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD}


def closed_port() -> int:
    """Find a port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
