"""The options that verbs over nodes share, and what they come to."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from wincnode.cli.outputs import Wish
    from wincnode.commands.inspect import Opener, Options, Session
    from wincnode.fleet import Stop
    from wincnode.inventory.model import Inventory
    from wincnode.report import Report


class Format(StrEnum):
    """How a result that is no report over nodes is printed."""

    table = "table"
    json = "json"


def _given(context: typer.Context) -> list[Path]:
    """Give the inventories that a line names so far."""
    given = context.params.get("inventory") or DEFAULT_INVENTORIES
    return [Path(path) for path in ([given] if isinstance(given, str | Path) else given)]


def _nodes(context: typer.Context, incomplete: str) -> list[str]:
    from wincnode.commands.complete import names

    return names(_given(context), incomplete)


def _node(context: typer.Context, incomplete: str) -> list[str]:
    from wincnode.commands.complete import names

    return names(_given(context), incomplete, groups=False)


def _inventories(incomplete: str) -> list[str]:
    from wincnode.commands.complete import inventories

    return inventories(incomplete)


def _yaml_files(incomplete: str) -> list[str]:
    from wincnode.commands.complete import yaml_files

    return yaml_files(incomplete)


def _formats(incomplete: str) -> list[str]:
    from wincnode.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def _checks(incomplete: str) -> list[str]:
    from wincnode.commands.complete import check_ids

    return check_ids(incomplete)


DEFAULT_INVENTORY = Path("wincnode.yaml")
DEFAULT_INVENTORIES = [DEFAULT_INVENTORY]
Inventories = Annotated[
    list[Path],
    typer.Option(
        "-i",
        "--inventory",
        metavar="PATH",
        help="The inventory, or one of Ansible; may be given several times.",
        autocompletion=_inventories,
    ),
]
VaultPasswords = Annotated[
    list[Path] | None,
    typer.Option(
        "--vault-password-file",
        metavar="FILE",
        help="Password of ansible-vault; else ANSIBLE_VAULT_PASSWORD_FILE.",
    ),
]
InventoryFile = Annotated[
    Path,
    typer.Option(
        "-i", "--inventory", metavar="FILE", help="The inventory.", autocompletion=_yaml_files
    ),
]
Nodes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NODE]...", help="Nodes or groups; all by default.", autocompletion=_nodes
    ),
]
NamedNodes = Annotated[
    list[str], typer.Argument(metavar="NODE...", help="Nodes or groups.", autocompletion=_nodes)
]
OneNode = Annotated[str, typer.Argument(metavar="NODE", autocompletion=_node)]
OneNodeOrHere = Annotated[
    str, typer.Argument(metavar="[NODE]", help="None with --local.", autocompletion=_node)
]
PlaybookFile = Annotated[
    Path,
    typer.Argument(
        metavar="PLAYBOOK",
        help="A playbook file, or the name of one that ships.",
        autocompletion=_yaml_files,
    ),
]
Output = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT[=FILE]",
        help="table, json, jsonl, junit, html, markdown, sarif, github, gitlab or azure; to a file,"
        " or to stdout, which gets the table if nothing else. May be given several times.",
        autocompletion=_formats,
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="ID",
        help="Make this check's finding a warning.",
        autocompletion=_checks,
    ),
]
Parallel = Annotated[
    int, typer.Option("--parallel", min=1, help="Nodes that are worked on at once.")
]


class Isolation(StrEnum):
    """How containers are kept apart."""

    process = "process"
    hyperv = "hyperv"


class RebootPolicy(StrEnum):
    """Whether a node that needs it may reboot."""

    never = "never"
    if_needed = "if-needed"


Reboot = Annotated[
    RebootPolicy, typer.Option("--reboot", help="Whether a node that needs it may reboot.")
]
RebootsAtOnce = Annotated[
    int, typer.Option("--reboots-at-once", min=1, help="Nodes that may be down at once.")
]
Plan = Annotated[
    bool, typer.Option("--plan", "--check", help="Show what would change; change nothing.")
]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="With --plan: end with 3 if changes are pending.")
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig", metavar="FILE", help="Instead of the inventory's; else kubectl's."
    ),
]
Context = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Instead of the current context.")
]
NoInput = Annotated[
    bool, typer.Option("--no-input", help="Never ask; what would need an answer is an error.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the options of a verb over nodes come to."""

    inventory: Inventory
    options: Options
    connect: Opener


def refuse_unasked(what: str, *, no_input: bool) -> None:
    """Refuse what a person is to confirm, where nobody is there to do so.

    Args: what: what is done, such as `leave takes nodes out of the cluster`.
    Raises: ConfigError.
    """
    from wincnode.errors import ConfigError

    if not may_ask(no_input=no_input):
        raise ConfigError(
            f"{what}, and nobody is there to confirm it",
            remedy="Look at it with --plan, then give --yes.",
            id="config.no-input",
        )


def planned(*, plan: bool, exit_code: bool) -> None:
    """Refuse --exit-code without --plan.

    Raises: ConfigError.
    """
    from wincnode.errors import ConfigError

    if exit_code and not plan:
        raise ConfigError("--exit-code tells of pending changes", remedy="It goes with --plan.")


def stdin_bytes() -> bytes:
    """Read stdin to its end; nothing where it is closed, as in some services."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def today() -> date:
    """Give the day by which what is out of support is told."""
    return datetime.now(tz=UTC).date()


def may_ask(*, no_input: bool) -> bool:
    """Tell whether somebody is there to answer a prompt."""
    return not no_input and sys.stdin is not None and sys.stdin.isatty()


def asked(
    inventory: Path | Sequence[Path],
    nodes: Sequence[str] | None,
    *,
    no_input: bool,
    ignore: Sequence[str] | None = None,
    parallel: int = 1,
    vault: Sequence[Path] | None = None,
) -> Asked:
    """Read the inventory and judge the options, before any network is touched."""
    from wincnode.commands.inspect import Options, check_ids
    from wincnode.connect import connector
    from wincnode.inventory import select

    loaded = gathered([inventory] if isinstance(inventory, Path) else inventory, vault)
    chosen = select(loaded, nodes or ())
    options = Options(
        nodes=tuple(node.name for node in chosen),
        ignore=frozenset(ignore or ()),
        parallel=parallel,
    )
    check_ids(options.ignore)
    connect = connector(chosen, may_ask=may_ask(no_input=no_input))
    return Asked(inventory=loaded, options=options, connect=connect)


def gathered(paths: Sequence[Path], vault: Sequence[Path] | None) -> Inventory:
    """Read the inventories that a line names, and say what of them was left out."""
    from wincnode.events import printable
    from wincnode.inventory import gather

    loaded = gather(paths, vault or vault_of(os.environ))
    for note in loaded.notes:
        typer.echo(f"note: {printable(note)}", err=True)
    return loaded


def vault_of(environment: Mapping[str, str]) -> list[Path]:
    """Give the password file that Ansible's own variable names."""
    named = environment.get("ANSIBLE_VAULT_PASSWORD_FILE")
    return [Path(named)] if named else []


@contextmanager
def session(asked: Asked) -> Iterator[Session]:
    """Draw the progress of the nodes; the first ^C asks to stop, the second leaves at once."""
    from wincnode.commands.inspect import Session
    from wincnode.fleet import Stop
    from wincnode.ui import Progress

    stop = Stop()
    with Progress(asked.options.nodes) as progress, _first_interrupt_asks(stop):
        yield Session(
            connect=asked.connect, watch=progress.watch, stop=stop, finishing=progress.finishing
        )


@contextmanager
def _first_interrupt_asks(stop: Stop) -> Iterator[None]:
    previous = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, previous)
        stop.ask()

    if previous is not signal.SIG_IGN:  # as under nohup, where ^C means others
        signal.signal(signal.SIGINT, ask)
    try:
        yield
    except KeyboardInterrupt:
        if left := ", ".join(sorted(stop.bound())):
            sys.stderr.write(f"wincnode: left; the run goes on: wincnode attach NODE for {left}\n")
        raise
    finally:
        signal.signal(signal.SIGINT, previous)


def outputs(words: Sequence[str] | None) -> tuple[Wish, ...]:
    """Judge the words of `-o`, before any network is touched.

    Raises: ConfigError.
    """
    from wincnode.cli.outputs import wishes
    from wincnode.formats import FORMATS

    return wishes(words, FORMATS, default="table")


def _here(path: Path) -> Path:
    """Give a path as seen from the working folder, by which CI platforms know their files."""
    below = path.is_absolute() and path.is_relative_to(Path.cwd())
    return path.relative_to(Path.cwd()) if below else path


def end(report: Report, wanted: Sequence[Wish], inventory: Inventory) -> NoReturn:
    """Give the report in each format that is wanted, and end with its exit code."""
    from wincnode.cli.outputs import deliver, printed
    from wincnode.formats import render, table
    from wincnode.report import located
    from wincnode.ui import show

    whole = located(report, replace(inventory, path=_here(inventory.path)), at=datetime.now(tz=UTC))
    files = [wish for wish in wanted if wish.path is not None]
    arrived = deliver((wish, render(wish.format, whole)) for wish in files)
    for wish in wanted:
        if wish.path is None and wish.format == "table":
            arrived &= printed(lambda: show(table.rows(whole)))
        elif wish.path is None:
            arrived &= deliver([(wish, render(wish.format, whole))])
    raise typer.Exit(whole.exit_code or (0 if arrived else 1))
