"""What a POP3 server lists, before TLS and inside, and STLS between (RFC 2449, RFC 2595)."""

from __future__ import annotations

import pytest

from securemail import limits
from securemail.errors import (
    InjectionError,
    LimitExceeded,
)
from securemail.protocol.dialogue import (
    Discover,
    Discovered,
    LoggedIn,
    Refused,
    StartTLS,
    State,
    UpgradeAgreed,
)
from tests.protocol.test_pop3_dialogue import LISTED, PLAIN, asked, say


def test_capabilities_are_the_lines_of_the_answer() -> None:
    pop3 = asked(Discover())
    assert say(pop3, LISTED) == Discovered()
    assert pop3.capabilities == frozenset({"TOP", "SASL PLAIN EXTERNAL", "USER"})
    assert pop3.mechanisms == {"PLAIN", "EXTERNAL"}
    assert pop3.has_login_command
    assert pop3.takes_initial_response


def test_capabilities_may_come_byte_by_byte() -> None:
    pop3 = asked(Discover())
    events = [say(pop3, bytes([octet])) for octet in LISTED]
    assert events == [None] * (len(LISTED) - 1) + [Discovered()]


def test_a_server_without_capa_has_no_capabilities_and_the_login_of_rfc_1939() -> None:
    pop3 = asked(Discover())
    assert say(pop3, b"-ERR unknown command\r\n") == Discovered()
    assert pop3.capabilities == frozenset()
    assert pop3.mechanisms == frozenset()
    assert pop3.has_login_command


def test_the_login_command_is_not_there_where_it_is_not_listed() -> None:
    pop3 = asked(Discover())
    say(pop3, b"+OK\r\nSASL PLAIN\r\n.\r\n")
    assert not pop3.has_login_command


def test_a_capability_of_a_longer_name_is_another_one() -> None:
    pop3 = asked(Discover())
    say(pop3, b"+OK\r\nUTF8 USER\r\nSASL-X PLAIN\r\n.\r\n")
    assert not pop3.has_login_command
    assert pop3.mechanisms == frozenset()


def test_a_reply_within_the_list_is_a_capability_and_no_reply() -> None:
    pop3 = asked(Discover())
    assert say(pop3, b"+OK\r\n+OK logged in\r\n.\r\n") == Discovered()
    assert pop3.capabilities == frozenset({"+OK LOGGED IN"})


def test_capabilities_learnt_inside_tls_are_kept_after_login() -> None:
    pop3 = asked(Discover())
    say(pop3, LISTED)
    pop3.send(PLAIN)
    assert say(pop3, b"+OK in\r\n") == LoggedIn()
    assert pop3.capabilities == frozenset({"TOP", "SASL PLAIN EXTERNAL", "USER"})


def test_an_endless_list_of_capabilities_is_refused() -> None:
    pop3 = asked(Discover())
    with pytest.raises(LimitExceeded) as caught:
        say(pop3, b"+OK\r\n" + b"X\r\n" * limits.LOGIN_UNTAGGED_LINES)
    assert caught.value.limit == limits.LOGIN_UNTAGGED_LINES
    assert pop3.state is State.CLOSED


def test_a_list_at_the_limit_passes() -> None:
    pop3 = asked(Discover())
    lines = b"X\r\n" * (limits.LOGIN_UNTAGGED_LINES - 2)
    assert say(pop3, b"+OK\r\n" + lines + b".\r\n") == Discovered()


def test_stls_that_is_agreed_to_leads_to_the_handshake() -> None:
    pop3 = asked(StartTLS(), is_secured=False)
    assert say(pop3, b"+OK begin\r\n") == UpgradeAgreed()
    assert pop3.state is State.HANDSHAKING


def test_stls_that_is_refused_leaves_the_session_in_cleartext() -> None:
    pop3 = asked(StartTLS(), is_secured=False)
    assert say(pop3, b"-ERR no\r\n") == Refused("no")
    assert pop3.state is State.READY


@pytest.mark.parametrize(
    "extra", [b"+", b"+OK injected\r\n", b"\x16\x03\x01", b"\r\n", LISTED + b"+OK in\r\n"]
)
def test_bytes_behind_the_stls_reply_close_the_connection(extra: bytes) -> None:
    pop3 = asked(StartTLS(), is_secured=False)
    pop3.receive_data(b"+OK begin\r\n" + extra)
    with pytest.raises(InjectionError) as caught:
        pop3.next_event()
    assert caught.value.size == len(extra)
    assert pop3.state is State.CLOSED


def test_bytes_between_the_stls_reply_and_the_handshake_close_the_connection() -> None:
    pop3 = asked(StartTLS(), is_secured=False)
    say(pop3, b"+OK begin\r\n")
    with pytest.raises(InjectionError):
        pop3.receive_data(b"+OK")


def test_capabilities_from_before_tls_are_forgotten() -> None:
    pop3 = asked(Discover(), is_secured=False)
    say(pop3, LISTED)
    pop3.send(StartTLS())
    say(pop3, b"+OK begin\r\n")
    pop3.tls_established()
    assert pop3.capabilities is None
    assert pop3.mechanisms == frozenset()


def test_capabilities_from_before_tls_do_not_come_back_with_the_login() -> None:
    pop3 = asked(Discover(), is_secured=False)
    say(pop3, LISTED)
    pop3.send(StartTLS())
    say(pop3, b"+OK begin\r\n")
    pop3.tls_established()
    pop3.send(PLAIN)
    assert say(pop3, b"+OK in\r\n") == LoggedIn()
    assert pop3.capabilities is None
