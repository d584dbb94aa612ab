"""Client certificates and their keys, from files: PEM or PKCS#12 (RFC 7468, RFC 7292).

A key's passphrase comes from the environment or the person, never from an argument.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from securemail.certificate import ClientCertificate
from securemail.cli.asking import secret_for
from securemail.cli.console import Terminal
from securemail.cli.local import local
from securemail.secret import Secret, SecretBytes

KEY: Final = "SECUREMAIL_KEY"
PASSPHRASE: Final = "SECUREMAIL_KEY_PASSPHRASE"  # noqa: S105 - no secret, but the name of a variable
_PEM: Final = b"-----BEGIN "
_ENCRYPTED: Final = b"ENCRYPTED"


def certificate_from(terminal: Terminal, file: Path, key: Path | None) -> ClientCertificate:
    """Return the client certificate in `file`, with its chain, and its key: there, or in `key`.

    Raises: typer.Exit for what cannot be read, does not fit, or is not opened by the passphrase.
    """
    found = _read(terminal, file, is_secret=key is None)
    if key is None and _PEM not in found.reveal():
        passphrase = _passphrase(terminal, file)
        with terminal.failing():
            return ClientCertificate.from_pkcs12(found.reveal(), passphrase)
    return certificate_of(terminal, found.reveal(), key or file)


def certificate_of(terminal: Terminal, certificates: bytes, key: Path) -> ClientCertificate:
    """Return the certificate in a PEM text with its key in a file.

    Raises: typer.Exit as `certificate_from`.
    """
    found = _read(terminal, key, is_secret=True)
    passphrase = _passphrase(terminal, key) if _ENCRYPTED in found.reveal() else None
    with terminal.failing():
        return ClientCertificate.from_pem(certificates, found.reveal(), passphrase)


def _read(terminal: Terminal, file: Path, *, is_secret: bool) -> SecretBytes:
    with terminal.failing(), local(file):
        found = SecretBytes(file.read_bytes())
        others = file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if is_secret and others:
        terminal.say(f"Others may read the key in {file}: chmod 600.", style="bold yellow")
    return found


def _passphrase(terminal: Terminal, file: Path) -> Secret:
    return secret_for(terminal, PASSPHRASE, f"Passphrase of the key in {file}: ")
