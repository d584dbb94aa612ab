"""Servers that name the issuers whose client certificates they take: what leaves the socket."""

from __future__ import annotations

import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import AuthenticationError, ClientCertificate, TLSMode, connect_imap
from securemail.testing import CertificateAuthority, ScriptedServer, StartTLS
from tests.naming import naming
from tests.session.scripts import (
    BEGIN,
    EXTERNAL,
    GREETING,
    HOST,
    LEAVE,
    STARTTLS,
    TLS_GREETING,
    WELCOME,
    account,
    refused,
)
from tests.session.versions import LOGIN, MODE, TLS12, VERSION


def root(ca: CertificateAuthority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ca.pem)


def der(mine: ClientCertificate) -> bytes:
    return mine.certificate.public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def stranger() -> x509.Certificate:
    return root(CertificateAuthority())


@VERSION
@MODE
async def test_a_certificate_that_is_not_welcome_stays_and_the_password_logs_in(
    tls: TLSMode,
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
    stranger: x509.Certificate,
) -> None:
    context = naming(ca.issue(HOST), [stranger], version)
    async with ScriptedServer((*LOGIN[tls], *LEAVE), context=context) as server:
        mine = account(server, ca, tls, client_certificate=alice)
        async with connect_imap(mine) as session:
            record = session.confidentiality
        await server.finished.wait()
    assert not record.client_certificate_sent
    assert "issuer" in (record.client_certificate_problem or "")
    assert der(alice) not in server.raw
    assert server.client_certificate is None
    # TLS 1.2 says it when it is too late to take the certificate back: the line is cut instead.
    assert server.connections == (2 if version is TLS12 else 1)


@VERSION
@MODE
async def test_a_certificate_of_a_named_issuer_goes(
    tls: TLSMode,
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
    stranger: x509.Certificate,
) -> None:
    context = naming(ca.issue(HOST), [stranger, root(ca)], version)
    async with ScriptedServer((*LOGIN[tls], *LEAVE), context=context) as server:
        mine = account(server, ca, tls, client_certificate=alice)
        async with connect_imap(mine) as session:
            assert session.confidentiality.client_certificate_sent
            assert session.confidentiality.client_certificate_problem is None
        await server.finished.wait()
    assert server.client_certificate == der(alice)
    assert (der(alice) in server.raw) == (version is TLS12)
    assert server.connections == 1


@VERSION
async def test_a_login_by_external_that_cannot_be_says_why(
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
    stranger: x509.Certificate,
) -> None:
    error, server = await refused(
        (StartTLS(), TLS_GREETING),
        ca,
        tls=TLSMode.IMPLICIT,
        context=naming(ca.issue(HOST), [stranger], version),
        credentials=None,
        client_certificate=alice,
    )
    assert isinstance(error, AuthenticationError)
    (attempt,) = error.attempts
    assert attempt.mechanism == "EXTERNAL"
    assert "no issuer of its chain" in attempt.answer
    assert server.plaintext == b""
    assert der(alice) not in server.raw


async def test_a_server_that_takes_the_certificate_back_and_forth_is_asked_twice_at_most(
    ca: CertificateAuthority, alice: ClientCertificate, stranger: x509.Certificate
) -> None:
    context = naming(ca.issue(HOST), [stranger], TLS12)
    script = (GREETING, STARTTLS, BEGIN, StartTLS())
    _, server = await refused(
        script, ca, context=context, credentials=None, client_certificate=alice
    )
    assert server.connections == 2
    assert der(alice) not in server.raw


@VERSION
async def test_the_certificate_that_went_logs_in(
    version: ssl.TLSVersion, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    context = naming(ca.issue(HOST), [root(ca)], version)
    script = (StartTLS(), TLS_GREETING, EXTERNAL, WELCOME, *LEAVE)
    async with ScriptedServer(script, context=context) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, credentials=None, client_certificate=alice)
        async with connect_imap(mine) as session:
            assert session.authenticated_by == "EXTERNAL"
