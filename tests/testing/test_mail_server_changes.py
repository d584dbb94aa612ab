"""What one session of the MailServer is told about the doings of others, and when."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from securemail.testing.ca import self_signed
from securemail.testing.server import MailServer
from tests.testing.clients import raw_alice, raw_imap
from tests.testing.mail_clients import MAIL


async def test_idle_is_told_of_a_delivery_at_once(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        assert await client.ask(b"IDLE") == [b"+ idling"]
        server.store.deliver("alice", MAIL)
        assert [await client.line(), await client.line()] == [b"* 1 EXISTS\r\n", b"* 1 RECENT\r\n"]
        client.send(b"DONE\r\n")
        assert await client.answer() == [b"x OK IDLE completed"]


async def test_idle_is_told_of_flags_and_expunges_by_another_session(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    for _ in range(3):
        server.store.deliver("alice", MAIL)
    async with raw_alice(server, trusting) as idler, raw_alice(server, trusting) as other:
        await idler.ask(b"IDLE")
        await other.ask(b"STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        assert await idler.line() == b"* 1 FETCH (UID 1 FLAGS (\\Deleted \\Recent))\r\n"
        assert await idler.line() == b"* 3 FETCH (UID 3 FLAGS (\\Deleted \\Recent))\r\n"
        assert await other.ask(b"EXPUNGE") == [
            b"* 3 EXPUNGE",
            b"* 1 EXPUNGE",
            b"x OK EXPUNGE completed",
        ]
        assert [await idler.line(), await idler.line()] == [
            b"* 3 EXPUNGE\r\n",
            b"* 1 EXPUNGE\r\n",
        ]


async def test_what_happened_before_idle_is_told_when_it_begins(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        client.send(b"x IDLE\r\n")
        server.store.deliver("alice", MAIL)
        assert await client.line() == b"+ idling\r\n"
        assert await client.line() == b"* 1 EXISTS\r\n"


async def test_idle_ends_with_done_and_nothing_else(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        await client.ask(b"IDLE")
        client.send(b"y NOOP\r\n")
        assert await client.answer() == [b"x BAD IDLE ends with DONE"]
        server.store.deliver("alice", MAIL)
        assert await client.ask(b"NOOP") == [b"* 1 EXISTS", b"* 1 RECENT", b"x OK completed"]


async def test_idle_without_a_mailbox_waits_for_done(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        await client.ask(b"LOGIN alice secret")
        await client.ask(b"IDLE")
        client.send(b"done\r\n")
        assert await client.answer() == [b"x OK IDLE completed"]


async def test_an_expunge_by_another_session_waits_for_a_command_that_may_tell_it(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    for _ in range(2):
        server.store.deliver("alice", MAIL)
    async with raw_alice(server, trusting) as client:
        server.store.mailbox("alice").expunge([1])
        server.store.deliver("alice", MAIL)
        # The numbers hold: 2 is still the second message, and the new one is the third.
        assert await client.ask(b"FETCH 2 (UID)") == [
            b"* 2 FETCH (UID 2)",
            b"* 3 EXISTS",
            b"* 3 RECENT",
            b"x OK FETCH completed",
        ]
        assert await client.ask(b"SEARCH ALL") == [b"* SEARCH 2 3", b"x OK SEARCH completed"]
        assert await client.ask(b"NOOP") == [b"* 1 EXPUNGE", b"x OK completed"]
        assert await client.ask(b"SEARCH ALL") == [b"* SEARCH 1 2", b"x OK SEARCH completed"]


async def test_a_fetch_of_a_message_that_another_session_expunged_says_so(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    for _ in range(2):
        server.store.deliver("alice", MAIL)
    async with raw_alice(server, trusting) as client:
        server.store.mailbox("alice").expunge([1])
        fetched = await client.ask(b"FETCH 1:2 (UID)")
        assert fetched[0] == b"* 2 FETCH (UID 2)"
        assert fetched[-1].startswith(b"x NO [EXPUNGEISSUED]")
        stored = await client.ask(b"STORE 1 +FLAGS (\\Seen)")
        assert stored[-1].startswith(b"x NO [EXPUNGEISSUED]")


async def test_a_message_is_recent_for_the_first_session_that_hears_of_it(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", MAIL)
    async with raw_alice(server, trusting) as first, raw_alice(server, trusting) as second:
        assert await first.ask(b"SEARCH RECENT") == [b"* SEARCH 1", b"x OK SEARCH completed"]
        assert await second.ask(b"SEARCH RECENT") == [b"* SEARCH", b"x OK SEARCH completed"]


async def test_a_session_is_not_told_twice_of_its_own_changes(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", MAIL)
    async with raw_alice(server, trusting) as client:
        stored = await client.ask(b"STORE 1 +FLAGS (\\Seen)")
        assert len(stored) == 2
        assert await client.ask(b"NOOP") == [b"x OK completed"]


async def test_a_number_beyond_the_last_is_bad_and_a_uid_beyond_is_nothing(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        assert await client.ask(b"FETCH 1 (UID)") == [b"x BAD message 1 of 0"]
        assert await client.ask(b"UID FETCH 7 (UID)") == [b"x OK FETCH completed"]
        assert await client.ask(b"FETCH 1:* (UID)") == [b"x OK FETCH completed"]
        server.store.deliver("alice", MAIL)
        await client.ask(b"NOOP")
        assert await client.ask(b"FETCH 0 (UID)") == [b"x BAD message 0 of 1"]
        # RFC 3501 section 9: 3291:* is the last message even when it is lower.
        assert (await client.ask(b"UID FETCH 99:* (UID)"))[0] == b"* 1 FETCH (UID 1)"


async def test_a_deleted_mailbox_is_empty_for_the_session_that_has_it_open(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.create("alice", "Old")
    server.store.deliver("alice", MAIL, mailbox="Old")
    async with raw_alice(server, trusting) as client:
        await client.ask(b"SELECT Old")
        server.store.delete("alice", "Old")
        assert await client.ask(b"NOOP") == [b"* 1 EXPUNGE", b"x OK completed"]


async def test_a_server_that_was_stopped_is_back_on_its_ports_with_its_mail(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", MAIL)
    port = server.port()
    async with raw_imap(server, trusting) as client:
        server.stop()
        with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(1000)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(server.address, port)
    server.start()
    assert server.port() == port
    assert list(server.store.mailbox("alice").messages) == [1]
    async with raw_alice(server, trusting) as client:
        assert (await client.ask(b"NOOP"))[-1].startswith(b"x OK")


async def test_messages_that_are_renumbered_have_another_uidvalidity(server: MailServer) -> None:
    for _ in range(2):
        server.store.deliver("alice", MAIL)
    before = server.store.mailbox("alice")
    before.expunge([1])
    after = server.store.renumber("alice")
    assert server.store.mailbox("alice") is after
    assert after.uidvalidity != before.uidvalidity
    assert [message.data for message in after.messages.values()] == [MAIL]


async def test_another_certificate_is_shown_to_whoever_connects_later(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.show(self_signed(server.host_name))
    with pytest.raises(ssl.SSLCertVerificationError):
        async with raw_imap(server, trusting):
            pass


async def test_goodbye_is_said_to_everybody_and_the_server_goes_on(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client, raw_imap(server, None) as other:
        assert await client.ask(b"IDLE") == [b"+ idling"]
        server.say_goodbye("going down")
        assert await client.line() == b"* BYE going down\r\n"
        assert await other.line() == b"* BYE going down\r\n"
        assert await client.line() == await other.line() == b""
    await server.wait_quiet()
    async with raw_alice(server, trusting) as client:
        assert (await client.ask(b"NOOP"))[-1].startswith(b"x OK")


async def test_who_is_throttled_is_refused_after_a_login_that_is_right(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.throttled["alice"] = "[UNAVAILABLE] later"
    async with raw_imap(server, trusting) as client:
        assert await client.ask(b"LOGIN alice secret") == [b"x NO [UNAVAILABLE] later"]
        assert b"AUTHENTICATIONFAILED" in (await client.ask(b"LOGIN alice wrong"))[0]
        plain = b"AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="
        assert await client.ask(plain) == [b"x NO [UNAVAILABLE] later"]
        server.throttled.clear()
        assert (await client.ask(plain))[-1].startswith(b"x OK")
