"""Verbs of layers, files and images.

Source: microsoft/hcsshim:internal/wclayer/wclayer.go, internal/vmcompute/vmcompute.go@7c9ff7f4;
offreg.h of the Windows SDK
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from wincnode.hcs.references import Text
from wincnode.hcs.verbs import NOTHING, Fields, Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class VmGrant:
    """Let a VM open a file (HcsGrantVmAccess)."""

    do: ClassVar[str] = "vm.grant"
    gives: ClassVar[Fields] = NOTHING
    vm: Text
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class VmRevoke:
    """Take that back (HcsRevokeVmAccess)."""

    do: ClassVar[str] = "vm.revoke"
    gives: ClassVar[Fields] = NOTHING
    vm: Text
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerId:
    """Name a layer by its folder (NameToGuid of the last part of the path)."""

    do: ClassVar[str] = "layer.id"
    gives: ClassVar[Fields] = MappingProxyType({"guid": "text"})
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerScratch:
    """Make a writable layer (CreateSandboxLayer).

    Args: parents: folders of the layers below, the top-most first.
    """

    do: ClassVar[str] = "layer.scratch"
    gives: ClassVar[Fields] = NOTHING
    path: Text
    parents: Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerActivate:
    """Attach its disk."""

    do: ClassVar[str] = "layer.activate"
    gives: ClassVar[Fields] = NOTHING
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerPrepare:
    """Lay the filter over the disk, so that the layers below are seen through it."""

    do: ClassVar[str] = "layer.prepare"
    gives: ClassVar[Fields] = NOTHING
    path: Text
    parents: Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerVolume:
    r"""Give the volume of an attached layer, as `\\?\Volume{...}\` (GetLayerMountPath)."""

    do: ClassVar[str] = "layer.volume"
    gives: ClassVar[Fields] = MappingProxyType({"volume": "text"})
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerUnprepare:
    """Take the filter off."""

    do: ClassVar[str] = "layer.unprepare"
    gives: ClassVar[Fields] = NOTHING
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerDeactivate:
    """Detach the disk."""

    do: ClassVar[str] = "layer.deactivate"
    gives: ClassVar[Fields] = NOTHING
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerDestroy:
    """Remove a layer with its folder."""

    do: ClassVar[str] = "layer.destroy"
    gives: ClassVar[Fields] = NOTHING
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerBase:
    """Make a base layer of a folder that has Files and hives (ProcessBaseImage)."""

    do: ClassVar[str] = "layer.base"
    gives: ClassVar[Fields] = NOTHING
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class HiveEmpty:
    """Write an empty registry hive (offreg.dll)."""

    do: ClassVar[str] = "hive.empty"
    gives: ClassVar[Fields] = NOTHING
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderCreate:
    """Make a folder in the scratch root.

    Args: path: below the scratch root. Gives `path`, the full one.
    """

    do: ClassVar[str] = "folder.create"
    gives: ClassVar[Fields] = MappingProxyType({"path": "text"})
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderRemove:
    """Remove a folder with all that is in it."""

    do: ClassVar[str] = "folder.remove"
    gives: ClassVar[Fields] = NOTHING
    path: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCopy:
    """Copy a file into the scratch root."""

    do: ClassVar[str] = "file.copy"
    gives: ClassVar[Fields] = NOTHING
    source: Text
    target: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class FileWrite:
    """Write a text as UTF-8, into the scratch root or a layer's volume."""

    do: ClassVar[str] = "file.write"
    gives: ClassVar[Fields] = NOTHING
    path: Text
    text: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRead:
    """Read a text; limit is in bytes."""

    do: ClassVar[str] = "file.read"
    gives: ClassVar[Fields] = MappingProxyType({"text": "text"})
    path: Text
    limit: int = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageLayers:
    r"""Ask a container runtime for an image's layers; nothing is left behind.

    Args:
        runtime: containerd or docker.
        utility_vm: whether one of the layers has to have a folder UtilityVM.
    Gives `parents`, the top-most first, `base`, the last of them, and `utility_vm`: the first
    folder UtilityVM from the top, where one was asked for.
    """

    do: ClassVar[str] = "image.layers"
    gives: ClassVar[Fields] = MappingProxyType(
        {"parents": "texts", "base": "text", "utility_vm": "text"}
    )
    runtime: Text
    image: Text
    utility_vm: bool = False
