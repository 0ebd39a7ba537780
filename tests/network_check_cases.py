"""Machines with a defect, of wincnode/lab/defects, and facts without which checks cannot say."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from defect_wishes import wished

from wincnode.checks import Target, Wanted
from wincnode.lab.model.facts import facts_of
from wincnode.lab.programs import containerd
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import Profile, defect_names, load_profile

DEFECTS = {name: load_profile(name) for name in defect_names()}
SUBNETS = ("10.244.0.0/16", "10.96.0.0/12")
# What goes by more than facts.
BY_TARGETS = {"conn.dns", "conn.peer", "conn.api", "conn.api.tls", "conn.registry", "conn.download"}
BY_IMAGES = {"img.host", "img.pause", "img.foreign", "img.auth"}
# Checks that a defect proves.
PROVEN = {check for row in DEFECTS.values() for check in row.expects}

API = Wanted(targets=(Target(kind="api", name="api", url="https://127.0.0.1:6443"),))
REGISTRY = Wanted(targets=(Target(kind="registry", name="a", url="https://127.0.0.1:1/v2/"),))
DOWNLOAD = Wanted(targets=(Target(kind="download", name="a", url="https://127.0.0.1:1/a"),))
IMAGES = Wanted(images=())
NAMES = Wanted(targets=(Target(kind="dns", name="a", url="dns://a"),))
PEER = Wanted(targets=(Target(kind="tcp", name="a", url="tcp://127.0.0.1:1"),))
OVERLAY = Wanted(overlay=True)
NIC = ("network", "adapters", 0)
# id, place of a fact without which the check cannot say, what is wanted then
UNKNOWN: list[tuple[str, tuple[str | int, ...], Wanted]] = [
    ("net.static", (*NIC, "addresses"), Wanted()),
    ("net.disconnect", ("network", "sessions", 0), Wanted()),
    ("net.mtu", ("links", "interfaces", 0), Wanted()),
    ("net.offload", ("links", "vxlan_offload"), Wanted()),
    ("net.lbfo", ("links", "teams"), Wanted()),
    ("net.vswitch", ("links", "switches"), Wanted()),
    ("net.metadata", ("hardware", "manufacturer"), Wanted()),
    ("net.hns.networks", ("hns", "networks"), Wanted()),
    ("net.hns.objects", ("hns", "counts"), Wanted()),
    ("net.nat", ("hns", "nat"), Wanted()),
    ("net.ics", ("services", "services"), Wanted()),
    ("net.portproxy", ("ports", "forwarded"), Wanted()),
    ("net.dynports", ("ports", "dynamic", 0), Wanted()),
    ("net.excluded", ("ports", "excluded"), Wanted()),
    ("net.nat.ports", ("hns", "nat_mappings"), Wanted()),
    ("net.vxlan", ("hns", "networks"), OVERLAY),
    ("net.vswitch.ext", ("links", "switches"), Wanted()),
    ("fw.health", ("firewall", "rules"), Wanted()),
    ("net.udp65330", ("ports", "azure"), Wanted()),
    ("net.profile", ("network", "profiles", 0, "category"), Wanted()),
    ("host.len", ("os", "host_name"), Wanted()),
    ("host.dns", ("names", "forward"), Wanted()),
    ("host.suffix", ("names", "suffixes"), Wanted()),
    ("fw.profiles", ("policy", "firewall", "public"), Wanted()),
    ("fw.kubelet", ("firewall", "rules"), Wanted()),
    ("fw.vxlan", ("firewall", "rules"), OVERLAY),
    ("fw.nodeport", ("firewall", "rules"), Wanted()),
    ("fw.bgp", ("services", "services"), Wanted()),
    ("sw.docker", ("services", "services"), Wanted()),
    ("sw.containerd", ("runtime", "there"), Wanted()),
    ("sw.containerd.rule", ("runtime", "there"), Wanted()),
    ("sw.containerd.sandbox", ("runtime", "there"), Wanted()),
    ("sw.kubeproxy", ("services", "services"), Wanted()),
    ("sw.nssm", ("services", "services"), Wanted()),
    ("sw.cni", ("services", "services"), Wanted()),
    ("sw.desktop", ("services", "services"), Wanted()),
    ("left.dirs", ("leftovers", "folders"), Wanted()),
    ("left.cniconf", ("leftovers", "cni_configs"), Wanted()),
    ("left.flannel", ("runtime", "subnets"), Wanted()),
    ("left.hcs", ("hns", "compute_systems"), Wanted()),
    ("left.fwrules", ("firewall", "rules"), Wanted()),
    ("left.env", ("runtime", "variables"), Wanted()),
    ("conn.proxy.winhttp", ("proxy", "winhttp"), Wanted()),
    ("conn.proxy.env", ("proxy", "machine"), Wanted()),
    ("conn.proxy.svc", ("proxy", "services"), Wanted()),
    ("conn.dns", ("connectivity", "targets"), NAMES),
    ("conn.peer", ("connectivity", "targets"), PEER),
    ("conn.api", ("connectivity", "targets"), API),
    ("conn.api.tls", ("connectivity", "targets"), API),
    ("conn.registry", ("connectivity", "targets"), REGISTRY),
    ("conn.download", ("connectivity", "targets"), DOWNLOAD),
    ("host.unique", ("os", "uuid"), Wanted(members=())),
    *((check, ("os", "ubr"), IMAGES) for check in sorted(BY_IMAGES)),
]


def wanted(profile: Profile) -> Wanted:
    """Give what a node of a profile is to become."""
    return wished(profile, subnets=SUBNETS, today=date(2026, 9, 1))


def read(profile: Profile) -> dict[str, dict[str, Any]]:
    """Give what a machine of a profile says of itself."""
    with TemporaryDirectory() as folder:
        machine = Machine(profile, Path(folder) / "m", computer="WEB-1")
        machine.programs["containerd"] = containerd.program
        return facts_of(machine)


@cache
def facts(name: str) -> dict[str, dict[str, Any]]:
    """Give what a machine of a shipped profile, or with a defect, says of itself."""
    return read(load_profile(name))
