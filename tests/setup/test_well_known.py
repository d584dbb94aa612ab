"""Guessed names count only with a certificate to prove them, and are told nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from securemail import Service, Timeouts, TLSMode, TrustStore
from securemail.discovery.finding import Finding
from securemail.setup import Question, WellKnown, discover
from securemail.setup.sources.well_known import NAMES, PORTS
from securemail.testing import (
    CertificateAuthority,
    Hang,
    MailServer,
    Offer,
    ScriptedServer,
    Send,
    StartTLS,
    self_signed,
)
from securemail.testing.ca import ServerCertificate
from tests.setup.dns import Zone, at

GUESSES = ("imap", "mail", "pop", "pop3", "smtp", "submission")
HOSTS = tuple(f"{name}.example.org" for name in GUESSES)
GREETINGS = {
    Service.IMAP: b"* OK hi\r\n",
    Service.POP3: b"+OK hi\r\n",
    Service.SUBMISSION: b"220 hi\r\n",
}
MODES = (TLSMode.IMPLICIT, TLSMode.STARTTLS)


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


def question(
    ca: CertificateAuthority, *hosts: str, services: set[Service] | None = None
) -> Question:
    return Question(
        address="alice@example.org",
        domain="example.org",
        services=frozenset(services or Service),
        resolver=Zone(hosts=at(*hosts)),
        trust=TrustStore.from_pem(ca.pem),
        timeouts=Timeouts(connect=2, tls=2, greeting=2, command=2, total=5),
    )


def ports_of(server: MailServer) -> dict[tuple[Service, TLSMode], int]:
    return {
        (service, tls): server.endpoint(tls, service).port for service in Service for tls in MODES
    }


def serve(ca: CertificateAuthority, certificate: ServerCertificate) -> MailServer:
    return MailServer({"alice": "secret"}, ca=ca, offer=Offer(certificate=certificate))


async def found_on(server: MailServer, ca: CertificateAuthority, *hosts: str) -> Finding:
    return await WellKnown(ports=ports_of(server)).find(question(ca, *hosts))


def rows(found: Finding, service: Service) -> list[tuple[str, TLSMode]]:
    ordered = sorted(found.servers, key=lambda each: each.preference)
    return [(e.endpoint.host, e.endpoint.tls) for e in ordered if e.service is service]


async def test_names_that_answer_with_their_certificate_are_found_implicit_tls_first(
    ca: CertificateAuthority,
) -> None:
    async with serve(ca, ca.issue(*HOSTS)) as server:
        found = await found_on(server, ca, "imap.example.org", "mail.example.org")
        await server.wait_quiet()
    assert rows(found, Service.IMAP) == [
        ("imap.example.org", TLSMode.IMPLICIT),
        ("mail.example.org", TLSMode.IMPLICIT),
        ("imap.example.org", TLSMode.STARTTLS),
        ("mail.example.org", TLSMode.STARTTLS),
    ]
    assert rows(found, Service.POP3) == [("mail.example.org", tls) for tls in MODES]
    assert rows(found, Service.SUBMISSION) == [("mail.example.org", tls) for tls in MODES]


@pytest.mark.parametrize("kind", ["other", "wildcard above", "self-signed", "unknown", "expired"])
async def test_a_name_whose_certificate_does_not_prove_it_does_not_count(
    ca: CertificateAuthority, kind: str
) -> None:
    certificate = {
        "other": lambda: ca.issue("web.example.org"),
        "wildcard above": lambda: ca.issue("*.org"),
        "self-signed": lambda: self_signed(*HOSTS),
        "unknown": lambda: CertificateAuthority().issue(*HOSTS),
        "expired": lambda: ca.expired(*HOSTS),
    }[kind]()
    async with serve(ca, certificate) as server:
        found = await found_on(server, ca, *HOSTS)
        assert server.accepted > 0
        await server.wait_quiet()
    assert found.servers == ()


async def test_a_guess_is_told_nothing_but_tls_and_a_neutral_name(ca: CertificateAuthority) -> None:
    short = Timeouts(connect=1, tls=0.2, greeting=0.2, command=0.2, total=1)
    said = {}
    for service, greeting in GREETINGS.items():
        async with ScriptedServer((Send(greeting), Hang())) as server:
            source = WellKnown(ports={(service, TLSMode.STARTTLS): server.port})
            asked = replace(question(ca, *HOSTS, services={service}), timeouts=short)
            assert (await source.find(asked)).servers == ()
            await server.finished.wait()
            said[service] = {re.sub(rb"^[0-9A-F]{8}", b"", each.raw) for each in server.transcripts}
    assert said == {
        Service.IMAP: {b"1 STARTTLS\r\n"},
        Service.POP3: {b"STLS\r\n"},
        Service.SUBMISSION: {b"EHLO [127.0.0.1]\r\n"},
    }


async def test_inside_tls_a_guess_is_told_nothing_at_all(ca: CertificateAuthority) -> None:
    context = ca.server_context(*HOSTS)
    script = (StartTLS(), Send(b"* OK hi\r\n"), Hang())
    async with ScriptedServer(script, context=context) as server:
        source = WellKnown(ports={(Service.IMAP, TLSMode.IMPLICIT): server.port})
        found = await source.find(question(ca, *HOSTS))
        await server.finished.wait()
    assert len(found.servers) == len(NAMES[Service.IMAP])
    assert server.plaintext == b""


async def test_only_names_of_the_wanted_services_are_tried(ca: CertificateAuthority) -> None:
    asked = question(ca, services={Service.SUBMISSION})
    await WellKnown().find(asked)
    assert isinstance(asked.resolver, Zone)
    assert {re.sub(r"\..*", "", name) for name in asked.resolver.asked} == {
        "smtp",
        "submission",
        "mail",
    }


async def test_a_guess_lies_in_the_domain_and_needs_no_confirmation(
    ca: CertificateAuthority,
) -> None:
    async with serve(ca, ca.issue(*HOSTS)) as server:
        plan = await discover(
            "alice@example.org",
            resolver=Zone(hosts=at(*HOSTS)),
            trust=TrustStore.from_pem(ca.pem),
            sources=[WellKnown(ports=ports_of(server))],
        )
        await server.wait_quiet()
    best = plan.candidates(Service.IMAP)[0]
    assert plan.account().imap == best.endpoint
    assert best.endpoint.host == "imap.example.org"
    assert "a guess" in best.reasons[0]


def test_the_ports_are_those_of_rfc_8314_section_7() -> None:
    assert dict(PORTS) == {
        (Service.IMAP, TLSMode.IMPLICIT): 993,
        (Service.POP3, TLSMode.IMPLICIT): 995,
        (Service.SUBMISSION, TLSMode.IMPLICIT): 465,
        (Service.IMAP, TLSMode.STARTTLS): 143,
        (Service.POP3, TLSMode.STARTTLS): 110,
        (Service.SUBMISSION, TLSMode.STARTTLS): 587,
    }
