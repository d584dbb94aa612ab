"""To whom a client certificate goes, read from the octets that left the socket (RFC 8314 5.5)."""

from __future__ import annotations

import re
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import (
    CertificateError,
    ClientCertificate,
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
    IMPLICIT,
    LEAVE,
    ONLY_STARTTLS,
    STARTTLS,
    UPGRADED,
    account,
    refused,
)
from tests.tls.bad_chains import BAD
from tests.tls.named_chains import chain_of

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda version: version.name)
MODE = pytest.mark.parametrize(
    "tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS], ids=lambda tls: tls.name
)
LOGIN = {TLSMode.IMPLICIT: IMPLICIT, TLSMode.STARTTLS: UPGRADED}
OPENING = {
    TLSMode.IMPLICIT: (StartTLS(),),
    TLSMode.STARTTLS: (GREETING, STARTTLS, BEGIN, StartTLS()),
}
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
        await server.finished.wait()
    assert shows(server, alices_der, version)


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
