"""The verbs about the cluster rather than its nodes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import DEFAULT_INVENTORY, InventoryFile

cluster = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(cluster, name="cluster", help="Show what the cluster needs for Windows nodes.")


class Format(StrEnum):
    """How manifests are printed."""

    yaml = "yaml"
    json = "json"


@cluster.command()
def render(
    inventory: InventoryFile = DEFAULT_INVENTORY,
    output: Annotated[Format, typer.Option("-o", "--output", help="How to print.")] = Format.yaml,
    build: Annotated[
        list[int] | None,
        typer.Option(
            "--build",
            metavar="BUILD",
            help="A Windows build of the nodes, such as 20348; all supported ones if none.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Print this manifest alone; all if none."),
    ] = None,
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
