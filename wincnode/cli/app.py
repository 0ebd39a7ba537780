"""The command line itself: its name, its help, and the exit codes that it ends with."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

EPILOG = (
    "Exit codes: 0 as wanted, 1 a node or a download failed, 2 usage or configuration, 3 changes"
    " are pending (--plan --exit-code, lock --check), 4 unreachable or not let in, 5 blocked by"
    " preflight (or warned, --fail-on warning) or denied (compat --exit-code), 6 another run holds"
    " the node, 70 a bug of ours, 130 interrupted."
)

# As a user meets them: the workstation, the machines, the cluster, a node's life, its end.
JOURNEY = (
    *("init", "doctor", "winrm-setup", "trust"),
    *("preflight", "checks", "facts", "explain", "compat", "cluster"),
    *("lock", "install", "join", "smoke", "network", "hcs"),
    *("apply", "runs", "attach", "cancel", "leave", "cleanup"),
)


class _Verbs(TyperGroup):
    """Lists the verbs in the order of the journey."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=JOURNEY.index)


app = typer.Typer(
    name="wincnode",
    cls=_Verbs,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(epilog=EPILOG)
def top() -> None:
    """Turn existing Windows Server machines into Kubernetes workers, over WinRM."""
