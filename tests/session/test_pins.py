"""Pins through a whole session: what left the socket, and what the record of it says."""

from __future__ import annotations

import ssl

import pytest

from securemail import (
    Account,
    CertificateError,
    CertificateReason,
    ClientCertificate,
    Level,
    Password,
    Phase,
    Pin,
    Policy,
    PolicyError,
    SecureMailError,
    SecureSession,
    Service,
    Shortfall,
    TLSMode,
    Trust,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    ServerCertificate,
    StartTLS,
    Step,
    self_signed,
)
from tests.pins import pin_of
from tests.session.scripts import (
    BEGIN,
    GREETING,
    HOST,
    IMPLICIT,
    LEAVE,
    STARTTLS,
    TLS_GREETING,
    UPGRADED,
    account,
    phase_of,
)
from tests.values import no_minimum

STRANGER, OTHER = self_signed(HOST), self_signed(HOST)
MODES = [TLSMode.IMPLICIT, TLSMode.STARTTLS]
OPENING: dict[TLSMode, tuple[Step, ...]] = {
    TLSMode.IMPLICIT: (StartTLS(), TLS_GREETING, Expect(rb".*")),
    TLSMode.STARTTLS: (GREETING, STARTTLS, BEGIN, StartTLS(), Expect(rb".*")),
}


def pinned(server: ScriptedServer) -> Pin:
    return pin_of(STRANGER, port=server.port)


def asking(certificate: ServerCertificate, ca: CertificateAuthority) -> ssl.SSLContext:
    return certificate.context(client_roots=ca.pem)


async def refused(mine: Account, server: ScriptedServer) -> SecureMailError:
    with pytest.raises(SecureMailError) as caught:
        await SecureSession.connect(mine, Service.IMAP)
    await server.finished.wait()
    return caught.value


@pytest.mark.parametrize("tls", MODES)
async def test_a_pinned_server_can_be_used_and_is_never_called_confidential(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    script = IMPLICIT if tls is TLSMode.IMPLICIT else UPGRADED
    async with ScriptedServer((*script, *LEAVE), context=STRANGER.context()) as server:
        mine = account(server, ca, tls, policy=no_minimum(), pins={pinned(server)})
        async with connect_imap(mine) as session:
            record = session.confidentiality
    assert (record.trust, record.level) == (Trust.PIN, Level.PINNED)
    assert record.shortfalls == {Shortfall.PINNED}
    assert record.identity is None
    assert record.failure is None
    assert not record.indicator.is_locked


async def test_a_pinned_session_is_below_the_minimum(ca: CertificateAuthority) -> None:
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=STRANGER.context()) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, policy=no_minimum(), pins={pinned(server)})
        session = await SecureSession.open(mine, Service.IMAP)
        assert phase_of(session) is Phase.BELOW_MINIMUM
        await session.authenticate()
        assert phase_of(session) is Phase.AUTHENTICATED
        await session.aclose()


@pytest.mark.parametrize("tls", MODES)
async def test_an_account_with_a_minimum_does_not_use_its_pin(
    tls: TLSMode, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    async with ScriptedServer(OPENING[tls], context=asking(STRANGER, ca)) as server:
        mine = account(
            server, ca, tls, policy=Policy(), pins={pinned(server)}, client_certificate=alice
        )
        error = await refused(mine, server)
    assert isinstance(error, CertificateError)
    assert error.reason is CertificateReason.SELF_SIGNED
    assert server.plaintext == b""
    assert server.client_certificate is None


@pytest.mark.parametrize("tls", MODES)
async def test_a_changed_certificate_ends_the_handshake_and_both_are_shown(
    tls: TLSMode, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    async with ScriptedServer(OPENING[tls], context=asking(OTHER, ca)) as server:
        mine = account(
            server,
            ca,
            tls,
            policy=no_minimum(),
            pins={pinned(server)},
            client_certificate=alice,
        )
        error = await refused(mine, server)
    assert isinstance(error, CertificateError)
    assert error.reason is CertificateReason.PIN_MISMATCH
    assert error.pinned == pin_of(STRANGER).certificate
    assert error.certificate == pin_of(OTHER).certificate
    assert server.plaintext == b""
    assert server.client_certificate is None


async def test_a_server_that_has_a_valid_certificate_now_is_confidential(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, policy=no_minimum(), pins={pinned(server)})
        async with connect_imap(mine) as session:
            record = session.confidentiality
    assert (record.trust, record.level) == (Trust.PKIX, Level.CONFIDENTIAL)


@pytest.mark.parametrize("answer", [b"{tag} NO not today\r\n", b"{tag} BAD what\r\n"])
async def test_a_pinned_server_that_refuses_starttls_is_not_talked_to_in_cleartext(
    answer: bytes, ca: CertificateAuthority
) -> None:
    async with ScriptedServer((GREETING, STARTTLS, Send(answer), Hang())) as server:
        mine = account(server, ca, TLSMode.STARTTLS, policy=no_minimum(), pins={pinned(server)})
        error = await refused(mine, server)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_TLS}
    assert b"AUTHENTICATE" not in server.cleartext


@pytest.mark.parametrize(
    "other",
    [
        {"service": Service.SUBMISSION},
        {"host": "other.example.org"},
        {"port": 1},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_pin_for_something_else_vouches_for_nobody(
    other: dict[str, object], ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=asking(STRANGER, ca)) as server:
        elsewhere = pin_of(STRANGER, **{"port": server.port, **other})  # type: ignore[arg-type]  # what its fields are of
        mine = account(
            server,
            ca,
            TLSMode.IMPLICIT,
            policy=no_minimum(),
            pins={elsewhere},
            client_certificate=alice,
        )
        async with connect_imap(mine) as session:
            assert session.confidentiality.level is Level.UNAUTHENTICATED
            assert session.confidentiality.trust is Trust.NONE
    assert server.client_certificate is None


async def test_another_account_on_the_same_server_does_not_use_the_pin(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=STRANGER.context()) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, policy=no_minimum(), pins={pinned(server)})
        async with connect_imap(mine) as session:
            assert session.confidentiality.trust is Trust.PIN
        theirs = account(
            server, ca, TLSMode.IMPLICIT, policy=no_minimum(), credentials=Password("bob", "x")
        )
        async with connect_imap(theirs) as session:
            assert session.confidentiality.trust is Trust.NONE


async def test_a_pin_that_was_undone_vouches_for_nobody(ca: CertificateAuthority) -> None:
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=STRANGER.context()) as server:
        pin = pinned(server)
        mine = account(server, ca, TLSMode.IMPLICIT, policy=no_minimum(), pins={pin})
        async with connect_imap(mine.without_pin(pin)) as session:
            assert session.confidentiality.level is Level.UNAUTHENTICATED


async def test_a_pinned_server_may_ask_for_the_client_certificate(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=asking(STRANGER, ca)) as server:
        mine = account(
            server,
            ca,
            TLSMode.IMPLICIT,
            policy=no_minimum(),
            pins={pinned(server)},
            client_certificate=alice,
        )
        async with connect_imap(mine) as session:
            assert session.confidentiality.client_certificate_sent
    assert server.client_certificate is not None
