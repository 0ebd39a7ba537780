"""The kinds `kubeadm_join` and `kubelet_bootstrap`."""

from __future__ import annotations

import re
import time

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import BASE, Found, Host, Values
from wincnode.lab.windows import programs
from wincnode.lab.windows.services import ALREADY_RUNNING, DONE

KUBERNETES = r"C:\etc\kubernetes"
KUBECONFIG = rf"{KUBERNETES}\kubelet.conf"
BOOTSTRAP = rf"{KUBERNETES}\bootstrap-kubelet.conf"
CA = rf"{KUBERNETES}\pki\ca.crt"
CERTIFICATE = r"C:\var\lib\kubelet\pki\kubelet-client-current.pem"
KUBEADM = r"C:\k\kubeadm.exe"
FILE = BASE + r"\join.yaml"
SERVER = re.compile(r"^\s*(?:- )?server:\s*[\"']?([^\"'\s]+)", re.MULTILINE)
TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
LAST_LINES = 12


def get(host: Host, key: Values, _want: Values) -> Found:
    """Give whether the machine is a node, and of which cluster."""
    there = host.disk.is_file(KUBECONFIG) and host.disk.is_file(CERTIFICATE)
    servers = SERVER.findall(host.disk.read_text(KUBECONFIG)) if there else []
    if not servers:
        return Found(values={"state": "absent"})
    own = servers[-1].lower() == key["server"].lower()
    return Found(values={"state": "joined" if own else f"joined to {servers[-1]}"})


def set_by_kubeadm(host: Host, _key: Values, want: Values, found: Found) -> None:
    """Join by kubeadm."""
    _refuse_other(found)
    for path in (KUBECONFIG, BOOTSTRAP, CA, CERTIFICATE):
        host.disk.delete(path)
    try:
        host.disk.write(FILE, want["configuration"])
        ended = programs.run(host.machine, KUBEADM, ["join", "--config", FILE])
    finally:
        host.disk.delete(FILE)
        host.disk.delete(BOOTSTRAP)
    if ended.code:
        rows = [line.strip() for line in (ended.stdout + ended.stderr).splitlines()]
        said = "\n".join([row for row in rows if row][-LAST_LINES:])
        raise Failure(f"kubeadm ended with {ended.code}: {TOKEN.sub('***', said)}")


def set_by_kubelet(host: Host, key: Values, want: Values, found: Found) -> None:
    """Join by the kubelet's TLS bootstrap."""
    _refuse_other(found)
    try:
        host.disk.delete(KUBECONFIG)
        host.disk.delete(CERTIFICATE)
        host.disk.write(CA, want["ca"])
        host.disk.write(BOOTSTRAP, want["kubeconfig"])
        kubelet = host.service("kubelet")
        if kubelet is None:
            raise Failure("There is no service kubelet.")
        (row,) = host.call("Invoke-CimMethod", MethodName="StartService", InputObject=kubelet)
        if row["ReturnValue"] not in {DONE, ALREADY_RUNNING}:
            raise Failure(f"Win32_Service.StartService returned {row['ReturnValue']}.")
        while get(host, key, want).values["state"] != "joined":
            time.sleep(0.05)
    finally:
        host.disk.delete(BOOTSTRAP)


def _refuse_other(found: Found) -> None:
    if found.values["state"] != "absent":
        raise Failure(f"The machine is {found.values['state']}.")
