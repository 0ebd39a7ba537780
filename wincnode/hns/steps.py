"""What the step kind `hns_network` is told of a network that is wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wincnode.hcs.documents.fields import to_document
from wincnode.hns.networks import Network, document
from wincnode.hns.reading import Value, fields_of

KIND = "hns_network"
# Compared whether or not they say something.
ALWAYS = frozenset({"type"})


def wanted(network: Network, *, build: int) -> dict[str, Value]:
    """Give the fields of a step that makes a network so, with its document.

    What the network leaves to HNS, such as its name servers, is not among them, hence compared
    with nothing.
    """
    plain = rendered(network, build=build)
    asked = {name: value for name, value in fields_of(plain).items() if value or name in ALWAYS}
    return {"name": network.name, "state": "present", **asked, "document": json.dumps(plain)}


def unwanted(name: str) -> dict[str, Value]:
    """Give the fields of a step that removes a network of wincnode's."""
    return {"name": name, "state": "absent"}


def rendered(network: Network, *, build: int) -> Mapping[str, Any]:
    """Give the document of a network as a build of Windows takes it."""
    plain: Mapping[str, Any] = to_document(document(network), build)
    return plain
