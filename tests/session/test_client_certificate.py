"""To whom a client certificate goes, read from the octets that left the socket (RFC 8314 5.5)."""

from __future__ import annotations

import re
import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import (
    CertificateError,
    ClientCertificate,
    Policy,
    PolicyError,
    Shortfall,
    TLSMode,
    TrustStore,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
    ScriptedServer,
    ServerCertificate,
    StartTLS,
)
from tests.session.scripts import (
    BEGIN,
    GREETING,
    HOST,
    LEAVE,
    ONLY_STARTTLS,
    STARTTLS,
    TLS_GREETING,
    account,
    refused,
)
from tests.session.versions import LOGIN, MODE, TLS12, TLS13, VERSION
from tests.tls.bad_chains import BAD
from tests.tls.named_chains import chain_of

OPENING = {
    TLSMode.IMPLICIT: (StartTLS(),),
    TLSMode.STARTTLS: (GREETING, STARTTLS, BEGIN, StartTLS()),
}
AFTER = {TLSMode.IMPLICIT: (TLS_GREETING,), TLSMode.STARTTLS: ()}
# An alert, and a change_cipher_spec in front of it where there is one.
AN_ALERT = 64


def server_context(
    certificate: ServerCertificate, ca: CertificateAuthority, version: ssl.TLSVersion
) -> ssl.SSLContext:
    """Return the context of a server that asks for a client certificate in just that version."""
    return certificate.context(
        minimum_version=version, maximum_version=version, client_roots=ca.pem
    )


def behind_the_hello(raw: bytes) -> list[bytes]:
    """Return the TLS records that a client has sent, but for its ClientHello."""
    raw = raw[raw.index(b"\x16\x03") :]
    records = []
    while raw:
        end = 5 + int.from_bytes(raw[3:5], "big")
        records.append(raw[:end])
        raw = raw[end:]
    return records[1:]


@pytest.fixture(scope="module")
def alices_pem(ca: CertificateAuthority) -> bytes:
    return ca.client_pem("alice")


@pytest.fixture(scope="module")
def alice(alices_pem: bytes) -> ClientCertificate:
    return ClientCertificate.from_pem(alices_pem)


@pytest.fixture(scope="module")
def alices_der(alices_pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(alices_pem).public_bytes(Encoding.DER)


def shows(server: ScriptedServer, der: bytes, version: ssl.TLSVersion) -> bool:
    """Return whether the certificate left; TLS 1.2 sends it for all to read."""
    sent = b"".join(behind_the_hello(server.raw))
    if version is TLS12:
        assert (der in sent) == (server.client_certificate is not None)
    return server.client_certificate == der


@VERSION
@MODE
async def test_a_client_certificate_goes_to_a_server_that_asks(
    tls: TLSMode,
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
    alices_der: bytes,
) -> None:
    context = server_context(ca.issue(HOST), ca, version)
    async with ScriptedServer((*LOGIN[tls], *LEAVE), context=context) as server:
        mine = account(server, ca, tls, client_certificate=alice)
        async with connect_imap(mine) as session:
            assert session.confidentiality.client_certificate_requested
            assert session.confidentiality.client_certificate_sent
            is_visible = session.confidentiality.is_client_certificate_visible
        await server.finished.wait()
    assert shows(server, alices_der, version)
    # RFC 8314 section 8: whoever listens has seen whose it is.
    assert is_visible == (alices_der in server.raw) == (version is TLS12)


@VERSION
@MODE
async def test_an_account_that_wants_tls13_for_its_certificate_shows_it_to_nobody_in_tls12(
    tls: TLSMode,
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
    alices_der: bytes,
) -> None:
    context = server_context(ca.issue(HOST), ca, version)
    wants: dict[str, Any] = {
        "policy": Policy(require_tls13_for_client_certificate=True),
        "client_certificate": alice,
    }
    if version is TLS13:
        async with ScriptedServer((*LOGIN[tls], *LEAVE), context=context) as server:
            async with connect_imap(account(server, ca, tls, **wants)) as session:
                assert session.confidentiality.client_certificate_sent
            await server.finished.wait()
        return
    script = (*OPENING[tls], *AFTER[tls])
    error, server = await refused(script, ca, tls=tls, context=context, **wants)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.CLIENT_CERTIFICATE_VISIBLE}
    assert alices_der not in server.raw
    assert server.client_certificate is None
    assert server.plaintext == b""


@VERSION
@MODE
async def test_a_client_certificate_does_not_go_to_a_server_that_does_not_ask(
    tls: TLSMode,
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
    alices_der: bytes,
) -> None:
    context = ca.server_context(HOST, minimum_version=version, maximum_version=version)
    async with ScriptedServer((*LOGIN[tls], *LEAVE), context=context) as server:
        mine = account(server, ca, tls, client_certificate=alice)
        async with connect_imap(mine) as session:
            assert not session.confidentiality.client_certificate_requested
            assert not session.confidentiality.client_certificate_sent
        await server.finished.wait()
    assert not shows(server, alices_der, version)


@VERSION
@MODE
async def test_one_accounts_certificate_is_not_shown_for_another(
    tls: TLSMode,
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
) -> None:
    context = server_context(ca.issue(HOST), ca, version)
    async with ScriptedServer((*LOGIN[tls], *LEAVE), context=context) as server:
        for mine in (
            account(server, ca, tls, client_certificate=alice),
            account(server, ca, tls),
            account(server, ca, tls, client_certificate=alice),
        ):
            async with connect_imap(mine) as session:
                sent = session.confidentiality.client_certificate_sent
                assert sent == (mine.client_certificate is not None)
        await server.finished.wait()
        shown = [transcript.client_certificate is not None for transcript in server.transcripts]
    assert shown == [True, False, True]


# One chain for each way of failing.
REFUSED = {named.reason: name for name, named in reversed(BAD.items()) if named.is_servable}


@VERSION
@MODE
@pytest.mark.parametrize("name", REFUSED.values())
async def test_a_server_that_is_not_accepted_gets_an_alert_and_no_client_certificate(
    name: str,
    tls: TLSMode,
    version: ssl.TLSVersion,
    ca: CertificateAuthority,
    alice: ClientCertificate,
    alices_der: bytes,
) -> None:
    named = BAD[name]
    context = chain_of(named.certs).context(sent=named.sent, version=version)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=ca.pem.decode())
    trust = TrustStore.from_pem(named.trusted)
    error, server = await refused(
        OPENING[tls], ca, tls=tls, context=context, client_certificate=alice, trust=trust
    )
    assert isinstance(error, CertificateError)
    assert error.reason is named.reason
    only = ONLY_STARTTLS if tls is TLSMode.STARTTLS else b""
    assert re.fullmatch(only, server.cleartext)
    # Encrypted or not, a certificate is longer than that.
    assert len(b"".join(behind_the_hello(server.raw))) < AN_ALERT < len(alices_der)
    assert server.client_certificate is None
    assert server.plaintext == b""
