"""A certificate that the machine trusts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value, presence

# learn.microsoft.com/windows-server/administration/windows-commands/certutil takes a file of it.
_PEM = (
    r"[ \t\r\n]*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/= \t\r\n]+)"
    r"-----END CERTIFICATE-----[ \t\r\n]*"
)


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """The PEM of a certificate that is to be there is given, and its SHA-1 is the thumbprint."""
    if values.get("state") != "present":
        return
    if "pem" not in values:
        yield "pem", "missing; it takes text where state is present"
    else:
        have = thumbprint(str(values["pem"]))
        if not have:
            yield "pem", "is not one certificate as PEM"
        elif have != str(values.get("thumbprint")).upper():
            yield "thumbprint", f"is not the certificate's; that is {have}"


def thumbprint(pem: str) -> str:
    """Give a certificate's thumbprint as Windows shows it; empty where it is none."""
    found = re.fullmatch(_PEM, pem)
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error:
        return ""
    # A thumbprint names a certificate; nothing is proven by it.
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper() if der else ""


# Source of the stores: learn.microsoft.com/windows-hardware/drivers/install/
# local-machine-and-current-user-certificate-stores and .../win32/seccrypto/system-store-locations
KIND = Kind(
    name="certificate",
    doc="A certificate in a store of the machine, such as a registry's own root.",
    rule=_rule,
    example=(
        "{store: root, thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43,"
        " pem: '{{ vars.root }}'}"
    ),
    fields=(
        Field(
            name="store",
            type="text",
            role="key",
            required=True,
            allowed=("root", "ca"),
            doc="Store of the machine: trusted roots, or intermediate authorities.",
        ),
        Field(
            name="thumbprint",
            type="text",
            role="key",
            required=True,
            pattern="[0-9A-Fa-f]{40}",
            form="40 hexadecimal digits",
            doc="SHA-1 of the certificate, as Windows names it.",
        ),
        presence("Whether the store holds it."),
        Field(
            name="pem",
            type="text",
            role="want",
            compare="never",
            doc="The certificate as PEM; one alone, without its key.",
        ),
    ),
)
