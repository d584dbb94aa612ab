"""STARTTLS in the IMAP dialogue, and what a server says in cleartext (RFC 9051 section 6.2.1)."""

from __future__ import annotations

import pytest

from securemail.errors import (
    ConnectError,
    InjectionError,
    PolicyError,
    ProtocolError,
)
from securemail.protocol.dialogue import (
    Discover,
    Goodbye,
    Greeted,
    LoggedIn,
    Refused,
    StartTLS,
    State,
    UpgradeAgreed,
)
from securemail.protocol.imap import IMAPDialect
from securemail.protocol.machine import Machine
from tests.protocol.gates import closed_gate, open_gate
from tests.protocol.test_imap_dialogue import GREETING, fresh, ready, say


@pytest.mark.parametrize(
    "extra",
    [b"+", b"\x16\x03\x01", b"* OK injected\r\n", b"T2 OK [CAPABILITY AUTH=PLAIN] in\r\n", b"\r\n"],
)
def test_bytes_behind_the_starttls_reply_close_the_connection(extra: bytes) -> None:
    imap = ready(is_secured=False)
    imap.send(StartTLS())
    imap.receive_data(b"T1 OK begin\r\n" + extra)
    with pytest.raises(InjectionError) as caught:
        imap.next_event()
    assert caught.value.size == len(extra)
    assert imap.state is State.CLOSED


def test_bytes_between_the_starttls_reply_and_the_handshake_close_the_connection() -> None:
    imap = ready(is_secured=False)
    imap.send(StartTLS())
    assert say(imap, b"T1 OK begin\r\n") == UpgradeAgreed()
    with pytest.raises(InjectionError):
        imap.receive_data(b"* OK injected\r\n")
    assert imap.state is State.CLOSED


def test_what_was_learnt_before_tls_is_forgotten_after_it() -> None:
    imap = fresh(is_secured=False)
    say(imap, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n")
    imap.send(StartTLS())
    say(imap, b"* CAPABILITY IMAP4rev1 AUTH=LOGIN\r\nT1 OK [CAPABILITY X] begin\r\n")
    imap.tls_established()
    assert imap.capabilities is None
    assert imap.mechanisms == frozenset()
    imap.send(Discover())
    with pytest.raises(ProtocolError):
        say(imap, b"T2 OK nothing listed\r\n")


def test_capabilities_in_the_making_are_forgotten_after_tls() -> None:
    dialect = IMAPDialect("T")
    dialect.read(b"* OK hi", is_secured=False)
    dialect.read(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN", is_secured=False)
    dialect.forget()
    reply = dialect.read(b"* BYE bye", is_secured=True)
    assert reply is not None
    assert reply.capabilities is None


@pytest.mark.parametrize("answer", [b"T1 NO no\r\n", b"T1 BAD what\r\n"])
def test_a_refused_upgrade_leaves_the_session_in_cleartext(answer: bytes) -> None:
    imap = ready(is_secured=False)
    imap.send(StartTLS())
    assert isinstance(say(imap, answer), Refused)
    assert imap.state is State.READY


@pytest.mark.parametrize("tag", [b"T2", b"A1", b"T11", b"t1"])
def test_a_reply_with_a_tag_that_is_not_ours_closes_the_connection(tag: bytes) -> None:
    imap = ready(is_secured=False)
    imap.send(StartTLS())
    with pytest.raises(ProtocolError):
        say(imap, tag + b" OK begin\r\n")
    assert imap.state is State.CLOSED


def test_a_tagged_reply_before_the_command_closes_the_connection() -> None:
    imap = ready(is_secured=False)
    imap.receive_data(b"T1 OK begin\r\n")
    with pytest.raises(ProtocolError):
        imap.send(StartTLS())
    assert imap.state is State.CLOSED


def test_a_second_reply_to_starttls_counts_as_injected() -> None:
    imap = ready(is_secured=False)
    imap.send(StartTLS())
    with pytest.raises(InjectionError):
        say(imap, b"T1 OK begin\r\nT1 OK begin\r\n")


def test_preauth_in_cleartext_closes_the_connection() -> None:
    imap = fresh(is_secured=False)
    with pytest.raises(ProtocolError, match="PREAUTH"):
        say(imap, b"* PREAUTH welcome back\r\n")
    assert imap.state is State.CLOSED


def test_preauth_in_cleartext_is_refused_without_a_minimum_too() -> None:
    imap = Machine(IMAPDialect("T"), open_gate)
    with pytest.raises(ProtocolError, match="PREAUTH"):
        say(imap, b"* PREAUTH welcome back\r\n")


def test_preauth_inside_tls_is_a_login() -> None:
    assert say(fresh(), b"* PREAUTH welcome back\r\n") == LoggedIn()


def test_preauth_inside_tls_below_the_minimum_is_refused() -> None:
    imap = Machine(IMAPDialect("T"), closed_gate, is_secured=True)
    with pytest.raises(PolicyError):
        say(imap, b"* PREAUTH welcome back\r\n")
    assert imap.state is State.CLOSED


def test_preauth_after_the_greeting_closes_the_connection() -> None:
    imap = ready(is_secured=False)
    imap.send(StartTLS())
    with pytest.raises(ProtocolError):
        say(imap, b"* PREAUTH welcome back\r\n")


@pytest.mark.parametrize(
    "data",
    [b"* 3 EXISTS\r\n", b'* LIST () "/" evil\r\n', b"* SEARCH 1\r\n", b"* FLAGS (x)\r\n"],
)
def test_mailbox_data_in_cleartext_closes_the_connection(data: bytes) -> None:
    imap = ready(is_secured=False)
    imap.send(StartTLS())
    with pytest.raises(ProtocolError):
        say(imap, data + b"T1 OK begin\r\n")


@pytest.mark.parametrize("is_secured", [False, True])
@pytest.mark.parametrize("data", [b"* CAPABILITY IMAP4rev1\r\n", b"* 3 EXISTS\r\n"])
def test_data_instead_of_a_greeting_closes_the_connection(data: bytes, is_secured: bool) -> None:
    with pytest.raises(ProtocolError, match="instead of a greeting"):
        say(fresh(is_secured=is_secured), data + GREETING)


def test_alerts_and_referrals_before_tls_are_not_passed_on() -> None:
    imap = fresh(is_secured=False)
    assert say(imap, b"* OK [ALERT] Call 555-0100 now\r\n") == Greeted()
    imap.send(StartTLS())
    say(imap, b"* OK [REFERRAL imap://evil/] go there\r\n* NO [ALERT] x\r\nT1 OK begin\r\n")
    assert imap.state is State.HANDSHAKING
    assert imap.capabilities is None


@pytest.mark.parametrize("greeting", [b"* NO busy\r\n", b"* BAD x\r\n", b"T1 OK hi\r\n"])
def test_a_greeting_that_is_none_closes_the_connection(greeting: bytes) -> None:
    imap = fresh()
    with pytest.raises(ProtocolError):
        say(imap, greeting)
    assert imap.state is State.CLOSED


def test_bye_is_passed_on_with_its_words_whenever_it_comes() -> None:
    assert say(fresh(), b"* BYE too many\r\n") == Goodbye("too many")
    imap = ready()
    imap.send(Discover())
    assert say(imap, b"* BYE [UNAVAILABLE] later\r\n") == Goodbye("[UNAVAILABLE] later")
    imap = ready()
    imap.receive_data(b"* BYE autologout\r\n")
    with pytest.raises(ConnectError, match="autologout"):
        imap.send(Discover())
