"""Sessions that are taken up again, against the standard library's server, in memory."""

from __future__ import annotations

import datetime as dt
import ssl
import time
from dataclasses import replace

import pytest

from securemail import CertificateError, CertificateReason, ClientCertificate, TLSError, Trust
from securemail.testing import CertificateAuthority
from securemail.tls.resumption import Resumption, judge
from tests.tls.memory import HOST, MemoryServer, send_to_client, shake_hands
from tests.tls.resuming import RULES, Client, OpenSSLServer, client_of, extensions
from tests.values import no_minimum

CA = CertificateAuthority()
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# RFC 5077 section 3.2, RFC 8446 section 4.2.
SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA = 35, 41, 42


def server(version: ssl.TLSVersion = TLS13, ca: CertificateAuthority = CA) -> ssl.SSLContext:
    return ca.server_context(HOST, minimum_version=version, maximum_version=version)


def offers(client: Client) -> set[int]:
    """Return the extensions of the ClientHello that `client` says next."""
    engine = client.engine()
    engine.start()
    return extensions(engine.outgoing())


# --- what a resumed session proves


def test_a_session_is_resumed_and_the_proof_says_so() -> None:
    client, context = client_of(CA), server()
    full, _ = client.connect(context)
    again, peer = client.connect(context)
    assert peer.tls.session_reused
    first, second = full.proof(), again.proof()
    assert (first.resumed, second.resumed) == (False, True)
    assert second.trust is Trust.PKIX
    assert (second.chain, second.identity) == (first.chain, first.identity)
    assert len(second.chain) == 2
    assert second.failure is None


def test_version_cipher_group_and_binding_are_the_new_connections_own() -> None:
    client, context = client_of(CA), server()
    full, _ = client.connect(context)
    again, peer = client.connect(context)
    cipher = peer.tls.cipher()
    assert cipher is not None
    assert again.proof().cipher == cipher[0]
    assert again.proof().group
    one, other = full.channel_binding(), again.channel_binding()
    assert one is not None
    assert other is not None
    assert one.name == other.name == "tls-exporter"
    assert one.data != other.data


def test_sessions_follow_one_another_and_go_back_to_the_same_handshake() -> None:
    client, context = client_of(CA), server()
    start = client.at
    assert [client.is_resumed(context) for _ in range(5)] == [False, True, True, True, True]
    client.at = start + dt.timedelta(hours=11)
    assert client.is_resumed(context)
    # However many lie between: half a day after the server showed its certificate it is over.
    client.at = start + dt.timedelta(hours=12)
    assert not client.is_resumed(context)


def test_tls12_is_not_resumed_and_gets_no_ticket() -> None:
    client, context = client_of(CA), server(TLS12)
    assert [client.is_resumed(context) for _ in range(3)] == [False] * 3
    assert len(client.sessions) == 0
    assert SESSION_TICKET not in offers(client)


def test_a_ticket_is_used_once() -> None:
    client, context = client_of(CA), server()
    client.connect(context)
    assert PRE_SHARED_KEY in offers(client)
    assert PRE_SHARED_KEY not in offers(client)


def test_nothing_is_sent_before_the_handshake_is_over() -> None:
    client = client_of(CA)
    client.connect(server())
    offered = offers(client)
    assert PRE_SHARED_KEY in offered
    assert EARLY_DATA not in offered


def test_a_connection_that_was_never_let_go_properly_still_leaves_its_session() -> None:
    client, context = client_of(CA), server()
    for number in range(20):
        engine, peer = client.engine(), MemoryServer(context)
        shake_hands(engine, peer)
        assert peer.tls.session_reused == (number > 0)
        engine.let_go()  # no close alert: the line dropped
        del engine


def test_a_session_is_not_resumed_after_a_fatal_alert() -> None:
    client, context = client_of(CA), server()
    engine, peer = client.engine(), MemoryServer(context)
    shake_hands(engine, peer)
    peer.tls.write(b"hello")
    data = bytearray(peer.outgoing.read())
    data[-1] ^= 1
    with pytest.raises(TLSError):
        list(engine.receive(memoryview(data)))
    engine.let_go()
    assert not client.is_resumed(context)


# --- what ends it


def test_a_name_that_changed_wants_a_full_handshake() -> None:
    context = CA.server_context(HOST, "imap.example.org")
    client = client_of(CA)
    client.connect(context)
    client.rules = replace(RULES, host="imap.example.org")
    assert not client.is_resumed(context)


def test_a_certificate_that_expired_meanwhile_wants_a_full_handshake() -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    context = CA.issue(HOST, not_after=soon).context()
    client = client_of(CA)
    client.connect(context)
    client.at += dt.timedelta(minutes=6)
    assert not client.is_resumed(context)


def test_a_server_whose_certificate_is_not_accepted_leaves_nothing() -> None:
    client = client_of(CA, policy=no_minimum(), rules=replace(RULES, must_validate=False))
    context = CertificateAuthority().issue(HOST).context()
    assert [client.is_resumed(context) for _ in range(2)] == [False, False]
    assert len(client.sessions) == 0


def test_an_account_without_a_minimum_resumes_what_was_authenticated() -> None:
    client = client_of(CA, policy=no_minimum(), rules=replace(RULES, must_validate=False))
    context = server()
    assert [client.is_resumed(context) for _ in range(2)] == [False, True]


# --- servers that mean ill


def test_whoever_declines_the_session_is_judged_by_the_certificate_shown() -> None:
    client = client_of(CA)
    client.connect(server())
    impostor = CertificateAuthority().issue(HOST).context()
    with pytest.raises(CertificateError) as caught:
        client.connect(impostor)
    assert caught.value.reason is CertificateReason.UNKNOWN_ISSUER


def test_whoever_declines_the_session_and_has_a_good_certificate_is_as_good_as_new() -> None:
    client = client_of(CA)
    client.connect(server())
    engine, _ = client.connect(server())
    assert not engine.proof().resumed
    assert engine.proof().trust is Trust.PKIX
    assert not engine.is_resuming


def test_a_server_that_falls_back_to_tls12_is_judged_by_its_certificate() -> None:
    client = client_of(CA)
    client.connect(server())
    assert not client.is_resumed(server(TLS12))
    client.connect(server())
    with pytest.raises(CertificateError):
        client.connect(CertificateAuthority().issue(HOST).context(maximum_version=TLS12))


def test_a_session_of_another_certificate_than_was_judged_is_refused() -> None:
    client, context = client_of(CA), server()
    client.connect(context)
    client.connect(server(ca=CA))  # takes the first, leaves one with another certificate
    client.connect(context)
    found = client.take()
    assert found is not None
    swapped = replace(found.resumable.evidence.proof, chain=())
    other, _ = client_of(CA).connect(server())
    wrong = replace(found.resumable.evidence, proof=replace(swapped, chain=other.proof().chain))
    verdict = judge(wrong, RULES, client.at)
    assert verdict is not None
    resumption = Resumption(replace(found.resumable, evidence=wrong), verdict)
    engine, peer = client.engine(), MemoryServer(context)
    engine._sessions._tickets = Fixed(resumption, client)
    with pytest.raises(CertificateError, match="nothing vouches"):
        shake_hands(engine, peer)


class Fixed:
    """Offers one session, whatever it is."""

    def __init__(self, resumption: Resumption, client: Client) -> None:
        self.now, self.keep = client.now, client.keep
        self._resumption = resumption

    def take(self) -> Resumption:
        return self._resumption


def test_10000_tickets_leave_one_session() -> None:
    client, context = client_of(CA), server()
    context.num_tickets = 10_000
    client.connect(context)
    assert len(client.sessions) == 1
    assert client.is_resumed(context)


def test_a_ticket_longer_than_a_record_is_not_kept() -> None:
    # The server's ticket holds the client's certificate.
    names = [f"{number}.{'x' * 50}.example.org" for number in range(500)]
    long = ClientCertificate.from_pem(CA.issue(*names).pem)
    context = CA.server_context(HOST, request_client_certificate=True)
    client = client_of(CA, certificate=long)
    engine, _ = client.connect(context)
    assert engine.proof().client_certificate_sent
    assert len(client.sessions) == 0


@pytest.mark.full
def test_a_ticket_is_not_offered_for_longer_than_its_server_said() -> None:
    """OpenSSL does not tell us what the server said, but keeps to it itself, by its own clock."""
    client, peer = client_of(CA), OpenSSLServer(CA.issue(HOST), ticket_s=1)
    peer.answer(client.engine())
    found = client.take()
    assert found is not None
    client.keep(found.resumable, instead_of=None)
    assert PRE_SHARED_KEY in offers(client)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        client.keep(found.resumable, instead_of=None)
        if PRE_SHARED_KEY not in offers(client):
            return
    pytest.fail("it is still offered")


def test_a_tls12_hello_with_the_name_of_the_ticket_is_no_resumption() -> None:
    client = client_of(CA)
    client.connect(server())
    engine = client.engine()
    engine.start()
    said = engine.outgoing()
    session_id = said[44 : 44 + said[43]]
    body = b"\x03\x03" + bytes(32) + bytes([len(session_id)]) + session_id + b"\xc0\x2b\0\0\0"
    flight = b"\x02" + len(body).to_bytes(3, "big") + body
    with pytest.raises(TLSError):
        list(engine.receive(memoryview(b"\x16\x03\x03" + len(flight).to_bytes(2, "big") + flight)))
    assert not engine.is_established


def test_tickets_come_with_what_the_server_says_and_cost_no_octet_of_it() -> None:
    client, context = client_of(CA), server()
    engine, peer = client.engine(), MemoryServer(context)
    shake_hands(engine, peer)
    peer.tls.write(b"* OK hi\r\n")
    assert send_to_client(engine, peer) == b"* OK hi\r\n"
