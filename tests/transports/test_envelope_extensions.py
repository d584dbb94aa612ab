"""What a message needs of the server, and that it does not go where that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from securemail import DSN, Notify, Returned, UsageError
from tests.transports.envelopes import ALL, HEAD, letter, made, missing


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


def test_addresses_in_the_utf8_header_of_bytes_are_read() -> None:
    message = "From: Jörg <jörg@example.org>\r\nTo: ü@exämple.org\r\n\r\nx\r\n".encode()
    out = made(message)
    assert out.mail.startswith("MAIL FROM:<jörg@example.org> ".encode())
    assert out.recipients == ("ü@exämple.org",)
    assert missing(message, has=ALL - {"SMTPUTF8"}) == "SMTPUTF8"


def test_an_address_in_no_known_encoding_is_refused() -> None:
    with pytest.raises(UsageError):
        made("From: alice@example.org\r\nTo: ü@example.org\r\n\r\nx\r\n".encode("latin-1"))


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
