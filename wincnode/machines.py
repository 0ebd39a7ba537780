"""Which machine it is: the UUID that Windows and the kubelet know it by."""

from __future__ import annotations

# What firmware gives where its maker has not set it.
# Source: dmtf.org/standards/smbios, DSP0134, "System - UUID"
UNSET = frozenset({0, 2**128 - 1})


def uuid_of(text: str) -> int | None:
    r"""Give a machine's UUID as a number, whatever case and braces; None where it is none.

    The kubelet gives HKLM\SYSTEM\HardwareConfig, value LastConfig, in capitals without braces.
    Source: kubernetes/kubernetes:pkg/kubelet/winstats/perfcounter_nodestats_windows.go
    """
    try:
        number = int(text.strip().strip("{}").replace("-", ""), 16)
    except ValueError:
        return None
    return None if number in UNSET or number >> 128 else number


def same_uuid(registered: str, ours: str) -> bool | None:
    """Tell whether two texts are of one machine; None where one of them does not tell.

    SMBIOS keeps the first three fields in the other order of bytes, and not all programs turn
    them: both readings of the same bytes are the same machine.
    Source: dmtf.org/standards/smbios, DSP0134, "System - UUID"
    """
    there, here = uuid_of(registered), uuid_of(ours)
    if there is None or here is None:
        return None
    return there in {here, _turned(here)}


def _turned(uuid: int) -> int:
    data = uuid.to_bytes(16)
    turned = data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:]
    return int.from_bytes(turned)
