"""What a node finds in the cluster when it joins."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import Facts

# Who binds with a token of kubeadm, and what it must be let do.
# Source: kubernetes/kubernetes:cmd/kubeadm/app/phases/bootstraptoken/node/tlsbootstrap.go@v1.36.3
TOKENS = "system:bootstrappers:kubeadm:default-node-token"
NODES = "system:nodes"
REQUESTS = "system:certificates.k8s.io:certificatesigningrequests"
BINDINGS = (
    ("system:node-bootstrapper", TOKENS),
    (f"{REQUESTS}:nodeclient", TOKENS),
    (f"{REQUESTS}:selfnodeclient", NODES),
)
# Groups that hold each bootstrap token, or each node, as well: bootstrap-tokens of
# kubernetes.io/docs/reference/access-authn-authz.
WIDER = {TOKENS: {"system:bootstrappers", "system:authenticated"}, NODES: {"system:authenticated"}}


def _info(facts: Facts, _: Wanted) -> Outcome:
    if facts.known("bootstrap").flag("cluster_info"):
        return passed("kube-public/cluster-info has a kubeconfig")
    return failed("kube-public/cluster-info is missing, or has no kubeconfig")


def _settings(facts: Facts, _: Wanted) -> Outcome:
    section = facts.known("bootstrap")
    if not section.flag("kubelet_config"):
        return failed("kube-system/kubelet-config is missing, or empty")
    if not section.flag("kubeadm_config"):
        text = "kube-system/kubeadm-config is missing: join by `--method bootstrap`"
        return failed(text, severity=Severity.WARNING)
    return passed("kubelet-config and kubeadm-config are there")


def _rights(facts: Facts, _: Wanted) -> Outcome:
    rows = facts.known("bootstrap").rows("groups")
    bound = {row.text("role"): set(row.texts("groups")) for row in rows}
    lacking = [
        f"{group} is not bound to {role}"
        for role, group in BINDINGS
        if not {group, *WIDER[group]} & bound.get(role, set())
    ]
    if lacking:
        return failed("; ".join(lacking))
    return passed("tokens may ask for a certificate, which is approved and renewed by itself")


CHECKS = (
    Check(
        id="cl.info",
        title="Nodes can find the cluster by a token",
        severity=Severity.ERROR,
        proves="The ConfigMap that discovery reads is there.",
        remedy="kubeadm init phase bootstrap-token",
        source="kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details",
        needs=("bootstrap",),
        run=_info,
    ),
    Check(
        id="cl.kubelet",
        title="The cluster has settings for kubelets",
        severity=Severity.ERROR,
        proves="kubelet-config and kubeadm-config, which a joining node reads, are there.",
        remedy="kubeadm init phase upload-config all",
        source="kubernetes/kubernetes:cmd/kubeadm/app/phases/kubelet/config.go",
        needs=("bootstrap",),
        run=_settings,
    ),
    Check(
        id="cl.token",
        title="A bootstrap token may ask for a kubelet's certificate",
        severity=Severity.ERROR,
        proves="The groups of tokens and nodes are bound to the roles that bootstrap and renew.",
        remedy="kubeadm init phase bootstrap-token, or bind the named group to the named role.",
        source="kubernetes/kubernetes:cmd/kubeadm/app/phases/bootstraptoken/node/tlsbootstrap.go",
        needs=("bootstrap",),
        run=_rights,
    ),
)
