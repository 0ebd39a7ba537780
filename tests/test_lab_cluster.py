"""The lab's control plane behaves as Kubernetes does, to kubectl and to clients of our own."""

from __future__ import annotations

import base64
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from cryptography import x509

from wincnode.lab.cluster import ControlPlane, authority, control_plane, users
from wincnode.lab.cluster.patches import strategic
from wincnode.lab.cluster.selectors import selector
from wincnode.lab.cluster.signing import jws
from wincnode.lab.cluster.status import ApiError
from wincnode.lab.cluster.store import Store
from wincnode.lab.programs import certificates
from wincnode.lab.programs.api import ApiFailed, Client

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PODS = "/api/v1/namespaces/default/pods"
CSRS = certificates.CSRS
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
GROUP = "system:bootstrappers:kubeadm:default-node-token"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.fixture
def plane(shared: ControlPlane) -> ControlPlane:
    """Give the control plane without what an earlier test has left."""
    for resource in ("nodes", "configmaps", "pods", "secrets"):
        for row in shared.objects.rows(resource):
            meta = row["metadata"]
            if resource != "configmaps" or meta.get("namespace") == "default":
                shared.objects.delete(resource, meta["name"], meta.get("namespace", ""))
    shared.audit.clear()
    return shared


def client(plane: ControlPlane, user: str = "admin", verbs: Any = None) -> Client:
    config = yaml.safe_load(plane.kubeconfig(user, verbs).read_text())
    pem = plane.folder / f"{user}.pem"
    row = config["users"][0]["user"]
    pem.write_bytes(
        base64.b64decode(row["client-certificate-data"]) + base64.b64decode(row["client-key-data"])
    )
    return Client(server=plane.server, ca=plane.ca_pem, pem=pem, agent="tests")


def bearer(plane: ControlPlane, token: str) -> Client:
    return Client(server=plane.server, ca=plane.ca_pem, token=token)


def config_map(name: str = "one", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def token(id: str = "abcdef", *, expires_s: float = 600, **changes: str) -> dict[str, Any]:
    end = datetime.now(UTC) + timedelta(seconds=expires_s)
    data = {
        "token-id": id,
        "token-secret": "0123456789abcdef",
        "expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": GROUP,
    }
    return {
        "metadata": {"name": f"bootstrap-token-{id}"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": data | changes,
    }


def node(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}


def soon(holds: Callable[[], Any]) -> Any:
    """Give what becomes true within two seconds."""
    end = time.monotonic() + 2
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ApiFailed) as caught:
        call()
    return caught.value.code, str(caught.value)


# kubectl


@pytest.fixture
def kubectl(plane: ControlPlane) -> Callable[..., tuple[int, str]]:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("no kubectl on the path")

    def run(*words: str, stdin: str = "", user: str = "admin") -> tuple[int, str]:
        done = subprocess.run(
            [program, "--kubeconfig", str(plane.folder / f"{user}.kubeconfig"),
             "--cache-dir", str(plane.folder / "cache"), *words],
            input=stdin, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    plane.kubeconfig()
    return run


def test_kubectl_finds_its_way(plane: ControlPlane, kubectl: Callable[..., Any]) -> None:
    """Discovery, tables, server-side apply and its conflicts, and rights, to the real client."""
    plane.objects.put(
        "nodes", {**node("win1"), "status": {"nodeInfo": {"kubeletVersion": "v1.36.4"}}}
    )
    plane.kubeconfig("low", {("get", "nodes")})
    text = yaml.safe_dump_all([config_map(a="1"), INSTALLATION])

    _, nodes = kubectl("get", "nodes")
    applied = [kubectl("apply", "--server-side", "-f", "-", stdin=text) for _ in "ab"]
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    conflict = kubectl(*other, stdin=yaml.safe_dump(config_map(a="2")))
    yes = kubectl("auth", "can-i", "get", "nodes", user="low")
    no = kubectl("auth", "can-i", "create", "pods/eviction", user="low")

    assert [row.split()[:2] for row in nodes.splitlines()][1] == ["win1", "Unknown"]
    assert "v1.36.4" in nodes
    assert {code for code, _ in applied} == {0}
    assert conflict[0] == 1
    assert 'conflict with "kubectl" using v1: .data.a' in conflict[1]
    assert (yes[0], no[0]) == (0, 1)
    assert plane.objects.get("installations.operator.tigera.io", "default")["spec"] == {"a": [1, 2]}


INSTALLATION = {
    "apiVersion": "operator.tigera.io/v1",
    "kind": "Installation",
    "metadata": {"name": "default"},
    "spec": {"a": [1, 2]},
}


# objects


def test_an_object_that_changed_meanwhile_is_not_overwritten(plane: ControlPlane) -> None:
    """An update carries the version that was read, or 409 says that it is another."""
    admin = client(plane)
    first = admin.call("POST", CONFIG_MAPS, config_map(a="1"))
    admin.call("PATCH", f"{CONFIG_MAPS}/one", {"data": {"a": "2"}}, MERGE)

    code, text = refused(lambda: admin.call("PUT", f"{CONFIG_MAPS}/one", first))

    assert code == 409
    assert text.startswith('Operation cannot be fulfilled on configmaps "one": the object has been')
    assert refused(lambda: admin.call("POST", CONFIG_MAPS, config_map()))[0] == 409


def test_a_dry_run_changes_nothing(plane: ControlPlane) -> None:
    """What would be is shown, and the audit knows that it was dry."""
    shown = client(plane).call("POST", f"{CONFIG_MAPS}?dryRun=All", config_map(a="1"))

    assert shown["data"] == {"a": "1"}
    assert plane.objects.get("configmaps", "one", "default") is None
    assert plane.audit == [("admin", "create", "configmaps", "one", True)]
    assert plane.mutations == []


def test_apply_takes_away_what_is_no_longer_said_and_nobody_else_wants(plane: ControlPlane) -> None:
    """Fields follow their managers; the same apply again changes no version."""
    admin = client(plane)
    path = f"{CONFIG_MAPS}/one?fieldManager="
    admin.call("PATCH", f"{path}a", config_map(x="1", y="1"), APPLY)
    admin.call("PATCH", f"{path}b", config_map(y="1"), APPLY)
    before = admin.call("PATCH", f"{path}a", config_map(x="1", y="1"), APPLY)

    code, text = refused(lambda: admin.call("PATCH", f"{path}b", config_map(x="2"), APPLY))
    again = admin.call("PATCH", f"{path}a", config_map(x="1", y="1"), APPLY)
    gone = admin.call("PATCH", f"{path}a", config_map(x="1"), APPLY)
    last = admin.call("PATCH", f"{path}b&force=true", config_map(x="2"), APPLY)

    assert (code, text) == (
        409,
        'Apply failed with 1 conflict: conflict with "a" using v1: .data.x',
    )
    assert again["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert gone["data"] == {"x": "1", "y": "1"}  # b still wants y
    assert last["data"] == {"x": "2"}


def test_strategic_patches_merge_lists_by_their_keys() -> None:
    """Conditions are merged by type, taints are one value, a directive deletes."""
    target = {"status": {"conditions": [{"type": "A", "status": "x"}, {"type": "B"}]}}
    patch = {
        "spec": {"taints": [{"key": "os"}]},
        "status": {"conditions": [{"type": "A", "reason": "r"}, {"$patch": "delete", "type": "B"}]},
    }

    assert strategic(target | {"spec": {"taints": [{"key": "old"}]}}, patch) == {
        "spec": {"taints": [{"key": "os"}]},
        "status": {"conditions": [{"type": "A", "status": "x", "reason": "r"}]},
    }


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ("a=1", ["x"]),
        ("a!=1", ["y", "z"]),
        ("a in (1,2),b", ["y"]),
        ("!b", ["x", "z"]),
        ("a notin (1)", ["y", "z"]),
    ],
)
def test_label_selectors_select(labels: str, found: list[str]) -> None:
    """Equality, sets and existence, as kubectl takes them."""
    rows = {"x": {"a": "1"}, "y": {"a": "2", "b": ""}, "z": {}}
    fits = selector("", labels)

    assert [name for name, row in rows.items() if fits({"metadata": {"labels": row}})] == found


def test_a_watch_tells_what_happens_after_a_version(plane: ControlPlane) -> None:
    """What stops being selected is deleted for the watch; a bookmark ends it; old versions end it."""
    admin = client(plane)
    since = admin.call("GET", CONFIG_MAPS)["metadata"]["resourceVersion"]
    body = config_map(a="1")
    admin.call("POST", CONFIG_MAPS, {**body, "metadata": {"name": "one", "labels": {"l": "1"}}})
    admin.call("PATCH", f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"l": None}}}, MERGE)
    path = f"{CONFIG_MAPS}?watch=1&labelSelector=l%3D1&allowWatchBookmarks=true&timeoutSeconds=0.1"

    seen = list(admin.watch(f"{path}&resourceVersion={since}", 5))
    plane.objects.forget()
    old = list(admin.watch(f"{path}&resourceVersion={since}", 5))

    assert [row["type"] for row in seen] == ["ADDED", "DELETED", "BOOKMARK"]
    assert [(row["type"], row["object"]["code"]) for row in old] == [("ERROR", 410)]


def test_a_watch_hears_at_once(plane: ControlPlane) -> None:
    """Nobody has to poll: an event arrives when its change is made."""
    admin = client(plane)
    since = admin.call("GET", CONFIG_MAPS)["metadata"]["resourceVersion"]
    rows = admin.watch(f"{CONFIG_MAPS}?watch=1&resourceVersion={since}", 5)
    heard: list[float] = []
    thread = threading.Thread(target=lambda: (next(rows), heard.append(time.monotonic())))
    thread.start()
    soon(lambda: [row for row in plane.audit if row.verb == "watch"])

    began = time.monotonic()
    admin.call("POST", CONFIG_MAPS, config_map())
    thread.join(2)
    rows.close()

    assert heard[0] - began < 1.5


def test_evictions_respect_budgets(plane: ControlPlane) -> None:
    """The last pod that a budget needs is not evicted, and the answer names the budget."""
    admin = client(plane)
    meta = {"name": "p", "namespace": "default", "labels": {"app": "x"}}
    ready = [{"type": "Ready", "status": "True"}]
    plane.objects.put("nodes", node("n"))
    plane.objects.put(
        "pods",
        {
            "metadata": meta,
            "spec": {"nodeName": "n"},
            "status": {"phase": "Running", "conditions": ready},
        },
    )
    budget = {"metadata": {"name": "b", "namespace": "default"}}
    budget["spec"] = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    plane.objects.put("poddisruptionbudgets.policy", budget)
    evict = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}

    code, text = refused(lambda: admin.call("POST", f"{PODS}/p/eviction", evict))
    plane.objects.delete("poddisruptionbudgets.policy", "b", "default")
    admin.call("POST", f"{PODS}/p/eviction", evict)

    assert (code, text) == (
        429,
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    assert plane.objects.get("pods", "p", "default") is None


def test_a_definition_makes_a_resource(plane: ControlPlane) -> None:
    """Custom resources are served once they are defined, and 404 before."""
    admin = client(plane)
    path = "/apis/example.org/v1/things"
    before = refused(lambda: admin.call("GET", path))[0]
    spec = {
        "group": "example.org",
        "scope": "Cluster",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": True}],
    }
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    admin.call("POST", crds, {"metadata": {"name": "things.example.org"}, "spec": spec})

    admin.call("POST", path, {"metadata": {"name": "t"}, "free": {"form": [1]}})

    assert before == 404
    assert admin.call("GET", f"{path}/t")["free"] == {"form": [1]}


# who may what


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


# workloads, outage


def test_a_daemon_set_has_a_pod_on_each_node_that_fits(plane: ControlPlane) -> None:
    """Selector and taints decide; a node that goes takes its pod with it."""
    for name, system in (("win1", "windows"), ("lin1", "linux")):
        body = node(name, taints=[{"key": "os", "value": system, "effect": "NoSchedule"}])
        body["metadata"]["labels"] = {"kubernetes.io/os": system}
        plane.objects.put("nodes", body)
    spec = {
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "i"}],
    }
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    body = {"metadata": {"name": "ds", "namespace": "default"}, "spec": {"template": template}}
    plane.objects.put("daemonsets.apps", body)

    plane.controllers.react()
    placed = [row["spec"]["nodeName"] for row in plane.objects.rows("pods", "default")]
    plane.objects.delete("nodes", "win1")
    plane.controllers.react()

    assert placed == ["win1"]
    assert plane.objects.rows("pods", "default") == []
    plane.objects.delete("daemonsets.apps", "ds", "default")


def test_an_outage_cuts_everybody_off(plane: ControlPlane) -> None:
    """Requests and watches end without an answer, and come back when it is over."""
    admin = client(plane)
    rows = admin.watch(f"{CONFIG_MAPS}?watch=1", 5)
    thread = threading.Thread(target=lambda: list(rows))
    thread.start()
    soon(lambda: [row for row in plane.audit if row.verb == "watch"])

    plane.outage = True
    thread.join(2)
    code, _ = refused(lambda: admin.call("GET", CONFIG_MAPS))
    plane.outage = False

    assert not thread.is_alive()
    assert code == 0
    assert admin.call("GET", "/version")["gitVersion"] == "v1.36.4"
