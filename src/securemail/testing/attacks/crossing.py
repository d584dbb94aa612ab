"""Another protocol's server stands on the port, in cleartext or behind a good certificate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from securemail.account import TLSMode
from securemail.errors import DeadlineError, ProtocolError, TLSError
from securemail.service import Service
from securemail.testing.attacks.attack import NOTHING, Attack
from securemail.testing.attacks.dialects import DIALECTS, MODES, Dialect
from securemail.testing.attacks.sources import ALPACA
from securemail.testing.steps import Hang, Send, StartTLS

# FTP and SMTP greet alike; who takes one for the other learns it from the answer to EHLO.
STRANGERS: Final[dict[str, bytes]] = {
    "IMAP": b"* OK IMAP4rev1\r\n",
    "POP3": b"+OK POP3\r\n",
    "submission": b"220 mx ESMTP\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "FTP": b"220 ProFTPD\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.9\r\n",
    "NNTP": b"200 news\r\n",
    "ManageSieve": b'"IMPLEMENTATION" "sieve"\r\nOK\r\n',
    "TLS": b"\x15\x03\x03\x00\x02\x02\x46\r\n",
}
_ALIKE: Final = {Service.SUBMISSION: {"submission", "FTP"}}


def attacks() -> Iterator[Attack]:
    """Yield all of them."""
    for dialect in DIALECTS:
        for name, hello in STRANGERS.items():
            if name != dialect.service.value and name not in _ALIKE.get(dialect.service, ()):
                yield _in_cleartext(dialect, name, hello)
                if name != "TLS":
                    yield from _inside(dialect, name, hello)
            if name != "TLS":
                yield _on_the_tls_port(dialect, name, hello)
        yield Attack(
            name="a server that waits for a ClientHello",
            service=dialect.service,
            mode=TLSMode.STARTTLS,
            script=(StartTLS(), Hang()),
            error=DeadlineError,
            may_show=NOTHING,
            source=ALPACA,
        )


def _in_cleartext(dialect: Dialect, name: str, hello: bytes) -> Attack:
    return Attack(
        name=f"a server of {name} on the port",
        service=dialect.service,
        mode=TLSMode.STARTTLS,
        script=(Send(hello), Hang()),
        error=ProtocolError,
        may_show=NOTHING,
        source=ALPACA,
    )


def _on_the_tls_port(dialect: Dialect, name: str, hello: bytes) -> Attack:
    return Attack(
        name=f"a server of {name} in cleartext on the port",
        service=dialect.service,
        mode=TLSMode.IMPLICIT,
        script=(Send(hello), Hang()),
        error=TLSError,
        may_show=NOTHING,
        source=ALPACA,
    )


def _inside(dialect: Dialect, name: str, hello: bytes) -> Iterator[Attack]:
    for mode in MODES:
        yield Attack(
            name=f"a server of {name} inside TLS",
            service=dialect.service,
            mode=mode,
            script=(*dialect.begun(mode), StartTLS(), Send(hello), Hang()),
            error=ProtocolError,
            may_leave=dialect.may_leave(mode),
            may_show=dialect.discovery,
            source=ALPACA,
        )
