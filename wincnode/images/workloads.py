"""The images that Kubernetes objects name for nodes that may run Windows; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wincnode.images.named import Named, Role
from wincnode.isolation import version_of

# Source: kubernetes.io/docs/reference/labels-annotations-taints, kubernetes.io/os
OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
BUILD_LABEL = "node.kubernetes.io/windows-build"
WINDOWS = "windows"
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
LIMIT_DEPTH = 40


def images_of(objects: Iterable[object], *, why: str = "", role: Role = "pod") -> tuple[Named, ...]:
    """List the images of all pods and pod templates that are not bound to another system."""
    found = (
        Named(
            name=name,
            why=why,
            role=role,
            builds=_builds(spec),
            host_process=_is_host_process(spec),
        )
        for spec in pod_specs(objects)
        if may_run(spec)
        for name in _names(spec)
    )
    return tuple(dict.fromkeys(found))


def pod_specs(objects: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    """Give what looks like the spec of a pod, wherever it stands in an object."""
    # An alias of YAML may stand in many places; once is enough, and never without an end.
    seen: set[int] = set()
    rows = deque((row, 0) for row in objects)
    while rows:
        row, depth = rows.popleft()
        if id(row) in seen or depth > LIMIT_DEPTH or not isinstance(row, (dict, list)):
            continue
        seen.add(id(row))
        if isinstance(row, dict) and isinstance(row.get("containers"), list):
            yield row
            continue
        below = row.values() if isinstance(row, dict) else row
        rows.extend((value, depth + 1) for value in below)


def may_run(spec: Mapping[str, Any]) -> bool:
    """Tell whether a pod may come to a Windows node, by what it says of the system."""
    named = [_map(spec.get("nodeSelector")).get(label) for label in OS_LABELS]
    named.append(_map(spec.get("os")).get("name"))
    return all(name in {None, WINDOWS} for name in named) and _affinity_allows(spec)


def build_of(label: object) -> tuple[int, ...]:
    """Read a value of the build's label, such as 10.0.20348; nothing where it is none."""
    found = version_of(label) if isinstance(label, str) else None
    return (found.build,) if found else ()


def _builds(spec: Mapping[str, Any]) -> tuple[int, ...]:
    return build_of(_map(spec.get("nodeSelector")).get(BUILD_LABEL))


def _is_host_process(spec: Mapping[str, Any]) -> bool:
    """Tell whether a pod's containers are processes of the host: all of them, or none.

    Source: kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod
    """
    of_containers = spec.get("containers")
    rows = [spec, *(of_containers if isinstance(of_containers, list) else ())]
    options = (_map(_map(row).get("securityContext")).get("windowsOptions") for row in rows)
    return any(_map(row).get("hostProcess") is True for row in options)


def _affinity_allows(spec: Mapping[str, Any]) -> bool:
    """Tell whether one of the required terms leaves Windows possible."""
    node = _map(_map(spec.get("affinity")).get("nodeAffinity"))
    required = _map(node.get("requiredDuringSchedulingIgnoredDuringExecution"))
    terms = required.get("nodeSelectorTerms")
    return not isinstance(terms, list) or any(map(_term_allows, terms))


def _term_allows(term: object) -> bool:
    rules = _map(term).get("matchExpressions")
    return not isinstance(rules, list) or all(_rule_allows(_map(rule)) for rule in rules)


def _rule_allows(rule: Mapping[str, Any]) -> bool:
    values = rule.get("values")
    if rule.get("key") not in OS_LABELS or not isinstance(values, list):
        return True
    wanted = rule.get("operator")
    return not (
        (wanted == "In" and WINDOWS not in values) or (wanted == "NotIn" and WINDOWS in values)
    )


def _names(spec: Mapping[str, Any]) -> Iterator[str]:
    for key in CONTAINERS:
        rows = spec.get(key)
        for row in rows if isinstance(rows, list) else ():
            name = _map(row).get("image")
            if isinstance(name, str) and name:
                yield name


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
