"""Messages that go and come while they are searched: an EXPUNGE names one from before the search.

A server leaves out of a search what another session has expunged, and says the EXPUNGE behind the
answer, or with the next command (RFC 3501 section 7.4.1).
"""

from __future__ import annotations

import pytest

from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    Step,
)
from securemail.uids import UIDSet
from securemail.watching import Cursor, MailboxChanged, Rhythm, Watch
from tests.session.scripts import HOST, IMPLICIT
from tests.watching.test_bad_luck import scripted
from tests.watching.worlds import until, watching

# Whoever waits for the next renewal of the IDLE is too late for the tests.
SLOW = Rhythm()


def opened(exists: int, uidnext: int) -> tuple[Step, ...]:
    said = b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x\r\n{tag} OK x\r\n"
    return Expect(rb'\w+ EXAMINE "INBOX"'), Send(said % (exists, uidnext))


def searched(key: bytes, answer: bytes) -> tuple[Step, ...]:
    return Expect(rb"\w+ UID SEARCH " + key), Send(b"* SEARCH" + answer + b"\r\n{tag} OK x\r\n")


def pushed(what: bytes) -> tuple[Step, ...]:
    push = Send(b"+ idling\r\n" + what)
    return Expect(rb"\w+ IDLE"), push, Expect(rb"DONE"), Send(b"{tag} OK x\r\n")


UNTIL_NEXT = rb"UID 4:\*"


def cursor(*uids: int) -> Cursor:
    return Cursor(7, 4, None, UIDSet.of(uids))


async def changes(
    ca: CertificateAuthority, script: tuple[Step, ...], *, count: int
) -> list[tuple[set[int], set[int]]]:
    """Return what is new and what was expunged in so many events, since messages 1 to 3."""

    async def told(events: Watch) -> tuple[set[int], set[int]]:
        change = await until(events, MailboxChanged)
        return set(change.new), set(change.expunged)

    context = ca.server_context(HOST)
    async with ScriptedServer((*IMPLICIT, *script), context=context) as server:
        async with watching(scripted(server, ca), since=cursor(1, 2, 3), rhythm=SLOW) as events:
            found = [await told(events) for _ in range(count)]
        assert server.problem is None
    return found


@pytest.mark.parametrize("before", [b" 1 3", b" 1 2 3"])
async def test_an_expunge_behind_a_search_of_all_is_of_the_message_that_it_was(
    before: bytes, ca: CertificateAuthority
) -> None:
    script = (
        *opened(3, 4),
        *searched(b"ALL", before + b"\r\n* 2 EXPUNGE"),
        *searched(b"ALL", b" 1 3"),
        *pushed(b"* 2 EXPUNGE\r\n"),
        Hang(),
    )
    assert await changes(ca, script, count=2) == [(set(), {2}), (set(), {3})]


async def test_an_expunge_that_comes_later_than_the_search_names_no_other_message(
    ca: CertificateAuthority,
) -> None:
    script = (
        *opened(3, 4),
        *searched(b"ALL", b" 1 3"),
        *pushed(b"* 2 EXPUNGE\r\n"),
        *opened(2, 4),
        *searched(b"ALL", b" 1 3"),
        *pushed(b"* 3 EXISTS\r\n"),
        *searched(UNTIL_NEXT, b" 4"),
        Hang(),
    )
    assert await changes(ca, script, count=2) == [(set(), {2}), ({4}, set())]


async def test_an_expunge_behind_a_look_up_is_of_the_message_that_it_was(
    ca: CertificateAuthority,
) -> None:
    script = (
        *opened(3, 4),
        *searched(b"ALL", b" 1 2 3"),
        *pushed(b"* 5 EXISTS\r\n"),
        # Of 4 and 5 the first is gone already; taken for the third of five, 3 would be, too.
        *searched(UNTIL_NEXT, b" 5\r\n* 4 EXPUNGE\r\n* 3 EXPUNGE"),
        *searched(UNTIL_NEXT, b" 5"),
        *pushed(b"* 3 EXPUNGE\r\n"),
        Hang(),
    )
    assert await changes(ca, script, count=2) == [({5}, {3}), (set(), {5})]


async def test_a_message_that_comes_during_a_search_is_looked_up_at_once(
    ca: CertificateAuthority,
) -> None:
    script = (
        *opened(3, 4),
        *searched(b"ALL", b" 1 2 3\r\n* 4 EXISTS"),
        *pushed(b""),
        *searched(UNTIL_NEXT, b" 4"),
        Hang(),
    )
    assert await changes(ca, script, count=1) == [({4}, set())]


async def test_a_server_that_counts_more_than_it_finds_is_not_asked_without_end(
    ca: CertificateAuthority,
) -> None:
    script = (
        *opened(9, 4),
        *searched(b"ALL", b" 1 2"),
        *pushed(b"* 10 EXISTS\r\n"),
        *opened(10, 4),
        *searched(b"ALL", b" 1 2 4"),
        Hang(),
    )
    assert await changes(ca, script, count=2) == [(set(), {3}), ({4}, set())]
