"""Which API server, and as whom: a kubeconfig, resolved as kubectl resolves it.

Source of the rules: kubernetes/client-go:tools/clientcmd/{loader,client_config,validation}.go
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from wincnode.cluster.entries import (
    File,
    Part,
    Parts,
    Pem,
    fits_header,
    is_address,
    merged,
    named,
    read,
    rows,
    wrong,
)
from wincnode.secrets import Secret

Interactive = Literal["Never", "IfAvailable", "Always"]
EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
# The cluster's extension of this name is handed to its exec plugin.
# Source: kubernetes/client-go:tools/clientcmd/client_config.go, clusterExtensionKey
EXEC_EXTENSION = "client.authentication.k8s.io/exec"
NO_PEM = Pem()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugin:
    """A program that gives credentials: kubernetes.io/docs/reference/access-authn-authz/authentication.

    Args: config: the cluster's extension for it; it is told where provide_cluster_info is set.
    """  # noqa: E501 - an address

    api_version: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    interactive: Interactive = "IfAvailable"
    provide_cluster_info: bool = False
    install_hint: str = ""
    config: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterAccess:
    """One API server, and all that says who is asking; a text is empty where nothing is said.

    `impersonate` holds headers. Of token file, token, password, certificate and plugin, the
    plugin is used last: where there is nothing else.
    """

    server: str
    context: str = ""
    namespace: str = "default"
    ca: Pem = NO_PEM
    insecure: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    token: Secret | None = None
    token_file: Path | None = None
    username: str = ""
    password: Secret | None = None
    certificate: Pem = NO_PEM
    key: Pem = NO_PEM
    plugin: Plugin | None = None
    impersonate: tuple[tuple[str, str], ...] = ()


def load(
    path: Path | None = None,
    context: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
) -> ClusterAccess:
    """Read a kubeconfig, or those that kubectl would read, and resolve one context of it.

    Args: path: that file alone; KUBECONFIG's files, else ~/.kube/config where there is none.
        context: the current one where there is none.
    Raises: ConfigError: of id config.kubeconfig; no message repeats what could be a secret.
    """
    if path is not None:
        return resolve([(path, read(path))], context)
    listed = environ.get("KUBECONFIG", "")
    # The order of the files is that of their precedence; a file counts once, a missing one not.
    names = dict.fromkeys(filter(None, listed.split(os.pathsep)))
    paths = [Path(name) for name in names] if listed else [Path.home() / ".kube" / "config"]
    # Who may not look into a folder, such as another user's home, has no file there.
    found = [path for path in paths if os.path.exists(path)]  # noqa: PTH110 - Path's raises
    if not found:
        raise wrong(f"no kubeconfig: there is no {', '.join(map(str, paths))}")
    return resolve([(path, read(path)) for path in found], context)


def server_of(path: Path) -> str:
    """Give the server of a kubeconfig's current context; who would be asking is not looked at.

    Raises: ConfigError: of id config.kubeconfig.
    """
    _, chosen, parts = _chosen([(path, read(path))], None)
    return _server(named(chosen, "cluster", parts))


def authority_of(path: Path) -> str:
    """Give the authorities that a kubeconfig's current context trusts, as PEM; empty for none.

    Raises: ConfigError: of id config.kubeconfig, or the authority's file cannot be read.
    """
    _, chosen, parts = _chosen([(path, read(path))], None)
    return named(chosen, "cluster", parts).pem("certificate-authority").read().reveal()


def resolve(files: Sequence[File], context: str | None) -> ClusterAccess:
    """Merge kubeconfigs and resolve a context; the first file that names something defines it.

    Raises: ConfigError.
    """
    name, chosen, parts = _chosen(files, context)
    return _access(name, chosen, parts)


def _chosen(files: Sequence[File], context: str | None) -> tuple[str, Part, Parts]:
    """Give the name of a context, the context, and all that it may name."""
    parts = {kind: merged(files, kind) for kind in ("cluster", "user", "context")}
    told = (Part(where="kubeconfig", file=file, body=body) for file, body in files)
    name = context or next(filter(None, (row.text("current-context") for row in told)), "")
    where = ", ".join(str(file) for file, _ in files)
    if not name:
        raise wrong(f"{where}: names no current-context")
    chosen = parts["context"].get(name)
    if chosen is None:
        known = ", ".join(parts["context"]) or "none"
        raise wrong(f"{where}: has no context {name}; its contexts: {known}")
    return name, chosen, parts


def _server(cluster: Part) -> str:
    server = cluster.text("server").rstrip("/")
    if not is_address(server):
        raise cluster.refused("server is no address; it takes https://HOST:PORT")
    return server


def _access(name: str, chosen: Part, parts: Parts) -> ClusterAccess:
    cluster = named(chosen, "cluster", parts)
    user = named(chosen, "user", parts)
    access = ClusterAccess(
        server=_server(cluster),
        context=name,
        namespace=chosen.text("namespace") or "default",
        ca=cluster.pem("certificate-authority"),
        insecure=cluster.flag("insecure-skip-tls-verify"),
        tls_server_name=cluster.text("tls-server-name"),
        proxy_url=cluster.text("proxy-url"),
        token=_secret(user.text("token")),
        token_file=user.path("tokenFile"),
        username=user.text("username"),
        password=_secret(user.text("password")),
        certificate=user.pem("client-certificate"),
        key=user.pem("client-key"),
        plugin=_plugin(user, cluster),
        impersonate=_impersonate(user),
    )
    _judge(access, cluster, user)
    return access


def _judge(access: ClusterAccess, cluster: Part, user: Part) -> None:
    if access.insecure and access.ca:
        raise cluster.refused("insecure-skip-tls-verify and an authority are both given")
    if access.certificate and not access.key:
        raise user.refused("client-certificate has no client-key")
    if access.token and not fits_header(access.token.reveal()):
        raise user.refused("token holds what no header can: it is printable ASCII")
    if access.token and access.username:
        raise user.refused("token and username are both given; it takes one of them")
    if user.body.get("auth-provider"):
        raise user.refused("auth-provider is not supported; an exec plugin takes its place")


def _plugin(user: Part, cluster: Part) -> Plugin | None:
    body = user.body.get("exec")
    if body is None:
        return None
    if not isinstance(body, Mapping):
        raise user.refused("exec is no mapping")
    part = Part(where=f"{user.where}: exec", file=user.file, body=body)
    version, command = part.text("apiVersion"), part.text("command")
    if version not in EXEC_VERSIONS:
        raise part.refused(f"apiVersion is none of {', '.join(EXEC_VERSIONS)}")
    if not command:
        raise part.refused("command is missing")
    mode = part.text("interactiveMode")
    if not mode and version == EXEC_VERSIONS[1]:
        mode = "IfAvailable"
    if mode not in {"Never", "IfAvailable", "Always"}:
        raise part.refused("interactiveMode is none of Never, IfAvailable, Always")
    # A bare word is looked up in PATH; anything else is a path like the others of the file.
    found = part.path("command") if os.sep in command else None
    return Plugin(
        api_version=version,
        command=str(found) if found else command,
        args=part.texts("args"),
        env=_environment(part),
        interactive=cast("Interactive", mode),
        provide_cluster_info=part.flag("provideClusterInfo"),
        install_hint=part.text("installHint"),
        config=next(
            (
                row.get("extension")
                for row in rows(cluster, "extensions")
                if row.get("name") == EXEC_EXTENSION
            ),
            None,
        ),
    )


def _environment(part: Part) -> tuple[tuple[str, str], ...]:
    """Give the variables that a plugin gets."""
    pairs = []
    for row in rows(part, "env"):
        name, value = str(row.get("name", "")), str(row.get("value", ""))
        if not name or "=" in name or "\0" in name + value:
            raise part.refused("env takes rows of name and value")
        pairs.append((name, value))
    return tuple(pairs)


def _impersonate(user: Part) -> tuple[tuple[str, str], ...]:
    """Give the headers of kubernetes.io/docs/reference/access-authn-authz/user-impersonation."""
    who = user.text("as")
    extra = user.body.get("as-user-extra") or {}
    if not isinstance(extra, Mapping):
        raise user.refused("as-user-extra is no mapping")
    further = Part(where=f"{user.where}: as-user-extra", file=user.file, body=extra)
    rows = [
        ("Impersonate-User", who),
        ("Impersonate-Uid", user.text("as-uid")),
        *(("Impersonate-Group", group) for group in user.texts("as-groups")),
        *((f"Impersonate-Extra-{key}", value) for key in extra for value in further.texts(key)),
    ]
    given = tuple(row for row in rows if row[1])
    if given and not who:
        raise user.refused("as-uid, as-groups and as-user-extra need as")
    if not all(fits_header(text) for row in given for text in row):
        raise user.refused("as and what goes with it takes printable ASCII")
    return given


def _secret(text: str) -> Secret | None:
    return Secret(text) if text else None
