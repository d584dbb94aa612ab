"""Logging in to POP3: which way, what leaves, and what the error says."""

from __future__ import annotations

import base64

import pytest

from securemail import (
    AuthenticationError,
    ClientCertificate,
    Password,
    ResponseCode,
    TLSMode,
    connect_pop3,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session.pop3_scripts import (
    CAPA,
    EXTERNAL,
    GREETING,
    LISTED,
    PLAIN,
    REFUSED,
    WELCOME,
    account,
    listed,
    refused,
)
from tests.session.scripts import HOST

INSIDE = (StartTLS(), GREETING, CAPA)
SECRET = base64.b64encode(b"\0alice\0secret")
USER_AND_PASS = (Expect(rb"USER alice"), Send(b"+OK\r\n"), Expect(rb"PASS secret"), WELCOME)


async def logged_in_by(
    steps: tuple[Step, ...], ca: CertificateAuthority, **fields: object
) -> tuple[str | None, frozenset[str]]:
    context = ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer((*INSIDE, *steps, Hang()), context=context) as server:
        async with connect_pop3(account(server, ca, TLSMode.IMPLICIT, **fields)) as session:
            found = session.authenticated_by, session.capabilities
        await server.finished.wait()
    assert server.problem is None
    return found


async def test_a_password_goes_with_the_command(ca: CertificateAuthority) -> None:
    steps = (LISTED, Expect(rb"AUTH PLAIN " + re_escaped(SECRET)), WELCOME)
    way, _ = await logged_in_by(steps, ca)
    assert way == "PLAIN"


async def test_a_long_password_waits_for_the_challenge(ca: CertificateAuthority) -> None:
    long = "x" * 200
    response = base64.b64encode(b"\0alice\0" + long.encode())
    steps = (
        LISTED,
        Expect(rb"AUTH PLAIN"),
        Send(b"+ \r\n"),
        Expect(re_escaped(response)),
        WELCOME,
    )
    way, _ = await logged_in_by(steps, ca, credentials=Password("alice", long))
    assert way == "PLAIN"


async def test_capabilities_are_those_from_before_the_login(ca: CertificateAuthority) -> None:
    _, capabilities = await logged_in_by((LISTED, PLAIN, WELCOME), ca)
    assert capabilities == {"TOP", "UIDL", "PIPELINING", "SASL PLAIN EXTERNAL"}


@pytest.mark.parametrize(
    "offer", [listed(b"TOP", b"USER"), listed(b"USER", b"SASL X-OTHER"), Send(b"-ERR what?\r\n")]
)
async def test_user_and_pass_where_no_mechanism_of_ours_is_offered(
    ca: CertificateAuthority, offer: Send
) -> None:
    way, _ = await logged_in_by((offer, *USER_AND_PASS), ca)
    assert way == "LOGIN command"


async def test_user_and_pass_are_not_used_where_user_is_not_listed(
    ca: CertificateAuthority,
) -> None:
    error, server = await refused((*INSIDE, listed(b"TOP"), Hang()), ca, tls=TLSMode.IMPLICIT)
    assert isinstance(error, AuthenticationError)
    assert server.plaintext == b"CAPA\r\n"


async def test_external_is_tried_after_a_refused_password(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    steps = (LISTED, PLAIN, REFUSED, EXTERNAL, WELCOME)
    way, _ = await logged_in_by(steps, ca, client_certificate=alice)
    assert way == "EXTERNAL"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (b"[IN-USE] another session has it", ResponseCode.IN_USE),
        (b"[LOGIN-DELAY] wait", ResponseCode.LOGIN_DELAY),
        (b"[SYS/TEMP] later", ResponseCode.SYS_TEMP),
        (b"[SYS/PERM] never", ResponseCode.SYS_PERM),
        (b"[AUTH] wrong", ResponseCode.AUTH),
        (b"no", ResponseCode.NONE),
    ],
)
async def test_a_refused_login_gives_its_reason(
    ca: CertificateAuthority, words: bytes, code: ResponseCode
) -> None:
    script = (*INSIDE, LISTED, PLAIN, Send(b"-ERR " + words + b"\r\n"), Hang())
    error, _ = await refused(script, ca, tls=TLSMode.IMPLICIT)
    assert isinstance(error, AuthenticationError)
    assert error.attempts[-1].code is code
    assert words.decode() in str(error)


def re_escaped(text: bytes) -> bytes:
    """Return base64 as a pattern."""
    return text.replace(b"+", rb"\+")
