"""SCRAM-SHA-256-PLUS with tls-exporter over a socket, and a man in the middle (RFC 9266)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from securemail import (
    Account,
    AuthenticationError,
    Endpoint,
    Password,
    Policy,
    TLSMode,
    TLSVersion,
    TrustStore,
    connect_imap,
)
from securemail.testing import CertificateAuthority
from tests.session.exporter import LOCALHOST, ExporterServer, Relay, listening
from tests.session.scripts import HOST

PLUS = "SCRAM-SHA-256-PLUS"


def account(ca: CertificateAuthority, port: int, password: str = "secret") -> Account:
    return Account(
        "alice@example.org",
        imap=Endpoint(HOST, port, TLSMode.IMPLICIT, addresses=[LOCALHOST]),
        credentials=Password("alice", password),
        trust=TrustStore.from_pem(ca.pem),
    )


async def test_a_login_is_bound_to_what_both_ends_export(ca: CertificateAuthority) -> None:
    server = ExporterServer(ca)
    async with listening(server) as port, connect_imap(account(ca, port)) as session:
        assert session.confidentiality.tls_version is TLSVersion.TLS_1_3
        assert session.authenticated_by == PLUS
        assert session.channel_binding == "tls-exporter"
        assert session.login_attempts == ()
    assert (server.asked, server.verdicts) == ([PLUS], ["yes"])


async def test_a_wrong_password_is_a_wrong_password_with_a_binding_too(
    ca: CertificateAuthority,
) -> None:
    server = ExporterServer(ca)
    async with listening(server) as port:
        with pytest.raises(AuthenticationError):
            await connect_imap(account(ca, port, "wrong"))
    assert (server.asked, server.verdicts) == ([PLUS], ["invalid-proof"])


PLUS_OFFER = b"AUTH=SCRAM-SHA-256-PLUS "
SCRAM_OFFERS = b"AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 "


@pytest.mark.parametrize(
    ("cut", "asked", "verdict"),
    [
        (b"", PLUS, "channel-bindings-dont-match"),
        (PLUS_OFFER, "SCRAM-SHA-256", "server-does-support-channel-binding"),
    ],
    ids=["that relays all", "that cuts the offer of a binding"],
)
async def test_a_man_in_the_middle_with_a_trusted_certificate_is_found_out(
    cut: bytes, asked: str, verdict: str, ca: CertificateAuthority
) -> None:
    server = ExporterServer(ca)
    async with listening(server) as behind:
        relay = Relay(ca, behind, cut=cut)
        async with listening(relay, relay.context) as port:
            with pytest.raises(AuthenticationError, match=verdict):
                await connect_imap(account(ca, port))
    assert (server.asked, server.verdicts) == ([asked], [verdict])
    assert relay.seen.count(b"AUTHENTICATE") == 1


async def test_a_man_in_the_middle_who_cuts_all_but_plain_is_stopped_by_the_policy_alone(
    ca: CertificateAuthority,
) -> None:
    server = ExporterServer(ca)
    policy = Policy(require_channel_binding=True)
    async with listening(server) as behind:
        relay = Relay(ca, behind, cut=SCRAM_OFFERS)
        async with listening(relay, relay.context) as port:
            with pytest.raises(AuthenticationError, match="policy requires"):
                await connect_imap(replace(account(ca, port), policy=policy))
    assert server.asked == []
    assert b"AUTHENTICATE" not in relay.seen
