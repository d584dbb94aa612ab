"""SEARCH of the MailServer, with imaplib as the judge."""

from __future__ import annotations

import datetime as dt
import imaplib
import ssl

import pytest

from securemail.testing.server import MailServer
from tests.testing.mail_clients import MAIL, Client, as_alice

ENCODED = b"From: Carol\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n.\r\n"


def deliver_three(server: MailServer) -> None:
    old = dt.datetime(1996, 7, 17, 2, 44, 25, tzinfo=dt.UTC)
    server.store.deliver("alice", MAIL, flags=["\\Seen"], internal_date=old)
    server.store.deliver("alice", MAIL, flags=["\\Deleted"])
    server.store.deliver("alice", ENCODED, flags=["$Later"])


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ("ALL", b"1 2 3"),
        ("SEEN", b"1"),
        ("UNSEEN", b"2 3"),
        ("DELETED", b"2"),
        ("FLAGGED", b""),
        ("KEYWORD $Later", b"3"),
        ("SUBJECT hello", b"1 2"),
        ("FROM bob", b"1 2"),
        ('TEXT "dear alice"', b"1 2"),
        ("BODY subject", b""),
        ("SINCE 1-Jan-2000", b"2 3"),
        ("BEFORE 1-Jan-2000", b"1"),
        ("ON 17-Jul-1996", b"1"),
        ("UID 2:4", b"2 3"),
        ("2:*", b"2 3"),
        ("NOT SEEN", b"2 3"),
        ("OR SEEN DELETED", b"1 2"),
        ("NOT (OR SEEN DELETED)", b"3"),
        ("(UNSEEN) (SUBJECT hello)", b"2"),
        ("OR (SEEN FROM bob) NOT (FROM bob)", b"1 3"),
        ("LARGER 75", b"1 2"),
        ('HEADER Subject ""', b"1 2 3"),
        ("RECENT", b"1 2 3"),
        ("CHARSET US-ASCII UNSEEN", b"2 3"),
    ],
)
async def test_search_finds_what_the_keys_mean(
    server: MailServer, trusting: ssl.SSLContext, criteria: str, found: bytes
) -> None:
    deliver_three(server)

    def work(client: Client) -> None:
        assert client.search(None, criteria) == ("OK", [found])

    await as_alice(server, trusting, work)


async def test_search_in_an_unknown_charset_names_those_that_are_known(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        kind, said = client.search("KOI8-R", "ALL")
        assert (kind, said[0]) == ("NO", b"[BADCHARSET (US-ASCII UTF-8)] KOI8-R is not known")

    await as_alice(server, trusting, work)


async def test_search_for_text_beyond_ascii_finds_encoded_words(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    deliver_three(server)

    def work(client: Client) -> None:
        client.literal = "grüße".encode()  # type: ignore[assignment]  # typeshed says str
        assert client.search("UTF-8", "SUBJECT") == ("OK", [b"3"])

    await as_alice(server, trusting, work)


@pytest.mark.parametrize(
    "criteria",
    ["NOT", "OR SEEN", "(SEEN", "SEEN)", "()", "NONSENSE x", "SINCE yesterday", "NOT " * 300],
)
async def test_search_for_nonsense_is_bad(
    server: MailServer, trusting: ssl.SSLContext, criteria: str
) -> None:
    def work(client: Client) -> None:
        with pytest.raises(imaplib.IMAP4.error, match="BAD"):
            client.search(None, criteria)

    await as_alice(server, trusting, work)
