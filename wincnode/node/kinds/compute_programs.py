"""Programs of calls to the Host Compute Service, which the node runs by itself to their ends."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind

KIND = Kind(
    name="compute_programs",
    doc=(
        "Runs programs of calls to the Host Compute Service, each with what it takes down at its"
        " end; tells the result of each and leaves nothing different. A check runs none."
    ),
    example=(
        "{programs: [{id: service, needs: [], program: {version: 1, owner: wincnode, calls:"
        " [{id: answer, do: service.properties, limit_s: 30, args: {query: {PropertyTypes:"
        " [Basic]}}}], finally: []}}]}"
    ),
    brings=(
        "calls.cs",
        "compile",
        "compute/answers",
        "compute/exports.cs",
        "compute/folders",
        "compute/images",
        "compute/layers.cs",
        "compute/leftovers",
        "compute/pipes.cs",
        "compute/processes.cs",
        "compute/references",
        "compute/rights.cs",
        "compute/systems",
        "compute/verbs",
        "compute/volumes.cs",
        "platform.cs",
    ),
    timeout_s=1800,
    fields=(
        Field(
            name="programs",
            type="objects",
            role="want",
            compare="never",
            required=True,
            doc=(
                "Each has an id, the ids of those that it needs, and a program, whose form"
                " docs/hcs.md tells. One is run where those that it needs have succeeded."
            ),
        ),
    ),
)
