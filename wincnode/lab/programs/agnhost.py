"""Kubernetes' image for tests of networks, as lab nodes run it: a server, one connection, or curl.

Source: kubernetes/kubernetes:test/images/agnhost/{netexec,connect}@81810de6
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from wincnode.lab.programs import images
from wincnode.lab.programs.wire import Call, How, Line, Server

Json: TypeAlias = dict[str, Any]
DEFAULT_PORTS = {"http": 8080, "udp": 8081}
# A request that is longer takes more than one packet of Ethernet's 1500 bytes.
PACKET_BYTES = 1400
# Codes of curl: no name, no connection, too late.
# Source: curl/curl:docs/libcurl/libcurl-errors.md (CURLE_COULDNT_CONNECT and others)
NO_NAME, NO_CONNECTION, LATE = 6, 7, 28


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a container ended, with the end of its log where that is an error."""

    code: int
    said: str = ""


def is_one(container: Json) -> bool:
    """Tell whether a container is of this image and has something to do."""
    name = images.normal(container["image"]).partition("@")[0].rpartition(":")[0]
    known = container.get("command") in (None, ["curl"])
    return name.endswith("/agnhost") and known and bool(container.get("args"))


def run(container: Json, pod: Json, line: Line, node: str, services: list[Json]) -> Ended | None:
    """Do what a container of the image does; None of one that goes on."""
    word, *rest = container["args"]
    meta = pod["metadata"]
    if container.get("command"):
        return _curl(container["args"], line, node, meta["namespace"], services)
    if word == "netexec":
        line.wire.listen(
            Server(
                uid=meta["uid"],
                node=node,
                namespace=meta["namespace"],
                labels=meta.get("labels") or {},
                address=line.wire.address(node, meta["uid"]),
                port=_port(rest, "http"),
                udp_port=max(0, _port(rest, "udp")),
            )
        )
        return None
    if word == "connect":
        how: How = "udp" if "--protocol=udp" in rest else "tcp"
        call = Call(node=node, namespace=meta["namespace"], place=rest[0], how=how)
        said = line.connect(call, services)
        return Ended(code=int(bool(said)), said=said)
    if word == "pause":
        return None
    return Ended(code=1, said=f'Error: unknown command "{word}" for "app"\n')


def _port(words: Sequence[str], name: str) -> int:
    flag = f"--{name}-port="
    given = [row.removeprefix(flag) for row in words if row.startswith(flag)]
    return int(given[-1]) if given else DEFAULT_PORTS[name]


def _curl(
    words: Sequence[str], line: Line, node: str, namespace: str, services: list[Json]
) -> Ended:
    """Be curl, which asks for what its last word names."""
    url = urlsplit(words[-1])
    how: How = "large" if len(url.query) > PACKET_BYTES else "tcp"
    call = Call(node=node, namespace=namespace, place=url.netloc, how=how)
    said = line.connect(call, services)
    if not said:
        return Ended(code=0)
    if said.startswith("DNS"):
        return Ended(code=NO_NAME, said=f"curl: (6) Could not resolve host: {url.hostname}\n")
    if said.startswith("TIMEOUT"):
        late_s = words[words.index("--max-time") + 1] if "--max-time" in words else "300"
        text = (
            f"curl: (28) Operation timed out after {late_s}001 milliseconds with 0 bytes received"
        )
        return Ended(code=LATE, said=f"{text}\n")
    text = f"curl: (7) Failed to connect to {url.hostname} port {url.port}: Connection refused"
    return Ended(code=NO_CONNECTION, said=f"{text}\n")
