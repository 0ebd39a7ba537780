"""The kind `certificate`."""

from __future__ import annotations

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import BASE, Found, Host, Values
from wincnode.lab.model.programs import tail
from wincnode.lab.windows import programs

CERTUTIL = r"C:\Windows\System32\certutil.exe"
FILE = BASE + r"\certificate.pem"


def get(host: Host, key: Values, _want: Values) -> Found:
    """Give whether the store holds the certificate."""
    words = ["-store", key["store"], key["thumbprint"]]
    shown = programs.run(host.machine, CERTUTIL, words).stdout
    there = key["thumbprint"].lower() in shown.lower()
    return Found(values={"state": "present" if there else "absent"})


def set(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Add the certificate, or remove it."""
    if want.get("state") == "absent":
        _certutil(host, "-delstore", key["store"], key["thumbprint"])
        return
    try:
        host.disk.write(FILE, want["pem"])
        _certutil(host, "-addstore", "-f", key["store"], FILE)
    finally:
        host.disk.delete(FILE)


def _certutil(host: Host, verb: str, *words: str) -> None:
    ended = programs.run(host.machine, CERTUTIL, [verb, *words])
    if ended.code:
        raise Failure(f"certutil.exe {verb} failed: {tail(ended)}")
