r"""The line that `kubeadm token create --print-join-command` prints, taken apart.

Source: kubernetes/kubernetes:cmd/kubeadm/app/cmd/util/join.go@v1.36.3 (its form) and
cmd/kubeadm/app/cmd/join.go@v1.36.3 (its flags)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wincnode.errors import ConfigError
from wincnode.secrets import Secret
from wincnode.worker import paths
from wincnode.worker.words import words

# Source: kubernetes/kubernetes:staging/src/k8s.io/cluster-bootstrap/token/api/types.go@v1.36.3
TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
# Source: kubernetes/kubernetes:cmd/kubeadm/app/util/pubkeypin/pubkeypin.go@v1.36.3
CA_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_SERVER = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
# A line goes on after a backslash in shells, a backtick in PowerShell, a caret in cmd.
_CONTINUED = re.compile(r"[\\`^][ \t]*\r?\n")
_TOKENS = ("token", "discovery-token", "tls-bootstrap-token")
_HASH = "discovery-token-ca-cert-hash"
_SWITCHES = frozenset({"control-plane", "dry-run", "discovery-token-unsafe-skip-ca-verification"})
REFUSED = {
    "control-plane": "that joins a control plane; a Windows node is a worker",
    "certificate-key": "that joins a control plane; a Windows node is a worker",
    "apiserver-advertise-address": "that joins a control plane; a Windows node is a worker",
    "apiserver-bind-port": "that joins a control plane; a Windows node is a worker",
    "discovery-token-unsafe-skip-ca-verification": "the cluster's CA is always verified",
    "discovery-file": "give that kubeconfig as cluster.kubeconfig of the inventory",
    "config": "wincnode writes the file; give the other flags instead",
    "node-name": "a node's name is the one in the inventory",
    "ignore-preflight-errors": "wincnode runs its own checks before",
    "patches": "wincnode writes the kubelet's configuration",
    "dry-run": "use wincnode's own --plan",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinCommand:
    """What the line says: where the API server is, and what to trust it by."""

    server: str
    token: Secret
    ca_hashes: tuple[str, ...]


def parse_join_command(text: str) -> JoinCommand:
    """Take the line apart, also where it was copied with its line breaks and quotes.

    Raises: ConfigError: it is none, or asks for what wincnode does not do; no value is repeated.
    """
    servers, flags = _divided(_after_join(text))
    for name in flags:
        if name in REFUSED:
            raise _wrong(f"--{name}: {REFUSED[name]}")
        if name not in {*_TOKENS, _HASH, "cri-socket"}:
            raise _wrong(f"no flag --{name} is known")
    if len(servers) != 1:
        raise _wrong(f"it names {len(servers)} servers; one HOST:PORT stands behind `join`")
    if flags.get("cri-socket", [paths.CRI_ENDPOINT])[-1] != paths.CRI_ENDPOINT:
        raise _wrong(f"--cri-socket: containerd answers at {paths.CRI_ENDPOINT}")
    return JoinCommand(server=_server(servers[0]), token=_token(flags), ca_hashes=_hashes(flags))


def _after_join(text: str) -> list[str]:
    try:
        found = words(_CONTINUED.sub(" ", text))
    except ValueError:
        raise _wrong("a quote has no end") from None
    if found[:1] == ["sudo"]:
        del found[0]
    if [word.removesuffix(".exe") for word in found[:2]] != ["kubeadm", "join"]:
        raise _wrong("it does not begin with `kubeadm join`")
    return found[2:]


def _divided(line: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Divide words into places and flags with their values; a flag without a value has an empty."""
    servers: list[str] = []
    flags: dict[str, list[str]] = {}
    rest = list(line)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            servers.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals and name not in _SWITCHES and rest and not rest[0].startswith("-"):
            value = rest.pop(0)
        flags.setdefault(name, []).append(value)
    return servers, flags


def _server(text: str) -> str:
    found = _SERVER.fullmatch(text)
    if not found or not 0 < int(found[3]) < 65536:
        raise _wrong("its server is not HOST:PORT")
    return text


def _token(flags: dict[str, list[str]]) -> Secret:
    given = {value for name in _TOKENS for value in flags.get(name, [])}
    if len(given) != 1:
        raise _wrong(f"it gives {len(given)} tokens; one stands behind --token")
    (token,) = given
    if not TOKEN.fullmatch(token):
        raise _wrong("its token is none: six characters, a dot and sixteen more, of a-z and 0-9")
    return Secret(token)


def _hashes(flags: dict[str, list[str]]) -> tuple[str, ...]:
    given = [row.strip().lower() for value in flags.get(_HASH, []) for row in value.split(",")]
    if not given:
        raise _wrong(f"--{_HASH} is missing, and without it any server would be trusted")
    if not all(map(CA_HASH.fullmatch, given)):
        raise _wrong(f"--{_HASH} is not sha256: and 64 hexadecimal digits")
    return tuple(dict.fromkeys(given))


def _wrong(problem: str) -> ConfigError:
    return ConfigError(
        f"the join command: {problem}",
        remedy="Print one with: kubeadm token create --print-join-command",
    )
