"""What the node's scripts say where something fails: their functions, one after the other."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence

import files_server
import winps
from conformance.case import service, text
from conformance.programs import CREDENTIALS, KUBECONFIG, SERVER, joined, kubeadm

from wincnode import assets
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import SYSTEM32, Machine
from wincnode.lab.windows.programs import Ended
from wincnode.lab.windows.services import Service

# What the runner and the launcher give to the scripts that they load.
GIVEN = r"""
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$base = 'C:\Program Files\wincnode'
function Write-WnEvent([string]$Type, [Collections.IDictionary]$Fields) { "$Type $($Fields['text'])$($Fields['message'])" | Out-Host }
function Write-WnRefusal([string]$Code, [string]$Message, [object]$Holder) { "$Code $Message" }
function Why([scriptblock]$Do) { try { & $Do } catch { $_.Exception.GetBaseException().Message } }
"""
CONTENT = b"0123456789"
SHA = hashlib.sha256(CONTENT).hexdigest()
OTHER = "https://10.0.0.99:6443"


def said(node: winps.Machine, scripts: Sequence[str], *lines: str) -> list[str]:
    """Load scripts as they are shipped, and run lines that call their functions."""
    loads = []
    for name in scripts:
        path = f"C:\\{name.replace('/', '-')}.ps1"
        node.model.path(path).write_text(assets.node_script(name), encoding="ascii")
        loads.append(f". {path}")
    return node.says("\n".join([GIVEN, *loads, *lines]))


def program(machine: Machine, path: str, does: programs.Program) -> None:
    """Put a program on the machine."""
    name = path.rpartition("\\")[2].removesuffix(".exe")
    machine.programs[name] = does
    file = machine.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(programs.script(name), encoding="utf-8")
    file.chmod(0o755)


def literal(values: Mapping[str, object]) -> str:
    """Write a hashtable of PowerShell."""
    rows = []
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        words = [str(row) if isinstance(row, int) else f"'{row}'" for row in items]
        rows.append(f"{name} = {'@(' + ', '.join(words) + ')' if value is items else words[0]}")
    return "@{ " + "; ".join(rows) + " }"


def test_an_archive_that_is_not_what_it_should_be(node: winps.Machine) -> None:
    """Missing, broken, or without a file: each is told, and what lay beside it from before goes."""
    machine = node.model
    program(
        machine,
        SYSTEM32 + r"\tar.exe",
        lambda _machine, _version, words: Ended(code=1 if "broken" in words[1] else 0),
    )
    digest = hashlib.sha256(b"zip").hexdigest()
    for name in ("broken", "hollow"):
        machine.path(rf"C:\{name}.zip").write_bytes(b"zip")
    machine.path(r"C:\x\.wincnode-unpacked").mkdir(parents=True)
    key = literal({"path": r"C:\x", "files": ["bin/a.exe"]})

    assert said(
        node,
        ["steps", "kinds/archive"],
        *(
            f"Why {{ Set-WnArchive -Key {key} -Want {literal({'source': path, 'sha256': digest})}"
            " -Have @{} }"
            for path in (r"C:\no.zip", r"C:\broken.zip", r"C:\hollow.zip")
        ),
    ) == [
        r"There is no archive C:\no.zip.",
        "tar.exe ended with 1.",
        "The archive has no file bin/a.exe.",
    ]
    assert not machine.path(r"C:\x\.wincnode-unpacked").exists()


def test_a_download_that_goes_wrong(node: winps.Machine) -> None:
    """Other bytes, too many, too few: each is told; through a proxy the right ones come at last."""
    with files_server.serving() as files:
        for name, content in {"/more": CONTENT + b"x", "/less": CONTENT[:5]}.items():
            files.contents[name] = content
        files.says_size = False
        files.statuses["/other"] = [203]
        proxied = "http://origin.example/file"
        files.contents[proxied] = CONTENT
        files.statuses[proxied] = [503]
        want = {"sha256": SHA, "size": len(CONTENT), "tries": 2}
        for name in ("old", "x.000000000000"):
            node.model.path(rf"C:\{name}.part").write_bytes(b"old")
        urls = [files.url(name) for name in ("/other", "/more", "/less")]

        rows = said(
            node,
            ["steps", "kinds/download"],
            # The machine of a user whose profile asks for TLS 1.0.
            "[Net.ServicePointManager]::SecurityProtocol = 'Tls'",
            *(
                f"Why {{ Receive-WnFile '{url}' 'C:\\{number}.part' {literal(want)} }}"
                for number, url in enumerate(urls)
            ),
            "$key = @{ path = 'C:\\x' }",
            f"$want = {literal(want | {'sources': [proxied], 'proxy': files.base})}",
            "Why { Set-WnDownload -Key $key -Want $want -Have @{} }",
            "(Get-WnDownload -Key $key -Want $want).values['sha256']",
            "[string][Net.ServicePointManager]::SecurityProtocol",
        )

    assert rows[:3] == [
        "It answered with other bytes than those that were asked for.",
        f"It has more than {len(CONTENT)} bytes.",
        "It broke off after 5 bytes.",
    ]
    assert rows[3].startswith(f"log {proxied}: ")
    assert rows[4] == SHA
    assert "Tls12" in rows[5]
    assert not node.model.path(r"C:\x.000000000000.part").exists()


def test_a_join_that_is_not_possible(node: winps.Machine) -> None:
    """A machine of another cluster is never joined; of many lines the last twelve are told."""
    machine = node.model
    lines = "".join(f"line {number}\n" for number in range(15))
    kubeadm(lambda _machine: Ended(code=1, stderr=lines))(machine)
    key, other = literal({"server": SERVER}), literal({"server": OTHER})
    absent = "@{ values = @{ state = 'absent' } }"
    want = "@{ state = 'joined'; configuration = '" + CREDENTIALS["configuration"] + "' }"
    scripts = ["steps", "kinds/kubeadm_join", "kinds/kubelet_bootstrap"]

    first = said(
        node,
        scripts,
        f"Why {{ Set-WnKubeadmJoin -Key {key} -Want {want} -Have {absent} }}",
    )
    joined(machine)
    second = said(
        node,
        scripts,
        *(
            line
            for name in ("KubeadmJoin", "KubeletBootstrap")
            for line in (
                f"$have = Get-Wn{name} -Key {other} -Want @{{}}",
                f"Why {{ Set-Wn{name} -Key {other} -Want @{{}} -Have $have }}",
            )
        ),
    )

    assert first[0] == "kubeadm ended with 1: line 3"
    assert first[-1] == "line 14"
    assert second == [f"The machine is joined to {SERVER}."] * 2


def test_a_kubelet_that_does_not_bootstrap(node: winps.Machine) -> None:
    """No service, one that does not start, and one that takes its time."""
    machine = node.model
    machine.path(r"C:\etc\kubernetes\pki").mkdir(parents=True)
    call = (
        f"Why {{ Set-WnKubeletBootstrap -Key {literal({'server': SERVER})}"
        " -Want @{ ca = 'pem'; kubeconfig = 'token' } -Have @{ values = @{ state = 'absent' } } }"
    )
    scripts = ["steps", "kinds/kubelet_bootstrap"]
    missing = said(node, scripts, call)
    service("kubelet", State="Stopped", StartMode="Disabled")(machine)
    disabled = said(node, scripts, call)
    machine.services.change("kubelet", {"StartMode": "Manual"})

    def soon(row: Service) -> None:
        if row.name == "kubelet" and row.state == "Running":
            threading.Timer(0.2, joined, [machine]).start()

    machine.services.on_change.append(soon)

    assert missing == ["There is no service kubelet."]
    assert disabled == ["Win32_Service.StartService returned 14."]
    assert said(node, scripts, call) == []
    assert KUBECONFIG in machine.path(r"C:\etc\kubernetes\kubelet.conf").read_text()
    assert not machine.path(r"C:\etc\kubernetes\bootstrap-kubelet.conf").exists()


def test_a_runtime_that_cannot_be_asked(node: winps.Machine) -> None:
    """It is not ready; and where an image is to be absent, no answer is no proof of that."""
    program(node.model, r"C:\k\crictl.exe", lambda *_: Ended(code=1, stderr="no connection\n"))
    text(r"C:\k\crictl.yaml", "")(node.model)

    assert said(
        node,
        ["kinds/wait_for", "kinds/container_image"],
        r"$key = @{ subject = 'cri'; name = 'C:\k\crictl.exe' }",
        "(Get-WnWaitFor -Key $key -Want @{ state = 'present' }).values['state']",
        "Why { Get-WnContainerImage -Key @{ reference = 'q.io/a:1' } -Want @{ state = 'absent' } }",
    ) == ["absent", r"There is no C:\Program Files\containerd\bin\ctr.exe."]


def test_a_reboot_that_is_not_possible(node: winps.Machine) -> None:
    """A run holds the node, or shutdown.exe ends with a code of its own; if denied, SYSTEM asks."""
    codes = iter((0, 5, 0, 21))
    program(node.model, SYSTEM32 + r"\shutdown.exe", lambda *_: Ended(code=next(codes)))
    (node.base).mkdir()

    assert said(
        node,
        ["runs", "reboot"],
        "$Request = @{ run = '1' }",
        "Restart-WnNode | Out-Host",
        "Restart-WnNode",
        "Restart-WnNode",
        r"$lock = [IO.File]::Open((Join-Path -Path $base -ChildPath 'lock'), 'Create', 'Write', 'None')",
        "Restart-WnNode",
    ) == [
        "log The node reboots.",
        "log The node reboots, by a task of SYSTEM.",
        "reboot shutdown.exe ended with 21.",
        "locked Another run holds this node.",
    ]


def test_what_a_program_was_replaced_by_goes_when_it_can(node: winps.Machine) -> None:
    """The old file is removed at the next replacement; what runs of a file can be told."""
    for name in ("a.exe", "a.exe.old-1", "a.new"):
        node.model.path(rf"C:\{name}").write_text(name)

    services = node.model.services
    services.load({"a": {"State": "Running", "PathName": r'"C:\a.exe" --serve'}})
    users = said(
        node,
        ["steps"],
        r"Move-WnInPlace 'C:\a.new' 'C:\a.exe'",
        r"Get-WnUser 'C:\a.exe'",
        r"Get-WnUser 'C:\b.exe'",
    )

    assert users == [
        f'It runs as process {services.rows()[-1]["ProcessId"]} ("C:\\a.exe" --serve).',
        "Which program holds it is not known; an anti-virus may.",
    ]
    assert node.model.path(r"C:\a.exe").read_text() == "a.new"
    assert not node.model.path(r"C:\a.exe.old-1").exists()


def test_a_log_that_cannot_be_read(node: winps.Machine) -> None:
    """The evidence says so and has what the other files tell."""
    kubelet = r"C:\var\log\kubelet\kubelet.log"
    text(kubelet, "one\n")(node.model)
    text(r"C:\ProgramData\containerd\containerd.log", "two\n")(node.model)

    assert said(
        node,
        ["facts/diagnosis"],
        f"$lock = [IO.File]::Open('{kubelet}', 'Open', 'Read', 'None')",
        "$logs = (Get-WnFactsDiagnosis).logs",
        "'{0} {1}' -f ($logs.kubelet.error -ne ''), $logs.kubelet.lines.Count",
        "'{0} {1}' -f ($logs.containerd.error -ne ''), $logs.containerd.lines.Count",
    ) == ["True 0", "False 1"]


def test_a_confirmation_that_nothing_waits_for(node: winps.Machine) -> None:
    """Nothing is decided by it."""
    assert (
        said(
            node,
            ["guard"],
            "$Request = @{ plan = @{ run = '' } }",
            "Confirm-WnNetwork",
            "$Request.plan.run = 'f' * 32",
            "Confirm-WnNetwork",
        )
        == ["died No change of the network waits here to be confirmed."] * 2
    )
