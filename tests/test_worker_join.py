"""What a node joins with, and the line that kubeadm prints for it."""

from __future__ import annotations

import base64

import pytest
import yaml
from worker_cases import AUTHORITY, inventory

from wincnode.errors import ConfigError
from wincnode.secrets import Secret
from wincnode.worker.join_command import parse_join_command
from wincnode.worker.kubeadm import bootstrap_kubeconfig, join_configuration

TOKEN = "abcdef.0123456789abcdef"
HASH = f"sha256:{'0f' * 32}"
PRINTED = f"kubeadm join api.example:6443 --token {TOKEN} --discovery-token-ca-cert-hash {HASH} \n"


@pytest.mark.parametrize(
    "text",
    [
        PRINTED,
        f"kubeadm join api.example:6443 --token {TOKEN} \\\n\t--discovery-token-ca-cert-hash {HASH} ",
        f"sudo kubeadm join api.example:6443 --token={TOKEN} `\r\n --discovery-token-ca-cert-hash={HASH}",
        f'kubeadm.exe join "api.example:6443" --token "{TOKEN}" ^\n --discovery-token-ca-cert-hash {HASH}',
        f"kubeadm join --discovery-token {TOKEN} --discovery-token-ca-cert-hash {HASH} api.example:6443",
        f"kubeadm join api.example:6443 --token {TOKEN} --discovery-token-ca-cert-hash sha256:{HASH[7:].upper()}",
        PRINTED.replace("\n", "--cri-socket npipe:////./pipe/containerd-containerd"),
    ],
)
def test_the_printed_command_is_read(text: str) -> None:
    """With the line breaks and quotes that shells and people put into it."""
    found = parse_join_command(text)
    assert (found.server, found.token, found.ca_hashes) == (
        "api.example:6443",
        Secret(TOKEN),
        (HASH,),
    )


def test_several_hashes_are_kept_once_each() -> None:
    """A cluster that changes its CA prints two."""
    other = f"sha256:{'ab' * 32}"
    text = f"{PRINTED.strip()},{other} --discovery-token-ca-cert-hash {HASH}"
    assert parse_join_command(text).ca_hashes == (HASH, other)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "does not begin with `kubeadm join`"),
        ("kubeadm init", "does not begin with `kubeadm join`"),
        (PRINTED + "--control-plane", "--control-plane: that joins a control plane"),
        (PRINTED + "--certificate-key 0a", "--certificate-key: that joins a control plane"),
        (PRINTED + "--discovery-token-unsafe-skip-ca-verification", "CA is always verified"),
        (PRINTED + "--config f.yaml", "--config: wincnode writes the file"),
        (PRINTED + "--node-name x", "--node-name: a node's name is the one in the inventory"),
        (PRINTED + "--cri-socket unix:///run/x.sock", "containerd answers at npipe:"),
        (PRINTED + "--tokn abcdef", "no flag --tokn is known"),
        (PRINTED + "other:6443", "it names 2 servers"),
        (PRINTED.replace(":6443", ""), "its server is not HOST:PORT"),
        (PRINTED.replace(":6443", ":99999"), "its server is not HOST:PORT"),
        (PRINTED.replace(TOKEN, TOKEN.upper()), "its token is none"),
        (PRINTED.replace(TOKEN, '"<value withheld>"'), "its token is none"),
        (f"kubeadm join a:1 --discovery-token-ca-cert-hash {HASH}", "it gives 0 tokens"),
        (PRINTED + "--discovery-token aaaaaa.0123456789abcdef", "it gives 2 tokens"),
        (f"kubeadm join a:1 --token {TOKEN}", "--discovery-token-ca-cert-hash is missing"),
        (PRINTED.replace(HASH, "sha256:zz"), "is not sha256: and 64 hexadecimal digits"),
        (PRINTED + "'", "a quote has no end"),
    ],
)
def test_a_command_that_says_something_else_is_refused(text: str, problem: str) -> None:
    """The message names the flag and never repeats a value, which may be the token."""
    with pytest.raises(ConfigError) as caught:
        parse_join_command(text)
    assert problem in caught.value.message
    assert "0123456789abcdef" not in caught.value.message.lower()


def test_the_join_configuration_is_a_secret_with_the_form_of_its_kubeadm() -> None:
    """v1beta4 is read from 1.31 on, and 1.37 reads no other."""
    node = inventory().nodes[1]
    made = [
        join_configuration(node, version, server="a:6443", token=Secret(TOKEN), ca_hashes=[HASH])
        for version in ("1.30.9", "1.37.1")
    ]
    assert TOKEN not in f"{made}"
    rows = [yaml.safe_load(row.reveal()) for row in made]
    assert [row["apiVersion"] for row in rows] == [
        "kubeadm.k8s.io/v1beta3",
        "kubeadm.k8s.io/v1beta4",
    ]
    assert rows[1]["nodeRegistration"]["taints"] == [
        {"key": "os", "value": "windows", "effect": "NoSchedule"},
        {"key": "spot", "effect": "NoExecute"},
    ]


def test_a_node_without_taints_says_so() -> None:
    """Without the empty list kubeadm would think of some itself."""
    made = join_configuration(
        inventory().nodes[0], "1.36.4", server="a:1", token=Secret(TOKEN), ca_hashes=[HASH]
    )
    assert yaml.safe_load(made.reveal())["nodeRegistration"]["taints"] == []


def test_the_bootstrap_kubeconfig_leads_to_one_cluster_with_one_token() -> None:
    """The CA is inside, so that no other file must be there first."""
    made = bootstrap_kubeconfig(server="https://a:6443", ca_pem=AUTHORITY, token=Secret(TOKEN))
    found = yaml.safe_load(made.reveal())
    cluster = found["clusters"][0]["cluster"]
    assert base64.b64decode(cluster["certificate-authority-data"]).decode() == AUTHORITY
    assert cluster["server"] == "https://a:6443"
    assert found["users"][0]["user"] == {"token": TOKEN}
    assert found["contexts"][0]["name"] == found["current-context"]
