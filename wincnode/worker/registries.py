"""Registry mirrors and authorities to the folders in which containerd looks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from wincnode.inventory import Registry
from wincnode.worker import paths
from wincnode.worker.templates import rendered


def folder(host: str) -> str:
    r"""Name the folder of a registry: `reg:5000` is `reg_5000_`, since no folder may hold a colon.

    Source: containerd/containerd:core/remotes/docker/config/{hosts.go,config_windows.go}@v2.3.7
    """
    name, colon, port = host.partition(":")
    return f"{name}_{port}_" if colon else host


def registry_files(
    registries: Sequence[Registry], authorities: Mapping[str, str]
) -> dict[str, str]:
    """Give the files of all registries: their path on the node to their text.

    containerd reads them at each pull, so no change of them needs a restart. Credentials are not
    among them: the kubelet hands those of a pod's imagePullSecrets over with each pull.

    Args: authorities: the text of each `ca_file`, by its path here.
    """
    files = {}
    for registry in registries:
        home = f"{paths.REGISTRIES}\\{folder(registry.host)}"
        authority = rf"{home}\ca.crt" if registry.ca_file else ""
        if registry.ca_file:
            files[authority] = authorities[registry.ca_file]
        files[rf"{home}\hosts.toml"] = rendered("hosts.toml", _scope(registry, authority))
    return files


def _scope(registry: Registry, authority: str) -> dict[str, Any]:
    server = registry.server or ""
    return {
        "server": server,
        # The settings of TLS at the top are those of the registry itself.
        "ca": "" if server.startswith("http:") else authority,
        "skip_verify": registry.skip_verify and not server.startswith("http:"),
        "mirrors": [_mirror(url, registry, authority) for url in registry.mirrors],
    }


def _mirror(url: str, registry: Registry, authority: str) -> dict[str, Any]:
    encrypted = url.startswith("https:")
    return {
        "url": url,
        "ca": authority if encrypted else "",
        "skip_verify": registry.skip_verify and encrypted,
        # Otherwise containerd appends /v2 to the path.
        "override_path": urlsplit(url).path.startswith("/v2/"),
    }
