"""DANE through a whole session: what left the socket, and what the record of it says."""

from __future__ import annotations

import pytest

from securemail import (
    Account,
    CertificateError,
    CertificateReason,
    ClientCertificate,
    DiscoveryError,
    DiscoveryReason,
    Level,
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
from securemail.records import DNSSEC, TLSARecord
from securemail.testing import (
    CertificateAuthority,
    Expect,
    ScriptedServer,
    ServerCertificate,
    StartTLS,
    Step,
    self_signed,
)
from tests.dns import FixedDNS
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
)
from tests.tls.test_dane import record

STRANGER = self_signed(HOST)
MODES = [TLSMode.IMPLICIT, TLSMode.STARTTLS]
OPENING: dict[TLSMode, tuple[Step, ...]] = {
    TLSMode.IMPLICIT: (StartTLS(), TLS_GREETING, Expect(rb".*")),
    TLSMode.STARTTLS: (GREETING, STARTTLS, BEGIN, StartTLS(), Expect(rb".*")),
}


def naming(*records: TLSARecord) -> FixedDNS:
    return FixedDNS(tlsa={HOST: records})


@pytest.mark.parametrize("tls", MODES)
async def test_a_key_in_the_dns_is_enough_for_the_minimum_without_any_authority(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    script = IMPLICIT if tls is TLSMode.IMPLICIT else UPGRADED
    wanted = record(3, STRANGER.pem)
    async with ScriptedServer((*script, *LEAVE), context=STRANGER.context()) as server:
        mine = account(server, ca, tls, policy=Policy(require_dane=True))
        async with connect_imap(mine, resolver=naming(wanted)) as session:
            record_of_it = session.confidentiality
    assert (record_of_it.trust, record_of_it.tlsa) == (Trust.DANE_EE, wanted)
    assert record_of_it.level is Level.CONFIDENTIAL
    assert record_of_it.shortfalls == frozenset()


async def refused(mine: Account, dns: FixedDNS, server: ScriptedServer) -> SecureMailError:
    with pytest.raises(SecureMailError) as caught:
        await SecureSession.connect(mine, Service.IMAP, resolver=dns)
    await server.finished.wait()
    return caught.value


@pytest.mark.parametrize("tls", MODES)
async def test_nothing_leaves_after_a_handshake_that_no_record_vouches_for(
    tls: TLSMode, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    """The certificate is in order otherwise: an authority gave it to somebody else."""
    context = ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer(OPENING[tls], context=context) as server:
        mine = account(server, ca, tls, client_certificate=alice)
        error = await refused(mine, naming(record(3, STRANGER.pem)), server)
    assert isinstance(error, CertificateError)
    assert error.reason is CertificateReason.DANE_MISMATCH
    assert server.plaintext == b""
    assert server.client_certificate is None


NOWHERE: dict[str, FixedDNS] = {
    "no records": FixedDNS(),
    "records that cannot be used": naming(TLSARecord(9, 1, 1, bytes(32))),
    "records that are not signed": FixedDNS(
        tlsa={HOST: (record(3, STRANGER.pem),)}, tlsa_dnssec=DNSSEC.INSECURE
    ),
}


@pytest.mark.parametrize("tls", MODES)
@pytest.mark.parametrize("name", NOWHERE)
async def test_where_dane_is_required_and_there_is_none_neither_login_nor_certificate_leave(
    name: str, tls: TLSMode, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    context = ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer(OPENING[tls], context=context) as server:
        policy = Policy(require_dane=True)
        mine = account(server, ca, tls, client_certificate=alice, policy=policy)
        error = await refused(mine, NOWHERE[name], server)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_DANE}
    assert server.plaintext == b""
    assert server.client_certificate is None


async def test_a_failed_look_up_in_a_signed_zone_ends_it_before_the_connection(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer(IMPLICIT, context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.IMPLICIT)
        dns = FixedDNS(failure=DiscoveryError("SERVFAIL", reason=DiscoveryReason.SERVER_FAILURE))
        with pytest.raises(DiscoveryError):
            await SecureSession.connect(mine, Service.IMAP, resolver=dns)
        assert server.cleartext == b""


async def test_usage_1_keeps_out_another_certificate_of_the_same_authority(
    ca: CertificateAuthority,
) -> None:
    genuine, other = ca.issue(HOST), ca.issue(HOST)
    assert isinstance(genuine, ServerCertificate)
    async with ScriptedServer(OPENING[TLSMode.IMPLICIT], context=other.context()) as server:
        mine = account(server, ca, TLSMode.IMPLICIT)
        error = await refused(mine, naming(record(1, genuine.pem)), server)
    assert isinstance(error, CertificateError)
    assert error.reason is CertificateReason.DANE_MISMATCH
    assert server.plaintext == b""


async def test_the_name_at_which_the_records_stand_is_asked_for_by_sni(
    ca: CertificateAuthority,
) -> None:
    """RFC 7671 section 7: a server behind an alias has its certificate under its real name."""
    real = "mx1.provider.example"
    theirs = ca.issue(real)
    asked: list[str | None] = []
    context = theirs.context()
    context.sni_callback = lambda _tls, name, _context: asked.append(name)
    dns = FixedDNS("127.0.0.1", canonical_name=real, tlsa={real: (record(0, ca.pem),)})
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=context) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, addresses=())
        async with connect_imap(mine, resolver=dns) as session:
            assert session.confidentiality.identity is not None
            assert session.confidentiality.identity.name == real
    assert asked == [real]
