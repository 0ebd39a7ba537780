"""Ports of services of type NodePort, and what is left for Windows to hand out by itself."""

from __future__ import annotations

import re

# Source: kubernetes.io/docs/concepts/services-networking/service, type NodePort
NODE_PORTS = (30000, 32767)
# Source: kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver,
# --service-node-port-range, of whose forms FIRST-LAST is the one taken here
FORM = r"^[0-9]{1,5}-[0-9]{1,5}$"
LAST_PORT = 65535
# The range of Windows has 16,384 ports by default: support.microsoft.com/kb/929851
ENOUGH = 16384
# Source: kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/systemprep/tasks/main.yml
# @ae63061e, Azure/AgentBaker:staging/cse/windows/configfunc.ps1@06836ee2
DYNAMIC = (34000, 31536)
# Ports of the kubelet and of kube-proxy lie below.
_LOWEST = 10257


def ports_of(text: str | None) -> tuple[int, int]:
    """Give the first and the last port of a range; Kubernetes' default without one."""
    if not text or not re.fullmatch(FORM, text):
        return NODE_PORTS
    first, _, last = text.partition("-")
    return int(first), int(last)


def problem(text: str | None) -> str:
    """Say why a range cannot be the cluster's; empty where it can."""
    first, last = ports_of(text)
    if not 1 <= first <= last <= LAST_PORT:
        return f"is {text}; ports are 1 to {LAST_PORT}, and the range goes upwards"
    if dynamic((first, last))[1] < ENOUGH:
        return f"is {text}, which leaves Windows fewer than {ENOUGH} ports to hand out itself"
    return ""


def dynamic(node_ports: tuple[int, int]) -> tuple[int, int]:
    """Give first port and count of the range that Windows hands out, clear of NodePorts."""
    first, last = node_ports
    if last < DYNAMIC[0] or first > DYNAMIC[0] + DYNAMIC[1] - 1:
        return DYNAMIC
    above, below = LAST_PORT - last, first - _LOWEST
    return (last + 1, above) if above >= below else (_LOWEST, below)
