"""docs/checks.md: the checks, and the rows of updates."""

from __future__ import annotations

from pages.text import table, written
from wincnode import checks
from wincnode.updates import Update, Updates, load_updates

# What a check goes by beside facts; else it is what a node is to reach.
ASKED = {
    "": (),
    "images": ("registries, from this host",),
    "members": ("the cluster's nodes",),
}


def checks_page() -> str:
    """Give docs/checks.md: its text, the rows of updates, and a section for each check."""
    parts = [
        written("checks"),
        _updates(load_updates()),
    ]
    parts += [
        f"\n## {check.id}\n\n{check.title} ({check.severity.value}).\n\n- proves: {check.proves}\n"
        f"- reads: {', '.join(_reads(check)) or 'the inventory alone'}\n"
        f"- remedy: {check.remedy}\n- source: {check.source}\n"
        for check in checks.all_checks()
    ]
    return "".join(parts)


def _reads(check: checks.Check) -> tuple[str, ...]:
    """Name the sections that a check reads, and what else it goes by, where there is any of it."""
    return (*check.needs, *check.uses, *ASKED.get(check.asks, ("connectivity",)))


UPDATE_CHECKS = {"needed": "os.ubr.min", "bad": "os.ubr.bad", "image": "os.ubr.image"}


def _updates(known: Updates) -> str:
    updates = [
        (
            f"`{row.id}`",
            UPDATE_CHECKS[row.kind],
            _revisions(row),
            row.effect + " (overlay networks alone)" * row.overlay,
            str(row.date),
            row.source,
        )
        for row in known.updates
    ]
    overrides = [
        (
            f"`{row.id}`",
            str(row.build),
            ", ".join(f"{recipe.value} by {recipe.by}" for recipe in row.recipes),
            row.effect,
            "; ".join(recipe.source for recipe in row.recipes),
        )
        for row in known.overrides
    ]
    holes = [
        (f"`{row.id}`", row.component, ", ".join(row.fixed), row.severity, row.effect, row.source)
        for row in known.vulnerabilities
    ]
    return (
        f"\n## Updates, overrides and holes, as of {known.as_of}\n"
        + table(("id", "check", "revisions", "effect", "since", "source"), updates)
        + table(("override", "build", "recipes", "effect", "sources"), overrides)
        + table(("id", "of", "fixed in", "severity", "effect", "source"), holes)
    )


def _revisions(row: Update) -> str:
    first = f"from {row.build}.{row.first}" if row.first else ""
    below = f"below {row.build}.{row.below}" if row.below is not None else ""
    return " ".join(part for part in (first, below) if part)
