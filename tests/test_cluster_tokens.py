"""Bootstrap tokens and discovery: whose token it is, and whether the cluster is the right one."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_access import HASTE, administrator, failed, told

from wincnode.cluster import discovery, tokens
from wincnode.cluster.api import Api, Object
from wincnode.errors import ClusterError
from wincnode.lab.cluster import ControlPlane, control_plane
from wincnode.secrets import Secret

# Source of the values: kubernetes/cluster-bootstrap:token/jws/jws_test.go
SIGNED = "Hello from the other side. I must have called a thousand times."
HEAD = "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9.."
JOSHUA = Secret("joshua.my voice is my passcode")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path) as running:
        yield running


@pytest.fixture
def api(plane: ControlPlane) -> Api:
    return administrator(plane.kubeconfig())


def secret_of(plane: ControlPlane, node: str) -> Object | None:
    return plane.objects.get("secrets", f"bootstrap-token-{tokens.token_id(node)}", "kube-system")


def data_of(secret: Object) -> dict[str, str]:
    return {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}


def test_a_token_says_what_it_is_for_and_lives_for_half_an_hour(
    plane: ControlPlane, api: Api
) -> None:
    """Whoever finds it can tell which run and node it is of; the secret is in nothing printed."""
    token = tokens.create(api, "win1", "r-42")
    secret = secret_of(plane, "win1")
    assert secret is not None
    data = data_of(secret)
    assert token.reveal() == f"{data['token-id']}.{data['token-secret']}"
    assert secret["type"] == "bootstrap.kubernetes.io/token"
    assert {key: data[key] for key in data if not key.startswith(("token", "expir"))} == {
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
        "description": "wincnode: lets win1 join, run r-42",
    }
    left = time.mktime(time.strptime(data["expiration"], "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(
        api.now().timetuple()
    )
    assert 1790 < left <= 1801
    assert data["token-secret"] not in f"{token}{token!r}"


def test_ids_are_the_node_s_own_and_take_all_letters() -> None:
    """No list of tokens is needed, and nodes do not share them."""
    ids = [tokens.token_id(f"win{number}") for number in range(500)]
    assert len(set(ids)) == 500
    assert all(len(id) == 6 and set(id) <= set(tokens.ALPHABET) for id in ids)
    assert set("".join(ids)) == set(tokens.ALPHABET)
    assert tokens.token_id("win1") == ids[1]


def test_a_token_that_a_killed_run_left_is_replaced(plane: ControlPlane, api: Api) -> None:
    """The old secret is worth nothing any more."""
    first = tokens.create(api, "win1", "r-1")
    second = tokens.create(api, "win1", "r-2")
    secret = secret_of(plane, "win1")
    assert first != second
    assert secret is not None
    assert data_of(secret)["description"].endswith("run r-2")


def test_a_token_is_taken_back_as_often_as_one_likes(plane: ControlPlane, api: Api) -> None:
    """With it goes the signature of cluster-info."""
    tokens.create(api, "win1", "r-1")
    assert (tokens.revoke(api, "win1"), tokens.revoke(api, "win1")) == (True, False)
    assert secret_of(plane, "win1") is None


@pytest.mark.parametrize("description", ["by hand", "wincnode: lets win2 join, run r-1", None])
def test_a_token_of_somebody_else_is_not_touched(
    plane: ControlPlane, api: Api, description: str | None
) -> None:
    """Also one of another node that happens to have the id, and one that says nothing."""
    name = f"bootstrap-token-{tokens.token_id('win1')}"
    text = {} if description is None else {"description": description}
    plane.objects.put(
        "secrets",
        {
            "metadata": {"name": name, "namespace": "kube-system"},
            "type": tokens.TYPE,
            "data": {key: base64.b64encode(row.encode()).decode() for key, row in text.items()},
        },
    )
    with pytest.raises(ClusterError, match=f"the Secret {name} in kube-system is not") as caught:
        tokens.create(api, "win1", "r-1")
    assert caught.value.id == "cluster.foreign-token"
    assert tokens.revoke(api, "win1") is False
    assert secret_of(plane, "win1") is not None


def test_a_token_lives_by_the_server_s_clock() -> None:
    """A workstation whose clock is late would make one that is dead at once."""
    absent = failed(404, Date="Tue, 01 Jan 2030 00:00:00 GMT")
    with told(absent, (201, {}, {})) as (server, api):
        tokens.create(api, "win1", "r-1")
    expires = data_of(json.loads(server.bodies[1]))["expiration"]
    assert expires[:16] in {"2030-01-01T00:29", "2030-01-01T00:30"}


def test_signatures_are_those_of_kubernetes() -> None:
    """Its own test values."""
    assert (
        discovery.signature(SIGNED, JOSHUA) == f"{HEAD}VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"
    )
    assert discovery.signature("", JOSHUA) == f"{HEAD}7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk"


def test_pins_are_those_of_openssl(plane: ControlPlane, tmp_path: Path) -> None:
    """The command that kubeadm's documentation gives says the same."""
    ca = tmp_path / "ca.crt"
    ca.write_text(plane.ca_pem)
    run = f"openssl x509 -pubkey -noout -in {ca} | openssl pkey -pubin -outform der | sha256sum"
    done = subprocess.run(["sh", "-c", run], capture_output=True, text=True, check=True, timeout=60)
    assert discovery.pins(plane.ca_pem) == (f"sha256:{done.stdout.split()[0]}",)


def test_the_cluster_signs_for_a_token_and_one_watch_sees_it(plane: ControlPlane, api: Api) -> None:
    """The signature comes a moment after the token."""
    plane.controllers.delay_s = 0.1
    token = tokens.create(api, "win1", "r-1")
    info = discovery.cluster_info(api, token, timeout_s=5)
    assert (info.server, info.ca_pem) == (plane.server, plane.ca_pem)
    assert info.pins == discovery.pins(plane.ca_pem)
    verbs = [row.verb for row in plane.audit if row.name == "cluster-info"]
    assert verbs.count("watch") <= 1
    assert "get" not in verbs


def test_a_cluster_that_does_not_sign_is_told(plane: ControlPlane, api: Api) -> None:
    """A signature of an earlier token of the node is none, and a cluster may have no cluster-info."""
    signed_by(plane, api)
    plane.controllers.signs_tokens = False
    token = tokens.create(api, "win1", "r-2")
    with pytest.raises(ClusterError, match=r"not signed for the token \w{6} in 0 s") as caught:
        discovery.cluster_info(api, token, timeout_s=0.1)
    assert "bootstrapsigner" in caught.value.remedy
    plane.objects.delete("configmaps", "cluster-info", "kube-public")
    with pytest.raises(ClusterError, match="there is no ConfigMap cluster-info"):
        discovery.cluster_info(api, token, timeout_s=0.1)


def signed_by(plane: ControlPlane, api: Api) -> Secret:
    token = tokens.create(api, "win1", "r-1")
    discovery.cluster_info(api, token, timeout_s=5)
    return token


def discover(plane: ControlPlane, token: Secret, *pins: str) -> discovery.ClusterInfo:
    return discovery.discover(plane.server.removeprefix("https://"), token, pins, patience=HASTE)


def test_a_cluster_is_found_by_token_and_pin_alone(plane: ControlPlane, api: Api) -> None:
    """As `kubeadm join` does it: nobody vouches for the server before."""
    token = signed_by(plane, api)
    pins = discovery.pins(plane.ca_pem)
    assert discover(plane, token, "sha256:00", pins[0].upper().replace("SHA", "sha")).pins == pins
    assert discover(plane, token).server == plane.server
    with pytest.raises(ClusterError, match="sha256:00") as caught:
        discover(plane, token, "sha256:00")
    assert caught.value.id == "cluster.pin"


def test_a_token_of_another_secret_or_cluster_is_refused(plane: ControlPlane, api: Api) -> None:
    """Neither is told more than the token's id, which is no secret."""
    id = signed_by(plane, api).reveal().partition(".")[0]
    for token, part in (
        (f"{id}.topsecrettopsecr", f"the signature of cluster-info is not of the token {id}"),
        ("zzzzzz.topsecrettopsecr", "is not signed for the token zzzzzz"),
    ):
        with pytest.raises(ClusterError, match=part) as caught:
            discover(plane, Secret(token))
        assert caught.value.id == "cluster.discovery"
        assert "topsecret" not in f"{caught.value.message}{caught.value.remedy}"


def changed(plane: ControlPlane, change: Any) -> None:
    found = plane.objects.get("configmaps", "cluster-info", "kube-public")
    assert found is not None
    change(found["data"])
    plane.objects.put("configmaps", found)


def test_a_cluster_info_that_somebody_changed_is_refused(plane: ControlPlane, api: Api) -> None:
    """Whoever may write the ConfigMap does not know the token's secret."""
    token = signed_by(plane, api)
    plane.controllers.stop()
    changed(plane, lambda data: data.update(kubeconfig=data["kubeconfig"] + "#"))
    with pytest.raises(ClusterError, match="the signature of cluster-info is not of the token"):
        discover(plane, token)


@pytest.mark.parametrize("text", ["", "a: [", "clusters: []", "clusters: [{name: a, cluster: 1}]"])
def test_a_kubeconfig_that_names_no_cluster_is_told(text: str) -> None:
    """A signature over nonsense is a signature."""
    with pytest.raises(ClusterError, match="names no server with its authority"):
        discovery.parsed(text, "https://api.example")
