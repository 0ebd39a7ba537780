"""The verbs about the cluster rather than its nodes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORY,
    Context,
    ExitCode,
    Ignore,
    InventoryFile,
    Kubeconfig,
    NoInput,
    Output,
    Outputs,
    Plan,
    end,
    may_ask,
    outputs,
    planned,
)
from wincnode.cli.options import Format as ReportFormat

cluster = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(
    cluster,
    name="cluster",
    help="What the cluster needs for Windows nodes: check it, show it, apply it.",
)


class Format(StrEnum):
    """How manifests are printed."""

    yaml = "yaml"
    json = "json"


Builds = Annotated[
    list[int] | None,
    typer.Option(
        "--build",
        metavar="BUILD",
        help="A Windows build of the nodes, such as 20348; all supported ones if none.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="This manifest alone; all if none."),
]


@cluster.command()
def render(
    inventory: InventoryFile = DEFAULT_INVENTORY,
    output: Annotated[Format, typer.Option("-o", "--output", help="How to print.")] = Format.yaml,
    build: Builds = None,
    only: Only = None,
) -> None:
    """Print the manifests that the cluster needs for Windows nodes; touches no cluster.

    Example: wincnode cluster render --build 20348 | kubectl apply --server-side -f -
    """
    from wincnode.commands import cluster_render as verb

    options = verb.Options(
        inventory=inventory,
        builds=tuple(build or ()),
        only=tuple(only or ()),
        as_json=output is Format.json,
    )
    typer.echo(verb.run(options), nl=False)


@cluster.command()
def apply(
    inventory: InventoryFile = DEFAULT_INVENTORY,
    output: Output = ReportFormat.table,
    build: Builds = None,
    only: Only = None,
    plan: Plan = False,
    exit_code: ExitCode = False,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="Take over fields that others manage.")
    ] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    no_input: NoInput = False,
) -> None:
    """Apply the manifests that the cluster needs for Windows nodes, where they differ.

    Example: wincnode cluster apply --plan --exit-code
    """
    import json

    from wincnode.commands import cluster_apply as verb
    from wincnode.commands import cluster_render
    from wincnode.ui import show_lines

    planned(plan=plan, exit_code=exit_code)
    job = verb.Job(
        render=cluster_render.Options(
            inventory=inventory, builds=tuple(build or ()), only=tuple(only or ())
        ),
        kubeconfig=kubeconfig,
        context=context,
        plan=plan,
        force=force_conflicts,
        may_ask=may_ask(no_input=no_input),
    )
    outcome = verb.run(job, lambda row: typer.echo(f"applied {row.target}", err=True))
    if output is ReportFormat.json:
        typer.echo(json.dumps(verb.to_data(outcome), indent=2))
    else:
        show_lines(verb.lines(outcome))
    raise typer.Exit(outcome.exit_code(pending_counts=exit_code))


@cluster.command()
def check(
    inventory: InventoryFile = DEFAULT_INVENTORY,
    output: Outputs = None,
    ignore: Ignore = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    no_input: NoInput = False,
) -> None:
    """Check whether the cluster can take Windows nodes; changes nothing.

    Example: wincnode cluster check -o json
    """
    from wincnode.commands import cluster_check as verb
    from wincnode.inventory import load_settings

    wanted = outputs(output)
    job = verb.Job(
        inventory=load_settings(inventory),
        kubeconfig=kubeconfig,
        context=context,
        ignore=frozenset(ignore or ()),
        may_ask=may_ask(no_input=no_input),
    )
    end(verb.run(job), wanted, job.inventory)
