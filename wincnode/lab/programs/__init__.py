"""What Kubernetes' programs do on a lab node: containerd, ctr, crictl, kubelet, kubeadm.

They are Python over the model of the machine; what they write lies on its disk, and what they
say to a cluster they say to a real API server, which may be the lab's own.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

from wincnode.lab.programs import (
    command_line,
    containerd,
    crictl,
    ctr,
    kubeadm,
    kubelet_settings,
)
from wincnode.lab.programs.containerd import ConfigRefused, Containerd
from wincnode.lab.programs.kubelet import Kubelet
from wincnode.lab.programs.kubelet_log import Log
from wincnode.lab.programs.wire import Line
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.programs import Ended
from wincnode.lab.windows.services import NO_ANSWER, Service


class Worker:
    """The Kubernetes side of one machine.

    `cni_agent` off stands for a network whose pods do nothing on the node; `line` joins its pods
    with those of other nodes.
    """

    def __init__(self, machine: Machine, line: Line | None = None) -> None:
        self.cni_agent = True
        self.line = line or Line()
        self.containerd = Containerd(machine)
        self._machine = machine
        self._kubelet: Kubelet | None = None
        self._lock = threading.RLock()
        self._starts: dict[str, tuple[Callable[[str], None], Callable[[], None]]] = {
            "containerd": (self.containerd.begin, lambda: None),
            "kubelet": (self._begin_kubelet, self._end_kubelet),
        }
        machine.programs |= {
            "containerd": containerd.program,
            "crictl": crictl.program(self.containerd),
            "ctr": ctr.program(self.containerd),
            "kubeadm": kubeadm.program(self.containerd),
            "kubelet": _kubelet,
        }
        machine.compute.images = self._images
        machine.services.can_start.append(self._refusal)
        machine.services.on_change.append(self._changed)
        machine.on_down.append(self._end_kubelet)

    @property
    def kubelet(self) -> Kubelet | None:
        """The kubelet that runs, if one does."""
        return self._kubelet

    def _images(self) -> tuple[str, ...] | None:
        """Give the images that containerd holds, None where it does not run."""
        runtime = self.containerd.running
        return None if runtime is None else tuple(runtime.images.rows())

    def close(self) -> None:
        """End what runs in threads."""
        kubelet = self._kubelet
        self._end_kubelet()
        if kubelet is not None:
            kubelet.wait()

    def _refusal(self, service: Service) -> int:
        """Say why a service does not start: the code that StartService gives; 0 where it does."""
        if not self._knows(service):
            return 0
        try:
            match service.name.lower():
                case "containerd":
                    self.containerd.load(service.path)
                case "kubelet":
                    kubelet_settings.read(self._machine, service.path)
        except ConfigRefused:
            return NO_ANSWER  # what it says goes to a stderr that nobody has
        except kubelet_settings.Refused as error:
            Log(self._machine, error.log).plain(f"E {error}")
            return NO_ANSWER
        return 0

    def _knows(self, service: Service) -> bool:
        """Say whether a service's program is one of the lab; of others it knows nothing."""
        if service.name.lower() not in self._starts:
            return False
        try:
            containerd.version_at(self._machine, command_line.split(service.path)[0])
        except (FileNotFoundError, IndexError):
            return False
        return True

    def _changed(self, service: Service) -> None:
        if service.name.lower() not in self._starts:
            return
        begin, end = self._starts[service.name.lower()]
        end()
        if service.state == "Running" and service.process and self._knows(service):
            begin(service.process.command)

    def _begin_kubelet(self, command: str) -> None:
        settings = kubelet_settings.read(self._machine, command)
        with self._lock:
            self._kubelet = Kubelet(
                self._machine,
                settings,
                self.containerd,
                agent=lambda: self.cni_agent,
                failed=self._restart_kubelet,
                line=self.line,
            )
            self._kubelet.begin()

    def _restart_kubelet(self) -> None:
        """Do what the service manager does after the kubelet has ended by itself."""
        machine = self._machine
        with machine.mutex:
            machine.services.ended("kubelet")
            after_s = machine.services.restarts_after("kubelet")
        if after_s is None:
            return
        machine.clock.wait(after_s, machine.gone)
        with machine.mutex, contextlib.suppress(KeyError):
            if not machine.gone.is_set():
                machine.services.start("kubelet")

    def _end_kubelet(self) -> None:
        with self._lock:
            kubelet, self._kubelet = self._kubelet, None
        if kubelet is not None:
            kubelet.end()


def _kubelet(_machine: Machine, version: str, words: Sequence[str]) -> Ended:
    """Be kubelet.exe on a command line: it tells its version, and what flags it knows."""
    try:
        parsed = command_line.parse(
            words, values=kubelet_settings.FLAGS, switches=(*kubelet_settings.SWITCHES, "help")
        )
    except command_line.UnknownFlag as error:
        return Ended(code=1, stderr=f"Error: failed to parse kubelet flag: {error}\n")
    if "version" in parsed.flags:
        return Ended(stdout=f"Kubernetes v{version}\n")
    if "help" in parsed.flags:
        names = sorted((*kubelet_settings.FLAGS, *kubelet_settings.SWITCHES))
        return Ended(stdout="Flags:\n" + "".join(f"      --{name}\n" for name in names))
    return Ended(code=1, stderr="The lab runs a kubelet as a service only\n")
