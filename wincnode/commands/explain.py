"""What a check proves, an error means or a cause does, and what to do, from their declarations."""

from __future__ import annotations

import difflib

from wincnode import checks
from wincnode.checks import Check
from wincnode.diagnosis import Cause, load_causes
from wincnode.error_ids import ErrorId, load_error_ids
from wincnode.errors import ConfigError


def explain(id: str) -> str:
    """Give the text of a check, an error or a cause.

    Raises: ConfigError: none has that id; the message names the nearest.
    """
    known = {
        **load_error_ids(),
        **load_causes(),
        **{check.id: check for check in checks.all_checks()},
    }
    match known.get(id):
        case Check() as check:
            return _check(check)
        case ErrorId() as error:
            return _error(error)
        case Cause() as cause:
            return _cause(cause)
    near = difflib.get_close_matches(id, known, n=3)
    raise ConfigError(
        f"no check, error or cause has the id {id!r}",
        remedy=f"Did you mean {', '.join(near)}?"
        if near
        else "docs/checks.md, docs/errors.md and docs/causes.md list the ids.",
    )


def ids() -> list[str]:
    """List all that can be explained."""
    return sorted([*load_error_ids(), *load_causes(), *(check.id for check in checks.all_checks())])


def _check(check: Check) -> str:
    return (
        f"{check.id} ({check.severity.value}): {check.title}\n"
        f"  proves: {check.proves}\n  remedy: {check.remedy}\n  source: {check.source}"
    )


def _error(error: ErrorId) -> str:
    source = f"\n  source: {error.source}" if error.source else ""
    return (
        f"{error.id} (exit code {error.exit_code}): {error.title}\n"
        f"  meaning: {error.meaning}\n  remedy: {error.remedy}{source}"
    )


def _cause(cause: Cause) -> str:
    return (
        f"{cause.id} (seen: {', '.join(cause.where)}): {cause.title}\n"
        f"  cause: {cause.cause}\n  remedy: {cause.remedy}\n  source: {cause.source}"
    )
