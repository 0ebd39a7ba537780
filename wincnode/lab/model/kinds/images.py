"""The kind `container_image`."""

from __future__ import annotations

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.model.programs import lines, tail
from wincnode.lab.windows import programs

CTR = r"C:\Program Files\containerd\bin\ctr.exe"
CRICTL = r"C:\k\crictl.exe"
CONFIG = r"C:\k\crictl.yaml"


def get(host: Host, key: Values, want: Values) -> Found:
    """Give whether containerd holds the image for pods."""
    try:
        there = key["reference"] in _names(host)
    except Failure:
        if want.get("state") == "absent":
            raise
        there = False
    return Found(values={"state": "present" if there else "absent"})


def set(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Import the image, pull or remove it."""
    reference = key["reference"]
    if want.get("state") == "absent":
        _ctr(host, "rm", "--sync", reference)
        return
    if want.get("pull"):
        _said(host, CRICTL, "--config", CONFIG, "pull", reference)
        return
    _ctr(host, "import", want["archive"])
    if reference not in _names(host):
        raise Failure(f"{want['archive']} holds no image {reference}.")


def _names(host: Host) -> list[str]:
    return _ctr(host, "ls", "-q")


def _ctr(host: Host, *words: str) -> list[str]:
    return _said(host, CTR, "-n", "k8s.io", "images", *words)


def _said(host: Host, path: str, *words: str) -> list[str]:
    if not host.disk.is_file(path):
        raise Failure(f"There is no {path}.")
    ended = programs.run(host.machine, path, words)
    if ended.code:
        name = path.rpartition("\\")[2]
        raise Failure(f"{name} ended with {ended.code}: {tail(ended)}")
    return lines(ended)
