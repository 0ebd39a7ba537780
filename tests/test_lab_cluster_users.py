"""Who may what on the lab's control plane: users, tokens, certificates and nodes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from cryptography import x509
from planes import CSRS, GROUP, MERGE, SECRETS, bearer, client, node, refused, soon, token

from wincnode.lab.cluster import ControlPlane, authority, users
from wincnode.lab.cluster.signing import jws
from wincnode.lab.cluster.status import ApiError
from wincnode.lab.cluster.store import Store
from wincnode.lab.programs import certificates
from wincnode.lab.programs.api import Client


def test_a_user_has_the_rights_that_were_given_and_no_other(plane: ControlPlane) -> None:
    """A refusal is Kubernetes' own, and the review says the same."""
    low = client(plane, "low", {("get", "nodes"), ("create", "pods/eviction")})
    plane.objects.put("nodes", node("win1"))
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    def allowed(**attributes: str) -> bool:
        answer = low.call("POST", review, {"spec": {"resourceAttributes": attributes}})
        return bool(answer["status"]["allowed"])

    assert low.call("GET", "/api/v1/nodes/win1")["metadata"]["name"] == "win1"
    assert refused(lambda: low.call("GET", SECRETS)) == (
        403,
        (
            'secrets is forbidden: User "low" cannot list resource "secrets" in API group "" in '
            'the namespace "kube-system"'
        ),
    )
    assert allowed(verb="create", resource="pods", subresource="eviction")
    assert not allowed(verb="delete", resource="nodes")


def test_anonymous_sees_cluster_info_alone(plane: ControlPlane) -> None:
    """What discovery needs, and nothing where anonymous access is off."""
    nobody = Client(server=plane.server)
    path = "/api/v1/namespaces/kube-public/configmaps/cluster-info"

    found = nobody.call("GET", path)
    other = refused(lambda: nobody.call("GET", "/api/v1/nodes"))[0]
    plane.anonymous = False
    off = refused(lambda: nobody.call("GET", path))
    plane.anonymous = True

    assert (
        yaml.safe_load(found["data"]["kubeconfig"])["clusters"][0]["cluster"]["server"]
        == plane.server
    )
    assert other == 403
    assert off == (401, "Unauthorized")


def test_a_token_of_kubeadm_gets_what_a_join_needs(plane: ControlPlane) -> None:
    """It is signed into cluster-info, names its groups, and ends at its time."""
    client(plane).call("POST", SECRETS, token())
    boot = bearer(plane, "abcdef.0123456789abcdef")

    def signature() -> str | None:
        info = plane.objects.get("configmaps", "cluster-info", "kube-public")
        return info["data"].get("jws-kubeconfig-abcdef")

    signed = soon(signature)
    boot.call("GET", "/api/v1/namespaces/kube-system/configmaps/kubeadm-config")
    text = plane.objects.get("configmaps", "cluster-info", "kube-public")["data"]["kubeconfig"]
    denied = refused(lambda: boot.call("GET", SECRETS))
    plane.clock.advance(700)
    soon(lambda: signature() is None)

    assert signed == jws(text, "abcdef", "0123456789abcdef")
    assert 'User "system:bootstrap:abcdef" cannot list' in denied[1]
    assert refused(lambda: boot.call("GET", "/api/v1/nodes/x"))[0] == 401
    assert plane.objects.get("secrets", "bootstrap-token-abcdef", "kube-system") is None
    plane.clock.advance(-700)


@pytest.mark.parametrize(
    ("content", "secret", "signature"),
    [
        (
            "Hello from the other side. I must have called a thousand times.",
            "my voice is my passcode",
            "VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8",
        ),
        ("", "my voice is my passcode", "7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk"),
    ],
)
def test_signatures_are_those_of_kubernetes(content: str, secret: str, signature: str) -> None:
    """The vectors of kubernetes/cluster-bootstrap:token/jws/jws_test.go."""
    head = "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9"

    assert jws(content, "joshua", secret) == f"{head}..{signature}"


@pytest.mark.parametrize("changes", [{"usage-bootstrap-authentication": "false"}, {"token-id": "other1"},
                                     {"auth-extra-groups": "system:masters"}, {"expiration": "soon"}])  # fmt: skip
def test_a_token_that_is_not_whole_is_nobody(plane: ControlPlane, changes: dict[str, str]) -> None:
    """Each field that Kubernetes looks at is looked at."""
    client(plane).call("POST", SECRETS, token("zzzzzz", **changes))

    assert (
        refused(lambda: bearer(plane, "zzzzzz.0123456789abcdef").call("GET", "/version"))[0] == 401
    )


def test_a_token_that_has_ended_is_nobody_before_it_is_cleaned_away() -> None:
    """The authenticator looks at the time itself."""
    store = Store()
    body = token()
    rows = body.pop("stringData")
    data = {name: base64.b64encode(text.encode()).decode() for name, text in rows.items()}
    body["metadata"]["namespace"] = "kube-system"
    store.put("secrets", {**body, "data": data})
    words = "Bearer abcdef.0123456789abcdef"

    known = users.identify(store, {}, None, words)
    store.now = lambda: datetime.now(UTC) + timedelta(seconds=601)

    assert known.groups == ("system:bootstrappers", GROUP, "system:authenticated")
    with pytest.raises(ApiError, match="Unauthorized"):
        users.identify(store, {}, None, words)


# certificates


def asked(
    plane: ControlPlane,
    who: Client,
    subject: x509.Name,
    usages: list[str],
    *,
    serving: bool = False,
) -> dict[str, Any]:
    key, _ = authority.new_key()
    signer = certificates.SERVING_SIGNER if serving else certificates.CLIENT_SIGNER
    names = authority.loopback() if serving else None
    name = certificates.request(who, key, subject, signer, usages, names)
    plane.controllers.react()
    found = plane.objects.get("certificatesigningrequests.certificates.k8s.io", name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "groups", "usages", "signed"),
    [
        ("system:node:win1", ["system:nodes"], ["digital signature", "client auth"], True),
        ("system:node:win1", ["system:nodes"], ["client auth"], False),
        ("system:node:win1", ["system:masters"], ["digital signature", "client auth"], False),
        ("win1", ["system:nodes"], ["digital signature", "client auth"], False),
    ],
)
def test_only_what_a_kubelet_asks_for_is_approved(
    plane: ControlPlane, name: str, groups: list[str], usages: list[str], signed: bool
) -> None:
    """The approver of the controller manager is strict in subject and usages."""
    client(plane).call("POST", SECRETS, token())
    boot = bearer(plane, "abcdef.0123456789abcdef")

    found = asked(plane, boot, authority.named(name, groups), usages)

    assert found["spec"]["username"] == "system:bootstrap:abcdef"
    assert bool(found["status"].get("certificate")) is signed


def test_a_serving_certificate_waits_for_somebody(plane: ControlPlane) -> None:
    """It is never approved by itself; who may approve for its signer can."""
    kubelet = node_client(plane, "win1")
    usages = ["digital signature", "server auth"]
    found = asked(
        plane, kubelet, authority.named("system:node:win1", ["system:nodes"]), usages, serving=True
    )
    name = found["metadata"]["name"]
    rights = {
        ("get", "certificatesigningrequests"),
        ("update", "certificatesigningrequests/approval"),
    }
    found["status"]["conditions"] = [{"type": "Approved", "status": "True", "reason": "us"}]

    def approve(who: Client) -> None:
        who.call("PUT", f"{CSRS}/{name}/approval", found)

    code, text = refused(lambda: approve(client(plane, "half", rights)))
    approve(client(plane, "whole", rights | {("approve", "signers")}))
    plane.controllers.react()

    assert code == 403
    assert (
        'not permitted to approve requests with signerName "kubernetes.io/kubelet-serving"' in text
    )
    row = plane.objects.get("certificatesigningrequests.certificates.k8s.io", name)
    pem = x509.load_pem_x509_certificate(base64.b64decode(row["status"]["certificate"]))
    pem.verify_directly_issued_by(plane.authority.certificate)


def node_client(plane: ControlPlane, name: str) -> Client:
    key, key_pem = authority.new_key()
    subject = authority.named(f"system:node:{name}", ["system:nodes"])
    pem = plane.folder / f"node-{name}.pem"
    pem.write_text(
        key_pem + plane.authority.issue(subject, key.public_key(), usage=authority.CLIENT)
    )
    return Client(server=plane.server, ca=plane.ca_pem, pem=pem)


def test_a_node_writes_its_own_node_alone(plane: ControlPlane) -> None:
    """NodeRestriction: name, labels and taints; and the lease of its name."""
    kubelet = node_client(plane, "win1")
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    role = {"node-role.kubernetes.io/worker": ""}

    def create(name: str, **labels: str) -> Any:
        body = node(name)
        body["metadata"]["labels"] = labels
        return kubelet.call("POST", "/api/v1/nodes", body)

    other = refused(lambda: create("win2"))
    labelled = refused(lambda: create("win1", **role))
    create("win1", **{"node.kubernetes.io/windows-build": "10.0.20348", "tier": "x"})
    taint = {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}
    tainted = refused(lambda: kubelet.call("PATCH", "/api/v1/nodes/win1", taint, MERGE))
    leased = refused(lambda: kubelet.call("POST", leases, {"metadata": {"name": "win2"}}))
    kubelet.call("POST", leases, {"metadata": {"name": "win1"}})

    assert other == (
        403,
        'nodes "win2" is forbidden: node "win1" is not allowed to modify node "win2"',
    )
    assert "not allowed to set the following labels: node-role.kubernetes.io/worker" in labelled[1]
    assert 'node "win1" is not allowed to modify taints' in tainted[1]
    assert "can only access node lease with the same name" in leased[1]
    assert refused(lambda: kubelet.call("GET", SECRETS))[0] == 403
