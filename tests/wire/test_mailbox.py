"""What servers say about a mailbox, read whole and with any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.errors import ProtocolError, UsageError
from securemail.uids import UIDSet
from securemail.wire.mailbox import (
    Bye,
    Code,
    Exists,
    Expunged,
    Fetched,
    Found,
    Item,
    Vanished,
    mailbox_argument,
    parse_items,
)

LINES: list[tuple[bytes, Item | None]] = [
    (b"3 EXISTS", Exists(3)),
    (b"3 exists", Exists(3)),
    (b"2 RECENT", None),
    (b"7 EXPUNGE", Expunged(7)),
    (b"VANISHED 1:3,9", Vanished(UIDSet.of([1, 2, 3, 9]), is_earlier=False)),
    (b"VANISHED (EARLIER) 41,43:44", Vanished(UIDSet.of([41, 43, 44]), is_earlier=True)),
    (b"2 FETCH (UID 4 FLAGS () MODSEQ (5))", Fetched(2, 4, 5, has_flags=True)),
    (b"2 FETCH (FLAGS (\\Seen) UID 4)", Fetched(2, 4, 0, has_flags=True)),
    (b"2 FETCH (MODSEQ (12) UID 4)", Fetched(2, 4, 12, has_flags=False)),
    (b"2 FETCH (FLAGS (\\Seen))", Fetched(2, None, 0, has_flags=True)),
    (b"2 FETCH (FLAGS (UID 99 MODSEQ) UID 4)", Fetched(2, 4, 0, has_flags=True)),
    (b"SEARCH", Found(UIDSet())),
    (b"SEARCH 4 2 3", Found(UIDSet.of([2, 3, 4]))),
    (b"SEARCH 2 5 (MODSEQ 917162500)", Found(UIDSet.of([2, 5]))),
    (b'ESEARCH (TAG "A1") UID ALL 1:3,8', Found(UIDSet.of([1, 2, 3, 8]))),
    (b'ESEARCH (TAG "A1") UID COUNT 2 ALL 1,8', Found(UIDSet.of([1, 8]))),
    (b'ESEARCH (TAG "A1") UID', Found(UIDSet())),
    (b"OK [UIDVALIDITY 17] valid", Code("UIDVALIDITY", 17)),
    (b"OK [UIDNEXT 4392] predicted", Code("UIDNEXT", 4392)),
    (b"OK [HIGHESTMODSEQ 715194045007]", Code("HIGHESTMODSEQ", 715194045007)),
    (b"OK [NOMODSEQ] none", None),
    (b"OK Still here", None),
    (b"BYE shutting down", Bye("shutting down")),
    (b"BYE", Bye("")),
    (b"FLAGS (\\Answered)", None),
    (b"LIST () NIL x", None),
    (b"", None),
]


@pytest.mark.parametrize(("line", "item"), LINES)
def test_a_line_says_what_the_rfc_says(line: bytes, item: Item | None) -> None:
    assert list(parse_items([line])) == ([] if item is None else [item])


@pytest.mark.parametrize(
    "line",
    [
        b"4294967296 EXISTS",
        b"1 EXISTS x",
        b"1 FETCH (UID 0)",
        b"1 FETCH (UID 4294967296)",
        b"1 FETCH (UID 1",
        b"1 FETCH (UID 1 MODSEQ (9999999999999999999))",
        b"VANISHED",
        b"VANISHED 1:*",
        b"VANISHED (LATER) 1",
        b"SEARCH x",
        b"SEARCH 0",
        b"SEARCH 99999999999",
        b"SEARCH " + b"9" * 5000,
        b"ESEARCH ALL 1",
        b'ESEARCH (TAG "A1") UID ALL 0',
        b"OK [UIDVALIDITY 4294967296]",
        b"OK [HIGHESTMODSEQ 99999999999999999999]",
        bytearray(b"a literal"),
    ],
)
def test_a_line_that_is_malformed_is_a_protocol_error(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(parse_items([line]))


WORDS = st.sampled_from(
    [b"1", b"4294967295", b"99999999999", b" ", b"EXISTS", b"FETCH", b"EXPUNGE", b"VANISHED",
     b"(EARLIER)", b"SEARCH", b"ESEARCH", b"UID", b"(", b")", b"MODSEQ", b"FLAGS", b"OK", b"[",
     b"UIDNEXT", b"]", b",", b":", b"BYE", b"ALL", b"\xff"]
)  # fmt: skip


@given(st.binary(max_size=60) | st.lists(WORDS, max_size=12).map(b"".join))
def test_any_line_is_understood_or_skipped_or_a_protocol_error(line: bytes) -> None:
    try:
        items = list(parse_items([line]))
    except ProtocolError:
        return
    assert len(items) <= 1


def test_a_search_of_a_mailbox_of_a_million_is_read() -> None:
    line = b"SEARCH " + b" ".join(b"%d" % uid for uid in range(1, 1_000_001))
    (item,) = parse_items([line])
    assert item == Found(UIDSet([(1, 1_000_000)]))


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("INBOX", '"INBOX"'),
        ("Sent Items", '"Sent Items"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ("A&B", '"A&-B"'),
        # RFC 3501 section 5.1.3.
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
        ("\N{GRINNING FACE}", '"&2D3eAA-"'),
    ],
)
def test_a_mailbox_is_named_in_modified_utf7(name: str, argument: str) -> None:
    assert mailbox_argument(name) == argument


@pytest.mark.parametrize("name", ["", "a\r\nb", "a\0b", "x" * 1001, 7, None, b"INBOX"])
def test_what_is_no_name_of_a_mailbox_is_a_usage_error(name: object) -> None:
    with pytest.raises(UsageError):
        mailbox_argument(name)  # type: ignore[arg-type]  # that is the point
