"""Checks: facts in, findings out. A topic is a module of this package with a tuple `CHECKS`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from functools import cache
from typing import Literal

from wincnode.events import printable
from wincnode.facts import FURTHER, SECTIONS, FactMissing, Facts, Unknown
from wincnode.images.named import Pull
from wincnode.node_ports import NODE_PORTS
from wincnode.updates import Updates

LONGEST_EVIDENCE = 2000
TargetKind = Literal["api", "registry", "download", "dns", "tcp"]


class Severity(Enum):
    """What a failed check means: an error blocks the node."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Verdict(Enum):
    """What a check found; unknown means that the facts were not enough to say."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A place that the node must reach.

    Args:
        kind: how it is tried, see wincnode/node/facts/connectivity.ps1.
        name: what it is for: one of several targets with one kind and name is enough.
        own_trust: the runtime judges its certificate by an authority of its own, or not at all.
    """

    kind: TargetKind
    name: str
    url: str
    own_trust: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A Node of the cluster, with the UUID of its machine; empty where it does not tell."""

    name: str
    uuid: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the node is to become; the checks measure it against this.

    Args:
        adapter: name of the adapter that carries pods; empty: the only usable one.
        adapters: those of single nodes, by the nodes' names.
        subnets: pod and service subnets of the cluster, which no route of the node may touch.
        server: address of the cluster's API server, as in a kubeconfig.
        hyperv: Hyper-V-isolated containers are wanted.
        lab: a Windows client is good enough.
        skew_s: the node's clock minus ours, where it was measured.
        ports: (protocol, port) that must be free.
        drive: the drive of the container runtime's data.
        ignore: ids of checks that shall not block the node.
        network: name of the cluster's network; empty: none is named.
        overlay: its packets travel in VXLAN.
        kubernetes, containerd: versions that the node is to get; empty: none is named.
        updates: rows of updates and holes; those that ship where there are none.
        today: by which the end of support is told; nothing is told without it.
        hns_network: name of the HNS network that the cluster's network makes on a node.
        targets: what must be reached from the node; None where nobody lets it try.
        images: what it is to pull, with the registries' answers; None where nobody asked them.
        node: its name in Kubernetes. members: the cluster's Nodes; None where nobody asked it.
        authority: PEM of the authorities that the kubeconfig trusts.
        node_ports: first and last port of services of type NodePort.
        sections: those of facts that are read; a check that needs another is left out.
    """

    adapter: str = ""
    adapters: Mapping[str, str] = field(default_factory=dict)
    subnets: tuple[str, ...] = ()
    server: str = ""
    hyperv: bool = False
    lab: bool = False
    skew_s: float | None = None
    # kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks.go (10250); kubelet's and kube-proxy's
    # health and metrics; 4789 is the only VXLAN port of Server 2019.
    ports: tuple[tuple[str, int], ...] = (
        ("tcp", 10248),
        ("tcp", 10249),
        ("tcp", 10250),
        ("tcp", 10256),
        ("udp", 4789),
    )
    drive: str = "C:"
    ignore: frozenset[str] = frozenset()
    network: str = ""
    overlay: bool = False
    kubernetes: str = ""
    containerd: str = ""
    updates: Updates | None = None
    today: date | None = None
    hns_network: str = ""
    targets: tuple[Target, ...] | None = None
    images: tuple[Pull, ...] | None = None
    node: str = ""
    members: tuple[Member, ...] | None = None
    authority: str = ""
    node_ports: tuple[int, int] = NODE_PORTS
    sections: tuple[str, ...] = (*SECTIONS, *FURTHER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one check saw; `because` lists ids that explain a failure if they failed, too."""

    verdict: Verdict
    evidence: str
    because: tuple[str, ...] = ()
    severity: Severity | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One rule: data, and a pure function that judges.

    Args:
        needs: sections of facts without which it cannot say. uses: those that it looks into where
            they are read. asks: what it goes by beside them, images or the kind of the targets that
            a node is to reach; without that nothing is said of it.
    """

    id: str
    title: str
    severity: Severity
    proves: str
    remedy: str
    source: str
    needs: tuple[str, ...]
    run: Callable[[Facts, Wanted], Outcome]
    uses: tuple[str, ...] = ()
    asks: TargetKind | Literal["", "images", "members"] = ""

    @property
    def anchor(self) -> str:
        """Give the place of the check's documentation, as its page is shown on the web."""
        return f"docs/checks.md#{self.id.replace('.', '')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a check says of one node; `because_of` names the failed checks that it follows from.

    Args: target: what was tried, where one check tries several things.
    """

    check: str
    title: str
    verdict: Verdict
    severity: Severity
    evidence: str
    remedy: str
    because_of: tuple[str, ...] = ()
    ignored: bool = False
    anchor: str = ""
    target: str = ""

    @property
    def blocks(self) -> bool:
        """An error that failed keeps the node from being changed."""
        return self.verdict is Verdict.FAIL and self.severity is Severity.ERROR

    @property
    def matters(self) -> bool:
        """What is unknown, or failed by more than a word's worth, is to be looked at."""
        return self.verdict is Verdict.UNKNOWN or (
            self.verdict is Verdict.FAIL and self.severity is not Severity.INFO
        )


def passed(evidence: str) -> Outcome:
    """Say that the check holds."""
    return Outcome(verdict=Verdict.PASS, evidence=evidence)


def failed(
    evidence: str, *, because: tuple[str, ...] = (), severity: Severity | None = None
) -> Outcome:
    """Say that the check does not hold; `severity` where this case is milder than the check's."""
    return Outcome(verdict=Verdict.FAIL, evidence=evidence, because=because, severity=severity)


def unknown(evidence: str) -> Outcome:
    """Say that the facts are not enough."""
    return Outcome(verdict=Verdict.UNKNOWN, evidence=evidence)


def all_checks() -> tuple[Check, ...]:
    """List the checks of nodes and those of the cluster, sorted by id."""
    return tuple(sorted((*node_checks(), *cluster_checks()), key=lambda check: check.id))


@cache
def node_checks() -> tuple[Check, ...]:
    """List the checks that judge a node's facts, sorted by id."""
    return _collected(__name__, __path__)


@cache
def cluster_checks() -> tuple[Check, ...]:
    """List the checks that judge a cluster's facts, sorted by id."""
    package = importlib.import_module(f"{__name__}.cluster")
    return _collected(package.__name__, package.__path__)


def _collected(package: str, path: Iterable[str]) -> tuple[Check, ...]:
    """List the checks of every topic of a package; two with one id are a bug of ours."""
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(path):
        if module.ispkg:
            continue
        for check in importlib.import_module(f"{package}.{module.name}").CHECKS:
            if check.id in found:
                raise ValueError(f"two checks are called {check.id}")
            found[check.id] = check
    return tuple(found[key] for key in sorted(found))


def run_checks(
    facts: Facts, wanted: Wanted, checks: tuple[Check, ...] | None = None
) -> tuple[Finding, ...]:
    """Run every check; none stops another.

    Failures come first, root causes before what follows from them and what is only worth a word
    last; then unknowns, then the rest.
    """
    rules = _readable(wanted) if checks is None else checks
    pairs = [(check, _outcome(check, facts, wanted)) for check in rules if asked(check, wanted)]
    broken = {check.id for check, outcome in pairs if outcome.verdict is Verdict.FAIL}
    findings = [_finding(check, outcome, broken, wanted) for check, outcome in pairs]
    causes = {finding.check: finding.because_of for finding in findings}
    return tuple(sorted(findings, key=lambda finding: _place(finding, causes)))


def asked(check: Check, wanted: Wanted) -> bool:
    """Tell whether what a check goes by beside facts was asked for."""
    match check.asks:
        case "":
            return True
        case "images":
            return wanted.images is not None
        case "members":
            return wanted.members is not None
    return wanted.targets is not None


def narrowed(wanted: Wanted, checks: tuple[Check, ...]) -> Wanted:
    """Give what some checks alone measure a node against: fewer sections, fewer targets."""
    read = {name for check in checks for name in (*check.needs, *check.uses)}
    tried = {check.asks for check in checks}
    targets = wanted.targets
    return replace(
        wanted,
        sections=tuple(name for name in wanted.sections if name in read),
        targets=None if targets is None else tuple(row for row in targets if row.kind in tried),
    )


def _readable(wanted: Wanted) -> tuple[Check, ...]:
    """List the checks of nodes whose sections are read."""
    return tuple(row for row in node_checks() if set(row.needs) <= set(wanted.sections))


def failures(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Select the findings that failed, in their order."""
    return tuple(finding for finding in findings if finding.verdict is Verdict.FAIL)


def _outcome(check: Check, facts: Facts, wanted: Wanted) -> Outcome:
    for need in check.needs:
        section = facts.section(need)
        if isinstance(section, Unknown):
            return unknown(f"facts of {need} are unknown: {section.error}")
    try:
        return check.run(facts, wanted)
    except FactMissing as missing:
        return unknown(str(missing))
    except Exception as bug:  # noqa: BLE001 - what the node sent must not stop the other checks
        return unknown(f"the check itself failed: {type(bug).__name__}: {bug}")


def _finding(check: Check, outcome: Outcome, broken: set[str], wanted: Wanted) -> Finding:
    severity = outcome.severity or check.severity
    ignored = check.id in wanted.ignore and outcome.verdict is not Verdict.PASS
    finding = Finding(
        check=check.id,
        title=check.title,
        verdict=outcome.verdict,
        severity=severity,
        # What a node says of itself reaches terminals and reports here.
        evidence=printable(outcome.evidence, limit=LONGEST_EVIDENCE),
        remedy="" if outcome.verdict is Verdict.PASS else check.remedy,
        because_of=tuple(id for id in outcome.because if id in broken),
        ignored=ignored,
        anchor=check.anchor,
    )
    if ignored and severity is Severity.ERROR:
        return replace(finding, severity=Severity.WARNING)
    return finding


def depth(check: str, causes: Mapping[str, tuple[str, ...]], above: tuple[str, ...] = ()) -> int:
    """Count the steps from a root cause; a circle ends where it closes."""
    path = (*above, check)
    deeper = [depth(id, causes, path) for id in causes.get(check, ()) if id not in path]
    return 1 + max(deeper) if deeper else 0


def _place(
    finding: Finding, causes: Mapping[str, tuple[str, ...]]
) -> tuple[int, bool, int, int, str]:
    verdicts = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS)
    severities = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    return (
        verdicts.index(finding.verdict),
        finding.severity is Severity.INFO,
        depth(finding.check, causes),
        severities.index(finding.severity),
        finding.check,
    )
