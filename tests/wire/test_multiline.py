"""POP3 answers out of a stream, in any pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.multiline import AnswerReader
from securemail.wire.pop3 import Status


def read(*chunks: bytes, is_multiline: bool = True) -> tuple[Status | None, bytes, bytes | None]:
    """Return status, text and what follows; the chunks behind the answer's end follow it, too."""
    reader = AnswerReader(is_multiline=is_multiline)
    text, rest = b"", None
    for chunk in chunks:
        if rest is not None:
            rest += chunk
            continue
        piece, rest = reader.feed(chunk)
        text += piece
    return reader.status, text, rest


def octets(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def stuffed(text: bytes) -> bytes:
    """Protect lines as RFC 1939 section 3 says. `text` is empty or ends with CRLF."""
    lines = text.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


OK = Status(is_ok=True, text=b"")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n..\r\n..b\r\n.\r\n", b"a\r\n.\r\n.b\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"a\n.\n\r\n.\r\n", b"a\n.\n\r\n"),
        (b"a\r.\r\r\n.\r\n", b"a\r.\r\r\n"),
        (b"\r\n\r\n.\r\n", b"\r\n\r\n"),
        (b"\r\r\n.\r\n", b"\r\r\n"),
        (b".\r.\r\n.\r\n", b"\r.\r\n"),
        (b"\0\xff\x80\r\n.\r\n", b"\0\xff\x80\r\n"),
    ],
)
@pytest.mark.parametrize("behind", [b"", b"+OK next\r\n", b".\r\n", b"\r\n"])
def test_a_text_is_what_was_sent_without_the_protecting_dots(
    sent: bytes, text: bytes, behind: bytes
) -> None:
    whole = b"+OK\r\n" + sent + behind
    assert read(whole) == (OK, text, behind)
    assert read(*octets(whole)) == (OK, text, behind)
    for cut in range(1, len(whole)):
        assert read(whole[:cut], whole[cut:]) == (OK, text, behind)


@given(
    st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"\xff"]), max_size=30),
    st.binary(max_size=20),
    st.data(),
)
def test_any_text_comes_out_as_it_went_in_however_it_is_cut(
    parts: list[bytes], behind: bytes, data: st.DataObject
) -> None:
    text = b"".join(parts) + b"\r\n" if parts else b""
    whole = b"+OK fine\r\n" + stuffed(text) + b".\r\n" + behind
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in itertools.pairwise([0, *cuts, len(whole)])]
    assert read(*pieces) == (Status(is_ok=True, text=b"fine"), text, behind)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_give_text_or_one_of_our_errors(chunks: list[bytes]) -> None:
    try:
        read(b"+OK\r\n", *chunks)
        read(*chunks)
    except ProtocolError:
        pass


def test_an_answer_that_is_cut_anywhere_has_no_end() -> None:
    whole = b"+OK\r\na\r\n..b\r\n.\r\n"
    for end in range(len(whole)):
        assert read(whole[:end])[2] is None


@pytest.mark.parametrize("is_multiline", [True, False])
def test_a_refusal_has_no_text(is_multiline: bool) -> None:
    status, text, rest = read(b"-ERR no such message\r\n+OK", is_multiline=is_multiline)
    assert status == Status(is_ok=False, text=b"no such message")
    assert (text, rest) == (b"", b"+OK")


def test_an_answer_of_one_line_ends_with_it() -> None:
    assert read(b"+OK\r\na\r\n.\r\n", is_multiline=False) == (OK, b"", b"a\r\n.\r\n")


@pytest.mark.parametrize(
    "line", [b"+ more", b"* OK", b"", b"+OK a\rb", b"+OK a\nb", b"-ERR \0", b".", b"+ok"]
)
def test_a_line_that_is_no_status_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(line + b"\r\n")


def test_a_status_line_at_the_limit_passes_and_one_octet_more_does_not() -> None:
    line = b"+OK " + b"x" * (limits.POP3_STATUS_BYTES - 4)
    for passing in ([line + b"\r\n"], [*octets(line), b"\r", b"\n"]):
        assert read(*passing)[0] is not None
    for chunks in (
        [line + b"x\r\n"],
        [line, b"x\r\n"],
        [line + b"xy"],
        [*octets(line), b"x", b"y"],
    ):
        with pytest.raises(LimitExceeded) as caught:
            read(*chunks)
        assert caught.value.limit == limits.POP3_STATUS_BYTES


def test_a_reader_of_text_holds_four_octets_at_most() -> None:
    reader = AnswerReader(is_multiline=True)
    sent = b"+OK\r\n" + b"line\r\n..\r\n" * 1000
    given_on = sum(len(reader.feed(octet)[0]) for octet in octets(sent))
    text = len(sent) - len(b"+OK\r\n") - 1000
    assert text - given_on <= 4
