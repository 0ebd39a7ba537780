"""A node that joins its cluster by the kubelet's own TLS bootstrap."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind
from wincnode.node.kinds.kubeadm_join import JOINED, SERVER, SERVER_FORM

KIND = Kind(
    name="kubelet_bootstrap",
    doc="The machine is a node of a cluster; its kubelet asks for the certificate itself.",
    example=(
        "{server: 'https://10.0.0.10:6443', ca: '{{ ca }}', "
        "kubeconfig: {secret: {file: bootstrap-kubelet.conf}}}"
    ),
    timeout_s=600,
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
            name="kubeconfig",
            type="text",
            role="want",
            compare="never",
            required=True,
            secret=True,
            doc="bootstrap-kubelet.conf, with the token; on the disk until the kubelet has joined.",
        ),
        Field(
            name="ca",
            type="text",
            role="want",
            compare="never",
            required=True,
            doc="Certificates of the cluster's authorities, as PEM.",
        ),
    ),
)
