"""Attacks on submission before TLS, and what left the socket in cleartext, byte for byte."""

from __future__ import annotations

import re

import pytest

from securemail import (
    ClientCertificate,
    ConnectError,
    InjectionError,
    LimitExceeded,
    PolicyError,
    ProtocolError,
    SecureMailError,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    Hang,
    Repeat,
    Reset,
    Send,
    Step,
)
from tests.session.submission_scripts import (
    ASKED,
    BEGIN,
    EHLO,
    GREETING,
    ONLY_EHLO,
    ONLY_STARTTLS,
    STARTTLS,
    refused,
)

NOTHING = rb""
FULL_LOGIN = b"250-x\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"

# name: (what the server does, the error, what may leave in cleartext)
ATTACKS: dict[str, tuple[tuple[Step, ...], type[SecureMailError], bytes]] = {
    "the offer of STARTTLS is stripped and the command refused": (
        (GREETING, EHLO, Send(b"250-x\r\n250 AUTH PLAIN\r\n"), STARTTLS, Send(b"502 what?\r\n")),
        PolicyError,
        ONLY_STARTTLS,
    ),
    "STARTTLS is refused for now": (
        (*ASKED, Send(b"454 4.7.0 TLS not available\r\n")),
        PolicyError,
        ONLY_STARTTLS,
    ),
    "STARTTLS is refused": ((*ASKED, Send(b"554 5.7.0 no\r\n")), PolicyError, ONLY_STARTTLS),
    "EHLO is refused": (
        (GREETING, EHLO, Send(b"502 5.5.1 HELO only\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "250 instead of 220": ((*ASKED, Send(b"250 go ahead\r\n")), ProtocolError, ONLY_STARTTLS),
    "a login that nobody asked for, as the greeting": (
        (Send(b"235 2.7.0 you are in\r\n"),),
        ProtocolError,
        NOTHING,
    ),
    "a login that nobody asked for, behind the greeting": (
        (Send(b"220 hi\r\n235 2.7.0 you are in\r\n"), Hang()),
        ProtocolError,
        NOTHING,
    ),
    "a login instead of the upgrade": ((*ASKED, Send(b"235 in\r\n")), ProtocolError, ONLY_STARTTLS),
    "a challenge instead of the upgrade": (
        (*ASKED, Send(b"334 UGFzc3dvcmQ6\r\n")),
        ProtocolError,
        ONLY_STARTTLS,
    ),
    "220 twice in the greeting": (
        (Send(b"220 hi\r\n220 go ahead\r\n"), Hang()),
        ProtocolError,
        NOTHING,
    ),
    "the upgrade is agreed to behind the reply to EHLO": (
        (GREETING, EHLO, Send(b"250-x\r\n250 STARTTLS\r\n220 go ahead\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "220 twice for STARTTLS": (
        (*ASKED, Send(b"220 go ahead\r\n220 go ahead\r\n")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a reply injected behind the 220": (
        (*ASKED, Send(b"220 go ahead\r\n250 injected\r\n")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a whole login and a delivery injected behind the 220": (
        (*ASKED, Send(b"220 go ahead\r\n" + FULL_LOGIN)),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "half a line injected behind the 220": (
        (*ASKED, Send(b"220 go ahead\r\n25")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a cleartext reply instead of the ServerHello": (
        (*ASKED, BEGIN, Send(b"250 still in the clear\r\n"), Hang()),
        SecureMailError,
        ONLY_STARTTLS,
    ),
    "the codes of a reply differ": (
        (GREETING, EHLO, Send(b"250-x\r\n220 go ahead\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "a reply to EHLO without end": (
        (GREETING, EHLO, Repeat(b"250-X-MORE\r\n", 100_000)),
        LimitExceeded,
        ONLY_EHLO,
    ),
    "a greeting without end": ((Repeat(b"220-welcome\r\n", 100_000),), LimitExceeded, NOTHING),
    "a line without end": ((Repeat(b"2" * 1000, 100_000),), LimitExceeded, NOTHING),
    "a flood behind the greeting": (
        (GREETING, Repeat(b"250 ok\r\n", 100_000)),
        ProtocolError,
        b"(%s)?" % ONLY_EHLO,
    ),
    "a lone LF in a reply": (
        (GREETING, EHLO, Send(b"250-x\n250 STARTTLS\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "goodbye as the greeting": ((Send(b"421 busy\r\n"),), ConnectError, NOTHING),
    "no service as the greeting": ((Send(b"554 no SMTP here\r\n"),), ConnectError, NOTHING),
    "goodbye instead of capabilities": (
        (GREETING, EHLO, Send(b"421 4.3.2 shutting down\r\n")),
        ConnectError,
        ONLY_EHLO,
    ),
    "goodbye instead of the upgrade": (
        (*ASKED, Send(b"421 4.3.2 shutting down\r\n")),
        ConnectError,
        ONLY_STARTTLS,
    ),
    "an IMAP server": ((Send(b"* OK IMAP4rev1\r\n"), Hang()), ProtocolError, NOTHING),
    "a POP3 server": ((Send(b"+OK POP3\r\n"), Hang()), ProtocolError, NOTHING),
    "an HTTP server": ((Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),), ProtocolError, NOTHING),
    "the line is closed after the greeting": ((GREETING, Close()), ConnectError, ONLY_EHLO),
    "the line is reset instead of a reply": ((*ASKED, Reset()), ConnectError, ONLY_STARTTLS),
    "the line is closed instead of the ServerHello": (
        (*ASKED, BEGIN, Close()),
        ConnectError,
        ONLY_STARTTLS * 2,  # tried again with a smaller ClientHello
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_before_tls_is_refused_and_nothing_private_leaves(
    name: str, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    script, kind, may_leave = ATTACKS[name]
    error, server = await refused(
        script, ca, client_certificate=alice, ehlo_name="private.example.org"
    )
    assert isinstance(error, kind), repr(error)
    left = server.cleartext.partition(b"\x16\x03")[0]
    assert re.fullmatch(b"(%s)?" % may_leave, left), left
    assert server.plaintext == b""
    assert server.client_certificate is None
