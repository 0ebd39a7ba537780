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
    outputs,
    planned,
    refuse_unasked,
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
    yes: Annotated[bool, typer.Option("--yes", help="Remove it without asking.")] = False,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Take away the kubelet, kube-proxy and credentials that others left on machines.

    Example: wincnode cleanup win1 --plan
    """
    from dataclasses import replace

    from wincnode.commands import cleanup as verb
    from wincnode.commands.execution import Job
    from wincnode.formats import table
    from wincnode.ui import show

    planned(plan=plan, exit_code=exit_code)
    wanted = outputs(output)
    known = asked(inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file)
    asks = not (plan or yes)
    if asks:
        refuse_unasked("cleanup removes what others installed", no_input=no_input)
    look = Job(playbooks=(), command="cleanup", check=True, pending_counts=exit_code)
    if plan or asks:
        with session(known) as running:
            report = verb.run(known.options, look, running)
        if plan or not any(node.status == "pending" for node in report.nodes):
            end(report, wanted, known.inventory)
        show(table.rows(report), to_stderr=True)
        typer.confirm("Remove this?", abort=True, err=True)
    with session(known) as running:
        report = verb.run(known.options, replace(look, check=False), running)
    end(report, wanted, known.inventory)
