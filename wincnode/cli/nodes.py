"""The verbs that talk to nodes."""

from __future__ import annotations

from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    ExitCode,
    Ignore,
    Inventories,
    Nodes,
    NoInput,
    OneNode,
    Outputs,
    Parallel,
    Plan,
    PlaybookFile,
    Reboot,
    RebootPolicy,
    RebootsAtOnce,
    VaultPasswords,
    asked,
    end,
    may_ask,
    outputs,
    planned,
    session,
)
from wincnode.fleet import READING

RunId = Annotated[
    str, typer.Argument(metavar="[RUN]", help="A run's id or its beginning; the newest if none.")
]


@app.command()
def apply(
    playbook: PlaybookFile,
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    plan: Plan = False,
    exit_code: ExitCode = False,
    reboot: Reboot = RebootPolicy.never,
    reboots_at_once: RebootsAtOnce = 1,
    ignore: Ignore = None,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Carry out a playbook on nodes that preflight does not block; done steps are left alone.

    Example: wincnode apply prepare.yaml --plan
    """
    from wincnode import assets
    from wincnode import playbook as playbooks
    from wincnode.commands import apply as verb
    from wincnode.commands import execution
    from wincnode.commands.reboots import Reboots

    planned(plan=plan, exit_code=exit_code)
    steps = playbooks.load(assets.playbook(playbook))
    wanted = outputs(output)
    known = asked(
        inventory,
        nodes,
        ignore=ignore,
        parallel=parallel,
        no_input=no_input,
        vault=vault_password_file,
    )
    job = execution.Job(
        playbooks=(steps,),
        command=f"apply {playbook.name}",
        check=plan,
        pending_counts=exit_code,
        answers=execution.asked(steps, may_ask=may_ask(no_input=no_input)),
        reboots=Reboots(reboot.value, at_once=reboots_at_once),
    )
    with session(known) as running:
        report = verb.run(known.inventory, known.options, job, running)
    end(report, wanted, known.inventory)


@app.command()
def facts(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Annotated[
        list[str] | None,
        typer.Option("-o", "--output", metavar="json[=FILE]", help="To stdout if no file."),
    ] = None,
    parallel: Parallel = READING,
    no_input: NoInput = False,
) -> None:
    """Print what nodes say of themselves, as JSON; changes nothing on them.

    Example: wincnode facts -o json=facts.json
    """
    from wincnode.cli.outputs import deliver, wishes
    from wincnode.commands import facts as verb
    from wincnode.formats import safe, table
    from wincnode.ui import show

    wanted = wishes(output or ["json"], ("json",), default="")
    known = asked(inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file)
    with session(known) as running:
        document, report = verb.run(known.options, running)
    text = safe.dumps(document, indent=2)
    arrived = deliver((wish, text) for wish in wanted)
    if report.nodes:
        show(table.rows(report), to_stderr=True)
    raise typer.Exit(report.exit_code or (0 if arrived else 1))


@app.command()
def runs(
    node: OneNode,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    no_input: NoInput = False,
) -> None:
    """List the runs that a node remembers, the newest first.

    Example: wincnode runs win1
    """
    from wincnode.commands import runs as verb

    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    for row in verb.listed(node, connect=known.connect):
        typer.echo(f"{row.id}  {row.state:8}  {row.started}  {row.operator}  {row.command}")


@app.command()
def attach(
    node: OneNode,
    run_id: RunId = "",
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    no_input: NoInput = False,
) -> None:
    """Follow a run on a node to its end, whoever started it.

    Example: wincnode attach win1
    """
    from wincnode.commands import runs as verb
    from wincnode.ui import Progress

    wanted = outputs(output)
    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    with Progress((node,)) as progress:
        report = verb.attach(node, run_id, connect=known.connect, watch=progress.watch)
    end(report, wanted, known.inventory)


@app.command()
def cancel(
    node: OneNode,
    run_id: Annotated[
        str,
        typer.Argument(
            metavar="[RUN]", help="A run's id or its beginning; the one that runs if none."
        ),
    ] = "",
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    no_input: NoInput = False,
) -> None:
    """End a run on a node before its next step; the step that it is at is finished.

    Example: wincnode cancel win1
    """
    from wincnode.commands import runs as verb

    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    for text in verb.cancel(node, run_id, connect=known.connect):
        typer.echo(text)
