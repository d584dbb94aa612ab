"""A pin is made in account setup only, out of what a person was shown."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from securemail import (
    Account,
    CertificateError,
    CertificateFacts,
    CertificateReason,
    ClientCertificate,
    ConnectError,
    Endpoint,
    Password,
    Pin,
    PinOffer,
    Policy,
    PolicyError,
    SecureMailError,
    Service,
    Shortfall,
    TLSMode,
    Trust,
    TrustStore,
    UsageError,
    connect_imap,
    pin_offer,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    MailServer,
    ScriptedServer,
    Send,
    ServerCertificate,
    StartTLS,
    Step,
    self_signed,
)
from securemail.testing.server import Offer
from tests.pins import ADDRESS, HOST, WORDS, pin_of
from tests.values import no_minimum

CA = CertificateAuthority()
STRANGER = self_signed(HOST)
EHLO = Expect(rb"EHLO \S+")
# What each protocol's server says and hears up to the end of the handshake, and nothing after.
UP_TO_TLS: dict[tuple[Service, TLSMode], tuple[Step, ...]] = {
    (Service.IMAP, TLSMode.IMPLICIT): (StartTLS(), Send(b"* OK hi\r\n"), Hang()),
    (Service.IMAP, TLSMode.STARTTLS): (
        Send(b"* OK hi\r\n"),
        Expect(rb"\w+ STARTTLS"),
        Send(b"{tag} OK begin\r\n"),
        StartTLS(),
        Hang(),
    ),
    (Service.POP3, TLSMode.IMPLICIT): (StartTLS(), Send(b"+OK hi\r\n"), Hang()),
    (Service.POP3, TLSMode.STARTTLS): (
        Send(b"+OK hi\r\n"),
        Expect(rb"STLS"),
        Send(b"+OK begin\r\n"),
        StartTLS(),
        Hang(),
    ),
    (Service.SUBMISSION, TLSMode.IMPLICIT): (StartTLS(), Send(b"220 hi\r\n"), Hang()),
    (Service.SUBMISSION, TLSMode.STARTTLS): (
        Send(b"220 hi\r\n"),
        EHLO,
        Send(b"250 STARTTLS\r\n"),
        Expect(rb"STARTTLS"),
        Send(b"220 begin\r\n"),
        StartTLS(),
        Hang(),
    ),
}


def in_setup(
    server: ScriptedServer,
    tls: TLSMode = TLSMode.IMPLICIT,
    service: Service = Service.IMAP,
    /,
    **fields: Any,
) -> Account:
    endpoint = Endpoint(HOST, server.port, tls, addresses=[server.address])
    fields.setdefault("policy", no_minimum())
    fields.setdefault("trust", TrustStore.from_pem(CA.pem))
    fields[service.name.lower()] = endpoint
    return Account(ADDRESS, **fields)


async def offered(certificate: ServerCertificate, **fields: Any) -> PinOffer | None:
    script = UP_TO_TLS[Service.IMAP, TLSMode.IMPLICIT]
    async with ScriptedServer(script, context=certificate.context()) as server:
        return await pin_offer(in_setup(server, **fields), Service.IMAP)


@pytest.mark.parametrize(("service", "tls"), UP_TO_TLS)
async def test_an_offer_costs_a_handshake_and_nothing_is_said_in_it(
    service: Service, tls: TLSMode
) -> None:
    async with ScriptedServer(UP_TO_TLS[service, tls], context=STRANGER.context()) as server:
        port = server.port
        offer = await pin_offer(in_setup(server, tls, service), service)
        await server.finished.wait()
    assert offer is not None
    assert server.plaintext == b""
    pin = offer.accept(acknowledge=WORDS)
    assert (pin.address, pin.service, pin.host, pin.port) == (ADDRESS, service, HOST, port)
    assert pin.is_for(offer.certificate)
    assert pin.acknowledged == WORDS


async def test_an_offer_shows_a_person_what_there_is_to_know() -> None:
    offer = await offered(self_signed("elsewhere.example"))
    assert offer is not None
    assert offer.problems == (CertificateReason.SELF_SIGNED, CertificateReason.NAME_MISMATCH)
    facts = offer.facts
    assert facts.names == "elsewhere.example"
    assert facts.key == "elliptic curve key (secp256r1)"
    assert facts.valid_from < dt.datetime.now(dt.UTC) < facts.valid_until
    for word in ("self-signed", "name mismatch", "elsewhere.example", facts.fingerprint, HOST):
        assert word in str(offer)


@pytest.mark.parametrize(
    ("certificate", "problems"),
    [
        (CA.expired(HOST), {CertificateReason.EXPIRED}),
        (CA.issue("elsewhere.example"), {CertificateReason.NAME_MISMATCH}),
        (CertificateAuthority().issue(HOST), {CertificateReason.UNKNOWN_ISSUER}),
        (
            CA.expired("elsewhere.example"),
            {CertificateReason.EXPIRED, CertificateReason.NAME_MISMATCH},
        ),
    ],
    ids=["expired", "other name", "unknown issuer", "expired, other name"],
)
async def test_what_the_rfc_lets_a_person_accept_makes_a_pin_that_works(
    certificate: ServerCertificate, problems: set[CertificateReason]
) -> None:
    async with MailServer(
        {"alice": "secret"}, ca=CA, offer=Offer(certificate=certificate)
    ) as server:
        new = Account(
            ADDRESS,
            imap=server.endpoint(TLSMode.IMPLICIT),
            policy=no_minimum(),
            trust=TrustStore.from_pem(CA.pem),
        )
        offer = await pin_offer(new, Service.IMAP)
        assert offer is not None
        assert set(offer.problems) == problems
        pin = Pin.from_dict(offer.accept(acknowledge=WORDS).to_dict())
        mine = Account(
            ADDRESS,
            imap=new.imap,
            policy=new.policy,
            trust=new.trust,
            credentials=Password("alice", "secret"),
            pins=frozenset({pin}),
        )
        async with connect_imap(mine) as session:
            assert session.confidentiality.trust is Trust.PIN


async def test_a_valid_certificate_needs_no_pin() -> None:
    assert await offered(CA.issue(HOST)) is None


async def test_a_certificate_that_is_not_yet_valid_cannot_be_pinned() -> None:
    with pytest.raises(CertificateError, match="cannot be pinned") as caught:
        await offered(CA.not_yet_valid(HOST))
    assert caught.value.reason is CertificateReason.NOT_YET_VALID
    assert caught.value.certificate is not None


@pytest.mark.parametrize("words", ["", "  ", None])
async def test_a_pin_is_not_made_without_words(words: Any) -> None:
    offer = await offered(STRANGER)
    assert offer is not None
    with pytest.raises(UsageError) as caught:
        offer.accept(acknowledge=words)
    assert caught.value.field == "PinOffer.acknowledge"


EXISTING: dict[str, dict[str, Any]] = {
    "a password": {"credentials": Password("alice", "secret")},
    "a client certificate": {
        "client_certificate": ClientCertificate.from_pem(CA.client_pem("alice"))
    },
    "a minimum": {"policy": Policy()},
}


@pytest.mark.parametrize("name", EXISTING)
async def test_an_account_that_is_not_in_setup_gets_no_offer(name: str) -> None:
    async with ScriptedServer((Hang(),), context=STRANGER.context()) as server:
        with pytest.raises(UsageError):
            await pin_offer(in_setup(server, **EXISTING[name]), Service.IMAP)
        assert server.transcripts == []


async def test_a_changed_certificate_leads_to_no_new_pin() -> None:
    async with ScriptedServer((Hang(),), context=STRANGER.context()) as server:
        old = pin_of(self_signed(HOST), port=server.port)
        with pytest.raises(UsageError, match="undo it first"):
            await pin_offer(in_setup(server, pins={old}), Service.IMAP)
        assert server.transcripts == []


async def test_where_there_is_no_tls_there_is_nothing_to_pin() -> None:
    script = (Send(b"* OK hi\r\n"), Expect(rb"\w+ STARTTLS"), Send(b"{tag} NO\r\n"), Hang())
    async with ScriptedServer(script) as server:
        with pytest.raises(PolicyError) as caught:
            await pin_offer(in_setup(server, TLSMode.STARTTLS), Service.IMAP)
        assert caught.value.shortfalls == {Shortfall.NO_TLS}
        with pytest.raises(UsageError, match="without TLS"):
            await pin_offer(in_setup(server, TLSMode.NONE), Service.IMAP)
        with pytest.raises(UsageError, match="has none"):
            await pin_offer(in_setup(server, TLSMode.STARTTLS), Service.POP3)


async def test_a_server_that_hangs_up_is_a_typed_error() -> None:
    async with ScriptedServer((), context=STRANGER.context()) as server:
        with pytest.raises(SecureMailError) as caught:
            await pin_offer(in_setup(server), Service.IMAP)
        assert isinstance(caught.value, ConnectError)


def test_the_facts_are_fit_to_be_shown_whatever_the_certificate_says() -> None:
    nasty = self_signed("elsewhere.example")
    facts = CertificateFacts.of(pin_of(nasty).certificate)
    assert all(line.isprintable() for line in str(facts).splitlines())
