"""A wait until something holds on the node."""

from __future__ import annotations

from wincnode.node import waits
from wincnode.node.kinds import Field, Kind, presence

KIND = Kind(
    name="wait_for",
    doc="Changes nothing: waits until a service runs, a file exists or something answers.",
    timeout_s=300,
    rule=waits.rule,
    example="{subject: pipe, name: containerd-containerd}",
    fields=(
        Field(
            name="subject",
            type="text",
            role="key",
            required=True,
            allowed=("service", "file", "port", "pipe", "http"),
            doc="What is waited for.",
        ),
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            doc=(
                "Name of the service or pipe, path of the file, number of a local TCP port,"
                " or an http or https URL on any host."
            ),
        ),
        presence(
            "A service is present while it runs, a port while something listens, and http while"
            " the URL answers below status 400 within 5 s, without a proxy and without following"
            " a redirect; an https certificate must be one that the machine trusts."
        ),
    ),
)
