"""kubeadm.exe of a lab node: `join`, `reset` and `version`.

Source: kubernetes/kubernetes:cmd/kubeadm/app/cmd/{join,reset}.go, app/cmd/phases/join/kubelet.go,
app/componentconfigs/kubelet_windows.go, app/phases/kubelet/{config,flags}.go
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import PureWindowsPath
from typing import Any, TypeAlias

import yaml

from wincnode.lab.cluster.patches import merged, strategic
from wincnode.lab.programs import api, certificates, command_line, discovery, preflight
from wincnode.lab.programs import join_configuration as joins
from wincnode.lab.programs.api import ApiFailed, Client
from wincnode.lab.programs.containerd import Containerd
from wincnode.lab.programs.join_configuration import Join
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended

Json: TypeAlias = dict[str, Any]
Program: TypeAlias = Callable[[Machine, str, Sequence[str]], Ended]
FLAGS = ("config", "v", "cri-socket", "ignore-preflight-errors", "token", "cert-dir", "node-name")
SWITCHES = ("force", "f", "dry-run", "o", "cleanup-tmp-dir")
CONF = r"C:\etc\kubernetes"
BOOTSTRAP = rf"{CONF}\bootstrap-kubelet.conf"
KUBECONFIG = rf"{CONF}\kubelet.conf"
DATA = r"C:\var\lib\kubelet"
SYSTEM = "/api/v1/namespaces/kube-system/configmaps"
USER = "tls-bootstrap-token-user"
GLANCE_S = 0.05
HEALTH_S, BOOTSTRAP_S = 240.0, 300.0
TRACE = "To see the stack trace of this error execute with --v=5 or higher\n"
JOINED = """
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.

"""


class Failed(Exception):
    """kubeadm ends with an error: its text and its exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def program(runtime: Containerd) -> Program:
    """Give kubeadm.exe of a machine."""

    def run(machine: Machine, version: str, words: Sequence[str]) -> Ended:
        try:
            parsed = command_line.parse(words, values=FLAGS, switches=SWITCHES)
        except command_line.UnknownFlag as error:
            return Ended(code=1, stderr=f"{error}\n{TRACE}")
        match parsed.words:
            case ["version", *_]:
                return Ended(stdout=f"v{version}\n")
            case ["join", *_]:
                return _Join(machine, version, runtime).run(parsed.flags)
            case ["reset", *_]:
                return _reset(machine)
        return Ended(code=1, stderr=f"The lab's kubeadm does not know {' '.join(parsed.words)}\n")

    return run


class _Join:
    """One `kubeadm join`."""

    def __init__(self, machine: Machine, version: str, runtime: Containerd) -> None:
        self._machine = machine
        self._version = version
        self._minor = int(version.split(".")[1])
        self._runtime = runtime
        self._lines: list[str] = []

    def run(self, flags: dict[str, str]) -> Ended:
        try:
            self._join(flags)
        except Failed as error:
            stderr = f"{error}\n{TRACE}"
            return Ended(code=error.code, stdout=self._said(), stderr=stderr)
        return Ended(stdout=self._said() + JOINED)

    def _said(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def _join(self, flags: dict[str, str]) -> None:
        join = self._configuration(flags)
        self._lines.append("[preflight] Running pre-flight checks")
        if found := preflight.problems(self._machine, self._runtime, join):
            rows = "\n".join(found)
            raise Failed(
                "error execution phase preflight: [preflight] Some fatal errors occurred:\n"
                f"{rows}\n[preflight] If you know what you are doing, you can make a check "
                "non-fatal with `--ignore-preflight-errors=...`",
                2,
            )
        try:
            cluster = discovery.discover(self._machine, join)
        except discovery.Failed as error:
            text = "couldn't validate the identity of the API Server"
            raise Failed(f"error execution phase preflight: {text}: {error}") from error
        client, bootstrap = self._bootstrap(cluster, join)
        self._lines.append(
            '[preflight] Reading configuration from the "kubeadm-config" ConfigMap in '
            'namespace "kube-system"...'
        )
        config = self._kubelet_config(client)
        self._start(join, client, bootstrap, config)
        self._wait(join, config)

    def _configuration(self, flags: dict[str, str]) -> Join:
        path = flags.get("config", "")
        file = self._machine.path(path)
        if not path or not file.is_file():
            raise Failed(f'unable to read config from "{path}": open {path}: {preflight.NOT_THERE}')
        try:
            host = self._machine.computer.lower()
            return joins.read(file.read_text(encoding="utf-8-sig"), self._version, host)
        except joins.Refused as error:
            raise Failed(str(error), 3) from error

    def _bootstrap(self, cluster: Json, join: Join) -> tuple[Client, Json]:
        name = "kubernetes"
        context = f"{USER}@{name}"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "contexts": [{"name": context, "context": {"cluster": name, "user": USER}}],
            "current-context": context,
            "users": [{"name": USER, "user": {"token": join.tls_token}}],
        }
        return api.client_of(self._machine, config, discovery.AGENT), config

    def _kubelet_config(self, client: Client) -> Json:
        """Read what the cluster has for its nodes; gives the kubelet's configuration."""
        phase = "error execution phase preflight: unable to fetch the kubeadm-config ConfigMap: "
        self._map(client, "kubeadm-config", phase + "failed to get config map")
        data = self._map(client, "kubelet-config", phase + "failed to get component configs")
        with contextlib.suppress(Failed):
            self._map(client, "kube-proxy", "")
        config: Json = yaml.safe_load(data["kubelet"])
        return config

    def _map(self, client: Client, name: str, phase: str) -> Json:
        try:
            data: Json = client.call("GET", f"{SYSTEM}/{name}")["data"]
        except ApiFailed as error:
            raise Failed(f"{phase}: {error}") from error
        return data

    def _start(self, join: Join, client: Client, bootstrap: Json, config: Json) -> None:
        """Write what the kubelet starts with, and start it."""
        self._write(BOOTSTRAP, yaml.safe_dump(bootstrap))
        authority = api.client_of(self._machine, bootstrap, "").ca
        if authority and not self._machine.path(join.ca_path).is_file():
            self._write(join.ca_path, authority)
        self._refuse_taken(client, join)
        with self._machine.mutex, contextlib.suppress(KeyError):
            self._machine.services.stop("kubelet")
        self._settle("Stopped")
        instance = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": join.endpoint_of_cri,
        }
        self._adapt(config)
        config |= self._patched(join, config)
        # The kubelet's own way to its runtime is a file of the node's from 1.34 on.
        if self._minor >= 34:
            path = rf"{DATA}\instance-config.yaml"
            self._lines.append(
                f"[kubelet-start] Writing kubelet configuration to file {_quoted(path)}"
            )
            self._write(path, yaml.safe_dump(instance))
            config |= instance
        path = rf"{DATA}\config.yaml"
        self._lines.append(f"[kubelet-start] Writing kubelet configuration to file {_quoted(path)}")
        self._write(path, yaml.safe_dump(config))
        path = rf"{DATA}\kubeadm-flags.env"
        self._lines.append(
            f"[kubelet-start] Writing kubelet environment file with flags to file {_quoted(path)}"
        )
        self._write(path, f"KUBELET_KUBEADM_ARGS={json.dumps(' '.join(self._flags(join)))}\n")
        self._lines.append("[kubelet-start] Starting the kubelet")
        with self._machine.mutex:
            try:
                code = self._machine.services.start("kubelet")
            except KeyError:
                code = 1060  # ERROR_SERVICE_DOES_NOT_EXIST, [MS-ERREF] 2.2
        if code:
            self._lines.append(
                "[kubelet-start] WARNING: unable to start the kubelet service: "
                f"[could not start service kubelet: {code}]"
            )

    def _refuse_taken(self, client: Client, join: Join) -> None:
        phase, name = "error execution phase kubelet-start", join.name
        try:
            there = client.call("GET", f"/api/v1/nodes/{name}")
        except ApiFailed as error:
            if error.code == 404:
                return
            raise Failed(f'{phase}: cannot get Node "{name}": {error}') from error
        for row in there.get("status", {}).get("conditions") or ():
            if row["type"] == "Ready" and row["status"] == "True":
                raise Failed(
                    f'{phase}: a Node with name "{name}" and status "Ready" already exists '
                    "in the cluster. You must delete the existing Node or change the name "
                    "of this new joining Node"
                )

    def _adapt(self, config: Json) -> None:
        """Make a Linux cluster's configuration fit Windows, as far as kubeadm does."""
        config["resolvConf"] = ""
        x509 = config.get("authentication", {}).get("x509", {})
        for at, field in ((config, "staticPodPath"), (x509, "clientCAFile")):
            if str(at.get(field, "")).startswith("/"):
                at[field] = str(PureWindowsPath(f"C:{at[field]}"))

    def _patched(self, join: Join, config: Json) -> Json:
        """Apply the patches of a folder, by their names: kubeletconfigurationN+TYPE.yaml."""
        folder = self._machine.path(join.patches) if join.patches else None
        for file in sorted(folder.glob("kubeletconfiguration*")) if folder else ():
            patch = yaml.safe_load(file.read_text(encoding="utf-8"))
            change = merged if "+merge" in file.name else strategic
            config = change(config, patch)
        return config

    def _flags(self, join: Join) -> list[str]:
        flags: dict[str, str] = {}
        if self._minor < 34:
            flags["container-runtime-endpoint"] = join.endpoint_of_cri
        if self._minor < 35:
            flags["pod-infra-container-image"] = "registry.k8s.io/pause:3.10"
        if join.taints:
            flags["register-with-taints"] = ",".join(map(_taint, join.taints))
        if join.name != self._machine.computer.lower():
            flags["hostname-override"] = join.name
        for name in dict(join.extra):
            flags.pop(name, None)
        return [f"--{name}={value}" for name, value in sorted([*flags.items(), *join.extra])]

    def _wait(self, join: Join, config: Json) -> None:
        """Wait for the kubelet's health, then for its own credentials.

        Source: kubernetes/kubernetes:cmd/kubeadm/app/util/apiclient/wait.go (WaitForKubelet)
        """
        port = int(config.get("healthzPort", 10248))
        url = f"http://127.0.0.1:{port}/healthz"
        limit = join.seconds("kubeletHealthCheck", HEALTH_S)
        self._lines.append(
            f"[kubelet-check] Waiting for a healthy kubelet at {url}. This can take "
            f"up to {int(limit // 60)}m{int(limit % 60)}s"
        )
        if not port:
            self._lines[-1] = (
                "[kubelet-check] Skipping the kubelet health check because the healthz port is "
                "set to 0"
            )
        try:
            if port and not self._until(lambda: self._healthy(port), limit):
                self._lines.append(
                    f"[kubelet-check] The kubelet is not healthy after "
                    f"{int(limit // 60)}m{int(limit % 60)}s"
                )
                cause = (
                    f'Get "{url}": dial tcp 127.0.0.1:{port}: connectex: No connection could be '
                )
                cause += "made because the target machine actively refused it."
                raise Failed(
                    "error execution phase kubelet-start: failed while waiting for the "
                    f"kubelet to start: The HTTP call equal to 'curl -sSL {url}' returned "
                    f"error: {cause}"
                )
            self._lines.append(
                "[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap"
            )
            limit = join.seconds("tlsBootstrap", BOOTSTRAP_S)
            if not self._until(lambda: certificates.is_valid(self._machine, KUBECONFIG), limit):
                raise Failed("error execution phase kubelet-start: context deadline exceeded")
        finally:
            self._machine.path(BOOTSTRAP).unlink(missing_ok=True)

    def _healthy(self, port: int) -> bool:
        link = HTTPConnection("127.0.0.1", self._machine.loopback.get(port, port), timeout=5)
        if port not in self._machine.loopback:
            return False
        try:
            link.request("GET", "/healthz")
            return link.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            link.close()

    def _settle(self, state: str) -> None:
        self._until(lambda: self._state() in {state, ""}, 10)

    def _state(self) -> str:
        rows = {row["Name"].lower(): row["State"] for row in self._machine.services.rows()}
        return str(rows.get("kubelet", ""))

    def _until(self, holds: Callable[[], bool], limit_s: float) -> bool:
        machine = self._machine
        end = machine.clock.seconds() + limit_s
        while not holds():
            if machine.clock.seconds() >= end or machine.gone.is_set():
                return False
            machine.gone.wait(GLANCE_S)
        return True

    def _write(self, path: str, text: str) -> None:
        file = self._machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _taint(row: object) -> str:
    values = row if isinstance(row, dict) else {}
    value = f"={values['value']}" if values.get("value") else ""
    return f"{values.get('key')}{value}:{values.get('effect')}"


def _quoted(path: str) -> str:
    return json.dumps(path)


def _reset(machine: Machine) -> Ended:
    """Undo what a join has made on the machine."""
    with machine.mutex, contextlib.suppress(KeyError):
        machine.services.stop("kubelet")
    for folder in (rf"{CONF}\manifests", rf"{CONF}\pki", DATA):
        at = machine.path(folder)
        for row in at.iterdir() if at.is_dir() else ():
            if row.is_dir() and not row.is_symlink():
                shutil.rmtree(row)
            else:
                row.unlink()
    for path in (KUBECONFIG, BOOTSTRAP):
        machine.path(path).unlink(missing_ok=True)
    text = "[reset] Stopping the kubelet service\n[reset] Deleting contents of directories: "
    text += rf"[{CONF}\manifests {DATA} {CONF}\pki]" + "\n"
    return Ended(stdout=text)
