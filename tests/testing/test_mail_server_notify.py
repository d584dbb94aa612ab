"""NOTIFY on the embedded server (RFC 5465): who is told what, and what is refused."""

from __future__ import annotations

import ssl

import pytest

from securemail.testing import CertificateAuthority, MailServer
from securemail.testing.server import Offer
from tests.testing.clients import raw_alice
from tests.testing.mail_clients import MAIL

SET = b"NOTIFY SET (mailboxes (INBOX Archive) (MessageNew MessageExpunge FlagChange))"
ARCHIVE = b'* STATUS "Archive" (MESSAGES %d UIDNEXT %d UIDVALIDITY 2 UNSEEN %d)'


@pytest.fixture(autouse=True)
def _archive(server: MailServer) -> None:
    server.store.create("alice", "Archive")


async def test_a_mailbox_that_is_not_selected_is_told_of_at_any_time(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        assert await client.ask(SET) == [b"x OK NOTIFY completed"]
        server.store.deliver("alice", MAIL, mailbox="Archive")
        assert await client.line() == ARCHIVE % (1, 2, 1) + b"\r\n"
        server.store.mailbox("alice", "Archive").set_flags(1, ["\\Seen"])
        assert await client.line() == ARCHIVE % (1, 2, 0) + b"\r\n"


async def test_the_selected_mailbox_is_told_of_in_its_own_words(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        await client.ask(SET)
        server.store.deliver("alice", MAIL)
        assert (await client.ask(b"NOOP"))[0] == b"* 1 EXISTS"


async def test_status_tells_of_all_that_are_here_at_once(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        command = b"NOTIFY SET STATUS (mailboxes (Nowhere Archive) (MessageNew MessageExpunge))"
        assert await client.ask(command) == [ARCHIVE % (0, 1, 0), b"x OK NOTIFY completed"]


@pytest.mark.parametrize(
    "last", [b"NOTIFY NONE", b"NOTIFY SET (mailboxes INBOX (MessageNew MessageExpunge))"]
)
async def test_the_last_command_counts(
    last: bytes, server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        await client.ask(SET)
        await client.ask(last)
        server.store.deliver("alice", MAIL, mailbox="Archive")
        assert await client.ask(b"NOOP") == [b"x OK completed"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"NOTIFY SET (mailboxes INBOX (AnnotationChange))", b"x NO [BADEVENT ("),
        (b"NOTIFY SET (personal (MessageNew))", b"x BAD"),
        (b"NOTIFY SET (mailboxes INBOX MessageNew)", b"x BAD"),
        (b"NOTIFY SET (mailboxes (INBOX (MessageNew))", b"x BAD"),
        (b"NOTIFY SET (mailboxes INBOX (MessageNew", b"x BAD"),
        (b"NOTIFY SET (mailboxes INBOX (MessageNew)", b"x BAD"),
        (b"NOTIFY", b"x BAD"),
        (b"NOTIFY ALL", b"x BAD"),
    ],
)
async def test_what_is_no_such_command_is_refused(
    command: bytes, answer: bytes, server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_alice(server, trusting) as client:
        assert (await client.ask(command))[-1].startswith(answer)


async def test_a_server_without_it_does_not_know_it(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    offer = Offer(notify=False)
    async with (
        MailServer({"alice": "secret"}, ca=ca, offer=offer) as server,
        raw_alice(server, trusting) as client,
    ):
        assert b"NOTIFY" not in (await client.ask(b"CAPABILITY"))[0]
        assert (await client.ask(SET))[-1].startswith(b"x BAD")
