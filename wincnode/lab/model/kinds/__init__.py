"""Get and Set of each step kind, as its script does them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.model.kinds import (
    artifacts,
    certificates,
    compute_programs,
    defender,
    features,
    files,
    firewall,
    hns,
    images,
    joining,
    pods,
    ports,
    registry,
    services,
    system,
    tasks,
    waits,
)

Get: TypeAlias = Callable[[Host, Values, Values], Found]
Set: TypeAlias = Callable[[Host, Values, Values, Found], None]
# What happens each time, of (want, a teller of events), where it has no lasting effect.
Run: TypeAlias = Callable[[Host, Values, Callable[..., None]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Functions:
    """What a kind's script defines: Get of (key, want), and Set of (key, want, found).

    A kind without Set only waits; one with Run does its work each time.
    """

    get: Get
    set: Set | None = None
    run: Run | None = None


KINDS: Mapping[str, Functions] = {
    "archive": Functions(get=artifacts.get_archive, set=artifacts.set_archive),
    "certificate": Functions(get=certificates.get, set=certificates.set),
    "compute_programs": Functions(get=compute_programs.get, run=compute_programs.run),
    "container_image": Functions(get=images.get, set=images.set),
    "defender_exclusion": Functions(get=defender.get, set=defender.set),
    "directory": Functions(get=files.get_directory, set=files.set_directory),
    "download": Functions(get=artifacts.get_download, set=artifacts.set_download),
    "environment": Functions(get=registry.get_environment, set=registry.set_environment),
    "file": Functions(get=files.get_file, set=files.set_file),
    "firewall_rule": Functions(get=firewall.get, set=firewall.set),
    "hns_facts": Functions(get=hns.get_facts, run=hns.run_facts),
    "hns_network": Functions(get=hns.get, set=hns.set),
    "hostname": Functions(get=system.get_hostname, set=system.set_hostname),
    "kubeadm_join": Functions(get=joining.get, set=joining.set_by_kubeadm),
    "kubelet_bootstrap": Functions(get=joining.get, set=joining.set_by_kubelet),
    "optional_feature": Functions(
        get=features.get_optional_feature, set=features.set_optional_feature
    ),
    "pagefile": Functions(get=system.get_pagefile, set=system.set_pagefile),
    "pod_sandboxes": Functions(get=pods.get, set=pods.set),
    "port_exclusion": Functions(get=ports.get_exclusion, set=ports.set_exclusion),
    "port_range": Functions(get=ports.get_range, set=ports.set_range),
    "power_plan": Functions(get=system.get_power_plan, set=system.set_power_plan),
    "registry_value": Functions(get=registry.get_value, set=registry.set_value),
    "scheduled_task": Functions(get=tasks.get, set=tasks.set),
    "service": Functions(get=services.get, set=services.set),
    "time_source": Functions(get=system.get_time_source, set=system.set_time_source),
    "wait_for": Functions(get=waits.get),
    "windows_feature": Functions(
        get=features.get_windows_feature, set=features.set_windows_feature
    ),
}
