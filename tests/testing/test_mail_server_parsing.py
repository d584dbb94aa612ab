"""The MailServer's parsers: any bytes are a result or a documented error."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from securemail.testing.imap.fetch import parse_items, render
from securemail.testing.imap.search import Candidate, parse_search
from securemail.testing.imap.session import RefusedError
from securemail.testing.imap.syntax import Arguments, BadCommandError
from securemail.testing.imap.view import View
from securemail.testing.store import MailStore

KEYS = [b"NOT", b"OR", b"(", b")", b"SEEN", b"1:*", b"UID", b"5", b'"x"', b"SUBJECT", b"HEADER"]
NEAR_SEARCH = st.lists(st.sampled_from(KEYS)).map(b" ".join)
NEAR_FETCH = st.from_regex(
    re.compile(rb"\(?(BODY(\.PEEK)?\[[A-Z. ()]{0,12}\](<\d\.\d>)?|FLAGS|RFC822 ?)*\)?")
)


@given(st.binary() | NEAR_SEARCH)
def test_any_bytes_are_a_search_or_a_documented_error(data: bytes) -> None:
    store = MailStore(["alice"])
    store.deliver("alice", data)
    view = View(store.mailbox("alice"), read_only=True)
    message = store.mailbox("alice").messages[1]
    try:
        found = parse_search(Arguments(data), view)(Candidate(1, message, is_recent=False))
    except (BadCommandError, RefusedError):
        return
    assert isinstance(found, bool)


@given(st.binary() | NEAR_FETCH, st.binary())
def test_any_bytes_are_items_or_a_documented_error(data: bytes, mail: bytes) -> None:
    store = MailStore(["alice"])
    store.deliver("alice", mail)
    try:
        for item in parse_items(Arguments(data)):
            assert render(item, store.mailbox("alice").messages[1], "()")
    except (BadCommandError, RefusedError):
        return
