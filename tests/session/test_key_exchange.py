"""The key exchange against quantum computers, and what stands in its way."""

from __future__ import annotations

import ssl

import pytest

from securemail import (
    Account,
    ClientCertificate,
    Endpoint,
    Level,
    Password,
    Policy,
    PolicyError,
    Shortfall,
    TLSMode,
    TLSVersion,
    TrustStore,
    VersionError,
    connect_imap,
)
from securemail.testing import CertificateAuthority, Expect, ScriptedServer, StartTLS
from tests.session.exporter import LOCALHOST, ExporterServer, Middlebox, listening
from tests.session.scripts import HOST, IMPLICIT, LEAVE, TLS_GREETING, refused

QUANTUM = Policy(require_post_quantum=True)
NOTHING_MORE = (StartTLS(), TLS_GREETING, Expect(rb".*"))


def account(ca: CertificateAuthority, port: int, policy: Policy | None = None) -> Account:
    return Account(
        "alice@example.org",
        imap=Endpoint(HOST, port, TLSMode.IMPLICIT, addresses=[LOCALHOST]),
        credentials=Password("alice", "secret"),
        trust=TrustStore.from_pem(ca.pem),
        policy=policy or Policy(),
    )


@pytest.mark.parametrize("policy", [Policy(), QUANTUM], ids=["default", "required"])
async def test_the_hybrid_group_is_offered_and_named_in_the_record(
    policy: Policy, ca: CertificateAuthority
) -> None:
    server = ExporterServer(ca)
    async with listening(server) as port, connect_imap(account(ca, port, policy)) as session:
        assert session.confidentiality.group == "X25519MLKEM768"
        assert session.confidentiality.level is Level.CONFIDENTIAL
        assert not session.confidentiality.without_hybrid


async def test_where_the_hybrid_group_is_dropped_the_record_says_that_it_was_left_out(
    ca: CertificateAuthority,
) -> None:
    context = ca.server_context(HOST)
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=context) as server:
        box = Middlebox(server.port)
        async with listening(box) as port, connect_imap(account(ca, port)) as session:
            record = session.confidentiality
            assert record.without_hybrid
            assert record.group is not None
            assert "MLKEM" not in record.group
            assert record.level is Level.CONFIDENTIAL
    assert box.dropped == 1


async def test_who_requires_the_hybrid_group_is_refused_where_it_is_dropped(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer(NOTHING_MORE, context=ca.server_context(HOST)) as server:
        async with listening(Middlebox(server.port)) as port:
            with pytest.raises(PolicyError) as caught:
                await connect_imap(account(ca, port, QUANTUM))
        await server.finished.wait()
    assert caught.value.shortfalls == {Shortfall.NO_POST_QUANTUM}
    assert "does not resist a quantum computer" in str(caught.value)
    assert server.plaintext == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_without_the_hybrid_group_sees_no_client_certificate_and_no_command(
    version: ssl.TLSVersion, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    context = ca.server_context(
        HOST, minimum_version=version, maximum_version=version, request_client_certificate=True
    )
    error, server = await refused(
        NOTHING_MORE,
        ca,
        tls=TLSMode.IMPLICIT,
        context=context,
        policy=QUANTUM,
        client_certificate=alice,
    )
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_POST_QUANTUM}
    assert "the key exchange does not resist a quantum computer" in str(error)
    assert server.client_certificate is None
    assert server.plaintext == b""


async def test_a_server_below_the_accounts_version_is_refused_in_words(
    ca: CertificateAuthority,
) -> None:
    context = ca.server_context(HOST, maximum_version=ssl.TLSVersion.TLSv1_2)
    policy = Policy(minimum_tls=TLSVersion.TLS_1_3)
    error, server = await refused(
        NOTHING_MORE, ca, tls=TLSMode.IMPLICIT, context=context, policy=policy
    )
    assert isinstance(error, VersionError)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.TLS_VERSION}
    assert "the TLS version is below the account's minimum" in str(error)
    assert server.plaintext == b""
