"""Errors of the node's scripts and of the .NET calls that they make."""

from __future__ import annotations

from wincnode.lab.windows.cmdlets import CmdletError


class Failure(Exception):
    """An error record: its message, and its FullyQualifiedErrorId.

    Args: id: the message itself where a script throws a text.
    """

    def __init__(self, message: str, id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.id = id or message


ERRORS = (Failure, CmdletError)
