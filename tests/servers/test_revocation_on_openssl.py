"""Staples from OpenSSL's `s_server`: what leaves the socket, and what the session's record says."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.x509 import ocsp

from securemail import (
    Account,
    CertificateError,
    CertificateReason,
    CertStatus,
    ClientCertificate,
    Endpoint,
    Level,
    Password,
    Policy,
    Revocation,
    RevocationStatus,
    TLSMode,
    TLSVersion,
    TrustStore,
    connect_imap,
)
from securemail.testing import CertificateAuthority
from tests.servers.stapler import LOCALHOST, Stapler
from tests.session.test_client_certificate import AN_ALERT, behind_the_hello
from tests.tls.chains import LEAF, ROOT, Chain, make
from tests.tls.memory import HOST, TLS12, TLS13
from tests.tls.staples import HOUR, MUST_STAPLE, NOW, REVOKED, Staple, delegate, error

pytestmark = pytest.mark.openssl

PLAIN, PROMISING = make(LEAF, ROOT), make(MUST_STAPLE, ROOT)
GOOD = RevocationStatus(CertStatus.GOOD, NOW - HOUR, NOW + HOUR)
IF_STAPLED, REQUIRED = Revocation.IF_STAPLED, Revocation.REQUIRED
MISSING, INVALID = CertificateReason.STAPLE_MISSING, CertificateReason.STAPLE_INVALID
VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda version: version.name)
MODE = pytest.mark.parametrize(
    "tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS], ids=lambda tls: tls.name
)


@pytest.fixture(scope="module")
def alice() -> ClientCertificate:
    return ClientCertificate.from_pem(CertificateAuthority().client_pem("alice"))


def account(
    server: Stapler, chain: Chain, tls: TLSMode, alice: ClientCertificate, wanted: Revocation
) -> Account:
    return Account(
        "alice@example.org",
        imap=Endpoint(HOST, server.port, tls, addresses=[LOCALHOST]),
        credentials=Password("alice", "secret"),
        client_certificate=alice,
        trust=TrustStore.from_pem(chain.root),
        policy=Policy(revocation=wanted),
    )


ACCEPTED = {
    "good": (PLAIN, Staple().about(PLAIN), REQUIRED, GOOD),
    "good, says a delegate": (PLAIN, Staple().about(PLAIN, delegate()), REQUIRED, GOOD),
    "promised and kept": (PROMISING, Staple().about(PROMISING), IF_STAPLED, GOOD),
    "nothing": (PLAIN, b"", IF_STAPLED, RevocationStatus(CertStatus.NOT_STAPLED)),
}


@VERSION
@MODE
@pytest.mark.parametrize("name", ACCEPTED)
async def test_a_server_that_is_known_good_gets_certificate_and_login(
    name: str, tls: TLSMode, version: TLSVersion, alice: ClientCertificate, tmp_path: Path
) -> None:
    chain, staple, wanted, status = ACCEPTED[name]
    async with (
        Stapler(chain, staple, version, tls, tmp_path) as server,
        connect_imap(account(server, chain, tls, alice, wanted)) as session,
    ):
        record = session.confidentiality
    assert record.revocation == status
    assert (record.tls_version, record.level) == (version, Level.CONFIDENTIAL)
    assert server.has_client_certificate
    assert server.commands[-2:] == [b"AUTHENTICATE", b"LOGOUT"]


REFUSED = {
    "revoked": (
        PLAIN,
        Staple(status=REVOKED).about(PLAIN),
        IF_STAPLED,
        CertificateReason.REVOKED,
    ),
    "promised and not kept": (PROMISING, b"", IF_STAPLED, MISSING),
    "required and not there": (PLAIN, b"", REQUIRED, MISSING),
    "expired": (PLAIN, Staple(since=-3 * HOUR, until=-HOUR).about(PLAIN), IF_STAPLED, INVALID),
    "of another server": (PLAIN, Staple().about(PROMISING), REQUIRED, INVALID),
    "an error": (PLAIN, error(ocsp.OCSPResponseStatus.TRY_LATER), IF_STAPLED, INVALID),
}


@VERSION
@MODE
@pytest.mark.parametrize("name", REFUSED)
async def test_a_server_that_is_not_gets_an_alert_and_neither_certificate_nor_command(
    name: str, tls: TLSMode, version: TLSVersion, alice: ClientCertificate, tmp_path: Path
) -> None:
    chain, staple, wanted, reason = REFUSED[name]
    async with Stapler(chain, staple, version, tls, tmp_path) as server:
        with pytest.raises(CertificateError) as caught:
            await connect_imap(account(server, chain, tls, alice, wanted))
    assert caught.value.reason is reason
    assert len(b"".join(behind_the_hello(server.received))) < AN_ALERT
    assert not server.has_client_certificate
    assert server.commands == []
    assert b"alert number 113" in server.output  # bad_certificate_status_response
