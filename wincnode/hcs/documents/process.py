"""Processes of a compute system, in schema 2; schema 1 has the same fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wincnode.hcs.documents.fields import wire


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessParameters:
    """A process that is to be started; without a pipe a stream leads nowhere.

    Args:
        command_line: for Windows. command_args: in its place for Linux.
        emulate_console: a terminal of `console_size`, height and width; stderr has no pipe then.
    """

    application_name: str | None = wire("ApplicationName", "2.0")
    command_line: str | None = wire("CommandLine", "2.0")
    command_args: tuple[str, ...] | None = wire("CommandArgs", "2.0")
    user: str | None = wire("User", "2.0")
    working_directory: str | None = wire("WorkingDirectory", "2.0")
    environment: Mapping[str, str] | None = wire("Environment", "2.0")
    restricted_token: bool | None = wire("RestrictedToken", "2.0")
    emulate_console: bool | None = wire("EmulateConsole", "2.0")
    create_std_in_pipe: bool | None = wire("CreateStdInPipe", "2.0")
    create_std_out_pipe: bool | None = wire("CreateStdOutPipe", "2.0")
    create_std_err_pipe: bool | None = wire("CreateStdErrPipe", "2.0")
    console_size: tuple[int, int] | None = wire("ConsoleSize", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseHandle:
    """The end of one of a process's streams."""

    handle: Literal["StdIn", "StdOut", "StdErr", "All"] | None = wire("Handle", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessModifyRequest:
    """A change of a running process."""

    operation: Literal["ConsoleSize", "CloseHandle"] | None = wire("Operation", "2.0")
    close_handle: CloseHandle | None = wire("CloseHandle", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalProcessOptions:
    """A signal, as a console has it."""

    signal: Literal["CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown"] | None = wire(
        "Signal", "2.1"
    )
