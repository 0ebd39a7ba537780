r"""The stores of certificates of a simulated machine, as certutil.exe shows and changes them.

A certificate is a key below its store's in the registry, as on Windows; of the Blob the model
keeps only the certificate itself.
Source of the place: learn.microsoft.com/windows/win32/seccrypto/system-store-locations
"""

from __future__ import annotations

import binascii
import hashlib
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from wincnode.lab.windows.registry import Registry, Value

STORES = r"HKLM\SOFTWARE\Microsoft\SystemCertificates"
# [MS-ERREF]: NTE_NOT_FOUND and CRYPT_E_ASN1_BADTAG of 2.1.1, and of 2.2 ERROR_INVALID_PARAMETER
NOT_FOUND = 0x80090011
NO_CERTIFICATE = 0x8009310B
INVALID = 87


def certutil(
    registry: Registry, find: Callable[[str], Path], words: Sequence[str]
) -> tuple[int, str]:
    """Carry out `-store STORE SHA1`, `-addstore -f STORE FILE` or `-delstore STORE SHA1`.

    Args: find: gives the place of a file of the machine.

    Returns: certutil's exit code, and what it shows.
    """
    match words:
        case ["-addstore", "-f", store, path]:
            try:
                der = ssl.PEM_cert_to_DER_cert(find(path).read_text(encoding="ascii").strip())
            except (OSError, ValueError, binascii.Error):
                return _failed("-addstore", NO_CERTIFICATE)
            blob = Value(kind="Binary", data=list(der))
            # A thumbprint names a certificate; nothing is proven by it.
            name = hashlib.sha1(der, usedforsecurity=False).hexdigest()
            registry.set(_key(store, name), "Blob", blob)
        case ["-store" | "-delstore" as verb, store, name]:
            if not registry.has(_key(store, name)):
                return _failed(verb, NOT_FOUND)
            if verb == "-delstore":
                registry.delete_key(_key(store, name))
            return 0, f"{store}\nCert Hash(sha1): {name.lower()}\n"
        case _:
            return INVALID, "CertUtil: The parameter is incorrect.\n"
    return 0, f"CertUtil: {words[0]} command completed successfully.\n"


def _key(store: str, name: str) -> str:
    return rf"{STORES}\{store.upper()}\Certificates\{name.upper()}"


def _failed(verb: str, code: int) -> tuple[int, str]:
    return code - 2**32, f"CertUtil: {verb} command FAILED: 0x{code:x}\n"
