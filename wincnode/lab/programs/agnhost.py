"""Kubernetes' image for tests of networks, as lab nodes run it: a server, or one connection.

Source: kubernetes/kubernetes:test/images/agnhost/{netexec,connect}@81810de6
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from wincnode.lab.programs import images
from wincnode.lab.programs.wire import Line, Server

Json: TypeAlias = dict[str, Any]
HTTP_PORT = "--http-port="
DEFAULT_PORT = 8080


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a container ended, with the end of its log where that is an error."""

    code: int
    said: str = ""


def is_one(container: Json) -> bool:
    """Tell whether a container is of this image and has something to do."""
    name = images.normal(container["image"]).partition("@")[0].rpartition(":")[0]
    return name.endswith("/agnhost") and bool(container.get("args"))


def run(container: Json, pod: Json, line: Line, node: str, services: list[Json]) -> Ended | None:
    """Do what a container of the image does; None of one that goes on."""
    word, *rest = container["args"]
    meta = pod["metadata"]
    if word == "netexec":
        ports = [row.removeprefix(HTTP_PORT) for row in rest if row.startswith(HTTP_PORT)]
        line.wire.listen(
            Server(
                uid=meta["uid"],
                node=node,
                namespace=meta["namespace"],
                labels=meta.get("labels") or {},
                address=line.wire.address(node, meta["uid"]),
                port=int(ports[0]) if ports else DEFAULT_PORT,
            )
        )
        return None
    if word == "connect":
        said = line.connect(rest[0], meta["namespace"], services)
        return Ended(code=int(bool(said)), said=said)
    if word == "pause":
        return None
    return Ended(code=1, said=f'Error: unknown command "{word}" for "app"\n')
