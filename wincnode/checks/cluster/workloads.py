"""What runs in the cluster already, and would land on a Windows node or be kept from it."""

from __future__ import annotations

from collections.abc import Iterator

from wincnode.builds import load_builds, supported_builds
from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import Facts, Section

SHOWN = 8


def _loose(facts: Facts, *, proxy: bool) -> list[str]:
    """List the DaemonSets and Deployments that may land on Windows and are not made for it.

    Who names another system than Linux is. One of Linux without a selector lands there unless
    the nodes' taint keeps it off.
    """
    return [
        _name(row)
        for row in facts.known("workloads").rows("rows")
        if row.texts("systems") == ("linux", "windows")
        and (row.text("name") == "kube-proxy") is proxy
        and (row.text("kind") == "DaemonSet" or row.text("namespace") == "kube-system")
    ]


def _name(row: Section) -> str:
    return f"{row.text('kind')} {row.text('namespace')}/{row.text('name')}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _proxy(facts: Facts, _: Wanted) -> Outcome:
    loose = _loose(facts, proxy=True)
    if loose:
        return failed(f"{_listed(loose)} has no selector of a system")
    return passed("kube-proxy of Linux stays there")


def _sets(facts: Facts, _: Wanted) -> Outcome:
    loose = _loose(facts, proxy=False)
    if loose:
        return failed(f"no selector of a system: {_listed(loose)}")
    return passed("each names the system that it runs on")


def _taints(facts: Facts, _: Wanted) -> Outcome:
    rows = [row for row in facts.known("nodes").rows("rows") if row.text("os") == "windows"]
    bare = [row.text("name") for row in rows if not row.texts("taints")]
    if not rows:
        return passed("there is no Windows node yet")
    if bare:
        text = f"without a taint: {_listed(bare)}"
        return failed(f"{text}; pods that name no system may land there")
    return passed(f"each of {len(rows)} Windows nodes has a taint")


def _picks(row: Section) -> object:
    """Give the Windows build that a RuntimeClass picks; None where it picks none."""
    return row.section("selector").data.get("node.kubernetes.io/windows-build")


def _tolerates(row: Section, taint: str) -> bool:
    """Tell whether pods of a RuntimeClass tolerate a taint, `key=value:effect`.

    Source: kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration
    """
    pair, _, effect = taint.rpartition(":")
    key, _, value = pair.partition("=")
    for one in row.rows("tolerations"):
        exists = one.text("operator") == "Exists"
        keys = (key, "") if exists else (key,)
        same = exists or one.text("value") == value
        if one.text("key") in keys and one.text("effect") in (effect, "") and same:
            return True
    return False


def _shutting(node: Section) -> Iterator[str]:
    """List the taints that keep pods off; those that Kubernetes sets itself come and go."""
    for taint in node.texts("taints"):
        key, effect = taint.partition("=")[0], taint.rpartition(":")[2]
        if effect != "PreferNoSchedule" and not key.startswith(
            ("node.kubernetes.io/", "node.cloud")
        ):
            yield taint


def _shut_out(facts: Facts, classes: tuple[Section, ...]) -> list[str]:
    """Say which taints of which build no RuntimeClass of that build tolerates."""
    found = set()
    for node in facts.known("nodes").rows("rows"):
        build = node.text("windows_build")
        own = [row for row in classes if build and _picks(row) == build]
        for taint in _shutting(node):
            if own and not any(_tolerates(row, taint) for row in own):
                found.add(f"{taint} of {build}")
    return sorted(found)


def _classes(facts: Facts, _: Wanted) -> Outcome:
    classes = facts.known("runtime_classes").rows("rows")
    picked = {_picks(row) for row in classes}
    there = {row.text("windows_build") for row in facts.known("nodes").rows("rows")} - {""}
    lacking = sorted(there - picked)
    if lacking:
        return failed(f"no RuntimeClass picks nodes of {', '.join(lacking)}")
    if not picked - {None}:
        return failed("no RuntimeClass picks nodes by their Windows build")
    if shut := _shut_out(facts, classes):
        return failed(f"no RuntimeClass tolerates the taint {_listed(shut)}")
    return passed(", ".join(row.text("name") for row in classes))


def _builds(facts: Facts, _: Wanted) -> Outcome:
    known = {f"10.0.{row.build}" for row in supported_builds(load_builds())}
    there = {row.text("windows_build") for row in facts.known("nodes").rows("rows")} - {""}
    if strange := sorted(there - known):
        return failed(f"nodes of {', '.join(strange)}, which Kubernetes does not support")
    return passed(", ".join(sorted(there)) or "there is no Windows node yet")


def _linux(facts: Facts, _: Wanted) -> Outcome:
    rows = [row for row in facts.known("nodes").rows("rows") if row.text("os") == "linux"]
    if not rows:
        return failed("no node runs Linux")
    return passed(f"{len(rows)} nodes run Linux")


def _levels(facts: Facts, _: Wanted) -> Outcome:
    levels = {
        row.text("name"): row.text("enforce") for row in facts.known("namespaces").rows("rows")
    }
    shut = [
        f"{_name(row)} ({levels[row.text('namespace')]})"
        for row in facts.known("workloads").rows("rows")
        if row.flag("host_process")
        and levels.get(row.text("namespace"), "") not in {"", "privileged"}
    ]
    if shut:
        return failed(f"the namespace admits no HostProcess pod: {_listed(shut)}")
    return passed("no namespace keeps HostProcess pods out that are wanted there")


def _webhooks(facts: Facts, _: Wanted) -> Outcome:
    rows = facts.known("webhooks").rows("rows")
    silent = [
        f"{row.text('name')} (no ready pod behind {row.text('service')})"
        for row in rows
        if row.value("ready") is False
    ]
    if silent:
        return failed(f"pods or Nodes cannot be made: {_listed(silent)}")
    names = [row.text("name") for row in rows]
    return passed(f"must answer, and is there: {_listed(names)}" if names else "none must answer")


CHECKS = (
    Check(
        id="cl.kubeproxy.linux",
        title="kube-proxy of Linux is not scheduled on Windows",
        severity=Severity.ERROR,
        proves="The DaemonSet kube-proxy names the system that it is made for.",
        remedy="kubectl -n kube-system patch ds kube-proxy --type merge -p "
        '\'{"spec":{"template":{"spec":{"nodeSelector":{"kubernetes.io/os":"linux"}}}}}\'',
        source="kubernetes/kubernetes:cmd/kubeadm/app/phases/addons/proxy/manifests.go",
        needs=("workloads",),
        run=_proxy,
    ),
    Check(
        id="cl.ds.linux",
        title="DaemonSets and the system's pods name the system that they run on",
        severity=Severity.WARNING,
        proves="No pod made for Linux waits on a Windows node for an image that it never gets.",
        remedy='Add nodeSelector {"kubernetes.io/os": "linux"} to their pod template.',
        source='kubernetes.io/docs/concepts/windows/user-guide, "Ensuring OS-specific workloads"',
        needs=("workloads",),
        run=_sets,
    ),
    Check(
        id="cl.taint",
        title="Windows nodes have a taint",
        severity=Severity.INFO,
        proves="Only pods that tolerate it are scheduled there.",
        remedy="Set taints of the inventory, such as os=windows:NoSchedule; RuntimeClasses bring "
        "the toleration.",
        source='kubernetes.io/docs/concepts/windows/user-guide, "Taints and tolerations"',
        needs=("nodes",),
        run=_taints,
    ),
    Check(
        id="cl.runtimeclass",
        title="A RuntimeClass picks each Windows build",
        severity=Severity.WARNING,
        proves="Pods can ask for the build that their image needs, and tolerate its nodes' taints.",
        remedy="wincnode cluster apply --only runtime-classes",
        source="kubernetes.io/docs/concepts/windows/user-guide, "
        '"Handling multiple Windows versions in the same cluster"',
        needs=("nodes", "runtime_classes"),
        run=_classes,
    ),
    Check(
        id="cl.buildmix",
        title="The cluster's Windows nodes are of supported builds",
        severity=Severity.WARNING,
        proves="No node has a Windows that Kubernetes no longer supports.",
        remedy="Replace such nodes: wincnode leave NODE, then install a supported Windows Server.",
        source='kubernetes.io/docs/concepts/windows/intro, "Windows OS version compatibility"',
        needs=("nodes",),
        run=_builds,
    ),
    Check(
        id="cl.linuxnode",
        title="A Linux node runs what has no form for Windows",
        severity=Severity.ERROR,
        proves="DNS and the controllers of the network have a node to run on.",
        remedy="Add a Linux worker, or let pods on the control plane.",
        source="kubernetes.io/docs/concepts/windows/intro (control plane components run on Linux)",
        needs=("nodes",),
        run=_linux,
    ),
    Check(
        id="cl.psa",
        title="Namespaces admit the HostProcess pods that they hold",
        severity=Severity.WARNING,
        proves="Agents of the network and kube-proxy are not refused by Pod Security.",
        remedy="kubectl label namespace NAME pod-security.kubernetes.io/enforce=privileged",
        source="kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod",
        needs=("namespaces", "workloads"),
        run=_levels,
    ),
    Check(
        id="cl.webhooks",
        title="Webhooks that must answer can",
        severity=Severity.ERROR,
        proves="No admission webhook without a pod keeps Nodes or pods from being made.",
        remedy="Mend the named service, or set failurePolicy: Ignore for its webhook.",
        source="kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers, "
        '"Failure policy"',
        needs=("webhooks",),
        run=_webhooks,
    ),
)
