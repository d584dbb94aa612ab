"""Every attack of the catalogue against our own client, and what left its socket."""

from __future__ import annotations

import functools
import re
import ssl
from collections import Counter
from typing import Any

import pytest

from securemail import (
    ClientCertificate,
    DeadlineError,
    Password,
    SecureMailError,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
)
from securemail.testing import CertificateAuthority, ScriptedServer
from securemail.testing.attacks import ATTACKS, GROUPS, Attack, Ended, Seen, Use, Verdict, judge
from tests.session import scripts

PASSWORD = "c4naryXpassw0rd"
SECRETS = [PASSWORD.encode(), b"private.example.org"]
MESSAGE = b"From: alice@example.org\r\nTo: bob@example.org\r\n\r\ntext\r\n"
# For the servers that never say anything.
IMPATIENT = Timeouts(greeting=0.1)


@functools.cache
def context_of(attack: Attack, ca: CertificateAuthority) -> ssl.SSLContext:
    return attack.server(ca)


def account(
    attack: Attack, server: ScriptedServer, ca: CertificateAuthority, alice: ClientCertificate
) -> Any:
    """Return an account with all it may have, but no certificate for a server that may see it."""
    fields: dict[str, Any] = {"credentials": Password("alice", PASSWORD)}
    if attack.may_show == b"":
        fields["client_certificate"] = alice
    if attack.service is Service.SUBMISSION:
        fields["ehlo_name"] = "private.example.org"
    return scripts.account(server, ca, attack.mode, attack.service, **fields)


async def use(client: Any, what: Use) -> object:
    match what:
        case Use.NOTHING:
            return None
        case Use.SELECT:
            return await client.select("INBOX")
        case Use.FETCH:
            await client.select("INBOX")
            return await client.fetch("1", "FLAGS")
        case Use.STAT:
            return await client.stat()
        case Use.RETR:
            return await client.retr(1)
        case Use.SUBMIT:
            return await client.submit(MESSAGE)


async def outcome(attack: Attack, mine: Any) -> SecureMailError | None:
    """Live through the attack, and return the error that ended it."""
    timeouts = IMPATIENT if attack.error is DeadlineError else None
    try:
        session = await SecureSession.connect(mine, attack.service, timeouts=timeouts)
    except SecureMailError as exc:
        return exc
    try:
        await use(session.client, attack.use)
        capabilities = session.capabilities
    except SecureMailError as exc:
        return exc
    finally:
        await session.aclose()
    assert not any("EVIL" in capability for capability in capabilities)
    return None


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_an_attack_ends_as_it_must_and_nothing_private_leaves(
    attack: Attack, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    """Tasks, sockets and descriptors that were left are found by the guards of conftest.py."""
    context = context_of(attack, ca)
    async with ScriptedServer(attack.script, context=context) as server:
        error = await outcome(attack, account(attack, server, ca, alice))
        await server.finished.wait()
    if attack.error is None:
        assert error is None
    else:
        assert isinstance(error, attack.error), repr(error)
    cleartexts = tuple(transcript.cleartext for transcript in server.transcripts)
    for cleartext in cleartexts:
        assert re.fullmatch(attack.may_leave, cleartext), cleartext
    plaintext = bytes(server.plaintext)
    if attack.may_show is not None:
        assert re.fullmatch(attack.may_show, plaintext), plaintext
    assert b"STARTTLS" not in plaintext
    assert b"STLS" not in plaintext
    seen = Seen(cleartexts, plaintext, server.client_certificate)
    ended = Ended.FAILED if error else Ended.SUCCEEDED
    assert judge(attack, ended, seen, SECRETS) is Verdict.HELD


def test_every_attack_has_a_name_of_its_own() -> None:
    assert len(ATTACKS) == sum(map(len, GROUPS.values()))


def test_there_are_attacks_on_every_protocol_in_both_modes() -> None:
    """At least 150 are different in more than protocol and mode."""
    counts = Counter((attack.service, attack.mode) for attack in ATTACKS.values())
    assert counts.keys() == {(service, mode) for service in Service for mode in TLSMode} - {
        (service, TLSMode.NONE) for service in Service
    }
    assert min(counts.values()) >= 40
    assert len({attack.name for attack in ATTACKS.values()}) >= 150
