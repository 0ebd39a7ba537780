"""A wait until something holds on the node."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind, presence

KIND = Kind(
    name="wait_for",
    doc="Changes nothing: waits until a service runs, a file exists or a port answers.",
    timeout_s=300,
    fields=(
        Field(
            name="subject",
            type="text",
            role="key",
            required=True,
            allowed=("service", "file", "port", "pipe"),
            doc="What is waited for.",
        ),
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            doc="Name of the service or pipe, path of the file, or number of a local TCP port.",
        ),
        presence("A service is present while it runs, a port while something listens."),
    ),
)
