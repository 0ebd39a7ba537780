"""The pods that run on a machine which leaves its cluster."""

from __future__ import annotations

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind

KIND = Kind(
    name="pod_sandboxes",
    doc="containerd runs no pods any more; where it does not run, nothing is to do.",
    example=r"{crictl: C:\k\crictl.exe}",
    timeout_s=600,
    fields=(
        Field(
            name="crictl",
            type="text",
            role="key",
            required=True,
            pattern=PATH,
            form=PATH_FORM,
            doc="Full path of crictl.exe, whose settings lie beside it.",
        ),
        Field(
            name="state",
            type="text",
            role="want",
            default="absent",
            allowed=("absent",),
            doc="Pods that run are stopped, and all are removed; the kubelet must be down before.",
        ),
    ),
)
