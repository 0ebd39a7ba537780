"""Images as somebody names them, and what came of asking their registries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wincnode.images.offer import Image

Role = Literal["pause", "network", "pod"]
Failure = Literal["", "missing", "refused", "unread"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One image, and where it was named.

    Args:
        role: what it is to a node: its sandbox, an agent of the cluster's network, or any pod.
        builds: of Windows that it is for; all where there are none.
        host_process: its processes are the host's, so that it fits every build.
    """

    name: str
    why: str = ""
    role: Role = "pod"
    builds: tuple[int, ...] = ()
    host_process: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Pull:
    """What a node is to pull, and the registry's answer, or why there is none.

    Args: failure: "" with an image; `reason` says more.
    """

    named: Named
    image: Image | None = None
    failure: Failure = ""
    reason: str = ""
