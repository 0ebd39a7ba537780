"""Reads many images, each once; what goes wrong with one ends no other's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from wincnode.errors import RegistryUnreachable, WincnodeError
from wincnode.images.offer import Image
from wincnode.images.reference import parse
from wincnode.registry.client import Ways, read

AT_ONCE = 8
Answer = Image | WincnodeError


def read_all(names: Iterable[str], ways: Ways, *, layers: bool = False) -> Mapping[str, Answer]:
    """Read images side by side, by their names.

    A registry that cannot be reached is not waited for again with its next image.
    Args: layers: whether the manifests of Windows are read for layers that lie elsewhere.
    """
    wanted = tuple(dict.fromkeys(names))
    away: dict[str, RegistryUnreachable] = {}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = threads.map(partial(_read, ways=ways, layers=layers, away=away), wanted)
        return dict(zip(wanted, found, strict=True))


def _read(name: str, *, ways: Ways, layers: bool, away: dict[str, RegistryUnreachable]) -> Answer:
    try:
        reference = parse(name)
        if known := away.get(reference.host):
            return known
        return read(reference, ways, layers=layers)
    except RegistryUnreachable as error:
        return away.setdefault(reference.host, error) if error.for_all else error
    except WincnodeError as error:
        return error
