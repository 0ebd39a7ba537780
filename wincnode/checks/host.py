"""The machine's name: how long it is, and what the domain name system makes of it."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.checks.network import chosen
from wincnode.facts import Facts
from wincnode.machines import same_uuid

# learn.microsoft.com/windows/win32/sysinfo/computer-names
_NETBIOS = 15
_LABEL = 63  # RFC 1123


def _length(facts: Facts, _wanted: Wanted) -> Outcome:
    name = facts.known("os").text("host_name")
    shown = f"{name} has {len(name)} characters"
    if len(name) > _LABEL:
        return failed(f"{shown}, a label takes {_LABEL}", severity=Severity.ERROR)
    if len(name) > _NETBIOS:
        return failed(f"{shown}; its NetBIOS name ends after {_NETBIOS}")
    return passed(shown)


def _dns(facts: Facts, wanted: Wanted) -> Outcome:
    names = facts.known("names")
    name, forward, back = names.text("name"), names.section("forward"), names.section("back")
    found = forward.texts("found")
    mine = [row.text("address") for nic in chosen(facts, wanted) for row in nic.rows("addresses")]
    if not found:
        return failed(f"{name} is not found in DNS ({forward.text('error') or 'no address'})")
    if not set(found) & set(mine):
        shown = f"{name} is {', '.join(found)} in DNS; the node has {', '.join(mine) or 'none'}"
        return failed(shown, because=("net.addr", "net.nic"))
    pointers = [text.rstrip(".").lower() for text in back.texts("found")]
    if not pointers:
        return failed(f"{found[0]} has no name in DNS ({back.text('error') or 'no pointer'})")
    if name.partition(".")[0].lower() not in [text.partition(".")[0] for text in pointers]:
        return failed(f"{found[0]} is {', '.join(pointers)} in DNS, not {name}")
    return passed(f"{name} is {', '.join(found)}, and back")


def _suffixes(facts: Facts, _wanted: Wanted) -> Outcome:
    suffixes = facts.known("names").texts("suffixes")
    shown = ", ".join(suffixes) or "none"
    if len(suffixes) > 1:
        return failed(f"{len(suffixes)} suffixes: {shown}")
    return passed(f"suffix: {shown}")


def _unique(facts: Facts, wanted: Wanted) -> Outcome:
    ours = facts.known("os").text("uuid")
    found = next((row for row in wanted.members or () if row.name == wanted.node), None)
    if found is None:
        return passed(f"no Node is called {wanted.node}")
    same = same_uuid(found.uuid, ours)
    if same is False:
        text = f"the Node {wanted.node} is of the machine {found.uuid}; this one is {ours}"
        return failed(text)
    which = "this machine" if same else "of a machine that it does not tell"
    return passed(f"the Node {wanted.node} is {which}")


CHECKS = (
    Check(
        id="host.unique",
        title="No other machine has the Node's name",
        severity=Severity.ERROR,
        proves="The cluster has no Node of that name, or it is this very machine's.",
        remedy="Give this machine another name in the inventory, or kubectl delete node NAME if "
        "the other machine is gone.",
        source="rancher/rke2-docs:docs/install/requirements.md; kubernetes/kubernetes:pkg/kubelet/"
        "winstats/perfcounter_nodestats_windows.go",
        needs=("os",),
        asks="members",
        run=_unique,
    ),
    Check(
        id="host.len",
        title="Host name is short enough",
        severity=Severity.WARNING,
        proves="The name is the same for NetBIOS, DNS and Kubernetes.",
        remedy="Rename-Computer -NewName NAME with at most 15 characters, then reboot.",
        source="https://learn.microsoft.com/windows/win32/sysinfo/computer-names",
        needs=("os",),
        run=_length,
    ),
    Check(
        id="host.dns",
        title="DNS knows the node",
        severity=Severity.WARNING,
        proves="Others find the node by its name, and the name by its address.",
        remedy="Register it: Register-DnsClient; or add its A and PTR records to the zone.",
        source="kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks.go (HostnameCheck); "
        "openshift/windows-machine-config-operator:docs/byoh-instance-pre-requisites.md@0be4b9cc",
        needs=("names", "network"),
        run=_dns,
    ),
    Check(
        id="host.suffix",
        title="At most one DNS suffix",
        severity=Severity.INFO,
        proves="Short names mean the same in pods, which get one suffix alone, as on the node.",
        remedy="Use full names in pods, or Set-DnsClientGlobalSetting -SuffixSearchList SUFFIX.",
        source="https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
        "#dns-windows",
        needs=("names",),
        run=_suffixes,
    ),
)
