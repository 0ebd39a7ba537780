"""Step kinds of services, tasks, certificates, images and joins: what fits, and their secrets."""

from __future__ import annotations

import hashlib
import json
import ssl
from pathlib import Path

import pytest
import winps
from certificates import certificate
from conformance.case import text
from conformance.programs import CREDENTIALS, SERVER, bootstraps, kubeadm, started
from conformance.tasks import OTHER, PAUSE, PEM
from winps import messages, outcomes, step

from wincnode import playbook
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended
from wincnode.lab.windows.services import KEY
from wincnode.node.kinds import Value, all_kinds, misfit, problems, wire
from wincnode.node.kinds.certificate import thumbprint

DIGEST = "@sha256:" + "a" * 64
BOOTSTRAP = r"C:\etc\kubernetes\bootstrap-kubelet.conf"
CONF = r"C:\etc\kubernetes\kubelet.conf"
OLD_CERTIFICATE = r"C:\var\lib\kubelet\pki\kubelet-client-current.pem"
TOKEN = "abcdef.0123456789abcdef"
PASSWORD = "HTTPS_PROXY=http://u:planted-password@10.0.0.1:3128"


@pytest.mark.parametrize(
    ("kind", "field", "value", "fits"),
    [
        ("container_image", "reference", PAUSE, True),
        ("container_image", "reference", "localhost/a/b__c:v1", True),
        ("container_image", "reference", "reg:5000/a" + DIGEST, True),
        ("container_image", "reference", "registry.k8s.io/pause", False),
        ("container_image", "reference", "nginx:latest", False),
        ("container_image", "reference", "library/nginx:latest", False),
        ("container_image", "reference", "-n.x/a:1", True),
        ("container_image", "reference", "quay.io/A:1", False),
        ("container_image", "reference", "quay.io/a:1 b", False),
        ("scheduled_task", "name", r"\wincnode\rotate logs", True),
        ("scheduled_task", "name", "rotate", False),
        ("scheduled_task", "name", r"\..\rotate", False),
        ("scheduled_task", "name", "\\a\\", False),
        ("scheduled_task", "name", r"\a ", False),
        ("scheduled_task", "at", "23:59", True),
        ("scheduled_task", "at", "24:00", False),
        ("scheduled_task", "at", "3:30", False),
        ("scheduled_task", "repeat_minutes", 44640, False),
        ("certificate", "thumbprint", "a" * 40, True),
        ("certificate", "thumbprint", "a" * 39, False),
        ("certificate", "store", "my", False),
        ("service", "environment", ["A=", "B=c=d"], True),
        ("service", "environment", ["=A"], False),
        ("service", "restart_when_newer", ["config.toml"], False),
        ("kubeadm_join", "server", "https://u:p@10.0.0.1:6443", False),
    ],
)  # fmt: skip
def test_forms_are_held(kind: str, field: str, value: Value, *, fits: bool) -> None:
    """What Windows or containerd would refuse is refused before any network is touched."""
    assert (not misfit(all_kinds()[kind].field(field), value)) is fits


@pytest.mark.parametrize(
    ("kind", "values", "field", "words"),
    [
        ("container_image", {"reference": PAUSE}, "archive", "one of archive, pull"),
        ("container_image", {"reference": PAUSE, "archive": r"C:\a", "pull": True}, "archive",
         "beside pull"),
        ("container_image", {"reference": "q.io/a" + DIGEST, "archive": r"C:\a"}, "archive",
         "a digest takes pull"),
        ("scheduled_task", {"name": r"\a"}, "command", "missing"),
        ("scheduled_task", {"name": r"\a", "command": "x", "trigger": "daily"}, "at", "missing"),
        ("scheduled_task", {"name": r"\a", "command": "x", "at": "03:30"}, "at", "only daily"),
        ("certificate", {"store": "root", "thumbprint": thumbprint(PEM)}, "pem", "missing"),
        ("certificate", {"store": "root", "thumbprint": thumbprint(PEM), "pem": OTHER},
         "thumbprint", thumbprint(OTHER)),
        ("certificate", {"store": "root", "thumbprint": thumbprint(PEM), "pem": PEM + OTHER},
         "pem", "one certificate"),
        ("certificate",
         {"store": "root", "thumbprint": thumbprint(PEM), "pem": PEM.replace("YSBj", "YSB")}, "pem",
         "one certificate"),
    ],
)  # fmt: skip
def test_fields_that_do_not_go_together_are_refused(
    kind: str, values: dict[str, Value], field: str, words: str
) -> None:
    """The one field that is to be changed is named, with what it takes."""
    ((found, problem),) = problems(all_kinds()[kind], values)
    assert found == field
    assert words in problem


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("container_image", {"reference": PAUSE, "state": "absent"}),
        ("container_image", {"reference": "q.io/a" + DIGEST, "pull": True}),
        ("scheduled_task", {"name": r"\a", "state": "absent"}),
        ("scheduled_task", {"name": r"\a", "command": "x", "trigger": "{{ t }}", "at": "03:30"}),
        ("certificate", {"store": "root", "thumbprint": thumbprint(PEM).lower(), "pem": PEM}),
    ],
)
def test_fields_that_go_together_are_let_through(kind: str, values: dict[str, Value]) -> None:
    """A rule refuses no more than what cannot work."""
    wrong = {field for field, _ in problems(all_kinds()[kind], values)}
    assert wrong - {"trigger"} == set()


def test_a_templated_certificate_is_judged_once_it_is_rendered() -> None:
    """A template is no certificate yet."""
    fields = f"{{store: root, thumbprint: {thumbprint(PEM)}, pem: '{{{{ root }}}}'}}"
    assert playbook.parse(f"steps:\n  - certificate: {fields}\n", Path("p.yaml")).tasks


def test_a_thumbprint_is_that_of_the_certificate(tmp_path: Path) -> None:
    """It is the SHA-1 of the DER, as Windows shows it; a key beside it makes the text none."""
    pem, _ = certificate(tmp_path)
    both = pem.read_text()
    alone = both[both.index("-----BEGIN CERTIFICATE") :]
    der = ssl.PEM_cert_to_DER_cert(alone)
    assert thumbprint(alone) == hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    assert thumbprint(both) == ""


def blabs(machine: Machine) -> Ended:
    """Be a kubeadm that fails, shows the token and leaves it on the disk."""
    text(BOOTSTRAP, TOKEN)(machine)
    return Ended(code=1, stderr=f"no such token: {TOKEN}\n")


def test_no_cmdlet_gets_the_secret_of_a_service_or_a_join(node: winps.Machine) -> None:
    """Nor does an event show it, nor does a token stay on the disk; an old certificate goes."""
    bootstraps(node.model)
    kubeadm(blabs)(node.model)
    started("proxied", r"C:\proxied.exe")(node.model)
    text(OLD_CERTIFICATE, "of another cluster")(node.model)
    at_start = []
    node.model.services.on_change.insert(
        0, lambda row: at_start.append((row.name, node.model.path(OLD_CERTIFICATE).exists()))
    )
    kubeconfig = {"kubeconfig": {"$secret": "join"}, "ca": "pem\n"}
    steps = [
        step("service", {"name": "proxied"}, {"environment": [{"$secret": "proxy"}]}),
        step("kubelet_bootstrap", {"server": SERVER}, {"state": "joined", **kubeconfig}),
        step("file", {"path": CONF}, {"state": "absent"}),
        step(
            "kubeadm_join",
            {"server": SERVER},
            {"state": "joined", "configuration": {"$secret": "join"}},
        ),
    ]
    bound, events = node.bindings(
        mode="apply",
        steps=steps,
        kinds={row["kind"]: wire(all_kinds()[row["kind"]]) for row in steps},
        secrets={"proxy": PASSWORD, "join": CREDENTIALS["configuration"]},
    )

    assert outcomes(events) == ["changed"] * 3 + ["failed"]
    assert messages(events) == ["kubeadm ended with 1: no such token: ***"]
    assert node.model.registry.data(f"{KEY}\\proxied", "Environment") == [PASSWORD]
    shown = [f"{name}: {line}" for name, line in bound] + [json.dumps(events)]
    assert "Invoke-CimMethod" in {name for name, _ in bound}, "nothing was traced"
    assert [row for row in shown for word in ("planted", TOKEN) if word in row] == []
    files = [path for path in node.drive.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert ("kubelet", False) in at_start
    assert not node.model.path(OLD_CERTIFICATE).exists()
