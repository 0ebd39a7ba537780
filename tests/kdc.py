"""A Kerberos realm on loopback: a KDC with a user, a service's keytab, and the user's ticket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REALM = "LAB.EXAMPLE"
# Debian keeps the programs of a KDC where only root looks for programs.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")


def missing() -> list[str]:
    """List the programs that a realm needs and this host lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


@contextmanager
def realm(folder: Path, *, user: str, password: str) -> Iterator[dict[str, str]]:
    """Run a realm; gives the environment in which its user and its service find it."""
    port = free_port()
    (folder / "krb5.conf").write_text(
        f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n rdns = false\n"
        " dns_canonicalize_hostname = false\n udp_preference_limit = 1\n"
        f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n"
    )
    (folder / "kdc.conf").write_text(
        f'[kdcdefaults]\n kdc_listen = ""\n kdc_tcp_listen = 127.0.0.1:{port}\n'
        f"[realms]\n {REALM} = {{\n  database_name = {folder}/principal\n"
        f"  key_stash_file = {folder}/stash\n }}\n"
    )
    environment = {
        "KRB5_CONFIG": f"{folder}/krb5.conf",
        "KRB5_KDC_PROFILE": f"{folder}/kdc.conf",
        "KRB5_KTNAME": f"FILE:{folder}/keytab",
        "KRB5CCNAME": f"FILE:{folder}/ticket",
    }
    everything = {**os.environ, **environment, "PATH": PATH}

    def run(*words: str, stdin: str = "") -> None:
        subprocess.run(
            words, env=everything, input=stdin, text=True, check=True, capture_output=True
        )

    run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
    service = "HTTP/127.0.0.1"
    commands = (
        f"addprinc -pw {password} {user}",
        f"addprinc -randkey {service}",
        f"ktadd {service}",
    )
    run("kadmin.local", "-r", REALM, stdin="\n".join(commands) + "\n")
    kdc = subprocess.Popen(
        ("krb5kdc", "-n", "-r", REALM),
        env=everything,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        run("kinit", f"{user}@{REALM}", stdin=f"{password}\n")
        yield environment
    finally:
        kdc.terminate()
        kdc.wait()


def free_port() -> int:
    """Find a port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until something listens; 5 s at most."""
    for _ in range(250):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(port)
