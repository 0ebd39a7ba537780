"""What one field of the inventory accepts: its shape, its pattern, and how errors call it."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from wincnode.addresses import (
    HOST_PORT,
    IMAGE_DIGEST,
    IMAGE_HOST,
    IMAGE_LIMIT,
    IMAGE_PATH,
    IMAGE_TAG,
    PATH,
)

Shape = Literal[
    "text",
    "path",
    "cidr",
    "number",
    "flag",
    "texts",
    "map",
    "source",
    "group",
    "cni",
    "kubelet",
    "registries",
    "networks",
    "subnets",
]

# RFC 1123 subdomain, as the API server holds a Node's name to it
# (kubernetes/kubernetes:staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go@v1.34.0).
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
NODE_NAME = rf"^(?=.{{1,253}}$){_SUBDOMAIN}$"
NO_NODE_NAME = "no Kubernetes node name: lower-case letters, digits, `-` and `.`"
# kubernetes.io/docs/concepts/overview/working-with-objects/labels, "Syntax and character set"
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = rf"((?=[^/]{{1,253}}/){_SUBDOMAIN}/)?{_WORD}"
LABEL_KEY = f"^{_KEY}$"
LABEL = f"^({_WORD})?$"
KEY_FORM = "at most 63 letters, digits, `-`, `_` and `.`, after an optional DNS name and `/`"
VERSION = r"^v?[0-9]{1,9}\.[0-9]{1,9}(\.[0-9]{1,9})?([-+][0-9A-Za-z.-]{1,63})?$"
SERVER = f"^{HOST_PORT}$"
_ADDRESS = r"([0-9]{1,3}(\.[0-9]{1,3}){3}|(?=[^,]{2,45}(,|$))[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)"
NODE_IP = f"^{_ADDRESS}(,{_ADDRESS})?$"
# A taint's key and value are those of a label (validateNodeTaints in
# kubernetes/kubernetes:pkg/apis/core/validation/validation.go@v1.34.0).
TAINT = f"^{_KEY}(=({_WORD})?)?:(NoSchedule|PreferNoSchedule|NoExecute)$"
# A credential in an address would end up in lock files and messages.
BASE_URL = f"^https?://{HOST_PORT}({PATH})?$"
# A full reference, since containerd puts no registry before the name of a pinned image; its form:
# distribution/reference:regexp.go. Without tag or digest it has at most 255 characters.
IMAGE = (
    r"^(?=.{1,255}(:[^:/@]+|@[^/@]+)$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
    r"(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}|@sha256:[0-9a-f]{64})$"
)
# What a pod may name; without a registry it is one of Docker Hub.
REFERENCE = (
    rf"^(?=.{{1,{IMAGE_LIMIT}}}$)(?:{IMAGE_HOST}/)?{IMAGE_PATH}"
    rf"(?::{IMAGE_TAG})?(?:@(?:{IMAGE_DIGEST}))?$"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What one field of the file accepts."""

    doc: str
    shape: Shape
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""
    key_pattern: str = ""
    key_form: str = ""
    minimum: int = 0
    maximum: int = 0


def entry(shape: Shape, doc: str, *, default: Any = None, **rules: Any) -> Any:
    """Give the dataclass field that stands for an entry of the file."""
    spec = Spec(doc=doc, shape=shape, **rules)
    if isinstance(default, dict):
        return field(default_factory=lambda: MappingProxyType({}), metadata={"spec": spec})
    return field(default=default, metadata={"spec": spec})


def specs(owner: type) -> dict[str, Spec]:
    """Give the fields of a section that may stand in the file, in their order."""
    return {row.name: row.metadata["spec"] for row in fields(owner) if "spec" in row.metadata}


def default_of(owner: type, name: str) -> Any:
    """Give what holds when a field is left out; None where nothing does."""
    row: Field[Any] = next(row for row in fields(owner) if row.name == name)
    return row.default if row.default is not MISSING else None
