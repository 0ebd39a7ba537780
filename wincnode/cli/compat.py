"""The verb that says which images run on which hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from wincnode.cli.app import app
from wincnode.cli.options import Context, Format, Isolation, Kubeconfig, NoInput, Output, may_ask
from wincnode.errors import ConfigError


class Arch(StrEnum):
    """The architecture of a host."""

    amd64 = "amd64"
    arm64 = "arm64"


@app.command()
def compat(
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]...", help="Images whose registries are asked."),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="BUILD",
            help="Windows build of a host, such as 20348 or 20348.587; all known ones if none,"
            " with images those that Kubernetes supports.",
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            "--image",
            metavar="BUILD",
            help="Windows build of an image, such as 17763; all known ones if none.",
        ),
    ] = None,
    isolation: Annotated[
        Isolation | None, typer.Option("--isolation", help="Of the container; both if none.")
    ] = None,
    containerd: Annotated[
        str,
        typer.Option(
            "--containerd", metavar="VERSION", help="The runtime, by whose rule is judged."
        ),
    ] = "",
    arch: Annotated[Arch, typer.Option("--arch", help="Of the hosts.")] = Arch.amd64,
    images_from: Annotated[
        str | None,
        typer.Option(
            "--images-from", metavar="FILE", help="Kubernetes manifests; - for those on stdin."
        ),
    ] = None,
    images_from_cluster: Annotated[
        bool, typer.Option("--images-from-cluster", help="The images of the cluster's pods.")
    ] = False,
    inventory: Annotated[
        Path | None,
        typer.Option(
            "-i",
            "--inventory",
            metavar="FILE",
            help="Its pause, network and kube-proxy images, its containerd and registries.",
        ),
    ] = None,
    plain_http: Annotated[
        list[str] | None,
        typer.Option("--plain-http", metavar="HOST", help="A registry that is asked over http."),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 5 if something is denied.")
    ] = False,
    output: Output = Format.table,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    no_input: NoInput = False,
) -> None:
    """Say which images run on which hosts: by the rules alone, or with what registries hold.

    Examples: wincnode compat --host 20348 --image 17763 --isolation process

    wincnode compat mcr.microsoft.com/windows/nanoserver:ltsc2022 --host 26100
    """
    from wincnode.commands import compat as verb

    question = verb.Question(
        hosts=tuple(host or ()),
        images=tuple(image or ()),
        isolation=isolation.value if isolation else None,
        containerd=containerd,
        arch=arch.value,
    )
    if not (images or images_from or images_from_cluster or inventory):
        answers = verb.run(question)
        code = answers.exit_code(denied_counts=exit_code)
        _end(verb.to_data(answers), verb.lines(answers), code, output)
    if image:
        raise ConfigError("--image is a build; it does not go with images of registries")

    from wincnode.commands import compat_images
    from wincnode.commands.compat_sources import Sources
    from wincnode.inventory import load_settings

    for name in plain_http or ():
        if "/" in name:
            raise ConfigError(
                f"--plain-http {name} is no host",
                remedy="Give it as images name it, such as registry.example:5000.",
            )
    sources = Sources(
        images=tuple(images or ()),
        manifests=images_from or "",
        inventory=load_settings(inventory) if inventory else None,
        cluster=images_from_cluster,
        kubeconfig=kubeconfig,
        context=context,
        may_ask=may_ask(no_input=no_input),
        plain_http=frozenset(plain_http or ()),
    )
    found = compat_images.run(question, sources)
    code = found.exit_code(denied_counts=exit_code)
    _end(compat_images.to_data(found), compat_images.lines(found), code, output)


def _end(data: Mapping[str, Any], lines: Iterable[str], code: int, output: Format) -> NoReturn:
    import json

    typer.echo(json.dumps(data, indent=2) if output is Format.json else "\n".join(lines))
    raise typer.Exit(code)
