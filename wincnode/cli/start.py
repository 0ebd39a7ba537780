"""Runs the command line: every error becomes a message and an exit code here."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import tempfile
import traceback
from pathlib import Path

import typer

from wincnode.cli import (
    artifacts,
    cleanup,
    cluster,
    compat,
    doctor,
    network_test,
    networks,
    nodes,
    offline,
    preflight,
    smoke,
    trust,
    workers,
)
from wincnode.cli.app import app
from wincnode.cli.outputs import close_stdout
from wincnode.errors import Interrupted, NodeError, WincnodeError

# Their import is what puts the verbs on the command line.
VERBS = (
    *(artifacts, cleanup, cluster, compat, doctor, networks, network_test, nodes, offline),
    *(preflight, smoke, trust, workers),
)


def run() -> int:
    """Run the command line; gives the exit code."""
    if sys.stderr is None:
        # Closed, as in some services. Else progress would stand in stdout, between the data.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end of the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal or a pipe of another encoding cannot show is escaped, as in stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        result = app(prog_name="wincnode", standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return Interrupted.exit_code
    except WincnodeError as error:
        _print_error(error.message, error.remedy)
        return error.exit_code
    except BrokenPipeError:
        # The reader has gone, as with `| head`.
        close_stdout()
        return WincnodeError.exit_code
    except Exception as error:  # noqa: BLE001 - the last place where a bug can become a message
        return _click_error(error) or _full(error) or _bug(error)
    return result if isinstance(result, int) else 0


def _click_error(error: Exception) -> int:
    """Print a usage error of the command line; 0 when it is none."""
    show = getattr(error, "show", None)
    code = getattr(error, "exit_code", 0)
    if show is None or not isinstance(code, int):
        return 0
    show()
    return code


def _full(error: Exception) -> int:
    """Say that there is no room left, as for `> FILE` on a full disk; 0 when it is not that."""
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return 0
    _print_error(f"output cannot be written: {error.strerror}", "")
    close_stdout()
    return NodeError.exit_code


def _bug(error: Exception) -> int:
    """Write the traceback to a file of the user's own, and name it."""
    handle, name = tempfile.mkstemp(prefix="wincnode-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        traceback.print_exception(error, file=log)
    _print_error(f"a bug in wincnode: {type(error).__name__}", f"The details are in {name}.")
    return WincnodeError.exit_code


def _print_error(message: str, remedy: str) -> None:
    if not sys.stderr.isatty():
        # Nobody reads it, or the disk is full: the exit code tells it all the same.
        with contextlib.suppress(OSError):
            sys.stderr.write(f"wincnode: {message}\n" + (f"    {remedy}\n" if remedy else ""))
        return
    from wincnode.ui import show_error

    show_error(message, remedy)
