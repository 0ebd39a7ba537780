"""The verb that takes away what others left of a node."""

from __future__ import annotations

from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    ExitCode,
    Inventories,
    NamedNodes,
    NoInput,
    Outputs,
    Parallel,
    Plan,
    VaultPasswords,
    asked,
    end,
    may_ask,
    outputs,
    planned,
    session,
)


@app.command()
def cleanup(
    nodes: NamedNodes,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    plan: Plan = False,
    exit_code: ExitCode = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Take away the kubelet, kube-proxy and credentials that others left on machines.

    Example: wincnode cleanup win1 --plan
    """
    from wincnode.commands import cleanup as verb
    from wincnode.commands.execution import Job
    from wincnode.errors import ConfigError

    planned(plan=plan, exit_code=exit_code)
    wanted = outputs(output)
    known = asked(inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file)
    if not (plan or yes):
        if not may_ask(no_input=no_input):
            raise ConfigError(
                "cleanup removes what others installed, and nobody is there to confirm it",
                remedy="Look at it with --plan, then give --yes.",
                id="config.no-input",
            )
        names = ", ".join(known.options.nodes)
        typer.confirm(f"Remove what others left of a node on {names}?", abort=True, err=True)
    job = Job(playbooks=(), command="cleanup", check=plan, pending_counts=exit_code)
    with session(known) as running:
        report = verb.run(known.options, job, running)
    end(report, wanted, known.inventory)
