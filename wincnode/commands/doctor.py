"""What this workstation has for wincnode: read here, without touching a node."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wincnode import __version__
from wincnode.artifacts.fetch import cache_folder
from wincnode.cluster.api import Api
from wincnode.cluster.connection import Patience
from wincnode.commands.clusters import access_of
from wincnode.errors import ClusterError, ConfigError
from wincnode.inventory import gather
from wincnode.inventory.model import Inventory, Node
from wincnode.registry import credentials
from wincnode.secrets import Source, resolve

SCHEMA = "wincnode/doctor/v1"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
ONCE = Patience(tries=1, connect_s=5, silent_s=10)
KLIST_TIMEOUT_S = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that was looked at."""

    topic: str
    verdict: Literal["ok", "warning", "error"]
    text: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The workstation as a command finds it.

    Args:
        inventories: as they were given, or the default one. kubeconfig: instead of the inventory's.
        given: whether the inventories were named, so that they have to be there.
    """

    environ: Mapping[str, str]
    home: Path
    inventories: Sequence[Path]
    given: bool = False
    vault: Sequence[Path] = ()
    kubeconfig: Path | None = None
    context: str | None = None


def run(desk: Desk) -> tuple[Row, ...]:
    """Look at everything; what is wrong with one thing hides none of the others."""
    return tuple(_rows(desk))


def exit_code(rows: Sequence[Row]) -> int:
    """Give 1 where something is wrong, else 0."""
    return int(any(row.verdict == "error" for row in rows))


def to_data(rows: Sequence[Row]) -> Mapping[str, Any]:
    """Give the rows as JSON-able data of the versioned schema."""
    told = [
        {"topic": row.topic, "verdict": row.verdict, "text": row.text, "remedy": row.remedy}
        for row in rows
    ]
    return {"schema": SCHEMA, "exit_code": exit_code(rows), "rows": told}


def _rows(desk: Desk) -> Iterator[Row]:
    system = f"{platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()} ({sys.executable})"
    yield _ok("wincnode", f"{__version__}, {python}, {system}")
    row, inventory = _inventory(desk)
    yield row
    nodes = inventory.nodes if inventory else ()
    yield from _passwords(nodes)
    if any(node.connection.auth == "kerberos" for node in nodes):
        yield from _kerberos()
    yield _proxies(desk.environ)
    yield _netrc(desk)
    yield from _cluster(desk, inventory)
    yield _cache(desk)
    yield from _helpers(desk)


def _ok(topic: str, text: str) -> Row:
    return Row(topic=topic, verdict="ok", text=text)


def _wrong(topic: str, error: ConfigError | ClusterError) -> Row:
    return Row(topic=topic, verdict="error", text=error.message, remedy=error.remedy)


def _inventory(desk: Desk) -> tuple[Row, Inventory | None]:
    names = ", ".join(map(str, desk.inventories))
    if not desk.given and not any(map(_is_there, desk.inventories)):
        remedy = "`wincnode init` writes one; -i names another, or one of Ansible."
        text = f"there is no {names} in this folder"
        return Row(topic="inventory", verdict="warning", text=text, remedy=remedy), None
    try:
        found = gather(desk.inventories, desk.vault)
    except ConfigError as error:
        return _wrong("inventory", error), None
    return _ok("inventory", f"{names} is valid; nodes: {len(found.nodes)}"), found


def _passwords(nodes: Sequence[Node]) -> Iterator[Row]:
    """Look whether passwords can be had; programs are not started, and nobody is asked."""
    first: dict[Source, str] = {}
    for node in nodes:
        if node.connection.password is not None:
            first.setdefault(node.connection.password, node.name)
    for source, name in first.items():
        what = f"password of {name}"
        program = source.argument[0] if source.kind == "command" else ""
        if program and shutil.which(program) is None:
            text = f"{what}: there is no program {program}"
            yield Row(topic="password", verdict="error", text=text)
            continue
        try:
            if source.kind in {"env", "file"}:
                resolve(source, what=what)
        except ConfigError as error:
            yield _wrong("password", error)
        else:
            yield _ok("password", f"{what}: {_told(source)}")


def _told(source: Source) -> str:
    match source.kind:
        case "env":
            return f"the environment variable {source.argument[0]} is set"
        case "file":
            return f"{source.argument[0]} can be read, and by nobody else"
        case "command":
            return f"comes from {source.argument[0]}, which is there"
        case "prompt":
            return "is asked for"
    return "stands in the inventory of Ansible"


def _kerberos() -> Iterator[Row]:
    """Look for the module and a ticket, which pywinrm takes whether there is a password or not."""
    if importlib.util.find_spec("kerberos") is None and os.name == "posix":
        text = "nodes have auth kerberos, and pykerberos is not installed"
        remedy = "Install it with `pip install wincnode[kerberos]`."
        yield Row(topic="kerberos", verdict="error", text=text, remedy=remedy)
    if shutil.which("klist") is None or os.name != "posix":
        text = "whether there is a ticket cannot be seen: there is no klist"
        yield Row(topic="kerberos", verdict="warning", text=text)
        return
    # -s says by its exit code whether there is a ticket that has not expired.
    # Source: MIT Kerberos documentation, user commands, klist
    try:
        done = subprocess.run(
            ("klist", "-s"), stdin=subprocess.DEVNULL, timeout=KLIST_TIMEOUT_S, check=False
        )
        there = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        there = False
    if there:
        yield _ok("kerberos", "there is a ticket that is valid")
        return
    text = "nodes have auth kerberos, and there is no valid ticket"
    yield Row(topic="kerberos", verdict="error", text=text, remedy="Get one with `kinit USER`.")


def _proxies(environ: Mapping[str, str]) -> Row:
    """Tell what is set: nodes are never reached by a proxy, and all else is."""
    found = {
        name: value
        for name in PROXIES
        if (value := environ.get(name.lower()) or environ.get(name) or "")
    }
    if not found:
        return _ok("proxy", "none is set")
    told = ", ".join(f"{name}={_bare(value)}" for name, value in found.items())
    return _ok("proxy", f"{told}: not for nodes; for downloads, registries and the cluster")


def _bare(value: str) -> str:
    """Give a proxy without its credentials; a list of exceptions has none."""
    if "@" not in value:
        return value
    # A password may hold anything, so nothing of it is taken for an address.
    scheme, mark, rest = value.partition("://") if "://" in value else ("", "", value)
    return f"{scheme}{mark}***@{rest.rpartition('@')[2]}"


def _is_there(path: Path) -> bool:
    """Say whether a file is there; for who may not look, it is not."""
    return os.path.exists(path)  # noqa: PTH110 - Path's raises there


def _netrc(desk: Desk) -> Row:
    """Tell which file requests would read.

    Source: requests.readthedocs.io/en/latest/user/authentication, "netrc Authentication"
    """
    named = desk.environ.get("NETRC")
    places = [Path(named)] if named else [desk.home / ".netrc", desk.home / "_netrc"]
    found = next((path for path in places if _is_there(path)), None)
    if found is None:
        return _ok("netrc", "there is none")
    return _ok("netrc", f"{found}: not for nodes, registries and the cluster; for downloads")


def _cluster(desk: Desk, inventory: Inventory | None) -> Iterator[Row]:
    """Ask the API server once which version it is; no node needs it before it joins."""
    named = desk.kubeconfig or desk.context or (inventory and inventory.cluster.kubeconfig)
    settings = inventory or Inventory(path=Path())
    try:
        access = access_of(settings, desk.kubeconfig, desk.context)
    except ConfigError as error:
        yield Row(
            topic="cluster",
            verdict="error" if named else "warning",
            text=error.message,
            remedy=error.remedy or "join, leave and cluster need one: --kubeconfig, KUBECONFIG.",
        )
        return
    plugin = access.plugin
    if plugin is not None and shutil.which(plugin.command) is None:
        text = f"context {access.context}: there is no program {plugin.command}"
        yield Row(topic="cluster", verdict="error", text=text, remedy=plugin.install_hint)
        return
    api = Api(access, patience=ONCE, may_ask=False)
    try:
        version = api.version().get("gitVersion")
    except (ClusterError, ConfigError) as error:
        yield _wrong("cluster", error)
        return
    yield _ok("cluster", f"{api.server} answers as {version}, context {access.context}")


def _cache(desk: Desk) -> Row:
    """Look whether downloads can be kept; nothing is left there."""
    cache = cache_folder(desk.environ, desk.home)
    there = next((path for path in (cache, *cache.parents) if _is_there(path)), cache)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Row(
            topic="cache",
            verdict="error",
            text=f"{cache}: cannot be written: {error.strerror}",
            remedy="Name another folder by XDG_CACHE_HOME.",
        )
    return _ok("cache", f"{cache} can be written")


def _helpers(desk: Desk) -> Iterator[Row]:
    """Look for the programs that Docker's config.json has registries' credentials from."""
    try:
        logins = credentials.load(desk.environ, desk.home)
    except ConfigError as error:
        yield _wrong("registry", error)
        return
    names = sorted({*logins.helpers.values(), *filter(None, (logins.store,))})
    for name in names:
        program = f"docker-credential-{name}"
        if shutil.which(program):
            yield _ok("registry", f"{logins.path} names {program}, which is there")
            continue
        yield Row(
            topic="registry",
            verdict="error",
            text=f"{logins.path} names {program}, which is not there",
            remedy="Install it, or take it out of credsStore or credHelpers.",
        )
