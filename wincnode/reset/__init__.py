"""The manifest of what wincnode changed on a machine, and the plan that takes it back. Pure."""

from wincnode.reset.inverses import Entry, Left
from wincnode.reset.planning import Reset, entries, folders, plan

__all__ = ["Entry", "Left", "Reset", "entries", "folders", "plan"]
