"""What is said for a message, and what is refused before anything is sent."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import DSN, Notify, Returned, SubmissionError, UsageError
from securemail.transports.envelope import Abilities, Envelope, Wish, envelope

ALL = frozenset({"SIZE 100000", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS"})
HEAD = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: x\r\n\r\n"


def letter(text: str = "Hello.", **fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "alice@example.org"
    message["To"] = "bob@example.org"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def made(
    message: EmailMessage | bytes,
    *,
    has: frozenset[str] = ALL,
    is_encrypted: bool = True,
    sender: str | None = None,
    recipients: Any = None,
    require_tls: bool = False,
    dsn: DSN | None = None,
) -> Envelope:
    wish = Wish(sender, recipients, require_tls, dsn)
    return envelope(message, wish, Abilities(has, is_encrypted))


def sent(message: EmailMessage | bytes, **options: Any) -> bytes:
    return b"".join(made(message, **options).message.pieces())


def missing(message: EmailMessage | bytes, **options: Any) -> str:
    with pytest.raises(SubmissionError) as caught:
        made(message, **options)
    assert caught.value.step == "extension"
    assert not caught.value.is_temporary
    return caught.value.missing


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


# --- what the server must have


def test_8bitmime_is_said_for_8_bits_and_only_then() -> None:
    assert b"BODY=8BITMIME" in made(HEAD + b"\xe4\r\n").mail
    assert b"BODY" not in made(HEAD + b"a\r\n").mail
    assert b"BODY=8BITMIME" in made(letter("Grüße")).mail


def test_bytes_in_8_bits_are_refused_where_they_cannot_go() -> None:
    assert missing(HEAD + b"\xe4\r\n", has=frozenset()) == "8BITMIME"


def test_a_message_object_in_8_bits_is_encoded_anew_where_8_bits_cannot_go() -> None:
    out = made(letter("Grüße"), has=frozenset())
    assert b"BODY" not in out.mail
    wire = b"".join(out.message.pieces())
    assert wire.isascii()
    assert b"Content-Transfer-Encoding: base64" in wire


def test_a_signed_message_in_8_bits_is_refused_where_8_bits_cannot_go() -> None:
    message = letter("Grüße")
    message.make_mixed()
    message.set_type("multipart/signed")
    assert missing(message, has=frozenset()) == "8BITMIME"


@pytest.mark.parametrize(
    "options",
    [{"recipients": "jürgen@example.org"}, {"sender": "jürgen@example.org"},
     {"recipients": "j@bücher.example"}],
)  # fmt: skip
def test_smtputf8_is_said_for_addresses_that_need_it(options: dict[str, Any]) -> None:
    out = made(letter(), **options)
    assert b" SMTPUTF8" in out.mail
    assert missing(letter(), has=ALL - {"SMTPUTF8"}, **options) == "SMTPUTF8"
    assert missing(HEAD, has=ALL - {"SMTPUTF8"}, **options) == "SMTPUTF8"


def test_an_address_in_the_header_that_is_not_ascii_goes_as_utf8_or_not_at_all() -> None:
    message = letter(Cc="jürgen@example.org")
    out = made(message, recipients="bob@example.org")
    assert b" BODY=8BITMIME SMTPUTF8" in out.mail
    assert "Cc: jürgen@example.org".encode() in b"".join(out.message.pieces())
    assert missing(message, has=ALL - {"SMTPUTF8"}, recipients="b@c.org") == "SMTPUTF8"


def test_a_name_that_is_not_ascii_needs_no_smtputf8() -> None:
    out = made(letter(Subject="Grüße", Cc="Jürgen <j@example.org>"))
    assert b"SMTPUTF8" not in out.mail
    assert b"=?utf-8?" in b"".join(out.message.pieces())


def test_bytes_with_a_utf8_header_need_smtputf8() -> None:
    message = HEAD.replace(b"Subject: x", "Subject: Grüße".encode())
    assert b" SMTPUTF8" in made(message).mail
    assert missing(message, has=frozenset({"8BITMIME"})) == "SMTPUTF8"


def test_size_is_said_and_checked_before_anything_is_sent() -> None:
    out = made(letter())
    assert b" SIZE=%d" % out.message.size in out.mail
    assert missing(HEAD + b"x" * 20, has=frozenset({"SIZE 50"})) == "SIZE"
    for offer in ("SIZE", "SIZE 0", "SIZE x", f"SIZE {'9' * 5000}"):
        assert b" SIZE=" in made(letter(), has=frozenset({offer})).mail
    assert b"SIZE" not in made(letter(), has=frozenset()).mail


def test_requiretls_is_said_or_the_message_does_not_go() -> None:
    assert b" REQUIRETLS" in made(letter(), require_tls=True).mail
    assert b"REQUIRETLS" not in made(letter()).mail
    assert missing(letter(), has=ALL - {"REQUIRETLS"}, require_tls=True) == "REQUIRETLS"


def test_requiretls_without_tls_is_refused_though_it_is_offered() -> None:
    with pytest.raises(UsageError, match="no TLS"):
        made(letter(), require_tls=True, is_encrypted=False)


def test_a_notification_is_asked_for_as_the_rfc_says_or_the_message_does_not_go() -> None:
    dsn = DSN(
        notify=[Notify.FAILURE, Notify.SUCCESS], returned=Returned.HEADERS, envelope_id="a+b c"
    )
    out = made(letter(), dsn=dsn)
    assert out.mail.endswith(b" RET=HDRS ENVID=a+2Bb+20c\r\n")
    assert out.rcpt[0] == b"RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE\r\n"
    assert missing(letter(), has=ALL - {"DSN"}, dsn=dsn) == "DSN"


def test_a_keyword_is_not_found_in_another_ones_parameters() -> None:
    has = frozenset({"X-OLD DSN REQUIRETLS", "XDSN"})
    assert missing(letter(), has=has, dsn=DSN()) == "DSN"


@pytest.mark.parametrize(
    "options",
    [{"notify": [Notify.NEVER, Notify.DELAY]}, {"envelope_id": "x" * 101}, {"envelope_id": "ä"},
     {"envelope_id": "a\r\nb"}],
)  # fmt: skip
def test_a_notification_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        DSN(**options)
