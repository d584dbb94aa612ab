"""Logging in: which way, what leaves, and what the error says."""

from __future__ import annotations

import base64
import ssl

import pytest

from securemail import (
    AuthenticationError,
    ClientCertificate,
    Password,
    TLSMode,
    UsageError,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session.scripts import (
    CAPABILITY,
    EXTERNAL,
    HOST,
    LEAVE,
    PLAIN,
    REFUSED,
    TLS_GREETING,
    WELCOME,
    account,
    refused,
)

IMPLICIT_TLS = TLSMode.IMPLICIT
SECRET = base64.b64encode(b"\0alice\0secret")


def greeting(capabilities: bytes) -> Send:
    return Send(b"* OK [CAPABILITY IMAP4rev1 %s] hi\r\n" % capabilities)


async def logged_in_by(
    steps: tuple[Step, ...],
    ca: CertificateAuthority,
    *,
    context: ssl.SSLContext | None = None,
    **fields: object,
) -> tuple[str | None, ScriptedServer]:
    context = context or ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer((StartTLS(), *steps, *LEAVE), context=context) as server:
        async with connect_imap(account(server, ca, IMPLICIT_TLS, **fields)) as session:
            way = session.authenticated_by
        await server.finished.wait()
    assert server.problem is None
    return way, server


async def test_a_password_goes_with_the_command_where_the_server_takes_it(
    ca: CertificateAuthority,
) -> None:
    way, server = await logged_in_by((TLS_GREETING, PLAIN, WELCOME), ca)
    assert way == "PLAIN"
    assert server.plaintext.splitlines()[0].endswith(b" AUTHENTICATE PLAIN " + SECRET)


async def test_a_password_waits_for_the_continuation_where_there_is_no_sasl_ir(
    ca: CertificateAuthority,
) -> None:
    steps = (
        greeting(b"AUTH=PLAIN"),
        Expect(rb"\w+ AUTHENTICATE PLAIN"),
        Send(b"+ \r\n"),
        Expect(SECRET.replace(b"+", rb"\+")),
        WELCOME,
    )
    way, _ = await logged_in_by(steps, ca)
    assert way == "PLAIN"


async def test_the_login_command_is_used_where_no_mechanism_is_offered(
    ca: CertificateAuthority,
) -> None:
    steps = (greeting(b"IDLE"), Expect(rb'\w+ LOGIN "alice" "secret"'), WELCOME)
    way, _ = await logged_in_by(steps, ca)
    assert way == "LOGIN command"


async def test_the_login_command_sends_literals_when_asked_to_continue(
    ca: CertificateAuthority,
) -> None:
    steps = (
        greeting(b"IDLE"),
        Expect(rb'\w+ LOGIN "alice" \{7\}'),
        Send(b"+ go\r\n"),
        Expect("sécret".encode()),
        WELCOME,
    )
    way, _ = await logged_in_by(steps, ca, credentials=Password("alice", "sécret"))
    assert way == "LOGIN command"


async def test_the_login_command_is_not_used_where_it_is_disabled(
    ca: CertificateAuthority,
) -> None:
    steps = (StartTLS(), greeting(b"LOGINDISABLED"), Expect(rb".*"))
    error, server = await refused(steps, ca, tls=IMPLICIT_TLS)
    assert isinstance(error, AuthenticationError)
    assert [attempt.mechanism for attempt in error.attempts] == ["PLAIN", "LOGIN command"]
    assert server.plaintext == b""


async def test_a_certificate_alone_logs_in_by_external(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    way, _ = await logged_in_by(
        (TLS_GREETING, EXTERNAL, WELCOME), ca, credentials=None, client_certificate=alice
    )
    assert way == "EXTERNAL"


async def test_external_without_sasl_ir_answers_the_empty_challenge_with_an_empty_line(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    steps = (
        greeting(b"AUTH=EXTERNAL"),
        Expect(rb"\w+ AUTHENTICATE EXTERNAL"),
        Send(b"+ \r\n"),
        Expect(rb""),
        WELCOME,
    )
    way, _ = await logged_in_by(steps, ca, credentials=None, client_certificate=alice)
    assert way == "EXTERNAL"


async def test_external_is_tried_after_the_password_was_refused(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    steps = (TLS_GREETING, PLAIN, REFUSED, EXTERNAL, WELCOME)
    way, _ = await logged_in_by(steps, ca, client_certificate=alice)
    assert way == "EXTERNAL"


async def test_external_can_be_preferred(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    steps = (TLS_GREETING, EXTERNAL, REFUSED, PLAIN, WELCOME)
    way, _ = await logged_in_by(steps, ca, client_certificate=alice, prefer_external=True)
    assert way == "PLAIN"


async def test_external_is_not_tried_when_the_server_did_not_ask_for_the_certificate(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    error, server = await refused(
        (StartTLS(), TLS_GREETING, Expect(rb".*")),
        ca,
        tls=IMPLICIT_TLS,
        context=ca.server_context(HOST),
        credentials=None,
        client_certificate=alice,
    )
    assert isinstance(error, AuthenticationError)
    assert "did not ask for the client certificate" in str(error)
    assert server.plaintext == b""


async def test_a_refusal_says_what_was_tried_and_the_servers_words(
    ca: CertificateAuthority,
) -> None:
    error, _ = await refused((StartTLS(), TLS_GREETING, PLAIN, REFUSED), ca, tls=IMPLICIT_TLS)
    assert isinstance(error, AuthenticationError)
    (attempt,) = error.attempts
    assert attempt.mechanism == "PLAIN"
    assert attempt.answer == "[AUTHENTICATIONFAILED] no such user"


async def test_an_unexpected_challenge_cancels_the_exchange(ca: CertificateAuthority) -> None:
    steps = (
        StartTLS(),
        TLS_GREETING,
        PLAIN,
        Send(b"+ bW9yZQ==\r\n"),
        Expect(rb"\*"),
        Send(b"{tag} BAD cancelled\r\n"),
    )
    error, server = await refused(steps, ca, tls=IMPLICIT_TLS)
    assert isinstance(error, AuthenticationError)
    assert "challenge of 4 bytes" in str(error)
    assert server.problem is None


async def test_a_server_that_hangs_up_after_a_refusal_is_an_authentication_error(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    steps = (StartTLS(), TLS_GREETING, PLAIN, REFUSED, EXTERNAL, Close())
    error, _ = await refused(steps, ca, tls=IMPLICIT_TLS, client_certificate=alice)
    assert isinstance(error, AuthenticationError)


async def test_an_account_without_credentials_is_told_so(ca: CertificateAuthority) -> None:
    error, server = await refused(
        (StartTLS(), TLS_GREETING, Expect(rb".*")), ca, tls=IMPLICIT_TLS, credentials=None
    )
    assert isinstance(error, UsageError)
    assert error.field == "Account.credentials"
    assert server.plaintext == b""


async def test_a_server_that_refuses_the_client_certificate_by_alert_is_an_authentication_error(
    ca: CertificateAuthority,
) -> None:
    stranger = ClientCertificate.from_pem(CertificateAuthority().client_pem("mallory"))
    error, _ = await refused(
        (StartTLS(), TLS_GREETING),
        ca,
        tls=IMPLICIT_TLS,
        context=ca.server_context(HOST, request_client_certificate=True),
        credentials=None,
        client_certificate=stranger,
    )
    assert isinstance(error, AuthenticationError)
    assert "unknown certificate authority" in str(error)


async def test_a_server_that_closes_after_the_client_certificate_is_an_authentication_error(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    error, _ = await refused(
        (StartTLS(), Close()), ca, tls=IMPLICIT_TLS, credentials=None, client_certificate=alice
    )
    assert isinstance(error, AuthenticationError)
    assert "after it saw the client certificate" in str(error)


async def test_capabilities_are_asked_for_after_login_where_they_do_not_come_with_it(
    ca: CertificateAuthority,
) -> None:
    steps = (
        StartTLS(),
        TLS_GREETING,
        PLAIN,
        Send(b"{tag} OK in\r\n"),
        CAPABILITY,
        Send(b"* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK listed\r\n"),
        *LEAVE,
    )
    async with ScriptedServer(steps, context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, IMPLICIT_TLS)) as session:
            assert session.capabilities == {"IMAP4REV1", "IDLE"}
            assert session.client.has_capability("IDLE")
        await server.finished.wait()
    assert server.problem is None


async def test_preauth_inside_tls_is_a_login(ca: CertificateAuthority) -> None:
    greeted = Send(b"* PREAUTH [CAPABILITY IMAP4rev1] hello again\r\n")
    way, server = await logged_in_by((greeted,), ca)
    assert way == "PREAUTH"
    assert b"AUTHENTICATE" not in server.plaintext


@pytest.mark.parametrize("answer", [b"{tag} OK nothing\r\n", b"{tag} NO\r\n", b"* 1 EXISTS\r\n"])
async def test_a_server_that_never_lists_its_capabilities_is_a_typed_error(
    ca: CertificateAuthority, answer: bytes
) -> None:
    steps = (StartTLS(), TLS_GREETING, PLAIN, Send(b"{tag} OK in\r\n"), CAPABILITY, Send(answer))
    await refused(steps, ca, tls=IMPLICIT_TLS)
