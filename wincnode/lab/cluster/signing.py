"""The controllers that sign: cluster-info with bootstrap tokens, and certificates of kubelets.

Source: kubernetes/kubernetes:pkg/controller/bootstrap/{bootstrapsigner,tokencleaner,util}.go;
pkg/controller/certificates/approver/sarapprove.go; pkg/apis/certificates/helpers.go;
kubernetes/cluster-bootstrap:token/jws/jws.go
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from wincnode.lab.cluster import users
from wincnode.lab.cluster.admission import user_of
from wincnode.lab.cluster.authority import CLIENT, SERVER, Authority
from wincnode.lab.cluster.rights import Action, may
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

CSRS = "certificatesigningrequests.certificates.k8s.io"
PREFIX = "jws-kubeconfig-"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
API_CLIENT = "kubernetes.io/kube-apiserver-client"
# signer -> what its certificates are for
SIGNERS = {KUBELET_CLIENT: CLIENT, KUBELET_SERVING: SERVER, API_CLIENT: CLIENT}
CLIENT_USAGES = ({"digital signature", "client auth"},)
SERVING_USAGES = ({"digital signature", "server auth"},)
FOR_RSA = {"key encipherment"}


def jws(content: str, token_id: str, secret: str) -> str:
    """Sign a text, which does not stand in the result."""
    header = _url64(b'{"alg":"HS256","kid":"' + token_id.encode() + b'"}')
    message = f"{header}.{_url64(content.encode())}"
    digest = hmac.digest(secret.encode(), message.encode(), hashlib.sha256)
    return f"{header}..{_url64(digest)}"


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def clean_tokens(store: Store) -> None:
    """Delete bootstrap tokens that have ended."""
    for secret in _tokens(store):
        if users.has_expired(users.texts(secret), store.now()):
            store.delete("secrets", secret["metadata"]["name"], "kube-system")


def sign_cluster_info(store: Store) -> None:
    """Bring the signatures of cluster-info up to date."""
    info = store.get("configmaps", "cluster-info", "kube-public")
    if info is None or "kubeconfig" not in info["data"]:
        return
    kept = {name: text for name, text in info["data"].items() if not name.startswith(PREFIX)}
    for secret in _tokens(store):
        data = users.texts(secret)
        id, key = data.get("token-id", ""), data.get("token-secret", "")
        name = secret["metadata"]["name"]
        signs = data.get("usage-bootstrap-signing") == "true"
        if signs and key and name == f"bootstrap-token-{id}" and not _is_over(store, secret):
            kept[PREFIX + id] = jws(kept["kubeconfig"], id, key)
    store.put("configmaps", {**info, "data": kept})


def _is_over(store: Store, secret: Json) -> bool:
    return users.has_expired(users.texts(secret), store.now())


def _tokens(store: Store) -> list[Json]:
    rows = store.rows("secrets", "kube-system")
    return [row for row in rows if row.get("type") == users.TOKEN_TYPE]


def approve(store: Store, csr: Json) -> None:
    """Approve a kubelet's request for a client certificate, where its maker may have one."""
    if _condition(csr, "Approved") or _condition(csr, "Denied"):
        return
    request = parsed(csr)
    if not is_kubelet_client(csr, request):
        return
    user = user_of(csr)
    below = ["nodeclient"]
    if user.name == common_name(request):
        below.insert(0, "selfnodeclient")
    group, resource = "certificates.k8s.io", "certificatesigningrequests"
    for name in below:
        action = Action(verb="create", group=group, resource=resource, subresource=name)
        if may(store, user, action):
            whose = "self kubelet" if name == "selfnodeclient" else "kubelet"
            text = f"Auto approving {whose} client certificate after SubjectAccessReview."
            row = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": text}
            row["lastUpdateTime"] = store.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            csr["status"].setdefault("conditions", []).append(row)
            store.put(CSRS, csr)
            return


def sign(store: Store, csr: Json, authority: Authority) -> None:
    """Sign an approved request of a signer that the cluster has."""
    signer = csr["spec"]["signerName"]
    if not _condition(csr, "Approved") or csr["status"].get("certificate"):
        return
    if signer not in SIGNERS:
        return
    request = parsed(csr)
    if not _fits_signer(csr, request):
        text = "invalid usage or subject for the signer"
        row = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure"}
        csr["status"]["conditions"].append({**row, "message": text})
        store.put(CSRS, csr)
        return
    seconds = csr["spec"].get("expirationSeconds", 365 * 86400)
    pem = authority.issue(
        request.subject,
        request.public_key(),  # type: ignore[arg-type] # what a request holds can be signed
        usage=SIGNERS[signer],
        names=_names(request),
        lifetime=timedelta(seconds=seconds),
    )
    csr["status"]["certificate"] = base64.b64encode(pem.encode()).decode()
    store.put(CSRS, csr)


def parsed(csr: Json) -> x509.CertificateSigningRequest:
    """Read the request in a CertificateSigningRequest.

    Raises: ValueError.
    """
    return x509.load_pem_x509_csr(base64.b64decode(csr["spec"]["request"]))


def common_name(request: x509.CertificateSigningRequest) -> str:
    """Give a request's common name."""
    rows = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(rows[0].value) if rows else ""


def is_kubelet_client(csr: Json, request: x509.CertificateSigningRequest) -> bool:
    """Say whether a request is exactly what a kubelet asks for as a client."""
    return (
        csr["spec"]["signerName"] == KUBELET_CLIENT
        and _is_node(request)
        and _names(request) is None
        and _usages(csr) in CLIENT_USAGES
    )


def _fits_signer(csr: Json, request: x509.CertificateSigningRequest) -> bool:
    match csr["spec"]["signerName"]:
        case "kubernetes.io/kube-apiserver-client-kubelet":
            return is_kubelet_client(csr, request)
        case "kubernetes.io/kubelet-serving":
            names = _names(request)
            kinds = {type(row) for row in names or ()}
            only_hosts = bool(kinds) and kinds <= {x509.DNSName, x509.IPAddress}
            return _is_node(request) and only_hosts and _usages(csr) in SERVING_USAGES
    return "client auth" in csr["spec"]["usages"]


def _usages(csr: Json) -> set[str]:
    return set(csr["spec"]["usages"]) - FOR_RSA


def _is_node(request: x509.CertificateSigningRequest) -> bool:
    groups = request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    is_named = bool(re.match("system:node:.", common_name(request)))
    return is_named and [row.value for row in groups] == ["system:nodes"]


def _names(request: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    try:
        return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _condition(csr: Json, type: str) -> bool:
    return any(row["type"] == type for row in csr.get("status", {}).get("conditions", ()))
