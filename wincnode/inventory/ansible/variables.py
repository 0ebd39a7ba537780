"""The variables that Ansible connects to Windows with, and what becomes of each here.

Source: the options of the connection plugins, ansible/ansible:lib/ansible/plugins/connection/
winrm.py and psrp.py@v2.19.14; of several variables of one option the last in their lists wins
(_loop_entries in lib/ansible/config/manager.py). What winrm passes on are the arguments of
Protocol in pywinrm 0.5.0 (winrm/protocol.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from wincnode.inventory.marks import Place
from wincnode.secrets import Secret

WINRM, PSRP = "winrm", "psrp"
BOTH = (WINRM, PSRP)
CONNECTION = "ansible_connection"
PRIORITY = "ansible_group_priority"
PREFIXES = ("ansible_winrm_", "ansible_psrp_")
# A connection may be written with the collection that it comes from.
COLLECTIONS = ("ansible.builtin.", "ansible.legacy.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """What becomes of one variable.

    Args:
        of: the connections that read it.
        field: the field of a node or its connection that it gives; empty where it gives none.
        only: the values that mean what wincnode does anyway; any other is refused.
        why: what is not followed, and why; or what wincnode has instead.
    """

    name: str
    of: tuple[str, ...] = BOTH
    field: str = ""
    only: tuple[str, ...] | None = None
    why: str = ""


def _winrm(name: str, **more: object) -> Variable:
    return Variable(name=f"ansible_winrm_{name}", of=(WINRM,), **more)  # type: ignore[arg-type] # rows


def _psrp(name: str, **more: object) -> Variable:
    return Variable(name=f"ansible_psrp_{name}", of=(PSRP,), **more)  # type: ignore[arg-type] # rows


_VERIFIED = "certificates are verified in any case; trust them by `ca_file` or `fingerprint`"
_LIMITS = "wincnode has time limits of its own"
_SEALED = "over http every scheme but Basic is sealed in any case"
_TICKET = "wincnode runs no kinit: it uses the ticket that is there"
_NAMED = "the node is asked for under its own address"
_DIRECT = "nodes are reached without a proxy"
_LEGACY = "Ansible's winrm and psrp do not read it"

# In the order of the plugins' lists, as the last of a field wins.
TABLE: tuple[Variable, ...] = (
    Variable(name=CONNECTION, why="`winrm` and `psrp` make a host a node"),
    Variable(name="ansible_host", field="address"),
    _winrm("host", field="address"),
    _psrp("host", field="address"),
    Variable(name="ansible_port", field="port"),
    _winrm("port", field="port"),
    _psrp("port", field="port"),
    Variable(name="ansible_user", field="user"),
    _winrm("user", field="user"),
    _psrp("user", field="user"),
    Variable(name="ansible_password", field="password"),
    Variable(name="ansible_winrm_pass", field="password"),
    Variable(name="ansible_winrm_password", field="password"),
    _winrm("scheme", field="scheme"),
    _psrp("protocol", field="scheme"),
    _winrm("transport", field="auth"),
    _psrp("auth", field="auth"),
    _winrm("ca_trust_path", field="ca_file"),
    _psrp("cert_trust_path", field="ca_file"),
    _psrp("ca_cert", field="ca_file"),
    _winrm("cert_pem", field="cert_file"),
    _psrp("certificate_pem", field="cert_file"),
    _winrm("cert_key_pem", field="key_file"),
    _psrp("certificate_key_pem", field="key_file"),
    _psrp("connection_timeout", field="connect_timeout_s"),
    _winrm("server_cert_validation", why=_VERIFIED),
    _psrp("cert_validation", why=_VERIFIED),
    _winrm("message_encryption", why=_SEALED),
    _psrp("message_encryption", why=_SEALED),
    _winrm("operation_timeout_sec", why=_LIMITS),
    _winrm("read_timeout_sec", why=_LIMITS),
    _winrm("connection_timeout", why=_LIMITS),
    _psrp("operation_timeout", why=_LIMITS),
    _psrp("read_timeout", why=_LIMITS),
    _psrp("reconnection_retries", why="wincnode attaches to a run again by itself"),
    _psrp("connection_backoff", why="wincnode attaches to a run again by itself"),
    _psrp("reconnection_backoff", why="wincnode attaches to a run again by itself"),
    _psrp("max_envelope_size", why="wincnode has a size of its own"),
    _winrm("kerberos_delegation", why="wincnode needs no ticket on the node"),
    _psrp("negotiate_delegate", why="wincnode needs no ticket on the node"),
    _winrm("kinit_cmd", why=_TICKET),
    _winrm("kinit_args", why=_TICKET),
    _winrm("kinit_env_vars", why=_TICKET),
    _winrm("kinit_mode", why=_TICKET),
    _winrm("realm", why="pywinrm does not use it either"),
    _winrm("keytab", why="pywinrm does not use it either"),
    _winrm("send_cbt", why="the channel is bound in any case"),
    _psrp("negotiate_send_cbt", why="the channel is bound in any case"),
    _winrm("credssp_disable_tlsv1_2", why="TLS 1.2 stays on"),
    _psrp("credssp_disable_tlsv1_2", why="TLS 1.2 stays on"),
    _psrp("credssp_auth_mechanism", why="CredSSP settles it with the node"),
    _psrp("credssp_minimum_version", why="CredSSP settles it with the node"),
    _psrp("ignore_proxy", why=_DIRECT),
    _winrm("path", only=("/wsman", "wsman"), why="nodes are asked at `/wsman`"),
    _psrp("path", only=("/wsman", "wsman"), why="nodes are asked at `/wsman`"),
    _winrm("service", only=("HTTP",), why=_NAMED),
    _psrp("negotiate_service", only=("WSMAN", "HTTP"), why=_NAMED),
    _winrm("kerberos_hostname_override", only=(), why=_NAMED),
    _psrp("negotiate_hostname_override", only=(), why=_NAMED),
    _winrm("proxy", only=("legacy_requests",), why=_DIRECT),
    _psrp("proxy", only=(), why=_DIRECT),
    _psrp(
        "configuration_name",
        only=("Microsoft.PowerShell",),
        why="wincnode starts a process, not a session of a configuration",
    ),
    Variable(name="ansible_ssh_host", of=(), why=_LEGACY),
    Variable(name="ansible_ssh_port", of=(), why=_LEGACY),
    Variable(name="ansible_ssh_user", of=(), why=_LEGACY),
    Variable(name="ansible_ssh_pass", of=(), why=_LEGACY),
)
BY_NAME: Mapping[str, Variable] = MappingProxyType({row.name: row for row in TABLE})
SECRET = frozenset(row.name for row in TABLE if row.field == "password") | {"ansible_ssh_pass"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Vaulted:
    """A value that ansible-vault has encrypted, as it stands in the file."""

    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A variable's value and where it stands.

    Args: unsafe: it was tagged `!unsafe`, so that braces in it are no template.
    """

    value: object = field(repr=False)
    place: Place
    unsafe: bool = False


Values = dict[str, Placed]


def placed(name: str, value: object, place: Place, *, unsafe: bool = False) -> Placed:
    """Give a variable as it is kept: a password is hidden from here on."""
    if name in SECRET and isinstance(value, str | int | float):
        value = Secret(str(value))
    return Placed(value=value, place=place, unsafe=unsafe)


def is_kept(name: object) -> bool:
    """Tell whether a variable matters to a connection; all others are not even read."""
    return isinstance(name, str) and (name in BY_NAME or name.startswith(PREFIXES))


def plugin_of(value: object) -> str:
    """Give `winrm` or `psrp` where a value of ansible_connection names one, else nothing."""
    text = value if isinstance(value, str) else ""
    for lead in COLLECTIONS:
        text = text.removeprefix(lead)
    return text if text in BOTH else ""


def names_of(plugin: str, field: str) -> list[str]:
    """List the variables that give a field to a connection; the last that is set wins."""
    return [row.name for row in TABLE if row.field == field and plugin in row.of]
