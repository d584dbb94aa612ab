"""The IMAP dialogue up to login, byte for byte."""

from __future__ import annotations

import pytest

from securemail import limits
from securemail.errors import (
    LimitExceeded,
    ProtocolError,
    UsageError,
)
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Challenge,
    Discover,
    Discovered,
    Event,
    Greeted,
    LoggedIn,
    LogIn,
    Proceed,
    Refused,
    Respond,
    StartTLS,
)
from securemail.protocol.imap import IMAPDialect
from securemail.protocol.machine import Machine
from securemail.secret import Secret, SecretBytes
from tests.protocol.gates import open_gate

PLAIN = Authenticate("PLAIN", SecretBytes(b"\0alice\0secret"))
GREETING = b"* OK hi\r\n"


def fresh(*, is_secured: bool = True) -> Machine:
    return Machine(IMAPDialect("T"), open_gate, is_secured=is_secured)


def ready(*, is_secured: bool = True) -> Machine:
    imap = fresh(is_secured=is_secured)
    assert say(imap, GREETING) == Greeted()
    return imap


def say(imap: Machine, data: bytes) -> Event | None:
    imap.receive_data(data)
    return imap.next_event()


def test_the_commands_are_written_as_the_rfc_writes_them() -> None:
    imap = ready()
    assert imap.send(Discover()) == b"T1 CAPABILITY\r\n"
    say(imap, b"* CAPABILITY IMAP4rev1\r\nT1 OK done\r\n")
    assert imap.send(StartTLS()) == b"T2 STARTTLS\r\n"
    say(imap, b"T2 NO\r\n")
    assert imap.send(PLAIN) == b"T3 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==\r\n"


def test_an_empty_initial_response_is_not_the_same_as_none() -> None:
    assert ready().send(Authenticate("EXTERNAL", SecretBytes(b""))).endswith(b" EXTERNAL =\r\n")
    assert ready().send(Authenticate("EXTERNAL", None)).endswith(b" EXTERNAL\r\n")


def test_a_response_goes_in_base64_and_a_cancellation_as_an_asterisk() -> None:
    imap = ready()
    imap.send(Authenticate("PLAIN", None))
    assert say(imap, b"+ \r\n") == Challenge(b"")
    assert imap.send(Respond(SecretBytes(b"hello"))) == b"aGVsbG8=\r\n"
    assert say(imap, b"+ Zm9v\r\n") == Challenge(b"foo")
    assert imap.send(CancelExchange()) == b"*\r\n"
    assert say(imap, b"T1 BAD cancelled\r\n") == Refused("cancelled")


def test_the_login_command_quotes_its_arguments() -> None:
    line = ready().send(LogIn('al"ice', Secret("se\\cret x")))
    assert line == b'T1 LOGIN "al\\"ice" "se\\\\cret x"\r\n'


def test_the_login_command_sends_as_literals_what_cannot_be_quoted() -> None:
    imap = ready()
    assert imap.send(LogIn("älice", Secret("sécret"))) == b"T1 LOGIN {6}\r\n"
    assert say(imap, b"+ go\r\n") == Challenge(b"")
    assert imap.send(Proceed()) == "älice {7}\r\n".encode()
    assert say(imap, b"+\r\n") == Challenge(b"")
    assert imap.send(Proceed()) == "sécret\r\n".encode()
    assert say(imap, b"T1 OK in\r\n") == LoggedIn()


def test_a_continuation_of_a_login_that_has_no_more_parts_is_refused() -> None:
    imap = ready()
    imap.send(LogIn("alice", Secret("secret")))
    with pytest.raises(ProtocolError):
        say(imap, b"+ more\r\n")


def test_a_login_command_does_not_go_on_as_a_sasl_exchange_nor_the_other_way_round() -> None:
    imap = ready()
    imap.send(LogIn("älice", Secret("secret")))
    say(imap, b"+ go\r\n")
    with pytest.raises(UsageError, match="another kind of login"):
        imap.send(Respond(SecretBytes(b"x")))
    imap = ready()
    imap.send(Authenticate("PLAIN", None))
    say(imap, b"+ \r\n")
    with pytest.raises(UsageError, match="another kind of login"):
        imap.send(Proceed())


def test_a_greeting_may_bring_capabilities() -> None:
    imap = fresh()
    assert say(imap, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi\r\n") == Greeted()
    assert imap.capabilities == frozenset({"IMAP4REV1", "AUTH=PLAIN", "SASL-IR"})
    assert imap.mechanisms == {"PLAIN"}
    assert imap.takes_initial_response


def test_capabilities_come_as_data_or_as_a_code() -> None:
    imap = ready()
    imap.send(Discover())
    assert say(imap, b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nT1 OK x\r\n") == Discovered()
    assert not imap.has_login_command
    imap.send(Discover())
    assert say(imap, b"T2 OK [CAPABILITY IMAP4rev2] x\r\n") == Discovered()
    assert imap.capabilities == frozenset({"IMAP4REV2"})
    assert imap.has_login_command


def test_an_answer_to_capability_without_a_list_is_refused() -> None:
    imap = ready()
    imap.send(Discover())
    with pytest.raises(ProtocolError, match="without listing"):
        say(imap, b"T1 OK x\r\n")


# --- login


def test_capabilities_before_login_do_not_outlive_it() -> None:
    imap = fresh()
    say(imap, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n")
    imap.send(PLAIN)
    assert say(imap, b"T1 OK in\r\n") == LoggedIn()
    assert imap.capabilities is None


def test_capabilities_that_come_with_the_login_are_kept() -> None:
    imap = ready()
    imap.send(PLAIN)
    say(imap, b"T1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n")
    assert imap.capabilities == frozenset({"IMAP4REV1", "IDLE"})


def test_what_follows_the_login_belongs_to_the_client() -> None:
    imap = ready()
    imap.send(PLAIN)
    imap.receive_data(b"T1 OK in\r\n* 3 EXISTS\r\n* 1 REC")
    assert imap.next_event() == LoggedIn()
    assert imap.next_event() is None
    assert imap.trailing_data() == b"* 3 EXISTS\r\n* 1 REC"


def test_there_is_nothing_to_hand_over_before_login() -> None:
    with pytest.raises(UsageError):
        ready().trailing_data()


def test_a_challenge_that_is_not_base64_is_refused() -> None:
    imap = ready()
    imap.send(PLAIN)
    with pytest.raises(ProtocolError, match="base64"):
        say(imap, b"+ !!!\r\n")


def test_challenges_at_the_limit_pass_and_one_more_does_not() -> None:
    imap = ready()
    imap.send(PLAIN)
    for _ in range(limits.SASL_ROUNDS):
        assert say(imap, b"+ \r\n") == Challenge(b"")
        imap.send(Respond(SecretBytes(b"x")))
    with pytest.raises(LimitExceeded):
        say(imap, b"+ \r\n")
