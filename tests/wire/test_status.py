"""What servers say about mailboxes by name, read whole and with any bytes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.errors import ProtocolError
from securemail.wire.mailbox import mailbox_argument
from securemail.wire.status import Status, mailbox_name, same_name, take_statuses

LINES = [
    (
        b"STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)",
        Status("blurdybloop", {"MESSAGES": 231, "UIDNEXT": 44292}),
    ),
    (
        b'status "misc" (uidnext 999 messages 555 UIDVALIDITY 1) ',
        Status("misc", {"UIDNEXT": 999, "MESSAGES": 555, "UIDVALIDITY": 1}),
    ),
    (b"STATUS misc (HIGHESTMODSEQ 7011231777)", Status("misc", {"HIGHESTMODSEQ": 7011231777})),
    (b"STATUS x (UNSEEN 3)", Status("x", {})),
    (b"STATUS x (MAILBOXID (F2212) MESSAGES 3 SIZE 9)", Status("x", {"MESSAGES": 3})),
    (b"STATUS x (XMESSAGES 3 MESSAGES (3) UIDNEXT 1x)", Status("x", {})),
    (b"STATUS x ()", Status("x", {})),
    (b"STATUS x (UIDNEXT 4294967296)", Status("x", {"UIDNEXT": 4294967296})),
    (b'STATUS "a \\"b\\" \\\\c" (MESSAGES 1)', Status('a "b" \\c', {"MESSAGES": 1})),
    (b"STATUS Entw&APw-rfe (MESSAGES 1)", Status("Entw\u00fcrfe", {"MESSAGES": 1})),
    (b'STATUS "R&-D" (MESSAGES 1)', Status("R&D", {"MESSAGES": 1})),
    ('STATUS "Entwürfe" (MESSAGES 1)'.encode(), Status("Entw\u00fcrfe", {"MESSAGES": 1})),
]


@pytest.mark.parametrize(("line", "status"), LINES)
def test_a_status_says_what_the_rfc_says(line: bytes, status: Status) -> None:
    assert take_statuses([line]) == ([status], [])


def test_a_name_may_come_as_a_literal() -> None:
    lines: list[bytes | bytearray]
    lines = [b"1 EXISTS", b"STATUS {3}", bytearray(b"a b"), b" (MESSAGES 1)", b"OK x"]
    assert take_statuses(lines) == ([Status("a b", {"MESSAGES": 1})], [b"1 EXISTS", b"OK x"])


@pytest.mark.parametrize(
    "lines",
    [
        [b"STATUS x"],
        [b"STATUS x MESSAGES 1"],
        [b"STATUS  (MESSAGES 1)"],
        [b"STATUS {1} (MESSAGES 1)"],
        [b"STATUS {1}"],
        [b"STATUS {1}", bytearray(b"x")],
        [b"STATUS x (MESSAGES 4294967296)"],
        [b"STATUS x (UIDNEXT 4294967297)"],
        [b"STATUS x (HIGHESTMODSEQ 9223372036854775808)"],
    ],
)
def test_a_malformed_status_is_the_servers_fault(lines: list[bytes | bytearray]) -> None:
    with pytest.raises(ProtocolError):
        take_statuses(lines)


PIECES = st.one_of(
    st.binary(max_size=30),
    st.binary(max_size=30).map(bytearray),
    st.sampled_from([b"STATUS {3}", *(line for line, _ in LINES)]),
)


@given(st.lists(PIECES, max_size=6))
def test_any_lines_are_understood_or_handed_on_or_a_protocol_error(
    lines: list[bytes | bytearray],
) -> None:
    with contextlib.suppress(ProtocolError):
        statuses, others = take_statuses(lines)
        assert len(statuses) + len(others) <= len(lines)


PRINTABLE = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=50
)


@given(PRINTABLE)
def test_a_name_comes_back_as_it_was_sent(name: str) -> None:
    line = b"STATUS " + mailbox_argument(name).encode("ascii") + b" (MESSAGES 1)"
    assert take_statuses([line]) == ([Status(name, {"MESSAGES": 1})], [])


@given(st.binary(max_size=60))
def test_any_name_is_a_text(raw: bytes) -> None:
    assert isinstance(mailbox_name(b"&" + raw + b"-"), str)


def test_the_inbox_has_no_case_and_others_have() -> None:
    assert same_name("Inbox") == same_name("INBOX")
    assert same_name("archive") != same_name("Archive")
