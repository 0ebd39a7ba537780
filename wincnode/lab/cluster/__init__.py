"""A control plane of the lab: the API server of a cluster that kubeadm might have made.

It speaks real HTTPS on loopback, with an authority, users, rights and controllers of its own.
"""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from wincnode.lab.cluster import authority, seed, workloads
from wincnode.lab.cluster.authority import Authority
from wincnode.lab.cluster.controllers import Controllers
from wincnode.lab.cluster.server import ApiServer, Audited
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store
from wincnode.lab.cluster.users import AUTHENTICATED, MASTERS, User
from wincnode.lab.windows.clock import Clock

KUBERNETES = "1.36.4"
PODS = "10.244.0.0/16"
SERVICES = "10.96.0.0/12"


class ControlPlane:
    """One cluster's control plane, while it runs.

    `objects` is its store, `audit` every request in order; `clock` can be moved on. `outage`
    cuts every connection and takes no further one.
    """

    def __init__(self, folder: Path, store: Store, clock: Clock, kubernetes: str) -> None:
        self.folder = folder
        self.objects = store
        self.clock = clock
        self.kubernetes = kubernetes
        self.authority: Authority = authority.make_authority()
        work = (lambda: workloads.react(store),)
        self.controllers = Controllers(store, self.authority, work)
        self._server = ApiServer(store, self._context(), kubernetes)

    @property
    def server(self) -> str:
        """Its address."""
        return f"https://{self._server.address}"

    @property
    def ca_pem(self) -> str:
        """The certificate of its authority."""
        return self.authority.pem

    @property
    def audit(self) -> list[Audited]:
        """Every request so far, as (user, verb, resource, name, dry)."""
        return self._server.audit

    @property
    def mutations(self) -> list[Audited]:
        """The requests that changed something, or tried to."""
        changes = {"create", "update", "patch", "delete", "deletecollection"}
        reviews = ("selfsubject", "subjectaccess")
        return [
            row
            for row in self.audit
            if row.verb in changes and not row.dry and not row.resource.startswith(reviews)
        ]

    @property
    def outage(self) -> bool:
        """Whether nobody reaches it."""
        return self._server.outage

    @outage.setter
    def outage(self, value: bool) -> None:
        self._server.outage = value
        if value:
            self._server.close_connections()

    @property
    def anonymous(self) -> bool:
        """Whether requests without a credential are looked at."""
        return self._server.anonymous

    @anonymous.setter
    def anonymous(self, value: bool) -> None:
        self._server.anonymous = value

    def kubeconfig(
        self, user: str = "admin", verbs: Iterable[tuple[str, str]] | None = None
    ) -> Path:
        """Write a kubeconfig with a client certificate.

        Args: verbs: the user's only rights, as pairs of verb and resource such as
            ("create", "pods/eviction"); None for all rights there are.
        """
        groups: tuple[str, ...] = (MASTERS,)
        if verbs is not None:
            groups = ()
            seed.allow(self.objects, user, verbs)
        key, key_pem = authority.new_key()
        subject = authority.named(user, groups)
        pem = self.authority.issue(subject, key.public_key(), usage=authority.CLIENT)
        data = {"client-certificate-data": _encoded(pem), "client-key-data": _encoded(key_pem)}
        return self._written(user, data)

    def token_kubeconfig(self, user: str, token: str, groups: tuple[str, ...] = ()) -> Path:
        """Write a kubeconfig with a bearer token, which stands for a user."""
        self._server.tokens[token] = User(name=user, groups=(*groups, AUTHENTICATED))
        return self._written(user, {"token": token})

    def _written(self, user: str, credential: Json) -> Path:
        cluster = {"server": self.server, "certificate-authority-data": _encoded(self.ca_pem)}
        context = f"{user}@lab"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": user, "user": credential}],
            "contexts": [{"name": context, "context": {"cluster": "lab", "user": user}}],
            "current-context": context,
        }
        path = self.folder / f"{user}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def _context(self) -> ssl.SSLContext:
        key, key_pem = authority.new_key()
        certificate = self.authority.issue(
            authority.named("kube-apiserver"),
            key.public_key(),
            usage=authority.SERVER,
            names=authority.loopback("kubernetes", "kubernetes.default"),
        )
        pem = self.folder / "apiserver.pem"
        pem.touch(mode=0o600)
        pem.write_text(key_pem + certificate, encoding="ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.load_verify_locations(cadata=self.ca_pem)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def start(self, pods: str, services: str) -> None:
        """Begin to answer."""
        seed.fill(
            self.objects,
            server=self.server,
            ca_data=_encoded(self.ca_pem),
            kubernetes=self.kubernetes,
            pods=pods,
            services=services,
        )
        self.controllers.start()
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        """End every connection, and answer no more."""
        self._server.ended = True
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self.controllers.stop()


@contextmanager
def control_plane(
    folder: Path, *, kubernetes: str = KUBERNETES, pods: str = PODS, services: str = SERVICES
) -> Iterator[ControlPlane]:
    """Run a control plane; what it writes goes to a folder.

    Args: kubernetes: its version. pods, services: its networks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clock, began = Clock(), datetime.now(UTC)
    store = Store(lambda: began + timedelta(seconds=clock.seconds()))
    plane = ControlPlane(folder, store, clock, kubernetes)
    plane.start(pods, services)
    try:
        yield plane
    finally:
        plane.stop()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
