# SPDX-License-Identifier: Apache-2.0
"""Why a session ended, told to each of those who waited for it. No I/O here."""

from __future__ import annotations

from securemail.aio.fresh import fresh
from securemail.errors import ConnectError, SecureMailError
from securemail.sasl.redactor import Redactor


def located(error: SecureMailError, peer: str, redactor: Redactor) -> SecureMailError:
    """Return `error` with the name of the server in front, and no secret in its words.

    Without its frames, too: they hold what the server sent.
    """
    return fresh(error, f"{peer}: {redactor(str(error))}")


def connection_lost(peer: str, error: Exception | None, last_words: str) -> SecureMailError:
    """Return what became of the connection to `peer`; `error` is the transport's, if it has one.

    An error of ours keeps its type and attributes; others become a `ConnectError`.
    """
    said = f"; the server's last words: {last_words}" if last_words else ""
    if isinstance(error, SecureMailError):
        lost = fresh(error, f"{error}{said}")
    else:
        how = f"was lost: {error}" if error else "was closed"
        lost = ConnectError(f"{peer}: the connection {how}{said}", phase="command")
    lost.__cause__ = error
    return lost
