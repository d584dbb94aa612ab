"""How many round trips a session costs until it is ready, counted on real servers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import pytest
from benchmarks.link import Link
from benchmarks.scenarios.round_trips import MINIMUM

from securemail import (
    Account,
    AuthenticationError,
    Endpoint,
    Password,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
)
from tests.servers.dovecot import DovecotWorld
from tests.servers.postfix import PostfixWorld

# It makes the count exact, however slow the machine: the client and the link share an event loop,
# so that what the client sends without waiting is on the link before any answer can come back.
DELAY_S: Final = 0.01
DOVECOT: Final = [way for way in MINIMUM if way[0] != "submission"]
POSTFIX: Final = [way for way in MINIMUM if way[0] == "submission"]


async def connected(account: Account, service: Service) -> SecureSession:
    """Connect; to a maildrop that the session before has not let go of, again (RFC 1939)."""
    for _ in range(50):
        with suppress(AuthenticationError):
            return await SecureSession.connect(account, service)
    raise AssertionError("the maildrop is in use")


async def counted(world: DovecotWorld, port: int, way: tuple[str, str]) -> tuple[int, int]:
    """Return the round trips of a first connection, and of another one."""
    service, tls = Service[way[0].upper()], TLSMode[way[1].upper()]
    async with Link((world.address, port), DELAY_S) as link:
        there: dict[str, Any] = {
            way[0]: Endpoint(world.host, link.port, tls, addresses=[link.address])
        }
        account = Account(
            "alice@example.test",
            credentials=Password("alice", world.passwords["alice"], mechanisms=["PLAIN"]),
            trust=TrustStore.from_pem(world.ca_pem),
            **there,
        )
        counts = []
        for _ in range(2):
            session = await connected(account, service)
            counts.append(link.logs[-1].round_trips)
            await session.aclose()
    return counts[0], counts[1]


@pytest.mark.dovecot
@pytest.mark.parametrize("way", DOVECOT, ids=", ".join)
async def test_imap_and_pop3_are_ready_after_as_few_round_trips_as_the_protocol_allows(
    way: tuple[str, str], dovecot_world: DovecotWorld
) -> None:
    port = {
        ("imap", "implicit"): dovecot_world.imaps_port,
        ("imap", "starttls"): dovecot_world.imap_port,
        ("pop3", "implicit"): dovecot_world.pop3s_port,
        ("pop3", "starttls"): dovecot_world.pop3_port,
    }[way]
    assert await counted(dovecot_world, port, way) == MINIMUM[way]


@pytest.mark.postfix
@pytest.mark.parametrize("way", POSTFIX, ids=", ".join)
async def test_submission_is_ready_after_as_few_round_trips_as_the_protocol_allows(
    way: tuple[str, str], postfix_world: PostfixWorld
) -> None:
    is_implicit = way[1] == "implicit"
    port = postfix_world.submissions_port if is_implicit else postfix_world.submission_port
    assert await counted(postfix_world.dovecot, port, way) == MINIMUM[way]
