"""The command line itself: its name, its help, and the exit codes that it ends with."""

from __future__ import annotations

import typer

EPILOG = (
    "Exit codes: 0 as wanted, 1 a node or a download failed, 2 usage or configuration, 3 changes"
    " are pending (--plan --exit-code, lock --check), 4 unreachable or not let in, 5 blocked by"
    " preflight (or warned, --fail-on warning) or denied (compat --exit-code), 6 another run holds"
    " the node, 70 a bug of ours, 130 interrupted."
)

app = typer.Typer(
    name="wincnode", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback(epilog=EPILOG)
def top() -> None:
    """Turn existing Windows Server machines into Kubernetes workers, over WinRM."""
