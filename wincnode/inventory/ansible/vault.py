"""What ansible-vault has encrypted: its formats 1.1 and 1.2, with AES256.

Source: ansible/ansible:lib/ansible/parsing/vault/__init__.py@v2.19.14 (VaultAES256): PBKDF2 with
SHA-256, 10,000 rounds, gives a key, a key for the HMAC over the ciphertext, and the first counter.
"""

from __future__ import annotations

import binascii
import os
from collections.abc import Sequence
from pathlib import Path

from wincnode.errors import ConfigError
from wincnode.secrets import Secret, Source, resolve

HEADER = "$ANSIBLE_VAULT"
ROUNDS = 10_000
KEY_BYTES = 32
BLOCK_BYTES = 16
REMEDY = "give --vault-password-file FILE, or set ANSIBLE_VAULT_PASSWORD_FILE"


class Keys:
    """The passwords of vaults; they are fetched once something is encrypted."""

    def __init__(self, files: Sequence[Path] = ()) -> None:
        self._files = tuple(files)
        self._passwords: list[Secret] | None = None
        self._opened: dict[str, Secret] = {}

    def open(self, text: str) -> Secret:
        """Decrypt a vaulted text with the first password that fits.

        Raises: ValueError: says why it cannot be read. ConfigError: a password cannot be had.
        """
        if text not in self._opened:
            self._opened[text] = self._decrypted(text)
        return self._opened[text]

    def _decrypted(self, text: str) -> Secret:
        if not self._files:
            raise ValueError(f"is encrypted by ansible-vault; {REMEDY}")
        envelope = _unwrapped(text)
        if self._passwords is None:
            self._passwords = [_password(path) for path in self._files]
        for password in self._passwords:
            content = _plain(envelope, password)
            if content is not None:
                return _text(content)
        raise ValueError("is encrypted by ansible-vault with another password than those given")


def _password(path: Path) -> Secret:
    """Read a password file, or run it where it is a program, as Ansible does."""
    at = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - never raises
    what = "vault password"
    if at.is_file() and os.access(at, os.X_OK):
        if at.stem.endswith("-client"):
            raise ConfigError(f"{what}: {path} is a client of vault ids, which are not asked for")
        return resolve(Source(kind="command", argument=(str(at),)), what=what)
    return resolve(Source(kind="file", argument=(str(at),)), what=what)


def _unwrapped(text: str) -> tuple[bytes, bytes, bytes]:
    """Give salt, HMAC and ciphertext."""
    lines = text.split()
    words = lines[0].split(";") if lines else []
    if words[:1] != [HEADER] or words[1:3] not in (["1.1", "AES256"], ["1.2", "AES256"]):
        raise ValueError("is of a vault format that is not read; 1.1 and 1.2 with AES256 are")
    try:
        salt, code, cipher = binascii.unhexlify("".join(lines[1:])).split(b"\n", 2)
        return binascii.unhexlify(salt), binascii.unhexlify(code), binascii.unhexlify(cipher)
    except ValueError:
        raise ValueError("is no whole vault: what follows its header is cut or changed") from None


def _plain(envelope: tuple[bytes, bytes, bytes], password: Secret) -> bytes | None:
    """Decrypt, or give nothing where the password is another one."""
    # Imported here because most inventories need none of it.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, hmac, padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    salt, code, ciphertext = envelope
    length = 2 * KEY_BYTES + BLOCK_BYTES
    derive = PBKDF2HMAC(algorithm=hashes.SHA256(), length=length, salt=salt, iterations=ROUNDS)
    # Ansible strips what surrounds the password in its file.
    made = derive.derive(password.reveal().strip().encode())
    check = hmac.HMAC(made[KEY_BYTES : 2 * KEY_BYTES], hashes.SHA256())
    check.update(ciphertext)
    try:
        check.verify(code)
    except InvalidSignature:
        return None
    cipher = Cipher(algorithms.AES(made[:KEY_BYTES]), modes.CTR(made[2 * KEY_BYTES :]))
    decryptor = cipher.decryptor()
    unpadder = padding.PKCS7(8 * BLOCK_BYTES).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise ValueError("is no whole vault: its end is missing") from None


def _text(content: bytes) -> Secret:
    try:
        return Secret(content.decode("utf-8"))
    except UnicodeDecodeError:
        # Not chained: the exception holds the bytes.
        raise ValueError("is encrypted, and what it holds is not UTF-8") from None
