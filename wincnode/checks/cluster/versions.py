"""Which versions run in the cluster, and whether the wanted ones go with them."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.facts import Facts
from wincnode.support import Wish, line_of, load_support, numbers, problems

# How many minors a kubelet may be behind: kubernetes.io/releases/version-skew-policy.
OLDEST = 3
CLOCK_WARNING_S, CLOCK_ERROR_S = 60, 300


def _skew(facts: Facts, wanted: Wanted) -> Outcome:
    server = facts.known("api").text("version")
    if not wanted.kubernetes:
        return passed(f"the API server is {server}; the inventory names no version")
    have, want = numbers(server)[:2], numbers(wanted.kubernetes)[:2]
    if len(have) < 2:
        return unknown(f"the API server calls its version {server!r:.60}")
    text = f"kubelets of {wanted.kubernetes}, an API server of {server}"
    if want > have:
        return failed(f"{text}: a kubelet must not be newer")
    if have[0] != want[0] or have[1] - want[1] > OLDEST:
        return failed(f"{text}: a kubelet may be {OLDEST} minors older at most")
    return passed(text)


def _alive(facts: Facts, wanted: Wanted) -> Outcome:
    server = facts.known("api").text("version")
    support, minor = load_support(), line_of(server)
    if minor not in support.kubernetes:
        newest = max(support.kubernetes, key=numbers)
        if numbers(minor) > numbers(newest):
            return unknown(f"{server} is newer than this wincnode, which knows up to {newest}")
        return failed(f"{server}: no branch that still gets fixes, or none that wincnode knows")
    end = support.kubernetes[minor].end_of_life
    if wanted.today is None:
        return unknown("the date of today is not known")
    if wanted.today > end:
        return failed(f"{server}: {minor} has had no fixes since {end}")
    return passed(f"{server}: {minor} gets fixes until {end}")


def _runtime(facts: Facts, wanted: Wanted) -> Outcome:
    if not wanted.containerd:
        return passed("the inventory names no containerd")
    server = facts.known("api").text("version")
    wish = Wish(kubernetes=wanted.kubernetes or server, containerd=wanted.containerd)
    if wanted.today is None:
        return unknown("the date of today is not known")
    found = problems(load_support(), wish, today=wanted.today)
    if not found:
        return passed(f"containerd {wanted.containerd} with Kubernetes {wish.kubernetes}")
    text = "; ".join(row.text for row in found)
    worst = Severity.ERROR if found[0].severity == "error" else None
    return failed(text, severity=worst)


def _clock(facts: Facts, _: Wanted) -> Outcome:
    ahead = facts.known("api").number("ahead_s")
    text = f"the API server's clock is {abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} ours"
    if abs(ahead) > CLOCK_ERROR_S:
        return failed(text, severity=Severity.ERROR)
    return failed(text) if abs(ahead) > CLOCK_WARNING_S else passed(text)


CHECKS = (
    Check(
        id="cl.skew",
        title="The kubelet's version fits the API server's",
        severity=Severity.ERROR,
        proves="No kubelet is newer than the API server, nor more than three minors older.",
        remedy="Set cluster.kubernetes of the inventory to a version of the API server's minor.",
        source="kubernetes.io/releases/version-skew-policy",
        needs=("api",),
        run=_skew,
    ),
    Check(
        id="cl.k8s.eol",
        title="The cluster's Kubernetes gets fixes",
        severity=Severity.WARNING,
        proves="The branch of the API server has not ended.",
        remedy="Upgrade the control plane first, then its nodes.",
        source="kubernetes.io/releases/patch-releases",
        needs=("api",),
        run=_alive,
    ),
    Check(
        id="cl.cri",
        title="containerd goes with this Kubernetes",
        severity=Severity.WARNING,
        proves="The wanted containerd is one that its project recommends for the wanted kubelet.",
        remedy="Set runtime.containerd of the inventory to a version that docs/artifacts.md lists.",
        source="containerd/containerd:RELEASES.md@v2.4.2",
        needs=("api",),
        run=_runtime,
    ),
    Check(
        id="cl.time",
        title="The API server's clock agrees with ours",
        severity=Severity.WARNING,
        proves="By its Date header, tokens and certificates are valid on both sides.",
        remedy="Set both clocks by one time server; on Linux: chronyc tracking.",
        source="Date of RFC 9110, 6.6.1; of five minutes: RFC 4120, 8.2 (Kerberos)",
        needs=("api",),
        run=_clock,
    ),
)
