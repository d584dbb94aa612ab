"""What is said for a message, and what is refused before anything is sent."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import SubmissionError, UsageError
from tests.transports.envelopes import ALL, HEAD, letter, made, sent

# --- addresses


def test_sender_and_recipients_come_from_the_header() -> None:
    message = letter(Cc="carol@example.org, Dave <dave@example.org>", Bcc="eve@example.org")
    out = made(message)
    assert out.mail.startswith(b"MAIL FROM:<alice@example.org> ")
    assert out.recipients == tuple(f"{n}@example.org" for n in ("bob", "carol", "dave", "eve"))
    assert out.rcpt[0] == b"RCPT TO:<bob@example.org>\r\n"


def test_the_header_of_bytes_is_read_the_same() -> None:
    out = made(HEAD.replace(b"Subject", b"Bcc: eve@example.org\r\nSubject") + b"x\r\n")
    assert out.recipients == ("bob@example.org", "eve@example.org")


def test_sender_goes_before_from_and_resent_before_both() -> None:
    assert made(letter(Sender="s@example.org")).mail.startswith(b"MAIL FROM:<s@example.org>")
    again = letter(
        Resent_Date="Mon, 01 Jan 2024 00:00:00 +0000",
        Resent_From="r@example.org",
        Resent_To="t@example.org",
        Resent_Bcc="u@example.org",
    )
    out = made(again)
    assert out.mail.startswith(b"MAIL FROM:<r@example.org>")
    assert out.recipients == ("t@example.org", "u@example.org")
    assert b"u@example.org" not in b"".join(out.message.pieces())


def test_what_is_named_goes_before_the_header() -> None:
    out = made(letter(), sender="", recipients="x@example.org")
    assert out.mail.startswith(b"MAIL FROM:<> ")
    assert out.recipients == ("x@example.org",)


def test_a_recipient_is_named_once() -> None:
    assert made(letter(Cc="bob@example.org")).recipients == ("bob@example.org",)


UNREAD = [
    "a@example.org; b@example.org",
    "a@example.org b@example.org",
    "a@good.example <b@evil.example>",
    "<b@evil.example>@good.example",
    "a@example.org)b@example.org",
    "a@b@example.org, c@example.org",
    "Alice Smith, c@example.org",
]


@pytest.mark.parametrize("field", ["From", "To", "Cc", "Bcc"])
@pytest.mark.parametrize("text", UNREAD)
def test_a_list_that_was_not_read_to_its_end_is_refused(text: str, field: str) -> None:
    others = {"From": "x@example.org", "To": "y@example.org"}
    head = "".join(f"{name}: {value}\r\n" for name, value in {**others, field: text}.items())
    message = f"{head}\r\nHello.\r\n".encode()
    with pytest.raises(UsageError):
        made(message)
    assert made(message, sender="s@example.org", recipients="r@example.org").recipients


@pytest.mark.parametrize(
    "text",
    [
        "John Q. Public <a@example.org>",
        "a@example.org, ,",
        "group: a@example.org;",
        '"=?utf-8?q?J?=" <a@example.org>',
        "=?utf-8?q?J?=K <a@example.org>",
        "J <@relay.example:a@example.org>",
        "a@example.org (J)",
    ],
)
def test_a_list_written_loosely_is_read(text: str) -> None:
    message = f"From: x@example.org\r\nTo: {text}\r\n\r\nHello.\r\n".encode()
    assert made(message).recipients == ("a@example.org",)


@pytest.mark.parametrize(
    "message",
    [
        b"Subject: x\r\n\r\n",
        b"From: a@b\r\n\r\n",
        b"To: a@b\r\n\r\n",
        b"From: a@b, c@d\r\nTo: e@f\r\n\r\n",
        b"From: undisclosed\r\nTo: e@f\r\n\r\n",
        b"Resent-Date: x\r\nResent-Date: y\r\nFrom: a@b\r\nTo: a@b\r\n\r\n",
    ],
)
def test_a_header_that_does_not_say_who_is_refused(message: bytes) -> None:
    with pytest.raises(UsageError):
        made(message)


@pytest.mark.parametrize(
    "address",
    ["", "a", "@b", "a@", "a@b>", "<a@b", "a b@c", "a@b c", "a@b\r\nRCPT TO:<x@y>", "a@b SIZE=1",
     "a@b\0", "a\u2028@b", 'a"b@c', "a@b@c", "a" * 251 + "@b.c", "a@b,c@d", "\ud800@b", "a@[b"],
)  # fmt: skip
def test_an_address_that_would_be_more_than_an_address_is_refused(address: str) -> None:
    for options in ({"recipients": [address]}, {"sender": address or " "}):
        with pytest.raises(UsageError):
            made(letter(), **options)


@pytest.mark.parametrize("address", ['"a b>"@c.example', "a+b=c@[192.0.2.1]", "o'x@d.example"])
def test_an_odd_address_is_an_address(address: str) -> None:
    assert made(letter(), recipients=[address]).recipients == (address,)


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_address_writes_two_commands(local: str, domain: str) -> None:
    try:
        out = made(letter(), recipients=[f"{local}@{domain}"])
    except (UsageError, SubmissionError):
        return
    assert out.rcpt[0].count(b"\r\n") == 1
    assert out.rcpt[0].count(b"\n") == out.rcpt[0].count(b"\r") == 1


# --- the message


def test_bcc_is_not_sent() -> None:
    assert b"eve" not in sent(letter(Bcc="eve@example.org"))
    head = HEAD.replace(b"Subject", b"bcc : eve@example.org,\r\n\teve2@example.org\r\nSubject")
    text = head + b"Bcc: is only text here\r\n"
    out = sent(text, recipients="bob@example.org")
    assert out == HEAD + b"Bcc: is only text here\r\n"


def test_a_message_given_is_not_changed() -> None:
    message = letter(Bcc="eve@example.org")
    sent(message)
    assert message["Bcc"] == "eve@example.org"


def test_dots_are_stuffed_and_the_last_line_is_ended() -> None:
    assert sent(HEAD + b".\r\n..a") == HEAD + b"..\r\n...a\r\n"
    assert made(HEAD + b".\r\n..a").message.size == len(HEAD + b".\r\n..a\r\n")


def test_lines_that_all_end_in_lf_end_in_crlf() -> None:
    unix = (HEAD + b"a\r\n.\r\nb").replace(b"\r\n", b"\n")
    assert sent(unix) == HEAD + b"a\r\n..\r\nb\r\n"
    assert made(unix).message.size == len(HEAD + b"a\r\n.\r\nb\r\n")


@pytest.mark.parametrize(
    "body",
    [
        b"a\nb\r\n",
        b"a\rb\r\n",
        b"\n.\r\n",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"a\r\r\n",
        b"a\0\r\n",
    ],
)
def test_a_line_end_that_servers_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        made(HEAD + body)
    assert caught.value.field == "submit.message"


def test_a_lone_cr_in_lines_that_end_in_lf_is_refused() -> None:
    with pytest.raises(UsageError, match="lone CR or LF"):
        made(b"From: a@b\nTo: a\r@b\n\nx\n")


@pytest.mark.parametrize(("end", "at"), [(b"\r\n", 5), (b"\n", 5)])
def test_a_line_that_servers_would_break_is_refused(end: bytes, at: int) -> None:
    head = HEAD.replace(b"\r\n", end)
    made(head + b"x" * 998 + end)
    made(head + b"x" * 998)
    with pytest.raises(UsageError, match=f"line {at} is longer than 998"):
        made(head + b"x" * 999 + end)
    with pytest.raises(UsageError):
        made(head + (b"y" * 70 + end) * 50 + b"x" * 1000)


def test_a_message_may_be_a_header_only() -> None:
    assert sent(b"From: a@b\r\nTo: c@d") == b"From: a@b\r\nTo: c@d\r\n"
    assert sent(b"From: a@b\r\nTo: c@d\r\nBcc: e@f") == b"From: a@b\r\nTo: c@d\r\n"


@pytest.mark.parametrize("message", ["From: a@b", None, 5, bytearray(b"From: a@b")])
def test_another_kind_of_message_is_refused(message: Any) -> None:
    with pytest.raises(UsageError):
        made(message)


@given(st.binary(max_size=200))
def test_any_bytes_are_sent_or_refused_with_our_error(data: bytes) -> None:
    try:
        out = made(data, sender="a@b", recipients=["c@d"])
    except (UsageError, SubmissionError):
        return
    wire = b"".join(out.message.pieces())
    assert b"\r\n.\r\n" not in b"\r\n" + wire
    assert wire.count(b"\r\n") == wire.count(b"\n") == wire.count(b"\r")
    dots = sum(line.startswith(b".") for line in wire.split(b"\r\n"))
    assert out.message.size == len(wire) - dots


def test_a_message_object_that_cannot_be_written_is_refused() -> None:
    message = letter()
    message.set_payload(5)  # type: ignore[call-overload]  # the point
    for has in (ALL, frozenset[str]()):
        with pytest.raises(UsageError):
            made(message, has=has)


@pytest.mark.parametrize("depth", [400, 2_000])
def test_a_message_object_that_is_nested_too_deep_is_refused(depth: int) -> None:
    message = letter()
    for _ in range(depth):
        outer = EmailMessage()
        outer.make_mixed()
        outer.attach(message)
        message = outer
    with pytest.raises(UsageError, match="recursion"):
        made(message, sender="a@example.org", recipients="b@example.org")
    with pytest.raises(UsageError, match="recursion"):
        made(
            message,
            has=frozenset(),
            sender="a@example.org",
            recipients="b@example.org",
        )


def test_a_date_that_is_none_is_the_senders_business() -> None:
    dated = HEAD.replace(b"Subject", b"Resent-Date: 1 Jan 99999 00:00:00 +99999999999\r\nSubject")
    assert made(dated, sender="a@b.c", recipients="d@e.f").recipients == ("d@e.f",)


def test_a_small_message_is_one_piece_and_no_piece_is_empty() -> None:
    head = b"From: alice@example.org\nTo: bob@example.org\n"
    long_head = head + (b"X: " + b"x" * 66 + b"\n") * 1000
    small, large = (made(each + b"\nText.\n").message.pieces() for each in (head, long_head))
    assert len(list(small)) == 1
    pieces = list(large)
    assert len(pieces) > 1
    assert all(pieces)
