"""The kind `pod_sandboxes`."""

from __future__ import annotations

import re

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.model.programs import lines, tail
from wincnode.lab.windows import programs


def get(host: Host, key: Values, _want: Values) -> Found:
    """Give whether containerd has pods; one that does not run has none."""
    service = host.service("containerd")
    there = service and service["State"] == "Running" and _crictl(host, key, "pods", "-q")
    return Found(values={"state": "present" if there else "absent"})


def set(host: Host, key: Values, _want: Values, _found: Found) -> None:
    """Stop and remove all pods."""
    _crictl(host, key, "rmp", "--all", "--force")


def _crictl(host: Host, key: Values, *words: str) -> list[str]:
    path = key["crictl"]
    config = re.sub(r"\.exe$", ".yaml", path, flags=re.IGNORECASE)
    ended = programs.run(host.machine, path, ["--config", config, *words])
    if ended.code:
        raise Failure(f"crictl {words[0]} ended with {ended.code}: {tail(ended)}")
    return lines(ended)
