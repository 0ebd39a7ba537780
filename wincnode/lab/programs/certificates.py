"""A kubelet's certificates: how it comes by its client certificate, and its serving one.

Source: kubernetes/kubernetes:pkg/kubelet/certificate/{bootstrap/bootstrap,kubelet}.go;
kubernetes/client-go:util/certificate/{certificate_store,csr/csr}.go
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import ipaddress
from collections.abc import Callable
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wincnode.lab.cluster import authority
from wincnode.lab.programs import api
from wincnode.lab.programs.api import ApiFailed, Client, Json
from wincnode.lab.windows.machine import Machine

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING_SIGNER = "kubernetes.io/kubelet-serving"
CURRENT = "kubelet-client-current.pem"
TEMPORARY_KEY = "kubelet-client.key.tmp"
ANSWER_S = 5.0


class Denied(Exception):
    """A request for a certificate was denied, or it failed."""


def is_valid(machine: Machine, kubeconfig: str) -> bool:
    """Say whether a kubeconfig's client certificate is there and in its time, as kubelets look."""
    try:
        pem = api.load(machine, kubeconfig).pem
        certificate = x509.load_pem_x509_certificate(pem.read_bytes()) if pem else None
    except (ApiFailed, ValueError, KeyError):
        return False
    return certificate is not None and dt.datetime.now(dt.UTC) < certificate.not_valid_after_utc


def write_kubeconfig(machine: Machine, path: str, bootstrap: Client, cert_dir: str) -> None:
    """Write the kubeconfig that points to the certificate that is to come."""
    pem = rf"{cert_dir}\{CURRENT}"
    cluster: Json = {"server": bootstrap.server}
    if bootstrap.ca is None:
        cluster["insecure-skip-tls-verify"] = True
    else:
        cluster["certificate-authority-data"] = base64.b64encode(bootstrap.ca.encode()).decode()
    user = {"client-certificate": pem, "client-key": pem}
    context = {"cluster": "default-cluster", "namespace": "default", "user": "default-auth"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default-cluster", "cluster": cluster}],
        "contexts": [{"name": "default-context", "context": context}],
        "current-context": "default-context",
        "users": [{"name": "default-auth", "user": user}],
    }
    file = machine.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(config), encoding="utf-8")


def obtain(client: Client, folder: Path, node: str, goes_on: Callable[[], bool]) -> Path:
    """Get the client certificate of a node.

    Returns: the file with certificate and key.
    Raises: ApiFailed, Denied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key, key_pem = _key(folder / TEMPORARY_KEY)
    subject = authority.named(f"system:node:{node}", ("system:nodes",))
    usages = ["digital signature", "client auth"]
    name = request(client, key, subject, CLIENT_SIGNER, usages)
    pem = wait(client, name, goes_on)
    path = store(folder, "kubelet-client", pem + key_pem)
    (folder / TEMPORARY_KEY).unlink(missing_ok=True)
    return path


def request(
    client: Client,
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    signer: str,
    usages: list[str],
    names: x509.SubjectAlternativeName | None = None,
) -> str:
    """Ask for a certificate; gives the request's name.

    Raises: ApiFailed.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": "csr-"},
        "spec": {
            "request": base64.b64encode(pem).decode(),
            "signerName": signer,
            "usages": usages,
        },
    }
    name: str = client.call("POST", CSRS, body)["metadata"]["name"]
    return name


def wait(client: Client, name: str, goes_on: Callable[[], bool]) -> str:
    """Give the certificate, once it is issued.

    Raises: Denied. ApiFailed: nobody answers.
    """
    while goes_on():
        path = f"{CSRS}?fieldSelector=metadata.name%3D{name}"
        found = client.call("GET", path)
        if not found["items"]:
            raise Denied(f"cannot watch on the certificate signing request {name}: it is gone")
        if pem := issued(found["items"][0]):
            return pem
        version = found["metadata"]["resourceVersion"]
        for event in client.watch(f"{path}&watch=1&resourceVersion={version}", ANSWER_S):
            if event["type"] == "MODIFIED" and (pem := issued(event["object"])):
                return pem
            if not goes_on():
                break
    raise Denied("the kubelet ends")


def issued(csr: Json) -> str:
    """Give a request's certificate; nothing where it waits for one.

    Raises: Denied.
    """
    state = csr.get("status") or {}
    for row in state.get("conditions") or ():
        if row["type"] in {"Denied", "Failed"}:
            text = f"certificate signing request is {row['type'].lower()}, reason: "
            raise Denied(f"{text}{row.get('reason')}, message: {row.get('message')}")
    return base64.b64decode(state.get("certificate") or "").decode()


def store(folder: Path, prefix: str, text: str) -> Path:
    """Keep a certificate with its key by its date, and point to it as the current one."""
    moment = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d-%H-%M-%S")
    file = folder / f"{prefix}-{moment}.pem"
    file.touch(mode=0o600)
    file.write_text(text, encoding="ascii")
    current = folder / f"{prefix}-current.pem"
    with contextlib.suppress(FileNotFoundError):
        current.unlink()
    current.symlink_to(file.name)
    return current


def self_signed(folder: Path, node: str) -> None:
    """Make the serving certificate of a kubelet that asks nobody for one, unless it is there."""
    if (folder / "kubelet.crt").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    made = authority.make_authority(f"{node}@{int(dt.datetime.now(dt.UTC).timestamp())}")
    pem = made.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (folder / "kubelet.crt").write_text(made.pem, encoding="ascii")
    (folder / "kubelet.key").write_bytes(pem)


def serving_names(node: str, addresses: list[Json]) -> x509.SubjectAlternativeName:
    """Give the names that a serving certificate is asked for."""
    hosts: list[x509.GeneralName] = [x509.DNSName(node)]
    hosts += [
        x509.IPAddress(ipaddress.ip_address(row["address"]))
        for row in addresses
        if row["type"] == "InternalIP"
    ]
    return x509.SubjectAlternativeName(hosts)


def _key(file: Path) -> tuple[ec.EllipticCurvePrivateKey, str]:
    """Give the key that a try before this one has left, or make one."""
    if file.is_file():
        found = serialization.load_pem_private_key(file.read_bytes(), None)
        if isinstance(found, ec.EllipticCurvePrivateKey):
            return found, file.read_text(encoding="ascii")
    key, pem = authority.new_key()
    file.touch(mode=0o600)
    file.write_text(pem, encoding="ascii")
    return key, pem
