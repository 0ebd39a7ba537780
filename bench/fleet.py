"""Measures preflight of many nodes: hundreds at once, some of them faulty, beside Ansible.

Run it with: PYTHONPATH=tests python bench/fleet.py [scale|faulty|ansible|powershell]...
Nodes share a few processes, the client is another one; each reply of a node waits for 20 ms.
Ansible runs from an environment of its own, which is made once, outside the repository
(WINCNODE_BENCH_ANSIBLE).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from measured import Lab, Run, lab, say, table

from wincnode.lab.nodes import PASSWORD, USER

RTT_S = 0.02
# Nodes that would answer at once would leave nothing to wait for: each works for so long.
WORK_S = 2.0
SCALE = 500
WHOLE, FAULTY_EVERY = 200, 10
BESIDE, READS, REAL = 50, 25, 10
UNTRUSTED = "untrusted certificate"
# Ten ways to be faulty, each twice among 200 nodes; a black hole drops packets, or takes all that
# comes and never answers.
FIRST_WAYS = (
    *("unreachable", "dropped packets", "deny", "garbage", "slow=0.4", "drop@6", "long-line"),
    *(UNTRUSTED, "hostile facts", "sec.langmode"),
)
SECOND_WAYS = ("unreachable", "black-hole", *FIRST_WAYS[2:])
ANSIBLE = ("ansible-core==2.19.14", "pywinrm==0.5.0", "requests-ntlm==1.3.0")
READ = "(Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion').CurrentBuild"
ROUNDS = 2
# As many as a run that changes nodes takes by itself, a part of the fleet, and as many as one that
# reads.
AT_ONCE = (20, 50, 200)
PLAYBOOK = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"name": f"read {number}", "ansible.builtin.raw": READ, "changed_when": False}
            for number in range(READS)
        ],
    }
]


def main() -> None:
    """Print what was measured, as Markdown."""
    scenarios = {"scale": scale, "faulty": faulty, "ansible": ansible, "powershell": powershell}
    wanted = sys.argv[1:] or list(scenarios)
    if unknown := set(wanted) - set(scenarios):
        sys.exit(f"no such measurement: {', '.join(sorted(unknown))}")
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    say(f"{now}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="wincnode-bench-") as folder:
        for name in wanted:
            say(f"\n## {name}\n")
            scenarios[name](Path(folder))


def scale(folder: Path) -> None:
    """Judge 500 nodes at once, with work that takes a node 2 s, and with none."""
    nodes = dict.fromkeys((f"n-{number:03}" for number in range(SCALE)), "")
    rows: dict[str, Run] = {}
    for work_s in (WORK_S, 0.0):
        with lab(nodes, rtt_s=RTT_S, work_s=work_s) as running:
            name = f"{SCALE} nodes, {work_s:g} s of work each"
            rows[name] = preflight(running, list(nodes), folder)
    tell(rows, dict.fromkeys(rows, SCALE))


def faulty(folder: Path) -> None:
    """Judge 180 healthy nodes alone, and again with 20 that are not, spread among them."""
    ways = iter((*FIRST_WAYS, *SECOND_WAYS))
    nodes = {
        f"n-{number:03}": next(ways) if number % FAULTY_EVERY == FAULTY_EVERY - 1 else ""
        for number in range(WHOLE)
    }
    healthy = [name for name, fault in nodes.items() if not fault]
    with lab(nodes, rtt_s=RTT_S, work_s=WORK_S) as running:
        for parallel in AT_ONCE:
            compared(running, healthy, parallel, folder)
    told(folder, nodes)


def compared(running: Lab, healthy: list[str], parallel: int, folder: Path) -> None:
    """Judge the healthy nodes alone and all of them, in turns, so many at once."""
    words = ("--parallel", str(parallel))
    alone, together = [], []
    for _ in range(ROUNDS):
        alone.append(preflight(running, healthy, folder, *words))
        together.append(preflight(running, list(running.nodes), folder, *words))
    about = f"{parallel} at once, round"
    rows = {f"{len(healthy)} healthy, {about} {number}": run for number, run in enumerate(alone, 1)}
    counts = dict.fromkeys(rows, len(healthy))
    rows |= {
        f"{WHOLE} with faulty ones, {about} {number}": run for number, run in enumerate(together, 1)
    }
    tell(rows, {**dict.fromkeys(rows, WHOLE), **counts})
    without, with_them = (min(run.wall_s for run in runs) for runs in (alone, together))
    say(f"\nwall with the faulty ones / without, {parallel} at once: {with_them / without:.2f}\n")


def told(folder: Path, nodes: Mapping[str, str]) -> None:
    """Print what became of each faulty node."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    for row in report["nodes"]:
        if way := nodes[row["node"]]:
            error = (row.get("error") or {}).get("id", "")
            after = f"after {row['seconds']:.1f} s" if row["seconds"] else ""
            say(f"- {way}: {row['status']} {error or after}")
    say()


def ansible(folder: Path) -> None:
    """Judge 50 nodes, and let ansible-playbook read 25 things of the same ones."""
    nodes = dict.fromkeys((f"n-{number:02}" for number in range(BESIDE)), "")
    with lab(nodes, rtt_s=RTT_S, work_s=WORK_S, read_s=WORK_S / READS) as running:
        beside(running, folder)


def powershell(folder: Path) -> None:
    """Do the same on as many nodes as two cores bear, whose PowerShell is real."""
    if not (program := os.environ.get("WINCNODE_WINPS", "")):
        say("WINCNODE_WINPS names no PowerShell engine: not measured")
        return
    nodes = dict.fromkeys((f"n-{number:02}" for number in range(REAL)), "")
    with lab(nodes, rtt_s=RTT_S, work_s=0.0, powershell=program) as running:
        beside(running, folder)


def beside(running: Lab, folder: Path) -> None:
    """Run both clients on the same nodes."""
    names = list(running.ports)
    programs = ansible_programs()
    (folder / "hosts.yaml").write_text(yaml.safe_dump(hosts(running)), encoding="utf-8")
    (folder / "reads.yaml").write_text(yaml.safe_dump(PLAYBOOK), encoding="utf-8")
    words = [str(programs / "ansible-playbook"), "-i", "hosts.yaml", "reads.yaml"]
    environment = {
        "LC_ALL": "C.UTF-8",  # it insists on UTF-8
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_FORKS": str(len(names)),
        "PYTHONPATH": "",
    }
    ours = f"wincnode preflight, {len(names)} nodes"
    theirs = f"ansible-playbook, {READS} reads, {len(names)} nodes"
    rows = {
        ours: preflight(running, names, folder),
        theirs: running.run(words, folder=folder, **environment),
    }
    if rows[theirs].code:
        sys.exit((folder / "out").read_text(encoding="utf-8", errors="replace")[-2000:])
    tell(rows, dict.fromkeys(rows, len(names)))
    say(f"\nCPU of the clients: 1 to {rows[theirs].cpu_s / rows[ours].cpu_s:.0f}")


def preflight(running: Lab, names: list[str], folder: Path, *more: str) -> Run:
    """Judge some of the nodes."""
    rows = {
        name: {
            "address": "127.0.0.1",
            "connection": {
                "port": running.ports[name],
                "scheme": "https" if running.nodes[name] == UNTRUSTED else "http",
            },
        }
        for name in names
    }
    connection = {"auth": "ntlm", "user": USER, "password": {"env": "WINCNODE_LAB_PASSWORD"}}
    cluster = {"pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12"}
    inventory = {"cluster": cluster, "connection": connection, "nodes": rows}
    (folder / "wincnode.yaml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    words = [sys.executable, "-m", "wincnode", "preflight", "-o", "table", "-o", "json=report.json"]
    run = running.run([*words, *more], folder=folder, WINCNODE_LAB_PASSWORD=PASSWORD)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    wrong = [
        row["node"]
        for row in report["nodes"]
        if not running.nodes[row["node"]] and row["status"] != "ready"
    ]
    if wrong:
        sys.exit(f"healthy nodes that are not ready: {', '.join(wrong)}")
    return run


def hosts(running: Lab) -> Mapping[str, object]:
    """Give the nodes as an inventory of Ansible."""
    shared = {
        "ansible_host": "127.0.0.1",
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_shell_type": "powershell",
        "ansible_user": USER,
        "ansible_password": PASSWORD,
    }
    rows = {name: {"ansible_port": port} for name, port in running.ports.items()}
    return {"all": {"hosts": rows, "vars": shared}}


def ansible_programs() -> Path:
    """Give the folder of Ansible's programs; its environment is made where it is missing."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    place = os.environ.get("WINCNODE_BENCH_ANSIBLE") or Path(home) / "wincnode" / "bench-ansible"
    programs = Path(place) / "bin"
    if not (programs / "ansible-playbook").exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [str(programs / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *ANSIBLE], check=True)
    return programs


def tell(rows: Mapping[str, Run], nodes: Mapping[str, int]) -> None:
    """Print runs side by side, and how busy the machine was when each began."""
    say(table(rows, nodes))
    say("\nload when they began: " + ", ".join(f"{run.load:.1f}" for run in rows.values()))


if __name__ == "__main__":
    main()
