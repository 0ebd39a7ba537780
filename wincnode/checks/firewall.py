"""The firewall: what its profiles do, and whether its rules let Kubernetes' traffic in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wincnode.checks import Check, Outcome, Severity, Verdict, Wanted, failed, passed, unknown
from wincnode.checks.network import chosen, owned
from wincnode.facts import FactMissing, Facts, Section
from wincnode.node_ports import NODE_PORTS

# Names of profiles in rules and in facts; categories of networks, which have their profiles' names
# but for one: learn.microsoft.com/powershell/module/netconnection/get-netconnectionprofile
PROFILES = {"Domain": "domain", "Private": "private", "Public": "public"}
_CATEGORIES = {"DomainAuthenticated": "Domain", "Private": "Private", "Public": "Public"}
_NUMBERS = {"tcp": "6", "udp": "17"}  # IANA protocol numbers
_KUBELET = ("tcp", 10250)
_VXLAN = ("udp", 4789)
# kube-proxy's health, which load balancers before NodePorts ask for.
# Source: kubernetes/enhancements:keps/sig-network/3836-kube-proxy-improved-ingress-connectivity-
# reliability/README.md; kubernetes.io/docs/reference/networking/ports-and-protocols/
_HEALTH = ("tcp", 10256)
_BGP = ("tcp", 179)
# What wincnode's own rules are called: playbooks/prepare.yaml.
_OURS = "wincnode-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One inbound rule that is active.

    Args: profiles: of PROFILES; empty: every one. ports: first and last; empty: every one.
        Source of the form: learn.microsoft.com/openspecs/windows_protocols/ms-gpfas (2.2.2).
    """

    name: str
    policy: bool
    allow: bool
    protocol: str
    profiles: frozenset[str]
    ports: tuple[tuple[int, int], ...]
    program: str


def rules(facts: Facts) -> tuple[Rule, ...]:
    """Read the rules, those of group policy first."""
    return tuple(_rule(row) for row in facts.known("firewall").rows("rules"))


def _rule(row: Section) -> Rule:
    fields = [field.partition("=")[::2] for field in row.text("text").split("|")]
    values = {key: value for key, value in fields if value}
    ports = [value for key, value in fields if key.startswith("LPort")]
    return Rule(
        name=row.text("name"),
        policy=row.text("store") == "policy",
        allow=values.get("Action", "").lower() != "block",
        protocol=values.get("Protocol", ""),
        profiles=frozenset(value for key, value in fields if key == "Profile" and value),
        ports=tuple(_range(text) for text in ports) if ports else (),
        program=values.get("App", values.get("Svc", values.get("AppPkgId", ""))),
    )


def _range(text: str) -> tuple[int, int]:
    """Give the first and the last port; of words such as RPC none is ours."""
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    return (int(found[1]), int(found[2] or found[1])) if found else (0, 0)


def _about(facts: Facts, protocol: str, first: int, last: int, profile: str) -> Iterator[Rule]:
    for rule in rules(facts):
        if rule.protocol not in ("", _NUMBERS[protocol]):
            continue
        if rule.profiles and profile not in rule.profiles:
            continue
        # A program's rule concerns its own ports alone, and which these are it does not say.
        if not rule.ports and rule.program:
            continue
        if not rule.ports or any(low <= last and high >= first for low, high in rule.ports):
            yield rule


def admits(facts: Facts, protocol: str, port: int, *, profile: str) -> Outcome:
    """Say whether a port is let in on networks of a profile; a rule that blocks goes first.

    Source: learn.microsoft.com/windows/security/operating-system-security/network-security/
    windows-firewall/rules
    """
    setting = facts.known("policy").section("firewall").section(PROFILES[profile])
    if setting.setting("enabled") == 0:
        return passed(f"the firewall is off on {profile} networks")
    found = tuple(_about(facts, protocol, port, port, profile))
    blocks = [rule.name for rule in found if not rule.allow]
    if blocks:
        return failed(f"{blocks[0]} blocks {port}/{protocol} on {profile} networks")
    merged = setting.setting("local_rules") != 0
    if any(rule.policy or merged for rule in found):
        return passed(f"a rule lets {port}/{protocol} in on {profile} networks")
    return failed(f"no rule lets {port}/{protocol} in on {profile} networks")


def _profile_of(facts: Facts, adapter: Section) -> str:
    """Give the firewall's profile that holds for an adapter."""
    for row in facts.known("network").rows("profiles"):
        if row.number("index") == adapter.number("index"):
            category = row.text("category")
            if category not in _CATEGORIES:
                raise FactMissing(f"network.profiles has an unknown category: {category!r}")
            return _CATEGORIES[category]
    # Windows treats a network that it has not judged as public.
    return "Public"


def _needed(facts: Facts, wanted: Wanted, place: tuple[str, int]) -> Outcome:
    """Judge a port on the networks of the adapters that carry pods."""
    outcomes = [
        admits(facts, *place, profile=_profile_of(facts, nic)) for nic in chosen(facts, wanted)
    ]
    return next((row for row in outcomes if row.verdict is Verdict.FAIL), None) or (
        outcomes[0] if outcomes else failed("no adapter carries pods", because=("net.nic",))
    )


def _profiles(facts: Facts, _wanted: Wanted) -> Outcome:
    firewall = facts.known("policy").section("firewall")
    shown, blocked = [], []
    for name in PROFILES.values():
        profile = firewall.section(name)
        on = profile.setting("enabled") != 0
        shown.append(f"{name} {'on' if on else 'off'}")
        if on and profile.setting("outbound_blocked") == 1:
            blocked.append(name)
    if blocked:
        return failed(f"outbound traffic is blocked unless a rule allows it: {', '.join(blocked)}")
    return passed(", ".join(shown))


def _kubelet(facts: Facts, wanted: Wanted) -> Outcome:
    return _made(facts, _needed(facts, wanted, _KUBELET))


def _made(facts: Facts, said: Outcome) -> Outcome:
    """Judge a port for which `install` makes a rule, on a machine that it has not seen yet."""
    if said.verdict is Verdict.PASS:
        return said
    if "no rule" in said.evidence and not owned(facts):
        return passed(f"{said.evidence}; wincnode install makes one")
    return failed(said.evidence, because=(*said.because, "fw.merge", "net.profile"))


def _vxlan(facts: Facts, wanted: Wanted) -> Outcome:
    if not wanted.overlay:
        return passed("the cluster's network is no overlay")
    return _made(facts, _needed(facts, wanted, _VXLAN))


def _health(facts: Facts, wanted: Wanted) -> Outcome:
    said = _needed(facts, wanted, _HEALTH)
    if said.verdict is Verdict.PASS or "no rule" not in said.evidence:
        return said
    return passed(f"{said.evidence}; only load balancers before NodePorts ask for it")


def _node_ports(facts: Facts, wanted: Wanted) -> Outcome:
    shown = "-".join(map(str, wanted.node_ports))
    if wanted.node_ports != NODE_PORTS and shown not in facts.known("firewall").texts("ranges"):
        return unknown(f"rules for the ports {shown} were not read")
    found = {
        (rule.name, rule.allow)
        for nic in chosen(facts, wanted)
        for protocol in _NUMBERS
        for rule in _about(facts, protocol, *wanted.node_ports, _profile_of(facts, nic))
    }
    blocks = sorted(name for name, allow in found if not allow)
    if blocks:
        return failed(f"NodePorts are blocked by {', '.join(blocks[:5])}")
    allows = sorted(name for name, allow in found if allow)
    return passed(f"no rule blocks NodePorts; rules that allow some: {len(allows)}")


def _bgp(facts: Facts, wanted: Wanted) -> Outcome:
    services = facts.known("services").section("services")
    router = "remoteaccess"
    if router not in services.data or services.section(router).text("state") != "Running":
        return passed("no router for BGP runs (service RemoteAccess)")
    said = _needed(facts, wanted, _BGP)
    return said if said.verdict is Verdict.PASS else failed(said.evidence, because=said.because)


def _category(facts: Facts, wanted: Wanted) -> Outcome:
    """Rules that hold for other categories alone are as good as none."""
    places = [_KUBELET, *([_VXLAN] if wanted.overlay else [])]
    wrong, seen = [], []
    for nic in chosen(facts, wanted):
        profile = _profile_of(facts, nic)
        seen.append(f"{nic.text('name')} is on a {profile} network")
        for protocol, port in places:
            if admits(facts, protocol, port, profile=profile).verdict is Verdict.PASS:
                continue
            others = [
                other
                for other in PROFILES
                for rule in _about(facts, protocol, port, port, other)
                if rule.allow and rule.ports and rule.profiles and profile not in rule.profiles
            ]
            if others:
                wrong.append(f"{seen[-1]}, {port}/{protocol} is let in on {others[0]} ones alone")
    return failed("; ".join(wrong)) if wrong else passed("; ".join(seen) or "no adapter")


def _old_rules(facts: Facts, _wanted: Wanted) -> Outcome:
    named = re.compile(r"kube|rke2|k0s|calico|flannel|containerd", re.IGNORECASE)
    old = [
        row.text("name")
        for row in facts.known("firewall").rows("rules")
        if named.search(row.text("name") + row.text("text"))
        and not row.text("name").startswith(_OURS)
        and row.text("store") == "local"
    ]
    if not old or owned(facts):
        return passed(f"rules of Kubernetes' programs: {', '.join(old[:5]) or 'none'}")
    return failed(f"left over: {', '.join(old[:5])}", because=("sw.kubelet", "sw.rke2", "sw.k0s"))


_RKE2 = "https://docs.rke2.io/install/requirements"

CHECKS = (
    Check(
        id="fw.profiles",
        title="The firewall lets traffic out",
        severity=Severity.WARNING,
        proves="The node reaches the API server, registries and other nodes without rules of "
        "their own.",
        remedy="Set-NetFirewallProfile -All -DefaultOutboundAction Allow, or allow containerd, "
        "the kubelet and kube-proxy by rules.",
        source="https://learn.microsoft.com/powershell/module/netsecurity/set-netfirewallprofile",
        needs=("policy",),
        run=_profiles,
    ),
    Check(
        id="fw.kubelet",
        title="The control plane reaches the kubelet",
        severity=Severity.WARNING,
        proves="kubectl logs, kubectl exec and metrics work: port 10250 is let in.",
        remedy="New-NetFirewallRule -Name kubelet -DisplayName kubelet -Direction Inbound "
        "-Protocol TCP -LocalPort 10250 -Profile Any -Action Allow; remove the rule that blocks.",
        source="kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc",
        needs=("firewall", "policy", "network"),
        run=_kubelet,
        uses=("leftovers",),
    ),
    Check(
        id="fw.vxlan",
        title="Other nodes reach the overlay",
        severity=Severity.WARNING,
        proves="Packets of pods come in: UDP port 4789 is let in where an overlay is wanted.",
        remedy="New-NetFirewallRule -Name OverlayTraffic4789UDP -DisplayName "
        "OverlayTraffic4789UDP -Direction Inbound -Protocol UDP -LocalPort 4789 -Profile Any "
        "-Action Allow.",
        source="rancher/rke2:pkg/windows/utils.go@6ce1a801",
        needs=("firewall", "policy", "network"),
        uses=("leftovers",),
        run=_vxlan,
    ),
    Check(
        id="fw.health",
        title="No rule blocks kube-proxy's health",
        severity=Severity.WARNING,
        proves="Load balancers that ask for it, port 10256, send traffic to the node.",
        remedy="Remove-NetFirewallRule -Name RULE for the rule that blocks; where a load balancer "
        "stands before NodePorts: New-NetFirewallRule -Name kube-proxy-health -DisplayName "
        "kube-proxy-health -Direction Inbound -Protocol TCP -LocalPort 10256 -Profile Any "
        "-Action Allow.",
        source="https://kubernetes.io/docs/reference/networking/ports-and-protocols/",
        needs=("firewall", "policy", "network"),
        run=_health,
    ),
    Check(
        id="fw.nodeport",
        title="No rule blocks NodePorts",
        severity=Severity.INFO,
        proves="Services of type NodePort answer on the node, ports 30000 to 32767.",
        remedy="Remove-NetFirewallRule -Name RULE for the rule that blocks; where others must be "
        "let in: New-NetFirewallRule -LocalPort 30000-32767.",
        source=_RKE2,
        needs=("firewall", "network"),
        run=_node_ports,
    ),
    Check(
        id="fw.bgp",
        title="Neighbours reach the router for BGP",
        severity=Severity.WARNING,
        proves="Calico's routes come in where the node speaks BGP: TCP port 179 is let in.",
        remedy="New-NetFirewallRule -Name bgp -DisplayName bgp -Direction Inbound -Protocol TCP "
        "-LocalPort 179 -Profile Any -Action Allow.",
        source=_RKE2,
        needs=("firewall", "policy", "network", "services"),
        run=_bgp,
    ),
    Check(
        id="net.profile",
        title="Firewall rules hold for the network's category",
        severity=Severity.INFO,
        proves="The rules for Kubernetes are those that Windows applies on this network.",
        remedy="Set-NetFirewallRule -Name RULE -Profile Any.",
        source="https://learn.microsoft.com/powershell/module/netconnection/"
        "get-netconnectionprofile",
        needs=("firewall", "policy", "network"),
        run=_category,
    ),
    Check(
        id="left.fwrules",
        title="No firewall rules of an older installation",
        severity=Severity.INFO,
        proves="Rules that are there were made for this cluster.",
        remedy="Remove-NetFirewallRule -Name RULE.",
        source="rancher/rke2:bundle/bin/rke2-uninstall.ps1@6ce1a801",
        needs=("firewall",),
        run=_old_rules,
        uses=("leftovers",),
    ),
)
