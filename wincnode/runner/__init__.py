"""Starts, follows and re-attaches to one run on one node; yields its events.

`following` has runs that outlive their connection, `reading` those that do not, `orders` what a
node is told about them; what is sent stands in `request`, what the node answers in `replies`.
"""

from wincnode.runner.following import (
    LOGON_ATTEMPTS,
    LOGON_PAUSE_S,
    LONGEST_PAUSE_S,
    PATIENCE_S,
    detached,
    follow,
)
from wincnode.runner.orders import cancel, confirm, list_runs, reboot, refuse_held
from wincnode.runner.reading import NOTHING_ASKED, attached, read_facts
from wincnode.runner.replies import died
from wincnode.runner.request import END_MARK, command_line, new_run, pack, payload_of, who

__all__ = [
    "END_MARK",
    "LOGON_ATTEMPTS",
    "LOGON_PAUSE_S",
    "LONGEST_PAUSE_S",
    "NOTHING_ASKED",
    "PATIENCE_S",
    "attached",
    "cancel",
    "command_line",
    "confirm",
    "detached",
    "died",
    "follow",
    "list_runs",
    "new_run",
    "pack",
    "payload_of",
    "read_facts",
    "reboot",
    "refuse_held",
    "who",
]
