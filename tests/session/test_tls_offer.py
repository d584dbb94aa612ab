"""An account without a minimum that finds TLS on a connection is told so (RFC 8314 section 5)."""

from __future__ import annotations

import pytest

from securemail import Password, Policy, Service, TLSMode, connect_imap, with_offers
from securemail.testing import CertificateAuthority, ScriptedServer, Send, self_signed
from tests.session.scripts import HOST, IMPLICIT, LEAVE, PLAIN, UPGRADED, WELCOME, account
from tests.values import no_minimum

NAMED = Password("alice", "secret", mechanisms=("PLAIN",))
OFFERED = Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS AUTH=PLAIN] hi\r\n")
BARE = Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\n")


@pytest.mark.parametrize(
    ("script", "tls"), [(IMPLICIT, TLSMode.IMPLICIT), (UPGRADED, TLSMode.STARTTLS)]
)
async def test_a_connection_that_would_meet_the_minimum_is_an_offer_of_it(
    script: tuple[Send, ...], tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with ScriptedServer((*script, *LEAVE), context=ca.server_context(HOST)) as server:
        mine = account(server, ca, tls, policy=no_minimum())
        async with connect_imap(mine) as session:
            offer = session.tls_offer
    assert offer is not None
    assert offer.service is Service.IMAP
    assert offer.endpoint == mine.imap
    assert with_offers(mine, [offer]).policy == Policy()


async def test_starttls_that_was_offered_before_the_login_is_an_offer_after_it(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer((OFFERED, PLAIN, WELCOME, *LEAVE)) as server:
        mine = account(server, ca, TLSMode.NONE, policy=no_minimum(), credentials=NAMED)
        async with connect_imap(mine) as session:
            assert "STARTTLS" not in session.capabilities
            offer = session.tls_offer
    assert offer is not None
    assert offer.endpoint.tls is TLSMode.STARTTLS
    assert with_offers(mine, [offer]).policy.has_minimum


async def test_a_server_without_tls_is_no_offer(ca: CertificateAuthority) -> None:
    async with ScriptedServer((BARE, PLAIN, WELCOME, *LEAVE)) as server:
        mine = account(server, ca, TLSMode.NONE, policy=no_minimum(), credentials=NAMED)
        async with connect_imap(mine) as session:
            assert session.tls_offer is None


async def test_a_certificate_that_proves_nothing_is_no_offer(ca: CertificateAuthority) -> None:
    context = self_signed(HOST).context()
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=context) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, policy=no_minimum())
        async with connect_imap(mine) as session:
            assert session.tls_offer is None


async def test_an_account_with_a_minimum_has_nothing_to_be_offered(
    ca: CertificateAuthority,
) -> None:
    context = ca.server_context(HOST)
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=context) as server:
        mine = account(server, ca, TLSMode.IMPLICIT)
        async with connect_imap(mine) as session:
            assert session.tls_offer is None
