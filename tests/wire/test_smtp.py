"""SMTP replies and data, whole, byte by byte, and in any chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.smtp import Answer, AnswerReader, stuffed, xtext

THREE = b"250-mail.example.org\r\n250-SIZE\r\n250 2.1.0 ok\r\n"


def read(*chunks: bytes) -> list[Answer]:
    reader = AnswerReader()
    return [answer for chunk in chunks for answer in reader.feed(chunk)]


def test_a_reply_is_the_same_however_it_is_cut() -> None:
    whole = [Answer(250, (b"mail.example.org", b"SIZE", b"2.1.0 ok"))]
    assert read(THREE) == whole
    assert read(*(THREE[i : i + 1] for i in range(len(THREE)))) == whole
    assert read(THREE + b"35") == whole
    assert read(THREE + THREE) == whole * 2


@pytest.mark.parametrize(
    ("line", "code", "enhanced", "words"),
    [
        (b"250 ok\r\n", 250, "", "ok"),
        (b"250\r\n", 250, "", ""),
        (b"550 5.1.1 no such user\r\n", 550, "5.1.1", "5.1.1 no such user"),
        (b"451 4.7.500 later\r\n", 451, "4.7.500", "4.7.500 later"),
        (b"250 2.0\r\n", 250, "", "2.0"),
        (b"250 \x1b[2J\r\n", 250, "", "\N{REPLACEMENT CHARACTER}[2J"),
    ],
)
def test_a_reply_has_a_code_an_enhanced_code_and_words(
    line: bytes, code: int, enhanced: str, words: str
) -> None:
    (answer,) = read(line)
    assert (answer.code, answer.enhanced, answer.words) == (code, enhanced, words)


@pytest.mark.parametrize(
    "line",
    [b"\r\n", b"25 ok\r\n", b"2500 ok\r\n", b"150 ok\r\n", b"600 ok\r\n", b"+50 ok\r\n",
     b"25\xb9 ok\r\n", b"250=ok\r\n", b"* OK\r\n", b"250 a\nb\r\n", b"250 \0\r\n"],
)  # fmt: skip
def test_what_is_no_reply_is_an_error(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(line)


def test_a_reply_without_end_is_an_error() -> None:
    with pytest.raises(LimitExceeded):
        read(*[b"250-x\r\n"] * 100)
    with pytest.raises(LimitExceeded):
        read(*[b"250-" + b"x" * 8000 + b"\r\n"] * 5)


@given(st.lists(st.binary(max_size=50)))
def test_any_bytes_in_any_chunks_are_replies_or_our_error(chunks: list[bytes]) -> None:
    try:
        read(*chunks)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (b"", b""),
        (b"a", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b".", b"..\r\n"),
        (b".\r\n.\r\n..\r\na.\r\n", b"..\r\n..\r\n...\r\na.\r\n"),
        (b"\n.\n", b"\r\n..\r\n"),
    ],
)
def test_data_gets_its_line_ends_and_its_dots(text: bytes, sent: bytes) -> None:
    assert b"".join(stuffed(text)) == sent


@given(st.lists(st.sampled_from([b"", b".", b"..", b"x", b"." * 200, b"y" * 700]), max_size=500))
def test_what_was_stuffed_is_found_again_by_the_rule_of_the_rfc(lines: list[bytes]) -> None:
    text = b"".join(line + b"\r\n" for line in lines)
    pieces = list(stuffed(text))
    sent = b"".join(pieces)
    assert b"\r\n.\r\n" not in b"\r\n" + sent
    received = sent.split(b"\r\n")[:-1]
    assert [line.removeprefix(b".") if line[:1] == b"." else line for line in received] == lines
    assert all(piece.endswith(b"\r\n") for piece in pieces)


def test_large_data_is_made_in_small_pieces() -> None:
    assert max(map(len, stuffed(b"." * 70 + b"\r\n" * 200_000))) <= 2 * 64 * 1024


def test_xtext_hides_what_has_a_meaning() -> None:
    assert xtext("a+b=c d~") == "a+2Bb+3Dc+20d~"
