"""A node that kubeadm joins to its cluster."""

from __future__ import annotations

from wincnode.addresses import HOST_PORT
from wincnode.node.kinds import Field, Kind

SERVER = rf"https://{HOST_PORT}"
SERVER_FORM = "an address such as https://10.0.0.10:6443"
JOINED = Field(
    name="state",
    type="text",
    role="want",
    default="joined",
    allowed=("joined",),
    doc="The kubelet has credentials of that cluster; one of another cluster is never joined.",
)

KIND = Kind(
    name="kubeadm_join",
    doc="The machine is a node of a cluster; kubeadm joins it.",
    example="{server: 'https://10.0.0.10:6443', configuration: {secret: {file: join.yaml}}}",
    timeout_s=900,
    fields=(
        Field(
            name="server",
            type="text",
            role="key",
            required=True,
            pattern=SERVER,
            form=SERVER_FORM,
            doc="API server of the cluster, as its kubelets know it.",
        ),
        JOINED,
        Field(
            name="configuration",
            type="text",
            role="want",
            compare="never",
            required=True,
            secret=True,
            doc="A JoinConfiguration, with the token; it is on the disk while kubeadm runs.",
        ),
    ),
)
