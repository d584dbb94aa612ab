"""A server that an SRV record led to, and what left for one that is not meant."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pytest

from securemail import (
    CertificateError,
    CertificateReason,
    ClientCertificate,
    Endpoint,
    IdentityKind,
    Service,
    TLSMode,
    TrustStore,
    connect_imap,
)
from securemail.proof import Identity
from securemail.testing import CertificateAuthority, Expect, ScriptedServer
from tests.session.scripts import HOST, IMPLICIT, LEAVE, TLS_GREETING, account
from tests.session.test_tls_attacks import OPENING
from tests.tls.chains import ROOT, Cert, Chain, make, srv

DOMAIN = "example.org"
IMAP_AT = {TLSMode.IMPLICIT: "_imaps", TLSMode.STARTTLS: "_imap"}


def served(chain: Chain, ca: CertificateAuthority) -> ssl.SSLContext:
    """Return the context of a server with `chain` that asks for a client certificate."""
    context = chain.context()
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=ca.pem.decode())
    return context


async def test_a_server_found_by_srv_may_prove_that_it_serves_the_mail_domain(
    ca: CertificateAuthority,
) -> None:
    chain = make(Cert(names=(srv("_imaps.example.org"),)), ROOT)
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=chain.context()) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, trust=TrustStore.from_pem(chain.root))
        assert mine.imap is not None
        found = replace(mine, imap=replace(mine.imap, srv_domain=DOMAIN))
        async with connect_imap(found) as session:
            identity = session.confidentiality.identity
    assert identity == Identity(IdentityKind.SRV_ID, "_imaps.example.org")


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
@pytest.mark.parametrize("name", ["_imap", "_imaps", "_pop3s", "_submissions"])
async def test_nothing_leaves_for_a_server_of_another_service_or_domain(
    name: str, tls: TLSMode, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    domain = "example.com" if name == IMAP_AT[tls] else DOMAIN
    chain = make(Cert(names=(srv(f"{name}.{domain}"),)), ROOT)
    script = (*OPENING[tls], TLS_GREETING, Expect(rb".*"))
    async with ScriptedServer(script, context=served(chain, ca)) as server:
        mine = account(
            server,
            ca,
            tls,
            trust=TrustStore.from_pem(chain.root),
            client_certificate=alice,
        )
        assert mine.imap is not None
        found = replace(mine, imap=replace(mine.imap, srv_domain=DOMAIN))
        with pytest.raises(CertificateError) as caught:
            await connect_imap(found)
        await server.finished.wait()
    assert caught.value.reason is CertificateReason.NAME_MISMATCH
    assert server.plaintext == b""
    assert server.client_certificate is None


async def test_without_an_srv_record_the_mail_domain_is_not_the_server(
    ca: CertificateAuthority,
) -> None:
    chain = make(Cert(names=(srv("_imaps.example.org"),)), ROOT)
    script = (*OPENING[TLSMode.IMPLICIT], TLS_GREETING, Expect(rb".*"))
    async with ScriptedServer(script, context=served(chain, ca)) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, trust=TrustStore.from_pem(chain.root))
        with pytest.raises(CertificateError, match=f"{HOST} is for _imaps.example.org"):
            await connect_imap(mine)
        await server.finished.wait()
    assert server.plaintext == b""


@pytest.mark.parametrize(
    ("service", "tls", "name"),
    [
        (Service.IMAP, TLSMode.IMPLICIT, "_imaps.example.org"),
        (Service.IMAP, TLSMode.STARTTLS, "_imap.example.org"),
        (Service.POP3, TLSMode.IMPLICIT, "_pop3s.example.org"),
        (Service.POP3, TLSMode.STARTTLS, "_pop3.example.org"),
        (Service.SUBMISSION, TLSMode.IMPLICIT, "_submissions.example.org"),
        (Service.SUBMISSION, TLSMode.STARTTLS, "_submission.example.org"),
        (Service.IMAP, TLSMode.NONE, ""),
    ],
)
def test_an_srv_id_names_the_service_as_its_record_does(
    service: Service, tls: TLSMode, name: str
) -> None:
    assert Endpoint(HOST, 993, tls, srv_domain="Example.ORG.").srv_id(service) == name
    assert Endpoint(HOST, 993, tls).srv_id(service) == ""
