"""The verbs that make workers of Windows Server machines."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORY,
    Context,
    ExitCode,
    Format,
    Ignore,
    InventoryFile,
    Kubeconfig,
    Nodes,
    NoInput,
    Output,
    Parallel,
    Plan,
    Reboot,
    RebootPolicy,
    RebootsAtOnce,
    asked,
    end,
    may_ask,
    planned,
    session,
    today,
)


class Way(StrEnum):
    """How files get to nodes."""

    origin = "origin"
    serve = "serve"
    push = "push"


class Method(StrEnum):
    """How a node joins."""

    kubeadm = "kubeadm"
    bootstrap = "bootstrap"


@app.command()
def install(
    nodes: Nodes = None,
    inventory: InventoryFile = DEFAULT_INVENTORY,
    output: Output = Format.table,
    files: Annotated[
        Way,
        typer.Option(
            "--files",
            help="Nodes download from the origin or its mirror, or from this host, or get files"
            " over WinRM.",
        ),
    ] = Way.origin,
    serve_address: Annotated[
        str,
        typer.Option(
            "--serve-address",
            metavar="ADDRESS",
            help="With --files serve: what nodes reach this host by; found by itself if none.",
        ),
    ] = "",
    plan: Plan = False,
    exit_code: ExitCode = False,
    reboot: Reboot = RebootPolicy.if_needed,
    reboots_at_once: RebootsAtOnce = 1,
    ignore: Ignore = None,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Install containerd and the kubelet, with the features and settings that they need.

    Example: wincnode install win1 --plan
    """
    import os
    from pathlib import Path

    from wincnode.artifacts.fetch import cache_folder
    from wincnode.commands import apply
    from wincnode.commands import install as verb
    from wincnode.commands.reboots import Reboots

    planned(plan=plan, exit_code=exit_code)
    known = asked(inventory, nodes, ignore=ignore, parallel=parallel, no_input=no_input)
    how = verb.Files(
        cache=cache_folder(os.environ, Path.home()),
        way=files.value,
        address=serve_address or verb.own_address_for(known.inventory, known.options.nodes)
        if files is Way.serve
        else "",
    )
    with (
        verb.job(
            known.inventory,
            how,
            today=today(),
            check=plan,
            pending_counts=exit_code,
            reboots=Reboots(reboot.value, at_once=reboots_at_once),
        ) as job,
        session(known) as running,
    ):
        report = apply.run(known.inventory, known.options, job, running)
    end(report, output)


@app.command()
def join(
    nodes: Nodes = None,
    inventory: InventoryFile = DEFAULT_INVENTORY,
    output: Output = Format.table,
    method: Annotated[
        Method, typer.Option("--method", help="By kubeadm, or by TLS bootstrap without it.")
    ] = Method.kubeadm,
    command: Annotated[
        str | None,
        typer.Option(
            "--command",
            metavar="LINE",
            help="What `kubeadm token create --print-join-command` printed, in place of a"
            " kubeconfig; - reads it from stdin.",
        ),
    ] = None,
    plan: Plan = False,
    exit_code: ExitCode = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    stage_timeout: Annotated[
        int,
        typer.Option(
            "--stage-timeout",
            min=1,
            metavar="SECONDS",
            help="Limit of each stage on the Node's way to Ready.",
        ),
    ] = 900,
    ignore: Ignore = None,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Make installed machines nodes of the cluster, and wait until it calls them Ready.

    Example: wincnode join win1
    """
    from wincnode.commands import join as verb

    planned(plan=plan, exit_code=exit_code)
    known = asked(inventory, nodes, ignore=ignore, parallel=parallel, no_input=no_input)
    where = verb.Where(
        method=method.value,
        command=_line(command),
        kubeconfig=kubeconfig,
        context=context,
        may_ask=may_ask(no_input=no_input),
        stage_timeout_s=stage_timeout,
    )
    job = verb.job(known.inventory, today=today(), check=plan, pending_counts=exit_code)
    with session(known) as running:
        report = verb.run(known.inventory, known.options, job, where, running)
    end(report, output)


def _line(command: str | None) -> str:
    """Give the command line; the token in it is better read than given where others see it."""
    return typer.get_text_stream("stdin").read() if command == "-" else command or ""
