"""`wincnode-lab`: simulated Windows nodes for rehearsal."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from wincnode.lab.clusters import lab_cluster, linux_nodes
from wincnode.lab.demo import demo
from wincnode.lab.faults import Faults, parse_fault, together
from wincnode.lab.nodes import PASSWORD, Wish, lab_nodes, ports, write_inventory
from wincnode.lab.programs.wire import Wire
from wincnode.lab.windows.profiles import DURATIONS, defect_names, profile_names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `wincnode-lab`."""
    options = _parser().parse_args(arguments)
    return demo() if options.verb == "demo" else up(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wincnode-lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("demo", help="run wincnode against a healthy, a broken and an absent node")
    up = verbs.add_parser("up", help="start nodes, write their inventory, and wait for ^C")
    up.add_argument(
        "profiles",
        nargs="+",
        choices=(*profile_names(), *defect_names()),
        metavar="PROFILE",
        help=f"one of {', '.join(profile_names())}, or a defect of docs/lab.md such as "
        "sys.disk; the nodes are called lab-1, lab-2, ...",
    )
    up.add_argument("--inventory", type=Path, default=Path("wincnode.yaml"), metavar="FILE")
    up.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="NODE:FAULT",
        help="what goes wrong with a node, such as lab-1:slow=2 or lab-2:drop@7; may be repeated",
    )
    up.add_argument(
        "--duration",
        type=_duration,
        action="append",
        default=[],
        metavar="WORK=SECONDS",
        help=f"what work takes on the nodes' clock: {', '.join(DURATIONS)}",
    )
    up.add_argument(
        "--haste",
        type=_haste,
        default=1.0,
        metavar="N",
        help="let N seconds of such work pass in one of yours (1)",
    )
    up.add_argument(
        "--cluster",
        action="store_true",
        help="run a control plane that the nodes can join, and a mirror of what they install",
    )
    up.add_argument(
        "--linux",
        type=int,
        choices=range(10),
        default=0,
        metavar="N",
        help="with --cluster: run so many Linux nodes beside, linux-1, ..., whose pods take part in"
        " tests of the network (0)",
    )
    up.add_argument(
        "--powershell",
        type=Path,
        metavar="PROGRAM",
        help="run the node's scripts with this Windows PowerShell 5.1 for Linux, not the model",
    )
    up.add_argument(
        "--compute",
        type=Path,
        metavar="FOLDER",
        help="native libraries that stand for the Host Compute Service of --powershell nodes",
    )
    return parser


def _fault(text: str) -> tuple[str, Faults]:
    node, _, fault = text.partition(":")
    try:
        return node, parse_fault(fault)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _duration(text: str) -> tuple[str, float]:
    work, _, seconds = text.partition("=")
    if work not in DURATIONS or not seconds.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no duration such as feature_install=180; there are {', '.join(DURATIONS)}"
        )
    return work, float(seconds)


def _haste(text: str) -> float:
    if not text.isdecimal() or text.strip("0") == "":
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return float(text)


def up(options: argparse.Namespace) -> int:
    """Keep nodes running until ^C."""
    faults = {
        name: together(fault for node, fault in options.fault if node == name)
        for name, _ in options.fault
    }
    wishes = {
        f"lab-{number}": Wish(
            profile=profile,
            faults=faults.pop(f"lab-{number}", Faults()),
            powershell=options.powershell,
            compute=options.compute,
            cluster=options.cluster,
            durations=dict(options.duration),
            haste=options.haste,
        )
        for number, profile in enumerate(options.profiles, start=1)
    }
    number = options.linux if options.cluster else 0
    names = (f"linux-{place}" for place in range(1, number + 1))
    of_linux = {name: faults.pop(name, Faults()) for name in names}
    if wrong := [name for name, row in of_linux.items() if row != Faults(pods=row.pods)]:
        print(f"{', '.join(wrong)}: a Linux node has faults of pods alone", file=sys.stderr)  # noqa: T201
        return 2
    lost = {name: set(row.pods) for name, row in of_linux.items()}
    if faults:
        print(f"no node is called {', '.join(faults)}", file=sys.stderr)  # noqa: T201
        return 2
    with ExitStack() as stack:
        cluster = None
        if options.cluster:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wincnode-cluster-"))
            cluster = stack.enter_context(lab_cluster(Path(folder)))
        wire = Wire()
        nodes = stack.enter_context(lab_nodes(wishes, wire))
        if cluster:
            stack.enter_context(linux_nodes(cluster.plane, wire, lost))
        write_inventory(options.inventory, ports(nodes), cluster)
        lines = [f"export WINCNODE_LAB_PASSWORD={PASSWORD}"]
        if cluster:
            lines.append(f"export KUBECONFIG={cluster.kubeconfig}")
            # Nothing vouches for what comes over plain http.
            lines.append(f"wincnode lock -i {options.inventory} --allow-unverified")
        lines.append(f"wincnode preflight -i {options.inventory}")
        print("\n".join(lines), flush=True)  # noqa: T201 - a program's own output
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
