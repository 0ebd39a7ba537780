"""What became of each place that a node tried, a finding for each instead of one for all."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from wincnode.checks import Finding, Severity, Target, Verdict, Wanted, run_checks
from wincnode.checks.connectivity import CHECKS
from wincnode.facts import Facts

# By which checks each kind of target is judged.
JUDGED = {
    "api": ("conn.api", "conn.api.tls"),
    "dns": ("conn.dns",),
    "registry": ("conn.registry",),
    "download": ("conn.download",),
    "tcp": ("conn.peer",),
}
PORTS = {"http": 80, "https": 443}


def judged(facts: Facts, against: Wanted) -> tuple[Finding, ...]:
    """Judge each target by itself.

    A mirror that fails is a warning as long as another of its registry's places answers.
    """
    rows = [
        (target, one)
        for target in against.targets or ()
        for rule in CHECKS
        if rule.id in JUDGED[target.kind]
        for one in run_checks(facts, replace(against, targets=(target,)), (rule,))
    ]
    served = {
        target.name
        for target, one in rows
        if target.kind == "registry" and one.verdict is Verdict.PASS
    }
    return tuple(
        replace(
            one,
            target=shown(target),
            severity=Severity.WARNING
            if target.kind == "registry" and target.name in served
            else one.severity,
        )
        for target, one in rows
    )


def shown(target: Target) -> str:
    """Give what a target is called in reports: `mirror.local:5000 for docker.io`."""
    place = urlsplit(target.url).netloc
    match target.kind:
        case "tcp" | "dns":
            return target.name
        case "registry":
            return target.name if place == target.name else f"{place} for {target.name}"
    return place


def places(against: Wanted) -> tuple[str, ...]:
    """Give what pods try outside the cluster, `host:port`: the API server, the first registry."""
    found: dict[str, str] = {}
    for target in against.targets or ():
        if target.kind in {"api", "registry"}:
            at = urlsplit(target.url)
            host = f"[{at.hostname}]" if ":" in (at.hostname or "") else at.hostname
            found.setdefault(target.kind, f"{host}:{at.port or PORTS[at.scheme]}")
    return tuple(dict.fromkeys(found.values()))
