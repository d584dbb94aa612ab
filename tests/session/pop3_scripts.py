"""Scripts for POP3: what scripts.py is for IMAP."""

from __future__ import annotations

from functools import partial
from typing import Any

from securemail import Account, Service, TLSMode
from securemail.testing import CertificateAuthority, Expect, Hang, ScriptedServer, Send, StartTLS
from tests.session import scripts

GREETING = Send(b"+OK POP3 ready <1896.697170952@mail.example.org>\r\n")
STLS = Expect(rb"STLS")
BEGIN = Send(b"+OK begin\r\n")
CAPA = Expect(rb"CAPA")
PLAIN = Expect(rb"AUTH PLAIN \S+")
EXTERNAL = Expect(rb"AUTH EXTERNAL =")
WELCOME = Send(b"+OK logged in\r\n")
REFUSED = Send(b"-ERR [AUTH] no such user\r\n")

# What a client with a password says in cleartext when all goes well, and not a byte more.
ONLY_STLS = rb"STLS\r\n"


def listed(*lines: bytes) -> Send:
    """Return an answer to CAPA."""
    return Send(b"+OK\r\n" + b"".join(b"%s\r\n" % line for line in lines) + b".\r\n")


LISTED = listed(b"TOP", b"UIDL", b"PIPELINING", b"SASL PLAIN EXTERNAL")

# The dialogue of a login that works, up to the hand-over. Nobody says goodbye.
UPGRADED = (GREETING, STLS, BEGIN, StartTLS(), CAPA, LISTED, PLAIN, WELCOME)
IMPLICIT = (StartTLS(), GREETING, CAPA, LISTED, PLAIN, WELCOME)
HANG = (Hang(),)

refused = partial(scripts.refused, service=Service.POP3)


def account(
    server: ScriptedServer, ca: CertificateAuthority, tls: TLSMode, **fields: Any
) -> Account:
    """Return alice's account on `server`."""
    return scripts.account(server, ca, tls, Service.POP3, **fields)
