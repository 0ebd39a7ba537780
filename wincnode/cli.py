"""From argv to options to a verb to an exit code; the only importer of typer."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from wincnode.errors import ConfigError, Interrupted, WincnodeError

if TYPE_CHECKING:
    from wincnode.commands.inspect import Opener, Options
    from wincnode.inventory.model import Inventory
    from wincnode.report import Report

EPILOG = (
    "Exit codes: 0 as wanted, 1 a node failed, 2 usage or configuration, 4 unreachable or not let"
    " in, 5 blocked by preflight, 6 another run holds the node, 70 a bug of ours, 130 interrupted."
)

app = typer.Typer(
    name="wincnode", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


class Format(StrEnum):
    """How a report is printed."""

    table = "table"
    json = "json"


InventoryFile = Annotated[
    Path, typer.Option("-i", "--inventory", metavar="FILE", help="The inventory.")
]
Nodes = Annotated[
    list[str] | None, typer.Argument(metavar="[NODE]...", help="Nodes or groups; all by default.")
]

Output = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="ID", help="Make this check's finding a warning."),
]
Parallel = Annotated[
    int, typer.Option("--parallel", min=1, help="Nodes that are worked on at once.")
]


@app.callback(epilog=EPILOG)
def top() -> None:
    """Turn existing Windows Server machines into Kubernetes workers, over WinRM."""


@app.command()
def preflight(
    nodes: Nodes = None,
    inventory: InventoryFile = Path("wincnode.yaml"),
    output: Output = Format.table,
    ignore: Ignore = None,
    parallel: Parallel = 20,
) -> None:
    """Check whether nodes can run the wanted containers; changes nothing on them.

    Example: wincnode preflight -i wincnode.yaml --ignore sys.mem -o json
    """
    from wincnode.commands import preflight as verb
    from wincnode.ui import Progress

    asked = _asked(inventory, nodes, ignore=ignore, parallel=parallel)
    with Progress(asked.options.nodes) as progress:
        report = verb.run(
            asked.inventory, asked.options, connect=asked.connect, watch=progress.watch
        )
    _end(report, output)


@app.command()
def apply(
    playbook: Annotated[Path, typer.Argument(metavar="PLAYBOOK", help="A playbook file.")],
    nodes: Nodes = None,
    inventory: InventoryFile = Path("wincnode.yaml"),
    output: Output = Format.table,
    check: Annotated[
        bool, typer.Option("--check", help="Show what would change; change nothing.")
    ] = False,
    ignore: Ignore = None,
    parallel: Parallel = 20,
) -> None:
    """Carry out a playbook on nodes that preflight does not block; done steps are left alone.

    Example: wincnode apply playbooks/folders.yaml --check
    """
    from wincnode import playbook as playbooks
    from wincnode.commands import apply as verb
    from wincnode.ui import Progress

    job = verb.Job(playbook=playbooks.load(playbook), command=f"apply {playbook.name}", check=check)
    asked = _asked(inventory, nodes, ignore=ignore, parallel=parallel)
    with Progress(asked.options.nodes) as progress:
        report = verb.run(
            asked.inventory, asked.options, job, connect=asked.connect, watch=progress.watch
        )
    _end(report, output)


@app.command()
def facts(
    nodes: Nodes = None,
    inventory: InventoryFile = Path("wincnode.yaml"),
    parallel: Parallel = 20,
) -> None:
    """Print what nodes say of themselves, as JSON; changes nothing on them.

    Example: wincnode facts win1
    """
    import json

    from wincnode.commands import facts as verb
    from wincnode.ui import Progress, show

    asked = _asked(inventory, nodes, ignore=None, parallel=parallel)
    with Progress(asked.options.nodes) as progress:
        document, report = verb.run(asked.options, connect=asked.connect, watch=progress.watch)
    typer.echo(json.dumps(document, indent=2))
    if report.nodes:
        show(report, to_stderr=True)
    raise typer.Exit(report.exit_code)


@app.command()
def runs(
    node: Annotated[str, typer.Argument(metavar="NODE")],
    inventory: InventoryFile = Path("wincnode.yaml"),
) -> None:
    """List the runs that a node remembers, the newest first.

    Example: wincnode runs win1
    """
    from wincnode.commands import runs as verb

    asked = _asked(inventory, [node], ignore=None, parallel=1)
    for row in verb.listed(node, connect=asked.connect):
        typer.echo(f"{row.id}  {row.state:8}  {row.started}  {row.operator}  {row.command}")


@app.command()
def attach(
    node: Annotated[str, typer.Argument(metavar="NODE")],
    run_id: Annotated[
        str,
        typer.Argument(metavar="[RUN]", help="A run's id or its beginning; the newest if none."),
    ] = "",
    inventory: InventoryFile = Path("wincnode.yaml"),
    output: Output = Format.table,
) -> None:
    """Follow a run on a node to its end, whoever started it.

    Example: wincnode attach win1
    """
    from wincnode.commands import runs as verb
    from wincnode.ui import Progress

    asked = _asked(inventory, [node], ignore=None, parallel=1)
    with Progress((node,)) as progress:
        report = verb.attach(node, run_id, connect=asked.connect, watch=progress.watch)
    _end(report, output)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the options of a verb over nodes come to."""

    inventory: Inventory
    options: Options
    connect: Opener


def _asked(
    inventory: Path, nodes: list[str] | None, *, ignore: list[str] | None, parallel: int
) -> Asked:
    """Read the inventory and judge the options, before any network is touched."""
    from wincnode.commands.inspect import Options, check_ids
    from wincnode.connect import connector
    from wincnode.inventory import load, select

    loaded = load(inventory)
    chosen = select(loaded, nodes or ())
    options = Options(
        nodes=tuple(node.name for node in chosen),
        ignore=frozenset(ignore or ()),
        parallel=parallel,
    )
    check_ids(options.ignore)
    return Asked(inventory=loaded, options=options, connect=connector(chosen))


def _end(report: Report, output: Format) -> NoReturn:
    """Print the report and end with its exit code."""
    from wincnode.formats import json as json_format
    from wincnode.ui import show

    if output is Format.json:
        typer.echo(json_format.render(report))
    else:
        show(report)
    raise typer.Exit(report.exit_code)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path(
        "wincnode.yaml"
    ),
) -> None:
    """Write a commented first inventory; an existing file is left alone.

    Example: wincnode init
    """
    from wincnode.inventory.sample import sample_text

    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(sample_text())
    except FileExistsError as error:
        raise ConfigError(f"{file} exists and was left alone") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
    typer.echo(f"wrote {file}")


class Form(StrEnum):
    """For which platform winrm-setup prints."""

    script = "script"
    ec2 = "ec2"
    azure = "azure"
    unattend = "unattend"


@app.command("winrm-setup")
def winrm_setup(
    form: Annotated[Form, typer.Option("--form", help="For which platform.")] = Form.script,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A further name or address of the node."),
    ] = None,
    remote: Annotated[
        list[str] | None,
        typer.Option("--remote", metavar="ADDRESS", help="Who may connect; LocalSubnet if none."),
    ] = None,
) -> None:
    """Print what turns on WinRM over HTTPS on a new node.

    Example: wincnode winrm-setup --form ec2 --remote 10.0.0.0/8
    """
    from wincnode.commands.winrm_setup import render

    typer.echo(render(form.value, names=name or (), remote=remote or ()), nl=False)


@app.command()
def explain(check_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Say what a check proves, why it matters and what to do; works offline.

    Example: wincnode explain feat.containers
    """
    from wincnode.commands.explain import explain as text_of

    typer.echo(text_of(check_id))


def run() -> int:
    """Run the command line; gives the exit code."""
    try:
        result = app(standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return Interrupted.exit_code
    except WincnodeError as error:
        _print_error(error.message, error.remedy)
        return error.exit_code
    except BrokenPipeError:
        # The reader has gone, as with `| head`; what Python still flushes goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WincnodeError.exit_code
    except Exception as error:  # noqa: BLE001 - the last place where a bug can become a message
        return _click_error(error) or _bug(error)
    return result if isinstance(result, int) else 0


def _click_error(error: Exception) -> int:
    """Print a usage error of the command line; 0 when it is none."""
    show = getattr(error, "show", None)
    code = getattr(error, "exit_code", 0)
    if show is None or not isinstance(code, int):
        return 0
    show()
    return code


def _bug(error: Exception) -> int:
    """Write the traceback to a file of the user's own, and name it."""
    handle, name = tempfile.mkstemp(prefix="wincnode-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        traceback.print_exception(error, file=log)
    _print_error(f"a bug in wincnode: {type(error).__name__}", f"The details are in {name}.")
    return WincnodeError.exit_code


def _print_error(message: str, remedy: str) -> None:
    if not sys.stderr.isatty():
        sys.stderr.write(f"wincnode: {message}\n" + (f"    {remedy}\n" if remedy else ""))
        return
    from wincnode.ui import show_error

    show_error(message, remedy)
