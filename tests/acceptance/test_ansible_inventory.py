"""Inventories of Ansible: what wincnode reads of them is what `ansible-inventory --list` prints."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import random_inventories

from wincnode.errors import ConfigError
from wincnode.inventory import Connection, Kubelet, Node
from wincnode.inventory.ansible import Keys, load
from wincnode.inventory.ansible.connection import AUTHS, PATHS
from wincnode.inventory.ansible.files import Files
from wincnode.inventory.ansible.resolve import resolve
from wincnode.inventory.ansible.variables import BY_NAME, Vaulted
from wincnode.inventory.marks import Mistakes
from wincnode.inventory.nodes import Defaults
from wincnode.secrets import Secret

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ansible") is None, reason="ansible-core is not installed"
)
HERE = Path(__file__).parent
OURS = HERE.parent / "inventories"
CORPUS = HERE.parent.parent.parent / "shared" / "corpus" / "inventories"
VAULT = OURS / "vault" / "password"
# Two sources at once, of which the second overrides.
PAIRS = (("site_a/hosts.ini", "site_b/hosts.yml"), ("site_b", "site_a/hosts.ini"))
# What of the corpus is refused, and where; it is no inventory, or Ansible refuses it too.
REFUSED = {
    "azure_rm-template.yml": ":2: plugin: configures an inventory plugin",
    "emilvonck-vcenter_vmware.yml": ":3: plugin: configures an inventory plugin",
    "ephos-vars.yml": ":1: is a list, no mapping of groups",
    "iis-lcdemi.yml": ":5: not YAML",
    "lab-ocean.ini": ":3: a variable is NAME=VALUE",
    "mirantis-inventory-ssh-template.ini": ":3: a variable is NAME=VALUE",
    "mirantis-inventory-template.ini": ":3: a variable is NAME=VALUE",
    "pastebin-AceSaqZ9.ini": ":2: a variable is NAME=VALUE",
    "rgodishela-all.yml": ":1: is text, no mapping of groups",
}


RANDOM = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Sources that are given together, and the file with the password of their vaults."""

    paths: tuple[Path, ...]
    vault: Path | None = None

    def __str__(self) -> str:
        return "+".join(f"{path.parent.name}/{path.name}" for path in self.paths)


def is_variables(path: Path) -> bool:
    """Tell whether a file of the corpus holds variables of a group, and no groups."""
    return path.suffix == ".yml" and "\nansible_" in f"\n{path.read_text()}"


def cases(folder: Path) -> list[Case]:
    """Give our own inventories and those of the corpus, where it is there."""
    found = [
        Case(paths=(path,))
        for path in sorted(OURS.iterdir())
        if path.name not in {"site_a", "site_b", "vault"}
    ]
    found += [Case(paths=tuple(OURS / name for name in pair)) for pair in PAIRS]
    shutil.copytree(OURS / "vault", folder / "vault")
    for path in (folder / "vault").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    key = folder / "vault" / VAULT.name
    found += [
        Case(paths=(path,), vault=key)
        for path in sorted((folder / "vault").iterdir())
        if path != key
    ]
    for path in sorted(CORPUS.glob("*")):
        if path.name in REFUSED:
            continue
        if is_variables(path):
            made = folder / path.stem
            (made / "group_vars").mkdir(parents=True)
            (made / "hosts").write_text("[windows]\nw[1:2].example.test\n[linux]\nl1\n")
            shutil.copy(path, made / "group_vars" / "windows.yml")
            found.append(Case(paths=(made / "hosts",)))
        else:
            found.append(Case(paths=(path,)))
    return found


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, dict[str, Any]]]:
    """Ask Ansible about every case."""
    folder = tmp_path_factory.mktemp("inventories")
    rows = cases(folder)
    return list(zip(rows, answers(rows, folder), strict=True))


def answers(rows: Iterable[Case], folder: Path) -> list[dict[str, Any]]:
    jobs = [
        {
            "paths": [str(path) for path in row.paths],
            "vault": None if row.vault is None else str(row.vault),
        }
        for row in rows
    ]
    (folder / "none.cfg").touch()  # so that no configuration of this machine counts
    done = subprocess.run(
        [sys.executable, "ansible_answers.py"],
        cwd=HERE,
        input=json.dumps(jobs),
        env={
            **{name: value for name, value in os.environ.items() if "ANSIBLE" not in name},
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_CONFIG": str(folder / "none.cfg"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def ours(paths: Sequence[Path], vault: Path | None) -> dict[str, tuple[list[str], dict[str, Any]]]:
    """Give each host's groups and the variables of its connection."""
    mistakes = Mistakes(paths[0])
    hosts, _ = resolve(paths, Files(Keys([vault] if vault else [])), mistakes)
    assert mistakes.text() == ""
    return {
        host.name: (
            list(host.groups),
            {name: shown(row.value) for name, row in host.values.items() if name in BY_NAME},
        )
        for host in hosts
    }


def shown(value: Any) -> Any:
    """Give a value as JSON has it; a password as text."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Vaulted):
        return {"__ansible_vault": value.text}
    return list(value) if isinstance(value, tuple) else value


def theirs(listed: dict[str, Any]) -> dict[str, tuple[list[str], dict[str, Any]]]:
    """Read the same from what `ansible-inventory --list` printed."""
    groups = {name: row for name, row in listed.items() if name != "_meta"}
    members: dict[str, set[str]] = {}

    def hosts_of(name: str) -> set[str]:
        if name not in members:
            row = groups.get(name, {})
            members[name] = set(row.get("hosts", ()))
            for child in row.get("children", ()):
                members[name] |= hosts_of(child)
        return members[name]

    values = listed["_meta"]["hostvars"]
    return {
        host: (
            sorted(name for name in groups if name != "all" and host in hosts_of(name)),
            {
                name: plain(name, value)
                for name, value in values.get(host, {}).items()
                if name in BY_NAME
            },
        )
        for host in hosts_of("all")
    }


def plain(name: str, value: Any) -> Any:
    """A password is text for us at once; a text that is not trusted is marked by Ansible."""
    if isinstance(value, dict) and "__ansible_unsafe" in value:
        value = value["__ansible_unsafe"]
    is_password = BY_NAME[name].field == "password" or name == "ansible_ssh_pass"
    return str(value) if is_password and isinstance(value, str | int | float) else value


def test_connection_data_is_that_of_ansible_inventory(
    asked: list[tuple[Case, dict[str, Any]]],
) -> None:
    """Host for host: the same hosts, groups and connection variables."""
    for case, answer in asked:
        assert "list" in answer, case
        assert ours(case.paths, case.vault) == theirs(answer["list"]), str(case)

    assert len(asked) >= 40
    assert sum(len(answer["list"]["_meta"]["hostvars"]) for _, answer in asked) > 150


def test_connections_are_those_that_the_plugins_would_open(
    asked: list[tuple[Case, dict[str, Any]]], tmp_path: Path
) -> None:
    """What winrm.py and psrp.py work out of the variables is what a node's connection says."""
    compared = 0
    refused = []
    for number, (case, answer) in enumerate(asked):
        expected = answer["connections"]
        if not expected or case.paths[0].is_relative_to(CORPUS):
            continue
        paths = private(case.paths, tmp_path / str(number))
        try:
            hosts = load(paths, Keys([case.vault] if case.vault else [])).hosts
        except ConfigError as error:
            refused.append((str(case), error.message))
            continue
        by_name = {host.name: host for host in hosts}
        sections = {"connection": Connection(), "kubelet": Kubelet()}
        defaults = Defaults(sections=sections, stated={}, hosts=by_name)
        assert {name.lower() for name in expected} == set(by_name), str(case)
        for name, row in expected.items():
            if "refused" not in row:
                node = defaults.node(by_name[name.lower()])
                found, expect = opened(node), wanted(row)
                if row["user"] is None:  # nobody logs on so; wincnode.yaml decides on both
                    del found["auth"], expect["auth"]
                assert found == expect, (str(case), name)
                compared += 1

    assert compared > 60
    assert {name for name, _ in refused} <= NO_NODES, refused


# Lists as users, and a template; tests/test_ansible_connection.py has each refusal.
NO_NODES = {"inventories/literals.ini", "vaultlab-group_vars/hosts"}


def opened(node: Node) -> dict[str, Any]:
    """Give what a node's connection says, in the words of the answers."""
    link = node.connection
    secret = link.password.held.reveal() if link.password and link.password.held else None
    return {
        "address": node.address,
        "port": link.effective_port,
        "scheme": link.scheme,
        "user": link.user,
        "password": secret,
        "auth": link.auth,
        **{name: getattr(link, name) for name in PATHS},
    }


def wanted(row: dict[str, Any]) -> dict[str, Any]:
    """Give what Ansible would do in our words: its names of schemes, and paths without `~`."""
    paths = {name: row.get(name) and str(Path(row[name]).expanduser()) for name in PATHS}
    ssl = "certificate" if row.get("cert_file") else "basic"
    auth = ssl if row["auth"] == "ssl" else AUTHS[row["auth"]]
    return {**row, **paths, "auth": auth, "password": row["password"] or None}


def private(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Copy sources to where their owner alone can read them, as passwords in them need it."""
    made = []
    for number, path in enumerate(paths):
        root = path if path.is_dir() else path.parent
        copied = folder / str(number) / root.name
        if root == OURS:
            copied.mkdir(parents=True)
            shutil.copy(path, copied)
        else:
            shutil.copytree(root, copied)
        for one in copied.rglob("*"):
            one.chmod(stat.S_IRWXU if one.is_dir() else 0o600)
        made.append(copied if path.is_dir() else copied / path.name)
    return made


def test_what_chance_writes_is_read_as_ansible_reads_it(tmp_path: Path) -> None:
    """Precedence in all its turns: depth, priority, names, order of sources, files beside them."""
    chance = random.Random(2025)  # noqa: S311 - the same inventories each time
    rows = [
        Case(paths=random_inventories.write(tmp_path / str(number), chance))
        for number in range(RANDOM)
    ]
    refused = []
    for case, answer in zip(rows, answers(rows, tmp_path), strict=True):
        try:
            found = ours(case.paths, None)
        except ConfigError as error:
            refused.append(error.message)
            continue
        assert found == theirs(answer["list"]), {path: path.read_text() for path in case.paths}

    # Circles over two sources, which Ansible refuses too.
    assert all("closes a circle of groups" in message for message in refused), refused
    assert len(refused) < RANDOM / 2


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not there")
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_inventory_is_refused_by_file_and_line(name: str) -> None:
    """Templates, plugins, lists of plays, files that are not valid in their own format."""
    path = CORPUS / name

    with pytest.raises(ConfigError) as caught:
        load([path], Keys())

    assert caught.value.message.startswith(f"{path}{REFUSED[name]}")
