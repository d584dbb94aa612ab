"""Messages as octets: those that were asked for, of the mailbox that was meant, within bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from securemail import (
    CommandError,
    LimitExceeded,
    ProtocolError,
    SecureSession,
    Service,
    TLSMode,
    UIDValidityError,
    UsageError,
    connect_imap,
    connect_pop3,
    fetch_messages,
    limits,
)
from securemail.testing import CertificateAuthority, Expect, MailServer, ScriptedServer, Send, Step
from tests.session.scripts import HOST, IMPLICIT, LEAVE
from tests.session.scripts import account as scripted_account
from tests.watching.worlds import account, pop3_account

LETTERS = [b"Subject: %d\r\n\r\nText.\r\n" % number for number in range(1, 4)]
OPENED = Send(b"* OK [UIDVALIDITY 7] valid\r\n{tag} OK [READ-ONLY] open\r\n")
EXAMINE = (Expect(rb'\w+ EXAMINE "INBOX"'), OPENED)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer({"alice": "secret"}) as running:
        for each in LETTERS:
            running.store.deliver("alice", each)
        yield running


async def fetched(
    session: SecureSession[Any], uids: Iterable[int], uidvalidity: int, **options: Any
) -> list[tuple[int, bytes]]:
    found = fetch_messages(session, uids, uidvalidity=uidvalidity, **options)
    return [each async for each in found]


async def test_messages_come_with_their_uids_and_stay_unseen(server: MailServer) -> None:
    inbox = server.store.mailbox("alice")
    async with connect_imap(account(server)) as session:
        found = await fetched(session, [3, 1, 3], inbox.uidvalidity)
        assert found == [(1, LETTERS[0]), (3, LETTERS[2])]
        await session.client.select("INBOX")
        assert (await session.client.search("UNSEEN")).lines[0] == b"1 2 3"


async def test_a_message_that_is_gone_is_left_out(server: MailServer) -> None:
    inbox = server.store.mailbox("alice")
    inbox.expunge([2])
    async with connect_imap(account(server)) as session:
        found = await fetched(session, range(1, 9), inbox.uidvalidity)
    assert found == [(1, LETTERS[0]), (3, LETTERS[2])]


async def test_no_more_of_a_message_comes_than_was_asked_for(server: MailServer) -> None:
    inbox = server.store.mailbox("alice")
    async with connect_imap(account(server)) as session:
        found = await fetched(session, [1, 2], inbox.uidvalidity, max_bytes=10)
    assert found == [(1, LETTERS[0][:10]), (2, LETTERS[1][:10])]


async def test_more_messages_than_are_asked_for_at_once_come_in_order(server: MailServer) -> None:
    for _ in range(120):
        server.store.deliver("alice", b"Subject: x\r\n\r\n")
    inbox = server.store.mailbox("alice")
    async with connect_imap(account(server)) as session:
        found = await fetched(session, range(1, 124), inbox.uidvalidity, max_bytes=100)
    assert [uid for uid, _ in found] == [*range(1, 124)]


async def test_a_mailbox_that_was_made_anew_gives_no_message(server: MailServer) -> None:
    before = server.store.mailbox("alice").uidvalidity
    after = server.store.renumber("alice").uidvalidity
    async with connect_imap(account(server)) as session:
        with pytest.raises(UIDValidityError) as caught:
            await fetched(session, [1], before)
        assert (caught.value.expected, caught.value.found) == (before, after)
        assert await fetched(session, [1], after)


async def test_a_mailbox_that_does_not_exist_is_the_commands_error(server: MailServer) -> None:
    async with connect_imap(account(server)) as session:
        with pytest.raises(CommandError):
            await fetched(session, [1], 1, mailbox="Nowhere")
        assert (await session.client.noop()).result == "OK"


async def test_what_is_no_imap_session_and_no_size_is_the_programs_error(
    server: MailServer,
) -> None:
    async with connect_pop3(pop3_account(server)) as session:
        with pytest.raises(UsageError):
            await fetched(session, [1], 1)
    async with connect_imap(account(server)) as imap:
        with pytest.raises(UsageError, match="max_bytes"):
            await fetched(imap, [1], 1, max_bytes=0)


async def answered(*steps: Step, max_bytes: int = 4) -> list[tuple[int, bytes]]:
    """Return what comes of messages 1 and 2 of the mailbox 7, from a server with this script."""
    ca = CertificateAuthority()
    script = (*IMPLICIT, *steps, *LEAVE)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = scripted_account(server, ca, TLSMode.IMPLICIT, Service.IMAP)
        async with connect_imap(mine) as session:
            return await fetched(session, [1, 2], 7, max_bytes=max_bytes)


async def test_a_server_that_knows_no_parts_has_its_answer_cut() -> None:
    fetch = Expect(rb"\w+ UID FETCH 1:2 \(UID BODY\.PEEK\[\]<0\.4>\)")
    answer = Send(b"* 1 FETCH (UID 1 BODY[] {6}\r\nabcdef)\r\n{tag} OK done\r\n")
    assert await answered(*EXAMINE, fetch, answer) == [(1, b"abcd")]


async def test_as_much_beside_the_messages_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = b"1 FETCH (UID 1 BODY[]<0> {4}\r\n"
    # The literal counts for its octets, a line without its end and the star.
    monkeypatch.setattr(limits, "BESIDE_BYTES", len(first) - 2 + len(b")") + len(b"5 EXISTS") - 4)
    answer = Send(b"* " + first + b"abcd)\r\n* 5 EXISTS\r\n{tag} OK done\r\n")
    assert await answered(*EXAMINE, Expect(rb".*UID FETCH.*"), answer) == [(1, b"abcd")]
    monkeypatch.setattr(limits, "BESIDE_BYTES", limits.BESIDE_BYTES - 1)
    with pytest.raises(LimitExceeded):
        await answered(*EXAMINE, Expect(rb".*UID FETCH.*"), answer)


async def test_more_than_the_messages_can_have_is_refused_when_it_is_announced() -> None:
    answer = Send(b"* 1 FETCH (UID 1 BODY[]<0> {2000000}\r\n")
    with pytest.raises(LimitExceeded) as caught:
        await answered(*EXAMINE, Expect(rb".*UID FETCH.*"), answer)
    assert caught.value.limit == 2 * 4 + limits.BESIDE_BYTES


async def test_a_mailbox_without_uidvalidity_gives_no_message() -> None:
    opened = Send(b"* 3 EXISTS\r\n{tag} OK open\r\n")
    with pytest.raises(ProtocolError, match="no UIDVALIDITY"):
        await answered(Expect(rb".*EXAMINE.*"), opened)
