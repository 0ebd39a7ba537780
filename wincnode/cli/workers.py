"""The verbs that make workers of Windows Server machines."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    Context,
    ExitCode,
    Ignore,
    Inventories,
    Kubeconfig,
    Nodes,
    NoInput,
    Outputs,
    Parallel,
    Plan,
    Reboot,
    RebootPolicy,
    RebootsAtOnce,
    VaultPasswords,
    asked,
    end,
    may_ask,
    outputs,
    planned,
    refuse_unasked,
    session,
    today,
)


class Way(StrEnum):
    """How files get to nodes."""

    origin = "origin"
    serve = "serve"
    push = "push"
    auto = "auto"


class Method(StrEnum):
    """How a node joins."""

    kubeadm = "kubeadm"
    bootstrap = "bootstrap"


@app.command()
def install(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    files: Annotated[
        Way,
        typer.Option(
            "--files",
            help="Nodes download from the origin or its mirror, or from this host, or get files"
            " over WinRM; auto tries these in turn.",
        ),
    ] = Way.origin,
    serve_address: Annotated[
        str,
        typer.Option(
            "--serve-address",
            metavar="ADDRESS",
            help="With --files serve or auto: what nodes reach this host by; found by itself if"
            " none.",
        ),
    ] = "",
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke/--no-smoke",
            help="Afterwards let each node that is in no cluster yet run a container, as"
            " `wincnode smoke` does.",
        ),
    ] = True,
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
    from wincnode.commands import apply, delivery
    from wincnode.commands import install as verb
    from wincnode.commands.proof import after_install
    from wincnode.commands.reboots import Reboots

    planned(plan=plan, exit_code=exit_code)
    wanted = outputs(output)
    known = asked(
        inventory,
        nodes,
        ignore=ignore,
        parallel=parallel,
        no_input=no_input,
        vault=vault_password_file,
    )
    how = delivery.Files(
        cache=cache_folder(os.environ, Path.home()),
        way=files.value,
        address=serve_address or delivery.own_address_for(known.inventory, known.options.nodes)
        if files is Way.serve
        else serve_address,
    )
    with (
        verb.job(
            known.inventory,
            how,
            today=today(),
            check=plan,
            pending_counts=exit_code,
            reboots=Reboots(reboot.value, at_once=reboots_at_once),
            after=after_install(known.inventory) if smoke else None,
        ) as job,
        session(known) as running,
    ):
        report = apply.run(known.inventory, known.options, job, running)
    end(report, wanted, known.inventory)


@app.command()
def join(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
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
    probe: Annotated[
        bool,
        typer.Option("--probe/--no-probe", help="Run a pod on the Ready Node, which proves it."),
    ] = True,
    probe_image: Annotated[
        str,
        typer.Option(
            "--probe-image",
            metavar="IMAGE",
            help="The pod's image, of the node's Windows build; the node's pause image if none.",
        ),
    ] = "",
    ignore: Ignore = None,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Make installed machines nodes of the cluster, and wait until they are Ready and run a pod.

    Example: wincnode join win1
    """
    from wincnode.commands import join as verb
    from wincnode.commands.readiness import Proof

    planned(plan=plan, exit_code=exit_code)
    wanted = outputs(output)
    known = asked(
        inventory,
        nodes,
        ignore=ignore,
        parallel=parallel,
        no_input=no_input,
        vault=vault_password_file,
    )
    where = verb.Where(
        method=method.value,
        command=_line(command),
        kubeconfig=kubeconfig,
        context=context,
        may_ask=may_ask(no_input=no_input),
        stage_timeout_s=stage_timeout,
        proof=Proof(wanted=probe, image=probe_image),
    )
    job = verb.job(known.inventory, today=today(), check=plan, pending_counts=exit_code)
    with session(known) as running:
        report = verb.run(known.inventory, known.options, job, where, running)
    end(report, wanted, known.inventory)


@app.command()
def leave(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    plan: Plan = False,
    exit_code: ExitCode = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
    keep_node: Annotated[
        bool, typer.Option("--keep-node", help="Leave the Node in the cluster, cordoned.")
    ] = False,
    cluster_only: Annotated[
        bool,
        typer.Option(
            "--cluster-only", help="Delete the Node alone: its machine cannot be reached any more."
        ),
    ] = False,
    machine_only: Annotated[
        bool,
        typer.Option("--machine-only", help="Reset the machine alone: its cluster is gone."),
    ] = False,
    drain_timeout: Annotated[
        int,
        typer.Option(
            "--drain-timeout", min=1, metavar="SECONDS", help="Limit for all pods to be gone."
        ),
    ] = 600,
    force: Annotated[
        bool, typer.Option("--force", help="Also evict pods that nothing will make again.")
    ] = False,
    delete_emptydir_data: Annotated[
        bool,
        typer.Option("--delete-emptydir-data", help="Also evict pods that lose data with it."),
    ] = False,
    reboot: Reboot = RebootPolicy.never,
    reboots_at_once: RebootsAtOnce = 1,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Drain nodes, take back what wincnode changed on their machines, and delete the Nodes.

    Example: wincnode leave win1 --plan
    """
    from wincnode.cluster.drain import Drain
    from wincnode.commands import leave as verb
    from wincnode.commands.execution import Job
    from wincnode.commands.reboots import Reboots
    from wincnode.errors import ConfigError

    planned(plan=plan, exit_code=exit_code)
    if sum((cluster_only, machine_only, keep_node)) > 1:
        raise ConfigError("it takes one of --cluster-only, --machine-only, --keep-node")
    wanted = outputs(output)
    known = asked(inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file)
    if not (plan or yes):
        names = ", ".join(known.options.nodes)
        refuse_unasked("leave takes nodes out of the cluster", no_input=no_input)
        typer.confirm(f"Take {names} out of the cluster?", abort=True, err=True)
    where = verb.Where(
        kubeconfig=kubeconfig,
        context=context,
        may_ask=may_ask(no_input=no_input),
        keep_node=keep_node,
        cluster_only=cluster_only,
        machine_only=machine_only,
        drain=Drain(timeout_s=drain_timeout, delete_emptydir=delete_emptydir_data, force=force),
    )
    job = Job(
        playbooks=(),
        command="leave",
        check=plan,
        pending_counts=exit_code,
        reboots=Reboots(reboot.value, at_once=reboots_at_once),
    )
    with session(known) as running:
        report = verb.run(known.inventory, known.options, job, where, running)
    end(report, wanted, known.inventory)


def _line(command: str | None) -> str:
    """Give the command line; the token in it is better read than given where others see it."""
    return typer.get_text_stream("stdin").read() if command == "-" else command or ""
