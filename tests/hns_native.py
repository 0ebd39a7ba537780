"""The double of computenetwork.dll as a C program calls it, with the model's own words."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from compute_double import Double

from wincnode.lab.windows.hns_rules import HnsError

ALL = {"SchemaVersion": {"Major": 2, "Minor": 0}, "Flags": 0}


def wide(text: str) -> Any:
    """Give a text as Windows takes it."""
    data = text.encode("utf-16-le") + b"\0\0"
    return ctypes.create_string_buffer(data, len(data))


class Native:
    """HNS by its exports: what `wincnode.lab.windows.hns.Hns` has as methods.

    Args: state: the file of its state.
    """

    def __init__(self, double: Double, state: Path) -> None:
        os.environ.update({**double.environment, "HNS_DOUBLE": str(state)})
        self._dll = ctypes.CDLL(str(double.libraries / "computenetwork.so"))
        self._free = ctypes.CDLL(str(double.libraries / "ole32.so")).CoTaskMemFree
        self._free.argtypes = [ctypes.c_void_p]

    def call(self, export: str, *words: Any, out: int = 0) -> list[Any]:
        """Call an export; gives the texts that it gives, without the error record.

        Raises: HnsError: with its code, whose record says the same.
        """
        given = [ctypes.c_void_p() for _ in range(out + 1)]
        code = getattr(self._dll, export)(*words, *(ctypes.byref(row) for row in given))
        record = self._taken(given[-1])
        if code:
            told = json.loads(record)["ErrorCode"] if record else code & 0xFFFFFFFF
            assert told == code & 0xFFFFFFFF
            error = HnsError(code & 0xFFFFFFFF)
            error.args = (json.loads(record)["Error"] if record else "",)
            raise error
        assert record == ""
        return given[:-1]

    def _taken(self, given: ctypes.c_void_p) -> str:
        if not given.value:
            return ""
        at, data = given.value, b""
        while (unit := ctypes.string_at(at, 2)) != b"\0\0":
            data, at = data + unit, at + 2
        self._free(given)
        return data.decode("utf-16-le")

    @contextmanager
    def _opened(self, kind: str, id: str) -> Iterator[ctypes.c_void_p]:
        (handle,) = self.call(f"HcnOpen{kind.title()}", guid(id), out=1)
        try:
            yield handle
        finally:
            assert getattr(self._dll, f"HcnClose{kind.title()}")(handle) == 0

    def enumerate(self, kind: str, query: Any = None) -> tuple[str, ...]:
        """Give ids."""
        asked = wide(json.dumps(query or ALL))
        (text,) = self.call(f"HcnEnumerate{kind.title()}s", asked, out=1)
        return tuple(json.loads(self._taken(text)))

    def create(self, kind: str, id: str, document: Any, network: str = "") -> str:
        """Make one; gives its id."""
        words = (guid(id), wide(json.dumps(document)))
        export = f"HcnCreate{kind.title()}"
        if kind != "endpoint":
            (handle,) = self.call(export, *words, out=1)
        else:
            with self._opened("network", network) as on:
                (handle,) = self.call(export, on, *words, out=1)
        made = self._properties(kind, handle)
        getattr(self._dll, f"HcnClose{kind.title()}")(handle)
        return str(made["ID"])

    def query(self, kind: str, id: str) -> Any:
        """Give the document of one."""
        with self._opened(kind, id) as handle:
            return self._properties(kind, handle)

    def _properties(self, kind: str, handle: ctypes.c_void_p) -> Any:
        export = f"HcnQuery{kind.title()}Properties"
        (text,) = self.call(export, handle, wide(json.dumps(ALL)), out=1)
        return json.loads(self._taken(text))

    def modify(self, kind: str, id: str, request: Any) -> None:
        """Change one."""
        with self._opened(kind, id) as handle:
            self.call(f"HcnModify{kind.title()}", handle, wide(json.dumps(request)))

    def delete(self, kind: str, id: str) -> None:
        """Remove one."""
        self.call(f"HcnDelete{kind.title()}", guid(id))


def guid(text: str) -> Any:
    """Give a GUID by its address; "" is none."""
    data = UUID(text).bytes_le if text else bytes(16)
    return ctypes.create_string_buffer(data, 16)


def tried(work: Callable[..., Any], *words: Any, **more: Any) -> Any:
    """Give what a call gives, or its code."""
    try:
        return work(*words, **more)
    except HnsError as error:
        return f"0x{error.code:08x}"
