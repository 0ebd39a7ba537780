"""A host's variables to the fields of a connection, as Ansible's winrm and psrp read them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wincnode.inventory.ansible.files import Files
from wincnode.inventory.ansible.resolve import Resolved
from wincnode.inventory.ansible.variables import (
    BY_NAME,
    CONNECTION,
    PREFIXES,
    PSRP,
    TABLE,
    Placed,
    Vaulted,
    names_of,
    plugin_of,
)
from wincnode.inventory.connection import PORTS, Connection
from wincnode.inventory.fields import Spec, specs
from wincnode.inventory.marks import Mistakes, Place, nearest, shown
from wincnode.inventory.model import Node
from wincnode.secrets import Secret, Source

# pywinrm's names of the schemes (winrm/transport.py@v0.5.0, build_session); psrp has the others.
AUTHS: Mapping[str, str] = {
    "basic": "basic",
    "plaintext": "basic",
    "ssl": "basic",
    "certificate": "certificate",
    "ntlm": "ntlm",
    "kerberos": "kerberos",
    "credssp": "credssp",
    # Kerberos where it can be had, else NTLM; here it is what works everywhere.
    "negotiate": "ntlm",
}
NO_TEMPLATES = (
    "is a template, and wincnode evaluates none; write the value, or leave it out and give it"
    " in wincnode.yaml"
)
PATHS = ("ca_file", "cert_file", "key_file")
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")


@dataclass(kw_only=True, slots=True)
class Notes:
    """What the user is told once, with how many hosts it concerns."""

    hosts: dict[str, int] = field(default_factory=dict)
    first: dict[str, Place] = field(default_factory=dict)

    def add(self, text: str, place: Place) -> None:
        self.hosts[text] = self.hosts.get(text, 0) + 1
        self.first.setdefault(text, place)

    def lines(self) -> list[str]:
        """Give a line for each."""
        return [
            f"{self.first[text]}: {text}" + (f" ({count} hosts)" if count > 1 else "")
            for text, count in self.hosts.items()
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """A host with a Windows connection.

    Args:
        address: the host's name, where the inventory gives none.
        stated: fields of `Connection` that the inventory gives.
        implied: those that Ansible takes where none is given.
        places: where each stated field stands.
    """

    name: str
    place: Place
    groups: tuple[str, ...]
    address: str
    stated: Mapping[str, object]
    implied: Mapping[str, object]
    places: Mapping[str, Place]


class Reader:
    """Reads hosts one after the other; equal passwords become one, so that they are tried once."""

    def __init__(self, files: Files, mistakes: Mistakes) -> None:
        self._files = files
        self._mistakes = mistakes
        self._passwords: dict[str, Source] = {}
        self._plain: set[Path] = set()
        self.notes = Notes()

    def read(self, host: Resolved) -> Host | None:
        """Give a host with its connection, or nothing where that is none of Windows."""
        given = host.values.get(CONNECTION)
        if given is None or given.value is None:
            return None
        if isinstance(given.value, Vaulted) or _is_template(given):
            self._mistakes.add(
                given.place, CONNECTION, f"{NO_TEMPLATES}: it decides what is a node"
            )
            return None
        plugin = plugin_of(given.value)
        return self._windows(host, plugin) if plugin else None

    def _windows(self, host: Resolved, plugin: str) -> Host:
        found, places = dict[str, object](), dict[str, Place]()
        for name in dict.fromkeys(row.field for row in TABLE if row.field):
            for variable in reversed(names_of(plugin, name)):
                placed = host.values.get(variable)
                if placed is not None and placed.value is not None:
                    places[name] = placed.place
                    value = self._field(name, variable, placed)
                    if value is not None:
                        found[name] = value
                    break
        self._judge(host, plugin)
        address = found.pop("address", "")
        self._finish(found, places, plugin)
        user = str(found.get("user", ""))
        implied = {"auth": "kerberos" if "@" in user else "basic"} if user else {}
        return Host(
            # As the kubelet makes of a host's name.
            # Source: GetHostname in kubernetes/kubernetes:pkg/util/node/node.go@00bdb3f
            name=host.name.lower(),
            place=host.place,
            groups=host.groups,
            address=str(address) or host.name,
            stated=found,
            implied=implied if plugin != PSRP else {},
            places=places,
        )

    def _finish(self, found: dict[str, object], places: dict[str, Place], plugin: str) -> None:
        """Put in what the plugins conclude from port, scheme and certificate."""
        # winrm: http on 5985, else https; its port is 5986 whatever the scheme is. psrp: the port
        # follows the scheme.
        port, scheme = found.get("port"), found.get("scheme")
        if port is not None and scheme is None:
            found["scheme"] = "http" if port == PORTS["http"] else "https"
            places["scheme"] = places["port"]
        if scheme is not None and port is None:
            found["port"] = PORTS[str(scheme)] if plugin == PSRP else PORTS["https"]
            places["port"] = places["scheme"]
        # pywinrm's `ssl` is Basic, unless there is a certificate.
        if found.get("auth") == "ssl":
            found["auth"] = "certificate" if found.keys() & {"cert_file", "key_file"} else "basic"

    def _field(self, name: str, variable: str, placed: Placed) -> object:
        """Give a field's value; nothing, where a mistake was told."""
        try:
            if name == "auth":
                return self._auth(variable, placed)
            value = self._text(placed)
            if name == "password":
                return self._password(value, placed)
            spec = _SPECS[name]
            return _number(value, spec) if spec.shape == "number" else _checked(name, value, spec)
        except ValueError as err:
            self._mistakes.add(placed.place, variable, str(err))
            return None

    def _auth(self, variable: str, placed: Placed) -> str:
        value = placed.value
        words = value if isinstance(value, list | tuple) else self._text(placed).split(",")
        if any(not isinstance(word, str) or _TEMPLATE.search(word) for word in words):
            raise ValueError("takes words")
        names = [str(word).strip() for word in words]
        if not names or names[0] not in AUTHS:
            raise ValueError(f"is {shown(names[0] if names else '')}; one of {', '.join(AUTHS)}")
        if len(names) > 1:
            text = f"{variable}: names several; {names[0]} is used, and nothing else tried"
            self.notes.add(text, placed.place)
        return "ssl" if names[0] == "ssl" else AUTHS[names[0]]

    def _text(self, placed: Placed) -> str:
        value = placed.value
        if isinstance(value, Vaulted):
            value = self._files.keys.open(value.text).reveal()
        elif _is_template(placed):
            raise ValueError(NO_TEMPLATES)
        elif isinstance(value, Secret):
            value = value.reveal()
        # Ansible turns numbers and truths into text too, where an option is one.
        if isinstance(value, str | int | float):
            return str(value)
        raise ValueError("takes a single value")

    def _password(self, text: str, placed: Placed) -> Source | None:
        if not text:  # as where a Kerberos ticket is to be used
            return None
        if not isinstance(placed.value, Vaulted):
            self._guard(placed.place)
        # By the text, not by the place: else each host of a wrong password would be tried anew.
        if text not in self._passwords:
            self._passwords[text] = Source(
                kind="ansible", argument=(str(placed.place),), held=Secret(text)
            )
        return self._passwords[text]

    def _guard(self, place: Place) -> None:
        """Let a password in plain text pass where its owner alone can read the file."""
        content = self._files.content(place.path)
        if content.vaulted:
            return
        if os.name == "posix" and content.mode & ~0o600:
            raise ValueError(
                f"is plain text in a file of mode {content.mode:04o}, wider than 0600; encrypt it"
                " with ansible-vault, or run chmod 600 on the file, or leave it out and give"
                " connection.password in wincnode.yaml"
            )
        if place.path not in self._plain:
            self._plain.add(place.path)
            text = f"{place.path.name} holds passwords in plain text; ansible-vault encrypts them"
            self.notes.add(text, place)

    def _judge(self, host: Resolved, plugin: str) -> None:
        """Refuse what would be another connection, and tell what is not followed."""
        for name, placed in host.values.items():
            row = BY_NAME.get(name)
            if row is None:
                self._unknown(name, plugin, placed)
            elif not row.of:
                self.notes.add(f"{name}: {row.why}", placed.place)
            elif placed.value is None or plugin not in row.of:
                continue
            elif row.only is not None and placed.value not in row.only:
                self._mistakes.add(placed.place, name, f"cannot be followed: {row.why}")
            elif name.endswith("cert_validation") and placed.value == "ignore":
                self.notes.add(f"{name}: {row.why} of wincnode.yaml", placed.place)

    def _unknown(self, name: str, plugin: str, placed: Placed) -> None:
        if name.startswith(f"ansible_{plugin}_"):
            words = [row.name for row in TABLE if row.name.startswith(PREFIXES)]
            hint = nearest(name, words)
            text = f"; {hint}" if hint.startswith("did") else ""
            self.notes.add(f"{shown(name)} is unknown and not followed{text}", placed.place)


_SPECS: Mapping[str, Spec] = {**specs(Connection), "address": specs(Node)["address"]}


def _is_template(placed: Placed) -> bool:
    value = placed.value
    text = value.reveal() if isinstance(value, Secret) else value
    return isinstance(text, str) and not placed.unsafe and bool(_TEMPLATE.search(text))


def _number(text: str, spec: Spec) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not spec.minimum <= int(text) <= spec.maximum:
        raise ValueError(f"is {shown(text)}; a number from {spec.minimum} to {spec.maximum}")
    return int(text)


def _checked(name: str, text: str, spec: Spec) -> str:
    """Hold a text to its field."""
    if not text or not text.isprintable():
        raise ValueError(f"is {shown(text)}; it takes printable text")
    if spec.allowed and text not in spec.allowed:
        raise ValueError(f"is {shown(text)}; one of {', '.join(spec.allowed)}")
    if spec.pattern and not re.fullmatch(spec.pattern, text):
        raise ValueError(f"is {shown(text)}; {spec.form}")
    # As for Ansible, which hands them on: relative ones start where the command runs.
    return os.path.expanduser(text) if name in PATHS else text  # noqa: PTH111 - never raises
