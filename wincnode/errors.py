"""What can go wrong, each with the exit code that the process ends with.

WincnodeError                 70  a bug of ours, unless a subclass says otherwise
├── ConfigError                2  the command line, the inventory or a playbook is wrong
├── NodeError                  1  one node failed; the others go on
│   ├── RunFailed              1  a step failed, or the runner on the node died
│   ├── BadReply               1  the node sent what no wincnode runner sends
│   ├── NodeUnreachable        4  nothing answered, or the link was lost for good
│   │   └── OtherMachine       4  what answers under the node's name is another machine
│   ├── NotLetIn               4  the node refused the credentials or the account
│   ├── UntrustedNode          4  the node's certificate is not trusted
│   ├── NodeRefused            1  the node's policy forbids the runner
│   └── NodeLocked             6  another run holds the node
├── ArtifactError              1  a file of the catalogue could not be had, or is another
├── RegistryError              1  a registry does not have the image, or sends what is none
│   ├── RegistryUnreachable    4  no registry answered, or none that is trusted
│   └── RegistryRefused        4  the registry refused the credentials, or asks for some
├── ClusterError               1  the API server would not do it, or the cluster is not as needed
│   ├── ClusterUnreachable     4  no API server answered
│   └── ClusterRefused         4  the API server refused the credentials or a right
└── Interrupted              130  the user pressed ^C
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class WincnodeError(Exception):
    """An error with a stable id, what failed, and what to do about it.

    Args:
        message: what failed, and where (node, or file and position).
        remedy: what the reader should do next; empty where the message says it.
        id: a stable name that `wincnode explain` knows; the class's own by default.
    """

    exit_code = 70
    id = "internal"

    def __init__(self, message: str, *, remedy: str = "", id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if id:
            self.id = id


class ConfigError(WincnodeError):
    """The command line, the inventory or a playbook is wrong; no network was touched."""

    exit_code = 2
    id = "config"


class NodeError(WincnodeError):
    """One node failed; it never ends another node's run."""

    exit_code = 1
    id = "node"


class RunFailed(NodeError):
    """A step failed, or the runner on the node ended without saying how."""

    id = "run.failed"


class BadReply(NodeError):
    """The node sent something that no runner of ours sends, or far too much of it."""

    id = "node.bad-reply"


class NodeUnreachable(NodeError):
    """Nothing answered at the node's address, or the link was lost for good."""

    exit_code = 4
    id = "node.unreachable"


class OtherMachine(NodeUnreachable):
    """What answers under the node's name is not the machine that was asked before."""

    id = "node.other-machine"


class NotLetIn(NodeError):
    """The node refused the credentials, the scheme or the account's rights."""

    exit_code = 4
    id = "node.not-let-in"


class UntrustedNode(NodeError):
    """The node's certificate is not trusted; no credentials were sent."""

    exit_code = 4
    id = "node.untrusted"


class NodeRefused(NodeError):
    """The node's policy or state forbids the runner: constrained language, a foreign run folder."""

    id = "node.refused"


class NodeLocked(NodeError):
    """Another run holds the node; the message says whose."""

    exit_code = 6
    id = "node.locked"


class ArtifactError(WincnodeError):
    """A file of the catalogue could not be had, or is another than it should be."""

    exit_code = 1
    id = "artifact"


class RegistryError(WincnodeError):
    """A registry does not have the image, or what it sends is none."""

    exit_code = 1
    id = "registry"


class RegistryUnreachable(RegistryError):
    """No registry answered, or what answers is none that is trusted.

    Args: for_all: whether the registry's other images fare no better.
    """

    exit_code = 4
    id = "registry.unreachable"

    def __init__(
        self, message: str, *, remedy: str = "", id: str = "", for_all: bool = True
    ) -> None:
        super().__init__(message, remedy=remedy, id=id)
        self.for_all = for_all


class RegistryRefused(RegistryError):
    """The registry refused the credentials, or asks for some where there are none."""

    exit_code = 4
    id = "registry.not-let-in"


class ClusterError(WincnodeError):
    """The API server would not do what was asked, or the cluster is not as it should be.

    Args:
        status: of the HTTP answer; 0 where there was none.
        causes: the causes that the answer lists, as they stand in its `details`.
    """

    exit_code = 1
    id = "cluster"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        id: str = "",
        status: int = 0,
        causes: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message, remedy=remedy, id=id)
        self.status = status
        self.causes = tuple(causes)


class ClusterUnreachable(ClusterError):
    """No API server answered, or what answered is none that is trusted."""

    exit_code = 4
    id = "cluster.unreachable"


class ClusterRefused(ClusterError):
    """The API server does not know who is asking, or the account lacks a right."""

    exit_code = 4
    id = "cluster.not-let-in"


class Interrupted(WincnodeError):
    """The user pressed ^C."""

    exit_code = 130
    id = "interrupted"
