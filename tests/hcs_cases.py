"""Documents of the Host Compute Service on three builds; `python tests/hcs_cases.py` writes them anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import golden_texts

from wincnode.hcs.documents.container import Layer
from wincnode.hcs.documents.containers import (
    hosted_container,
    hyperv_container,
    process_container,
    version_process,
)
from wincnode.hcs.documents.machines import (
    add_scratch,
    add_share,
    combine,
    empty_machine,
    guest_layer,
    linux_machine,
    utility_machine,
)
from wincnode.hcs.lifecycles import GUEST_MOUNT, IDS
from wincnode.hcs.references import Layers, encode, join, ref

GOLDEN = Path(__file__).parent / "golden" / "hcs"
MOUNT = GUEST_MOUNT
LAYERS: tuple[Layer, ...] = (
    guest_layer(ref("id_0.guid"), "s0"),
    guest_layer(ref("id_1.guid"), "s1"),
)


def values(build: int) -> Mapping[str, Any]:
    """Give the documents by their names, as typed values."""
    v2 = [
        utility_machine(
            files=join(ref("image.utility_vm"), "\\Files"),
            disk=join(ref("folder.path"), "\\vm\\system.vhdx"),
        ),
        add_share("s0", "C:\\snapshots\\2"),
        add_scratch(join(ref("folder.path"), "\\scratch\\sandbox.vhdx"), lun=1, guest_path=MOUNT),
        combine(MOUNT, LAYERS),
        hosted_container(machine=IDS["utility"], layers=LAYERS, root=MOUNT),
        version_process(),
    ]
    return {
        "process": [
            process_container(layers=Layers(of=ref("image.parents")), volume=ref("mount.volume")),
            version_process(),
        ],
        "hyperv-v2": v2,
        "hyperv-v1": [
            hyperv_container(
                name=IDS["hyperv"],
                layers=Layers(of=ref("image.parents"), v1=True),
                scratch=join(ref("folder.path"), "\\scratch"),
                utility_vm=ref("image.utility_vm"),
            )
        ],
        "lcow": [
            linux_machine(kernel="C:\\lcow\\kernel", rootfs="C:\\lcow\\initrd.img", build=build),
            linux_machine(kernel="C:\\lcow\\kernel", rootfs="C:\\lcow\\rootfs.vhd", build=build),
        ],
        "no-image": [empty_machine()],
    }


def texts() -> Mapping[str, str]:
    """Give every golden file by its name."""
    return golden_texts.texts(values, encode)


if __name__ == "__main__":
    golden_texts.write(GOLDEN, texts())
