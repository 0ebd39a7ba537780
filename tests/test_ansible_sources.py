"""What of Ansible's inventories is read, in which order, and what is refused by file and line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_files import HEAD, read, refusal, write

from wincnode.errors import ConfigError
from wincnode.inventory.ansible import Keys, is_ansible, load
from wincnode.inventory.ansible.groups import LIMIT_DEPTH

WINDOWS = "win:\n  vars: {ansible_connection: winrm}\n"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[a b]\nh\n", ["h:1: no section"]),
        ("[a:kids]\n", ["h:1: 'kids' is no kind of section; one of hosts, children, vars"]),
        ("[a]\nh x\n", ["h:2: a variable is NAME=VALUE; quote a value with blanks"]),
        ("[a]\nh x='1\n", ["h:2: no host with variables: no closing quotation"]),
        ("[a]\nh:\n", ["h:2: a name that ends in a colon; behind it stands a port"]),
        ("[a]\n''\n", ["h:2: '' is no name of a host: it is empty or not printable"]),
        ("[a]\n../../etc/x\n", ["h:2: '../../etc/x' is no name of a host: it would be a path"]),
        ("[..]\nh\n", ["h:1: '..' is no name of a group: it would be a path"]),
        ("[a:vars]\nx=1\n", ["h:1: no group is called 'a', so it has no variables"]),
        ("[a:children]\nb\n", ["h:2: no group is called 'b'"]),
        ("[a:children]\nb c\n", ["h:2: no name of a group"]),
        ("[a]\nh\n[a:vars]\nlone\n", ["h:4: a variable is NAME=VALUE"]),
        ("[a]\nh\n[a:vars]\nansible_group_priority=x\n", ["h:4: ansible_group_priority takes a"]),
        ("[a]\nh[1:2\n", ["h:2: a bracket is not closed"]),
        ("[a:children]\na\n[a]\nh\n", ["h:2: 'a' in 'a' closes a circle of groups"]),
        (
            "[a:children]\nb\n[b:children]\nc\n[c:children]\na\n",
            ["h:2: 'b' in 'a' closes", "h:4: 'c' in 'b' closes", "h:6: 'a' in 'c' closes"],
        ),
        ("[a:children]\nall\n[a]\nh\n", ["h:2: 'all' in 'a' closes a circle of groups"]),
        ("[a]\nh ansible_password=" + "x" * 5000, ["h:2: a value of more than 4096 characters"]),
    ],
)
def test_ini_is_refused_by_line(tmp_path: Path, text: str, rows: list[str]) -> None:
    """Every mistake has its line; nothing of a line with variables is repeated."""
    found = refusal(tmp_path, {"h": text})

    assert len(found) == len(rows)
    for said, row in zip(found, rows, strict=True):
        assert said.startswith(row)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("plugin: azure_rm\n", ["h.yml:1: plugin: configures an inventory plugin; wincnode runs"]),
        ("- a\n", ["h.yml:1: is a list, no mapping of groups"]),
        ("", ["h.yml:1: empty"]),
        ("a: [\n", ["h.yml:2: not YAML"]),
        ("ansible_user: x\n", ["h.yml:1: holds no group; files of variables belong into group_"]),
        (WINDOWS + "  hosts: [h1, h2]\n", ["h.yml:3: is a list; it takes a mapping"]),
        (WINDOWS + "  hosts: {h1: 5}\n", ["h.yml:3: 'h1': is a number; it takes a mapping"]),
        (WINDOWS + "  hosts: {12: }\n", ["h.yml:3: a number is no word; put a host's name in qu"]),
        (WINDOWS + "  children: {x: y}\n", ["h.yml:3: 'x': is text; it takes a mapping"]),
        (WINDOWS + "  hosts: {h1: }\n  hosts: {h2: }\n", ["h.yml:4: 'hosts': given on line 3"]),
        (WINDOWS + "  hosts: {h1: {<<: 5}}\n", ["h.yml:3: <<: merges mappings, or a list of the"]),
        (
            WINDOWS + "  hosts: {h1: {ansible_port: !!timestamp x}}\n",
            ["h.yml:3: ansible_port: is o"],
        ),
        (
            WINDOWS + "  hosts: {h1: {ansible_port: !own 1}}\n",
            ["h.yml:3: ansible_port: is of a YAML"],
        ),
        ("a: {children: {b: {children: {a: }}}}\n", ["h.yml:1: 'b' in 'a'", "h.yml:1: 'a' in 'b'"]),
    ],
)
def test_yaml_is_refused_by_line(tmp_path: Path, text: str, rows: list[str]) -> None:
    """What Ansible refuses, and what it would take silently in another way than it is meant."""
    found = refusal(tmp_path, {"h.yml": text})

    assert len(found) == len(rows), found
    for said, row in zip(sorted(found), sorted(rows), strict=True):
        assert said.startswith(row)


def test_what_ansible_passes_over_is_told(tmp_path: Path) -> None:
    """An unknown key of a group is no mistake for Ansible; here it is at least seen."""
    text = WINDOWS + "  hosts: {h1: }\n  host: {h2: }\nnote: none\n"
    found = read(tmp_path, {"h.yml": text})

    assert [host.name for host in found.hosts] == ["h1"]
    assert [note.removeprefix(f"{tmp_path}/") for note in found.notes] == [
        "h.yml:4: passed over: 'host' is none of hosts, vars, children",
        "h.yml:5: passed over: 'note' is text, no group",
    ]


def test_scripts_and_toml_are_refused_and_never_run(tmp_path: Path) -> None:
    """A dynamic inventory is a program: it is named, and nothing is started."""
    ran = tmp_path / "ran"
    script = write(tmp_path, {"inv": f"#!/bin/sh\ntouch {ran}\n"}, mode=0o700) / "inv"
    with pytest.raises(ConfigError, match=r"inv:1: a dynamic inventory script; wincnode runs none"):
        load([script], Keys())
    assert not ran.exists()
    assert refusal(tmp_path, {"h.toml": "[a]\n"})[0].startswith("h.toml:1: TOML is not read")


def test_hosts_without_a_windows_connection_are_counted_and_left_out(tmp_path: Path) -> None:
    """ssh, local, or nothing at all; one line says how many."""
    text = (
        "[win]\nw1\n[win:vars]\nansible_connection=winrm\n[l]\nl[1:3]\nl4 ansible_connection=ssh\n"
    )
    found = read(tmp_path, {"h.ini": text})

    assert [host.name for host in found.hosts] == ["w1"]
    assert found.notes == (
        f"{tmp_path}/h.ini: 4 hosts are left out, without ansible_connection winrm or psrp",
    )
    (row,) = refusal(tmp_path, {"none.ini": "l1\n"})
    assert row == "none.ini: names no host with ansible_connection winrm or psrp"


def test_mistakes_of_several_files_are_told_together(tmp_path: Path) -> None:
    """In the order of the files, then of their lines."""
    found = refusal(
        tmp_path,
        {"d/10.ini": "[a]\nh x\nh y\n", "d/20.yml": "a: {hosts: [1]}\n", "d/skip.txt": "[[["},
        "d",
    )

    assert [row.split(": ")[0] for row in found] == ["d/10.ini:2", "d/10.ini:3", "d/20.yml:1"]


def test_variables_in_files_have_their_own_places(tmp_path: Path) -> None:
    """A value is refused where it stands, once, however many hosts have it."""
    found = refusal(
        tmp_path,
        {
            "h.ini": "[win]\nw[1:3]\n",
            "group_vars/win.yml": "ansible_connection: winrm\n\nansible_port: '{{ port }}'\n",
            "host_vars/w2.yml": "- a list\n",
        },
    )

    assert found[0].startswith("host_vars/w2.yml:1: is a list; it takes a mapping")
    assert found[1].startswith("group_vars/win.yml:3: ansible_port: is a template")
    assert len(found) == 2


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.ini", "[win]\nh\n", True),
        ("hosts", "h1\nh2\n", True),
        ("a.yaml", "all: {hosts: {h: }}", True),
        ("a.yaml", "plugin: x", True),
        ("a.yaml", "nodes: {hosts: {h: }}\ncluster: {children: {nodes: }}\n", True),
        ("a.yaml", "$ANSIBLE_VAULT;1.1;AES256\n00\n", True),
        ("a.yaml", "nodes: {hosts: }\nconnection: {user: u}\n", False),
        ("a.yaml", "nodes: {a: }", False),
        ("a.yaml", "nods: {a: }", False),
        ("a.yaml", "", False),
        ("a.yaml", "a: [", False),
        ("fleet", "nodes: {a: }", False),
    ],
)
def test_the_two_kinds_of_inventory_are_told_apart(
    tmp_path: Path, name: str, text: str, expected: bool
) -> None:
    """By what is in them; what could be ours gets our own messages."""
    assert is_ansible(write(tmp_path, {name: text}) / name) is expected


def test_a_list_of_hosts_is_no_inventory(tmp_path: Path) -> None:
    """Ansible takes `-i h1,h2`; such hosts have no connection that could be of Windows."""
    with pytest.raises(ConfigError, match="a list of hosts is no file"):
        is_ansible(Path("h1,h2"))


@pytest.mark.skipif(os.name != "posix", reason="a pipe with a name")
def test_an_inventory_from_a_pipe_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """As with `-i <(...)`: read to tell its kind, it would be empty when it is read as such."""
    os.mkfifo(tmp_path / "hosts")
    with pytest.raises(ConfigError, match="a pipe can be read once"):
        is_ansible(tmp_path / "hosts")


def chain(length: int) -> str:
    """Groups in each other, and a host in the last."""
    rows = [f"[g{number}:children]\ng{number + 1}\n" for number in range(length)]
    return "".join(rows) + f"[g{length}]\nh\n"


HOSTILE = {
    "deep.ini": (chain(LIMIT_DEPTH + 1), "levels deep"),
    "very_deep.ini": (chain(9_000), "levels deep"),
    "circle.ini": (chain(9_000) + "[g9000:children]\ng0\n", "closes a circle"),
    "groups.ini": ("".join(f"[g{n}]\n" for n in range(20_000)), "more than 10000 groups"),
    "hosts.ini": ("[a]\nh[1:9999]\ni[1:9999]\n", "more than 10000 hosts"),
    "range.ini": ("[a]\nh[1:100000]\n", "h.ini:2: stands for more than 10000 hosts"),
    "control.ini": ("[a]\nh\x1b[31m\n", "is not closed"),
    "bell.ini": ("[a]\nh\x07\n", r"'h\x07' is no name of a host"),
    "group.ini": ("[a\x07]\nh\n", r"'a\x07' is no name of a group"),
    "nul.ini": ("[a]\nh\x00/../x\n", r"'h\x00/../x' is no name of a host"),
    "latin.ini": ("[a]\nh\udcff\n", "not UTF-8"),
    "bell.yml": ('a: {hosts: {"h\\a": }}\n', r"'h\x07' is no name of a host"),
    "nesting.yml": ("a: " + "{children: " * 5_000, "levels deep"),
    "laughs.yml": (
        "a0: &a0 {hosts: {h: }}\n"
        + "".join(
            f"a{n}: &a{n} {{children: {{x: *a{n - 1}, y: *a{n - 1}}}}}\n" for n in range(1, 26)
        ),
        "unfold",
    ),
    "self.yml": ("a: &a {children: {b: *a}}\n", "contains itself"),
    "json.json": ("[" * 100_000, "levels deep"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_files_end_soon_and_clearly(tmp_path: Path, name: str) -> None:
    """Circles, depth, numbers, bombs and control characters: one clear line, in no time."""
    text, said = HOSTILE[name]
    file = "h" + Path(name).suffix
    before = time.process_time()

    message = "\n".join(refusal(tmp_path, {file: text}))

    assert said in message
    assert len(message) < 2_000
    assert message.replace("\n", "").isprintable()
    assert time.process_time() - before < 3


@pytest.mark.parametrize(
    "value", ["(" * 2_000, "-" * 4_000 + "1", "1" * 4_090, "[" * 90 + "]" * 90]
)
def test_values_that_python_cannot_read_are_text(tmp_path: Path, value: str) -> None:
    """Python's own reader of literals has limits; beyond them a value is what it says."""
    found = read(tmp_path, {"h.ini": HEAD + f"[a]\nh1 ansible_winrm_read_timeout_sec='{value}'\n"})

    assert [host.name for host in found.hosts] == ["h1"]


def test_endless_folders_are_refused(tmp_path: Path) -> None:
    """A link to the folder itself."""
    write(tmp_path, {"inv/h.ini": "h\n"})
    (tmp_path / "inv" / "loop").symlink_to(tmp_path / "inv")

    with pytest.raises(ConfigError, match="folders lie in each other"):
        load([tmp_path / "inv"], Keys())


def test_a_file_name_that_would_write_to_the_terminal_is_refused(tmp_path: Path) -> None:
    """Names of files come into messages."""
    write(tmp_path, {"inv/h\x1b[2J.ini": "h\n"})

    with pytest.raises(ConfigError) as caught:
        load([tmp_path / "inv"], Keys())
    assert r"'h\x1b[2J.ini' is no name of a file" in caught.value.message


def test_ten_thousand_hosts_are_read_soon(tmp_path: Path) -> None:
    """Groups are resolved once for all hosts that share them."""
    before = time.process_time()
    found = read(tmp_path, {"h.ini": HEAD + "[a]\nw[00001:10000]\n[b:children]\na\n"})

    assert len(found.hosts) == 10_000
    assert time.process_time() - before < 5
