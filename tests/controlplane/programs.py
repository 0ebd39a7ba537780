"""Builds etcd, kube-apiserver, kube-controller-manager and kubeadm from their Go modules.

python tests/controlplane/programs.py [--cached]

The versions are those of go.mod beside this file. The programs lie in a folder outside the
checkout, whose path is printed; they are built once for each state of these files, and with
--cached not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
KUBERNETES = "k8s.io/kubernetes"
PROGRAMS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": f"{KUBERNETES}/cmd/kube-apiserver",
    "kube-controller-manager": f"{KUBERNETES}/cmd/kube-controller-manager",
    "kubeadm": f"{KUBERNETES}/cmd/kubeadm",
}
STAMP = "built"
# Without it the programs say v0.0.0-master, of which kubeadm makes no cluster.
# Source: kubernetes/kubernetes:hack/lib/version.sh
VERSION_FLAG = "-X k8s.io/component-base/version.gitVersion="


def version() -> str:
    """Give Kubernetes' version, such as v1.36.3."""
    text = (HERE / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^(?:require)?\s*{re.escape(KUBERNETES)} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{HERE}/go.mod requires no {KUBERNETES}")
    return found[1]


def folder() -> Path:
    """Give where the programs are, or will be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "wincnode" / f"k8s-{version()}"


def build(go: str) -> Path:
    """Build what is not built of these sources yet; gives the folder.

    Raises: CalledProcessError: go could not build; it has said why.
    """
    into = folder()
    into.mkdir(parents=True, exist_ok=True)
    with (into / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built():
            for name, package in PROGRAMS.items():
                _build(go, package, into / name)
            (into / STAMP).write_text(_digest(), encoding="ascii")
    return into


def is_built() -> bool:
    """Say whether the programs are there, of these sources."""
    stamp = folder() / STAMP
    return stamp.exists() and stamp.read_text(encoding="ascii") == _digest()


def _digest() -> str:
    rows = [(HERE / name).read_bytes() for name in ("go.mod", "go.sum", Path(__file__).name)]
    return hashlib.sha256(b"\0".join(rows)).hexdigest()


def _build(go: str, package: str, program: Path) -> None:
    began, partial = time.monotonic(), program.with_suffix(".new")
    flags = f"-s -w {VERSION_FLAG}{version()}"
    # The machine is not this build's alone.
    command = ["nice", "-n", "19", go, "build", "-trimpath", "-ldflags", flags]
    subprocess.run([*command, "-o", partial, package], cwd=HERE, check=True)
    partial.rename(program)
    _say(f"{program.name} of {package}: {time.monotonic() - began:.0f} s")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - for whoever waits


def main(words: list[str]) -> int:
    """Build all, unless only what is built is asked for; print the folder."""
    usual = Path("/usr/local/go/bin/go")
    go = shutil.which("go") or (str(usual) if usual.exists() else None)
    if is_built():
        into = folder()
    elif words == ["--cached"] or go is None:
        _say(f"{folder()} has not been built" if go else "no go command is here")
        return 1
    else:
        into = build(go)
    print(into)  # noqa: T201 - for WINCNODE_K8S_BIN
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
