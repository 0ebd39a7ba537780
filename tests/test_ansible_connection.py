"""A host's variables to the connection of a node, beside our own file; and its passwords."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_files import HEAD, read, refusal, write
from nodes import lab_node

from wincnode.errors import ConfigError
from wincnode.inventory import Node, gather, select
from wincnode.inventory.ansible.variables import BY_NAME, TABLE
from wincnode.inventory.connection import Connection
from wincnode.inventory.fields import specs
from wincnode.lab.nodes import PASSWORD, USER

PLANTED = "planted-7f3a-hunter2"
OURS = "connection: {user: ada, password: {env: PW}, allow_unencrypted: true}\n"


def nodes(folder: Path, hosts: str, ours: str = OURS) -> dict[str, Node]:
    """Give the nodes of an INI inventory beside one of ours."""
    write(folder, {"h.ini": hosts, "wincnode.yaml": ours})
    inventory = gather([folder / "wincnode.yaml", folder / "h.ini"])
    return {node.name: node for node in inventory.nodes}


def of(variables: str, plugin: str = "winrm") -> str:
    return f"[win]\nw1 {variables}\n[win:vars]\nansible_connection={plugin}\n"


@pytest.mark.parametrize(
    ("variables", "field", "value"),
    [
        ("ansible_host=192.0.2.1", "address", "192.0.2.1"),
        ("ansible_host=192.0.2.1 ansible_winrm_host=192.0.2.2", "address", "192.0.2.2"),
        ("ansible_port=5985", "scheme", "http"),
        ("ansible_port=5987", "scheme", "https"),
        ("ansible_winrm_scheme=http", "effective_port", 5986),
        ("ansible_port=5985 ansible_winrm_scheme=https", "scheme", "https"),
        ("ansible_user=ops", "auth", "basic"),
        ("ansible_user=ops@EXAMPLE.TEST", "auth", "kerberos"),
        ("ansible_winrm_transport=plaintext", "auth", "basic"),
        ("ansible_winrm_transport=credssp,ntlm", "auth", "credssp"),
        ("ansible_winrm_transport=ssl ansible_winrm_cert_pem=/c ansible_winrm_cert_key_pem=/k",
         "auth", "certificate"),
        ("ansible_winrm_ca_trust_path=/ca.pem", "ca_file", "/ca.pem"),
        ("", "auth", "ntlm"),
        ("", "user", "ada"),
        ("", "effective_port", 5986),
    ],
)  # fmt: skip
def test_variables_become_a_connection(
    tmp_path: Path, variables: str, field: str, value: object
) -> None:
    """As Ansible's winrm reads them; where it says nothing, our own file does."""
    node = nodes(tmp_path, of(variables))["w1"]

    assert (node.address if field == "address" else getattr(node.connection, field)) == value


@pytest.mark.parametrize(
    ("variables", "field", "value"),
    [
        ("ansible_psrp_protocol=http", "effective_port", 5985),
        ("ansible_port=5985", "scheme", "http"),
        ("ansible_user=ops@EXAMPLE.TEST", "auth", "ntlm"),
        ("ansible_psrp_auth=negotiate", "auth", "ntlm"),
        ("ansible_psrp_connection_timeout=40", "connect_timeout_s", 40),
        ("ansible_winrm_scheme=http", "scheme", "https"),
    ],
)
def test_psrp_has_rules_of_its_own(
    tmp_path: Path, variables: str, field: str, value: object
) -> None:
    """Its port follows the scheme, and winrm's variables are nothing to it."""
    node = nodes(tmp_path, of(variables, "ansible.builtin.psrp"))["w1"]

    assert getattr(node.connection, field) == value


def test_ours_is_default_below_ansible_and_a_node_of_ours_is_above(tmp_path: Path) -> None:
    """Defaults, then Ansible's variables, then what our file says of the very node."""
    ours = (
        "connection: {user: ada, password: {env: PW}, auth: credssp, port: 7000}\n"
        "nodes:\n"
        "  w1: {labels: {tier: web}, groups: [front], connection: {user: eve}}\n"
        "  own: {address: 192.0.2.9}\n"
    )
    hosts = (
        "[win]\nw1 ansible_host=192.0.2.1 ansible_user=ops\nw2 ansible_port=5985\n"
        "[win:vars]\nansible_connection=winrm\n"
    )
    found = nodes(tmp_path, hosts, ours)

    assert list(found) == ["w1", "own", "w2"]
    first = found["w1"]
    assert (first.address, first.labels, first.groups) == (
        "192.0.2.1",
        {"tier": "web"},
        ("front", "win"),
    )
    assert (first.connection.user, first.connection.auth) == ("eve", "credssp")
    assert found["w2"].connection.user == "ada"
    assert (found["w2"].connection.port, found["w2"].connection.scheme) == (5985, "http")
    assert (found["own"].connection.port, found["own"].groups) == (7000, ())


def test_names_and_groups_select(tmp_path: Path) -> None:
    """As they select among our own nodes; names are in lower case, as the kubelet has them."""
    text = HEAD + "[web]\nWIN-1\n[db]\nwin-2\n[shop:children]\nweb\ndb\n"
    write(tmp_path, {"h.ini": text, "wincnode.yaml": OURS})
    inventory = gather([tmp_path / "h.ini", tmp_path / "wincnode.yaml"])

    assert [node.name for node in select(inventory, ["shop"])] == ["win-1", "win-2"]
    assert [node.name for node in select(inventory, ["db", "win-1"])] == ["win-1", "win-2"]
    assert inventory.nodes[0].groups == ("shop", "web")
    with pytest.raises(ConfigError, match="did you mean shop"):
        select(inventory, ["shpo"])


def test_an_inventory_of_ansible_is_enough(tmp_path: Path) -> None:
    """With all that a connection needs, no file of ours is needed."""
    write(tmp_path, {"h.ini": HEAD + f"ansible_password={PLANTED}\n[web]\nw1\n"})
    inventory = gather([tmp_path / "h.ini"])

    assert inventory.path == tmp_path / "h.ini"
    assert [node.name for node in inventory.nodes] == ["w1"]


def test_sources_add_up_and_only_one_of_ours_is_taken(tmp_path: Path) -> None:
    """Two of Ansible are one inventory, of which the later overrides."""
    write(
        tmp_path,
        {
            "a/h.ini": HEAD + "[web]\nw1 ansible_port=1\n",
            "b/h.ini": "w1 ansible_port=2\nw2 ansible_port=3\n",
            "wincnode.yaml": OURS,
            "other.yaml": OURS,
        },
    )
    paths = [tmp_path / name for name in ("a/h.ini", "b/h.ini", "wincnode.yaml")]
    ports = {node.name: node.connection.port for node in gather(paths).nodes}
    assert ports == {"w1": 2, "w2": 3}
    with pytest.raises(ConfigError, match="are both inventories of wincnode"):
        gather([*paths, tmp_path / "other.yaml"])


def test_two_names_of_one_machine_are_refused_by_file_and_line(tmp_path: Path) -> None:
    """Two plans would run on it; also across the files, and by names that differ in case."""
    text = HEAD + "[a]\nw1 ansible_host=192.0.2.1\nw2 ansible_host=192.0.2.1\n"
    write(tmp_path, {"h.ini": text, "wincnode.yaml": OURS})
    with pytest.raises(ConfigError) as caught:
        gather([tmp_path / "h.ini", tmp_path / "wincnode.yaml"])
    assert caught.value.message == (
        f"{tmp_path}/h.ini:7: nodes.w2: 192.0.2.1 port 5986 is node w1 already"
    )
    (row,) = refusal(tmp_path, {"case.ini": HEAD + "[a]\nw1\nW1\n"})
    assert row == "case.ini:7: 'w1': differs from another host in case alone"
    (row,) = refusal(tmp_path, {"name.ini": HEAD + "[a]\nw_1\n"})
    assert row.startswith("name.ini:6: 'w_1': no Kubernetes node name")


def test_what_is_missing_is_told_where_the_host_stands(tmp_path: Path) -> None:
    """And where it can be given."""
    write(
        tmp_path, {"h.ini": of("ansible_user=ops ansible_winrm_transport=basic ansible_port=5985")}
    )
    with pytest.raises(ConfigError) as caught:
        gather([tmp_path / "h.ini"])
    first, second = caught.value.message.splitlines()
    assert first.startswith(f"{tmp_path}/h.ini:2: nodes.w1.connection.auth: basic over http")
    assert second.startswith(f"{tmp_path}/h.ini:2: nodes.w1.connection.password: missing")
    assert second.endswith("(connection.password of wincnode.yaml)")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ("ansible_port=70000", "ansible_port: is '70000'; a number from 1 to 65535"),
        ("ansible_port=True", "ansible_port: is 'True'; a number"),
        ("ansible_host='http://x'", "ansible_host: is 'http://x'; a DNS name or an IP address"),
        ("ansible_user=\"'a\\nb'\"", "ansible_user: is 'a\\nb'; it takes printable text"),
        ("ansible_user='[1]'", "ansible_user: takes a single value"),
        ('ansible_user=\'{{ lookup("env", "X") }}\'', "ansible_user: is a template, and wincnode"),
        ("ansible_user='{% if x %}'", "ansible_user: is a template"),
        ("ansible_winrm_transport='{{ t }}'", "ansible_winrm_transport: is a template"),
        ("ansible_winrm_transport=kerb", "ansible_winrm_transport: is 'kerb'; one of basic"),
        ("ansible_winrm_transport='[]'", "ansible_winrm_transport: is ''; one of"),
        ("ansible_winrm_scheme=ftp", "ansible_winrm_scheme: is 'ftp'; one of https, http"),
        ("ansible_winrm_path=/other", "ansible_winrm_path: cannot be followed"),
        ("ansible_winrm_proxy=http://p:1", "ansible_winrm_proxy: cannot be followed"),
        ("ansible_winrm_kerberos_hostname_override=x", "cannot be followed"),
    ],
)
def test_a_value_that_cannot_be_followed_is_refused(
    tmp_path: Path, variables: str, said: str
) -> None:
    """By file, line and variable."""
    rows = refusal(tmp_path, {"h.ini": of(variables)})

    assert len(rows) == 1
    assert rows[0].startswith("h.ini:2: ")
    assert said in rows[0]


def test_a_templated_connection_is_refused(tmp_path: Path) -> None:
    """It decides what is a node; guessing would leave machines out."""
    (row,) = refusal(tmp_path, {"h.ini": "w1 ansible_connection='{{ c }}'\n"})

    assert row.startswith("h.ini:1: ansible_connection: is a template")


def test_templates_elsewhere_do_not_matter(tmp_path: Path) -> None:
    """Of variables that no connection has, and of hosts that are no node."""
    text = (
        of("motd='{{ hello }}' ansible_become_user='{{ x }}'") + "[l]\nl1 ansible_user='{{ u }}'\n"
    )

    assert len(read(tmp_path, {"h.ini": text}).hosts) == 1


def test_what_is_not_followed_is_told_once(tmp_path: Path) -> None:
    """With how many hosts it concerns; certificates are always verified."""
    text = (
        "[win]\nw[1:3]\n[win:vars]\nansible_connection=winrm\n"
        "ansible_winrm_server_cert_validation=ignore\nansible_winrm_transprot=ntlm\n"
        "ansible_ssh_user=x\nansible_winrm_read_timeout_sec=70\n"
    )
    found = [note.removeprefix(f"{tmp_path}/") for note in read(tmp_path, {"h.ini": text}).notes]

    assert [note.split(": ")[:2] for note in found] == [
        ["h.ini:5", "ansible_winrm_server_cert_validation"],
        [
            "h.ini:6",
            "'ansible_winrm_transprot' is unknown and not followed; did you mean ansible_winrm_transport? (3 hosts)",
        ],
        ["h.ini:7", "ansible_ssh_user"],
    ]
    assert "certificates are verified in any case" in found[0]


def test_every_row_of_the_table_is_sound() -> None:
    """Names are told once, and fields are those of a connection or the address."""
    fields = {"", "address", *specs(Connection)}

    assert len(BY_NAME) == len(TABLE)
    assert {row.field for row in TABLE} <= fields
    assert all(row.why or row.field for row in TABLE)


# Passwords.


def test_a_plain_password_needs_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    """The rule for `{file: PATH}` holds here too; the message shows nothing of the password."""
    text = HEAD + f"ansible_password={PLANTED}\n[web]\nw[1:2]\n"
    path = write(tmp_path, {"h.ini": text}, mode=0o644) / "h.ini"
    with pytest.raises(ConfigError) as caught:
        gather([path])
    assert caught.value.message.startswith(
        f"{path}:5: ansible_password: is plain text in a file of mode 0644, wider than 0600"
    )
    assert "chmod 600" in caught.value.message
    assert PLANTED not in caught.value.message

    path.chmod(0o600)
    inventory = gather([path])
    assert inventory.notes == (
        f"{path}:5: h.ini holds passwords in plain text; ansible-vault encrypts them",
    )


def test_a_password_prints_nowhere(tmp_path: Path) -> None:
    """Neither the inventory nor a source of it shows it, and nothing can be pickled."""
    found = nodes(tmp_path, HEAD + f"ansible_password={PLANTED}\n[web]\nw1\nw2\n")
    source = found["w1"].connection.password

    assert source is not None
    assert source.held is not None
    assert source.held.reveal() == PLANTED
    assert PLANTED not in repr(found) + str(found) + f"{source}{source.held}{hash(source)}"
    with pytest.raises(TypeError):
        pickle.dumps(source)


def test_equal_passwords_are_one_account_to_the_lockout_guard(tmp_path: Path) -> None:
    """On twenty lines of their own they must not be tried twenty times."""
    rows = "".join(f"w{n} ansible_password={PLANTED}{'x' * (n == 3)}\n" for n in range(1, 4))
    found = nodes(tmp_path, HEAD + "[web]\n" + rows)
    first, second, third = (node.connection.password for node in found.values())

    assert first == second
    assert first != third


VAULTS = Path(__file__).parent / "inventories" / "vault"


def vault_key(folder: Path, text: str = "vault-password-of-tests\n", mode: int = 0o600) -> Path:
    return write(folder, {"key": text}, mode=mode) / "key"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("whole.ini", {"whole1": "planted-vault-whole"}),
        ("whole.yml", {"whole2": "planted-vault-yaml"}),
        ("mixed/hosts.ini", {"v1": "planted-vault-inline", "v2": "planted-vault-file"}),
    ],
)
def test_vaults_are_opened_with_their_password(
    tmp_path: Path, name: str, expected: dict[str, str]
) -> None:
    """Whole files, single values, formats 1.1 and 1.2, as ansible-vault wrote them."""
    inventory = gather([VAULTS / name], [vault_key(tmp_path)])
    held = {node.name: node.connection.password.held for node in inventory.nodes if node.connection.password}  # fmt: skip

    assert {name: secret.reveal() for name, secret in held.items() if secret} == expected
    assert not any("plain text" in note for note in inventory.notes)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("whole.ini", "whole.ini:1: is encrypted"),
        ("mixed/hosts.ini", "mixed/host_vars/v2.yml:1: is encrypted"),
    ],
)
def test_a_vault_without_its_password_is_refused(tmp_path: Path, name: str, where: str) -> None:
    """By file and line, with what gives the password; a wrong one is told apart."""
    with pytest.raises(ConfigError) as caught:
        gather([VAULTS / name])
    assert caught.value.message == (
        f"{VAULTS}/{where} by ansible-vault; give --vault-password-file FILE, or set"
        " ANSIBLE_VAULT_PASSWORD_FILE"
    )
    with pytest.raises(ConfigError, match="with another password than those given"):
        gather([VAULTS / name], [vault_key(tmp_path, "wrong")])


def test_a_vaulted_value_is_refused_by_its_line_and_only_where_it_is_needed(
    tmp_path: Path,
) -> None:
    """Of a Linux host, or of a variable that no connection has, it may stay closed."""
    value = "!vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      00\n"
    text = (
        "win:\n  hosts: {w1: }\n  vars:\n    ansible_connection: winrm\n"
        f"    other: {value}    ansible_password: {value}"
        f"linux:\n  hosts: {{l1: }}\n  vars:\n    ansible_password: {value}"
    )
    (row,) = refusal(tmp_path, {"h.yml": text})

    assert row.startswith("h.yml:8: ansible_password: is encrypted by ansible-vault; give --vault")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$ANSIBLE_VAULT;1.0;AES\n00\n", "is of a vault format that is not read"),
        ("$ANSIBLE_VAULT;1.1;AES256\nnothex\n", "is no whole vault"),
        ("$ANSIBLE_VAULT;1.1;AES256\n", "is no whole vault"),
        ("$ANSIBLE_VAULT\n", "is of a vault format"),
    ],
)
def test_a_broken_vault_is_told_as_such(tmp_path: Path, text: str, said: str) -> None:
    """Not as a wrong password."""
    (row,) = refusal(tmp_path, {"h.ini": text}, keys=[vault_key(tmp_path)])

    assert row.startswith(f"h.ini:1: {said}")


def test_a_changed_vault_is_refused(tmp_path: Path) -> None:
    """The HMAC is over the ciphertext: a flipped digit is seen."""
    lines = (VAULTS / "whole.ini").read_text().splitlines()
    lines[3] = lines[3][:-1] + ("0" if lines[3][-1] != "0" else "1")
    rows = refusal(tmp_path, {"h.ini": "\n".join(lines)}, keys=[vault_key(tmp_path)])

    assert rows[0].startswith("h.ini:1: is ")


def test_the_password_file_is_held_to_the_rule_of_secrets(tmp_path: Path) -> None:
    """0600; or a program, which is run; but no client of vault ids."""
    with pytest.raises(ConfigError, match="wider than 0600"):
        gather([VAULTS / "whole.ini"], [vault_key(tmp_path, mode=0o644)])
    script = write(tmp_path, {"ask": "#!/bin/sh\necho vault-password-of-tests\n"}, mode=0o700)
    assert len(gather([VAULTS / "whole.ini"], [script / "ask"]).nodes) == 1
    client = write(tmp_path, {"ask-client": "#!/bin/sh\n"}, mode=0o700) / "ask-client"
    with pytest.raises(ConfigError, match="is a client of vault ids"):
        gather([VAULTS / "whole.ini"], [client])


def wincnode(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run wincnode in a folder, as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "wincnode", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_verbs_that_need_no_cluster_run_over_ansibles_inventory_alone(tmp_path: Path) -> None:
    """A node is reached by what stands there; its password, in a vault or not, is seen nowhere."""
    with lab_node(tmp_path / "node", engine="model") as node:
        text = f"[win]\nWEB-1 ansible_host=127.0.0.1 ansible_port={node.port}\n"
        text += "[linux]\nl[1:2]\n[win:vars]\nansible_connection=winrm\n"
        text += f"ansible_user={USER}\nansible_winrm_transport=ntlm\nansible_winrm_scheme=http\n"
        desk = write(tmp_path / "desk", {"hosts": text + f"ansible_password={PASSWORD}\n"})
        facts = wincnode(desk, "facts", "-i", "hosts", "win")
        runs = wincnode(desk, "runs", "-i", "hosts", "web-1")

    assert facts.returncode == 0, facts.stderr
    assert runs.returncode == 0, runs.stderr
    assert '"web-1"' in facts.stdout
    assert facts.stderr.count("note: hosts: 2 hosts are left out, without ansible_connection") == 1
    assert "hosts:10: hosts holds passwords in plain text" in facts.stderr
    assert PASSWORD not in facts.stdout + facts.stderr + runs.stdout + runs.stderr
    assert holding(tmp_path, PASSWORD) == {desk / "hosts"}


def test_verbs_that_need_a_cluster_say_what_is_missing(tmp_path: Path) -> None:
    """And beside a file of ours, several sources are one; vaults are opened by the option."""
    shutil.copytree(VAULTS / "mixed", tmp_path / "inv")
    key = vault_key(tmp_path)
    write(tmp_path, {"wincnode.yaml": "cluster: {pod_cidr: 10.0.0.0/8}\n"})
    sources = ("-i", "inv/hosts.ini", "--vault-password-file", str(key))

    alone = wincnode(tmp_path, "install", *sources, "--plan")
    closed = wincnode(tmp_path, "preflight", *sources[:2], "-i", "wincnode.yaml")
    beside = wincnode(tmp_path, "join", *sources, "-i", "wincnode.yaml", "v9")

    assert (alone.returncode, closed.returncode, beside.returncode) == (2, 2, 2)
    assert "inv/hosts.ini: cluster.kubernetes: missing" in alone.stderr
    assert "inv/host_vars/v2.yml:1: is encrypted by ansible-vault" in closed.stderr
    assert "no node or group is called v9; one of v1, v2, win" in beside.stderr
    assert "planted-vault" not in alone.stderr + closed.stderr + beside.stderr


def holding(folder: Path, text: str) -> set[Path]:
    """Give the files below a folder that hold a text, in one of Windows' encodings or ours."""
    forms = (text.encode(), text.encode("utf-16-le"))
    return {
        path
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    }
