"""One attack as data: what the server does, and what may come of it. No I/O here."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from securemail.account import TLSMode
from securemail.errors import SecureMailError
from securemail.service import Service
from securemail.testing.attacks import certificates
from securemail.testing.ca import CertificateAuthority
from securemail.testing.steps import Step

NOTHING: Final = b""


class Use(Enum):
    """What the client does once it is logged in."""

    NOTHING = "nothing"
    SELECT = "SELECT INBOX"
    FETCH = "SELECT INBOX and FETCH 1 FLAGS"
    RETR = "RETR 1"
    STAT = "STAT"
    SUBMIT = "a message from alice@example.org to bob@example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A hostile server for one protocol and one mode.

    Play `script` on a `ScriptedServer` with the context that `server` makes, connect to it as
    `certificates.HOST`, log in by PLAIN or by the protocol's own command, and do what `use` says.

    `error` is what securemail raises; None means that the login works and the planted data must
    have changed nothing. `may_leave` and `may_show` are patterns of all that securemail may have
    said in cleartext, and inside TLS (None: whatever a login and `use` take). What any client may
    say at most in cleartext is in `verdict.HARMLESS`. A client certificate is shown in none of
    them: the account has none, or the server may not have it.
    """

    name: str
    service: Service
    mode: TLSMode
    script: tuple[Step, ...]
    error: type[SecureMailError] | None
    may_leave: bytes = NOTHING
    may_show: bytes | None = None
    server: Callable[[CertificateAuthority], ssl.SSLContext] = certificates.good
    use: Use = Use.NOTHING
    source: str = ""

    @property
    def id(self) -> str:
        """Protocol, mode and name, as in "IMAP, STARTTLS: PREAUTH as the greeting"."""
        mode = "implicit TLS" if self.mode is TLSMode.IMPLICIT else "STARTTLS"
        return f"{self.service.value}, {mode}: {self.name}"
