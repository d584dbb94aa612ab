"""MailServer as imaplib, an independent client, sees it: mailboxes and messages."""

from __future__ import annotations

import imaplib
import ssl

import pytest

from securemail.testing.server import MailServer
from tests.testing.mail_clients import MAIL, Client, as_alice


async def test_select_tells_what_is_there(server: MailServer, trusting: ssl.SSLContext) -> None:
    server.store.deliver("alice", MAIL, flags=["\\Seen"])
    server.store.deliver("alice", MAIL)

    def work(client: Client) -> None:
        assert client.select() == ("OK", [b"2"])
        assert client.response("UIDVALIDITY") == ("UIDVALIDITY", [b"1"])
        assert client.response("UIDNEXT") == ("UIDNEXT", [b"3"])
        assert client.response("UNSEEN") == ("UNSEEN", [b"2"])
        (permanent,) = client.response("PERMANENTFLAGS")[1]
        assert b"\\Deleted" in (permanent or b"")
        assert client.response("READ-WRITE")[1] == [b""]

    await as_alice(server, trusting, work)


async def test_fetch_gives_the_message_as_it_was_delivered(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", MAIL)

    def work(client: Client) -> None:
        _, data = client.fetch("1", "(RFC822)")
        assert data[0] == (b"1 (RFC822 {%d}" % len(MAIL), MAIL)
        assert data[1] == b" FLAGS (\\Seen \\Recent))"

    await as_alice(server, trusting, work)


@pytest.mark.parametrize(
    ("item", "label", "expected"),
    [
        ("BODY.PEEK[]", b"BODY[]", MAIL),
        ("BODY.PEEK[]<6.3>", b"BODY[]<6>", b"Bob"),
        ("BODY.PEEK[]<9000.3>", b"BODY[]<9000>", b""),
        ("BODY.PEEK[HEADER]", b"BODY[HEADER]", MAIL[: MAIL.index(b"Dear")]),
        ("BODY.PEEK[TEXT]", b"BODY[TEXT]", b"Dear Alice,\r\nbye\r\n"),
        ("RFC822.HEADER", b"RFC822.HEADER", MAIL[: MAIL.index(b"Dear")]),
        (
            "BODY.PEEK[HEADER.FIELDS (to SUBJECT)]",
            b"BODY[HEADER.FIELDS (TO SUBJECT)]",
            b"Subject: Hello\r\nTo: alice\r\n\r\n",
        ),
        (
            "BODY.PEEK[HEADER.FIELDS.NOT (TO SUBJECT)]",
            b"BODY[HEADER.FIELDS.NOT (TO SUBJECT)]",
            b"From: Bob <bob@example.org>\r\n\r\n",
        ),
    ],
)
async def test_fetch_gives_the_section_and_marks_nothing_as_seen(
    server: MailServer, trusting: ssl.SSLContext, item: str, label: bytes, expected: bytes
) -> None:
    uid = server.store.deliver("alice", MAIL)

    def work(client: Client) -> None:
        _, data = client.fetch("1", f"({item})")
        assert data == [(b"1 (%b {%d}" % (label, len(expected)), expected), b")"]

    await as_alice(server, trusting, work)
    assert server.store.mailbox("alice").messages[uid].flags == frozenset()


async def test_fetch_gives_the_attributes(server: MailServer, trusting: ssl.SSLContext) -> None:
    server.store.deliver("alice", MAIL, flags=["\\Flagged"])

    def work(client: Client) -> None:
        client.append("INBOX", "\\Answered", '"17-Jul-1996 02:44:25 -0700"', MAIL)
        _, data = client.uid("FETCH", "1:*", "FAST")
        assert data[0].startswith(b"1 (UID 1 FLAGS (\\Flagged \\Recent) INTERNALDATE ")
        assert data[0].endswith(b'" RFC822.SIZE %d)' % len(MAIL))
        assert b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"' in data[1]

    await as_alice(server, trusting, work)


async def test_append_of_a_megabyte_comes_back_whole(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    big = MAIL + b"x" * 1024 * 1024 + b"\r\n"

    def work(client: Client) -> None:
        kind, said = client.append("INBOX", "(\\Draft)", None, big)
        assert (kind, said[0]) == ("OK", b"[APPENDUID 1 1] APPEND completed")
        _, data = client.fetch("1", "(BODY.PEEK[] FLAGS)")
        assert data[0] == (b"1 (BODY[] {%d}" % len(big), big)
        assert data[1] == b" FLAGS (\\Draft \\Recent))"

    await as_alice(server, trusting, work)


async def test_append_to_no_mailbox_says_try_create(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        kind, said = client.append("Sent", None, None, MAIL)
        assert (kind, said[0].split()[0]) == ("NO", b"[TRYCREATE]")

    await as_alice(server, trusting, work)


async def test_store_changes_flags_and_tells_them(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    uid = server.store.deliver("alice", MAIL, flags=["\\Seen"])

    def work(client: Client) -> None:
        assert client.store("1", "+FLAGS", "(\\flagged Work)")[1] == [
            b"1 (FLAGS (Work \\Flagged \\Seen \\Recent))"
        ]
        assert client.uid("STORE", "1", "-FLAGS", "\\Seen")[1] == [
            b"1 (UID 1 FLAGS (Work \\Flagged \\Recent))"
        ]
        assert client.store("1", "FLAGS.SILENT", "(\\Draft)")[1] == [None]

    await as_alice(server, trusting, work)
    assert server.store.mailbox("alice").messages[uid].flags == {"\\Draft"}


async def test_expunge_removes_the_deleted_and_numbers_the_rest(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    for _ in range(4):
        server.store.deliver("alice", MAIL)

    def work(client: Client) -> None:
        client.store("1,3", "+FLAGS", "\\Deleted")
        assert client.expunge() == ("OK", [b"3", b"1"])
        assert client.uid("SEARCH", "ALL")[1] == [b"2 4"]

    await as_alice(server, trusting, work)


async def test_uid_expunge_removes_only_what_it_names(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    for _ in range(3):
        server.store.deliver("alice", MAIL, flags=["\\Deleted"])

    def work(client: Client) -> None:
        imaplib.Commands.setdefault("EXPUNGE", ("SELECTED",))
        assert client.uid("EXPUNGE", "2:3")[0] == "OK"
        assert client.uid("SEARCH", "ALL")[1] == [b"1"]

    await as_alice(server, trusting, work)


async def test_copy_and_move_tell_the_new_uids(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", MAIL, flags=["\\Seen"])
    server.store.deliver("alice", MAIL)

    def work(client: Client) -> None:
        assert client.create("Archive")[0] == "OK"
        kind, said = client.copy("1:2", "Archive")
        assert (kind, said[0]) == ("OK", b"[COPYUID 2 1,2 1,2] COPY completed")
        assert client.uid("MOVE", "2", "Archive")[0] == "OK"
        assert client.response("COPYUID")[1][-1] == b"2 2 3"
        assert client.select("Archive") == ("OK", [b"3"])
        assert client.search(None, "SEEN") == ("OK", [b"1"])

    await as_alice(server, trusting, work)
    assert list(server.store.mailbox("alice").messages) == [1]


async def test_mailboxes_are_made_listed_and_removed(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        assert client.create('"a \\"b\\"/c"')[0] == "OK"
        assert client.create("inbox")[0] == "NO"
        assert client.list()[1] == [b'() "/" "INBOX"', b'() "/" "a \\"b\\"/c"']
        assert client.list('""', "%")[1] == [b'() "/" "INBOX"']
        assert client.list('""', '""')[1] == [b'(\\Noselect) "/" ""']
        client.subscribe("Sent")
        assert client.lsub('""', "S*")[1] == [b'() "/" "Sent"']
        client.unsubscribe("Sent")
        assert client.lsub('""', "S*")[1] == [None]
        assert client.delete("INBOX")[0] == "NO"
        assert client.delete('"a \\"b\\"/c"')[0] == "OK"
        assert client.select("nowhere")[0] == "NO"

    await as_alice(server, trusting, work)


async def test_status_counts_without_selecting(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.create("alice", "Sent")
    server.store.deliver("alice", MAIL, mailbox="Sent", flags=["\\Seen"])
    server.store.deliver("alice", MAIL, mailbox="Sent")

    def work(client: Client) -> None:
        _, said = client.status("Sent", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)")
        assert said == [b'"Sent" (MESSAGES 2 RECENT 2 UIDNEXT 3 UIDVALIDITY 2 UNSEEN 1)']

    await as_alice(server, trusting, work)


async def test_examine_changes_nothing(server: MailServer, trusting: ssl.SSLContext) -> None:
    uid = server.store.deliver("alice", MAIL)
    server.store.mailbox("alice").set_flags(uid, ["\\Deleted"])

    def work(client: Client) -> None:
        client.select(readonly=True)
        assert client.fetch("1", "(BODY[])")[0] == "OK"
        assert client.store("1", "+FLAGS", "\\Seen")[0] == "NO"
        assert client.expunge()[0] == "NO"

    await as_alice(server, trusting, work)
    assert server.store.mailbox("alice").messages[uid].flags == {"\\Deleted"}


async def test_close_removes_the_deleted_without_a_word(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", MAIL, flags=["\\Deleted"])

    def work(client: Client) -> None:
        assert client.close()[0] == "OK"
        assert client.response("EXPUNGE")[1] == [None]

    await as_alice(server, trusting, work)
    assert not server.store.mailbox("alice").messages
