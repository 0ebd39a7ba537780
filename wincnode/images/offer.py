"""An image as a registry offers it: every entry, in order, with what its config says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wincnode.images.reference import Reference

Kind = Literal["index", "manifest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """For what an image is; a text is empty where it is not said."""

    os: str = ""
    arch: str = ""
    variant: str = ""
    os_version: str = ""
    features: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = (self.os or "?", self.arch or "?", self.variant, self.os_version)
        return "/".join(filter(None, words))


@dataclass(frozen=True, kw_only=True, slots=True)
class Nested:
    """An index that another index points to, with its platform as listed there."""

    digest: str
    listed: Platform | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One manifest.

    Args:
        listed: its platform as the index lists it; None where it lists none.
        real: its platform as its config says; the listed one where that is complete.
        foreign: addresses of layers that lie elsewhere; empty too where its manifest was not read.
        within: the indexes below the image's own that lead to it, the outermost first.
    """

    digest: str
    listed: Platform | None
    real: Platform
    foreign: tuple[str, ...] = ()
    within: tuple[Nested, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """What a reference leads to.

    Args: served_by: where it was read.
    """

    reference: Reference
    kind: Kind
    digest: str
    entries: tuple[Entry, ...]
    served_by: str
