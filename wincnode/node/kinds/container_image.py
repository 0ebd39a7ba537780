"""An image that containerd holds for pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, Problem, Value, presence

# With its registry, and with a tag or a digest: containerd keeps an image under the whole name.
# Source of the grammar: github.com/distribution/reference reference.go
HOST = r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+(?=:))(:[0-9]+)?"
PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
# Without tag or digest it has at most 255 characters.
REFERENCE = (
    rf"(?=.{{1,255}}(:[^:/@]+|@[^/@]+)$){HOST}(/{PART})+"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})"
)


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """An image that is to be there comes from an archive or is pulled; an archive names tags."""
    if values.get("state") != "present":
        return
    pull = values.get("pull")
    if "archive" in values and pull is True:
        yield "archive", "given beside pull; it takes one of archive, pull"
    elif "archive" in values and "@sha256:" in str(values.get("reference")):
        yield "archive", "holds images by their tags; a digest takes pull"
    elif "archive" not in values and pull is False:
        yield "archive", "missing; it takes one of archive, pull where state is present"


KIND = Kind(
    name="container_image",
    doc="An image that containerd holds for pods, so that none of them waits for it.",
    rule=_rule,
    example=r"{reference: 'registry.k8s.io/pause:3.10.2', archive: C:\images\pause.tar}",
    timeout_s=1800,
    fields=(
        Field(
            name="reference",
            type="text",
            role="key",
            required=True,
            pattern=REFERENCE,
            form="a reference with registry and tag, such as registry.k8s.io/pause:3.10.2",
            doc="Full name of the image.",
        ),
        presence("Whether containerd holds it."),
        Field(
            name="archive",
            type="text",
            role="want",
            compare="never",
            pattern=PATH,
            form=PATH_FORM,
            doc="Archive on the node that it is imported from, as `docker save` writes it.",
        ),
        Field(
            name="pull",
            type="flag",
            role="want",
            compare="never",
            default=False,
            doc="Whether it is pulled, as the kubelet would: with mirrors, without credentials.",
        ),
    ),
)
