"""The POP3 dialogue up to login, byte for byte."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.errors import (
    ConnectError,
    PolicyError,
    ProtocolError,
    SecureMailError,
    UsageError,
)
from securemail.protocol.dialogue import (
    TRANSITIONS,
    Authenticate,
    CancelExchange,
    Challenge,
    Command,
    Discover,
    EnableUTF8,
    Event,
    Goodbye,
    Greeted,
    Kind,
    LoggedIn,
    LogIn,
    LogInByDigest,
    Proceed,
    Refused,
    Respond,
    StartTLS,
    State,
)
from securemail.protocol.machine import Machine
from securemail.protocol.pop3 import POP3Dialect
from securemail.sasl import Apop
from securemail.secret import Secret, SecretBytes
from tests.protocol.gates import closed_gate, open_gate

PLAIN = Authenticate("PLAIN", SecretBytes(b"\0alice\0secret"))
USER = LogIn("alice", Secret("se cret"))
GREETING = b"+OK hi\r\n"
LISTED = b"+OK capabilities follow\r\nTOP\r\nSASL PLAIN EXTERNAL\r\nUSER\r\n.\r\n"


def fresh(*, is_secured: bool = True) -> Machine:
    return Machine(POP3Dialect(), open_gate, is_secured=is_secured)


def ready(*, is_secured: bool = True) -> Machine:
    pop3 = fresh(is_secured=is_secured)
    assert say(pop3, GREETING) == Greeted()
    return pop3


def asked(command: Command, *, is_secured: bool = True) -> Machine:
    pop3 = ready(is_secured=is_secured)
    pop3.send(command)
    return pop3


def say(pop3: Machine, data: bytes) -> Event | None:
    pop3.receive_data(data)
    return pop3.next_event()


# --- what we say


def test_the_commands_are_written_as_the_rfcs_write_them() -> None:
    pop3 = ready()
    assert pop3.send(Discover()) == b"CAPA\r\n"
    say(pop3, LISTED)
    assert pop3.send(StartTLS()) == b"STLS\r\n"
    say(pop3, b"-ERR\r\n")
    assert pop3.send(PLAIN) == b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"


def test_apop_is_written_as_rfc_1939_writes_it() -> None:
    digest = Apop("mrose", Secret("tanstaaf"), b"<1896.697170952@dbc.mtview.ca.us>").digest
    line = ready().send(LogInByDigest("mrose", digest))
    assert line == b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"


def test_a_timestamp_counts_only_if_it_came_inside_tls() -> None:
    greeting = b"+OK hi <1.2@mail.example.org>\r\n"
    pop3, inside = fresh(is_secured=False), fresh()
    say(pop3, greeting)
    assert pop3.timestamp == b""
    pop3.send(StartTLS())
    say(pop3, b"+OK begin\r\n")
    pop3.tls_established()
    assert pop3.timestamp == b""
    say(inside, greeting)
    assert inside.timestamp == b"<1.2@mail.example.org>"


def test_a_timestamp_in_another_reply_is_none() -> None:
    pop3 = ready()
    pop3.send(EnableUTF8())
    say(pop3, b"+OK <1.2@mail.example.org>\r\n")
    assert pop3.timestamp == b""


def test_an_empty_initial_response_is_not_the_same_as_none() -> None:
    assert ready().send(Authenticate("EXTERNAL", SecretBytes(b""))) == b"AUTH EXTERNAL =\r\n"
    assert ready().send(Authenticate("EXTERNAL", None)) == b"AUTH EXTERNAL\r\n"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256-PLUS", "OAUTHBEARER"])
@given(size=st.integers(0, 400))
def test_an_initial_response_goes_along_as_long_as_the_line_is_short_enough(
    mechanism: str, size: int
) -> None:
    line = ready().send(Authenticate(mechanism, SecretBytes(b"x" * size)))
    assert ready().carries_initial_response(mechanism, size) == (len(line) <= 255)


def test_a_response_goes_in_base64_and_a_cancellation_as_an_asterisk() -> None:
    pop3 = asked(Authenticate("PLAIN", None))
    assert say(pop3, b"+ \r\n") == Challenge(b"")
    assert pop3.send(Respond(SecretBytes(b"hello"))) == b"aGVsbG8=\r\n"
    assert say(pop3, b"+ Zm9v\r\n") == Challenge(b"foo")
    assert pop3.send(CancelExchange()) == b"*\r\n"
    assert say(pop3, b"-ERR cancelled\r\n") == Refused("cancelled")
    assert pop3.state is State.READY


def test_user_and_pass_are_two_steps() -> None:
    pop3 = ready()
    assert pop3.send(USER) == b"USER alice\r\n"
    assert say(pop3, b"+OK go on\r\n") == Challenge(b"")
    assert pop3.send(Proceed()) == b"PASS se cret\r\n"
    assert say(pop3, b"+OK in\r\n") == LoggedIn()


def test_no_password_is_sent_in_the_middle_of_a_sasl_exchange() -> None:
    pop3 = ready()
    pop3.send(Authenticate("PLAIN", None))
    say(pop3, b"+ \r\n")
    with pytest.raises(UsageError, match="another kind of login"):
        pop3.send(Proceed())


def test_a_user_who_is_refused_never_gets_to_the_password() -> None:
    pop3 = asked(USER)
    assert say(pop3, b"-ERR who?\r\n") == Refused("who?")
    assert pop3.state is State.READY


def test_a_refused_password_keeps_its_response_code() -> None:
    pop3 = asked(USER)
    say(pop3, b"+OK\r\n")
    pop3.send(Proceed())
    assert say(pop3, b"-ERR [IN-USE] locked\r\n") == Refused("[IN-USE] locked")


# --- replies out of turn


@pytest.mark.parametrize("command", [StartTLS(), Discover(), EnableUTF8(), PLAIN, USER])
def test_a_reply_before_its_command_closes_the_connection(command: Command) -> None:
    pop3 = ready()
    pop3.receive_data(b"+OK begin\r\n")
    with pytest.raises(ProtocolError, match="did not send"):
        pop3.send(command)
    assert pop3.state is State.CLOSED


def test_the_reply_to_a_password_before_the_password_closes_the_connection() -> None:
    pop3 = asked(USER)
    assert say(pop3, b"+OK\r\n+OK in\r\n") == Challenge(b"")
    with pytest.raises(ProtocolError, match="did not send"):
        pop3.send(Proceed())
    assert pop3.state is State.CLOSED


def test_the_reply_to_a_response_before_the_response_closes_the_connection() -> None:
    pop3 = asked(Authenticate("PLAIN", None))
    assert say(pop3, b"+ \r\n+OK in\r\n") == Challenge(b"")
    with pytest.raises(ProtocolError, match="did not send"):
        pop3.send(Respond(SecretBytes(b"secret")))


def test_a_server_that_takes_its_leave_says_so() -> None:
    assert say(fresh(), b"-ERR too busy\r\n") == Goodbye("too busy")
    pop3 = ready()
    pop3.receive_data(b"-ERR autologout\r\n")
    with pytest.raises(ConnectError, match="autologout"):
        pop3.send(Discover())


def test_a_challenge_that_is_not_base64_is_refused() -> None:
    pop3 = asked(PLAIN)
    with pytest.raises(ProtocolError, match="base64"):
        say(pop3, b"+ !!!\r\n")


@pytest.mark.parametrize("command", [USER, StartTLS(), EnableUTF8(), Discover()])
def test_a_challenge_that_nothing_asked_for_is_refused(command: Command) -> None:
    pop3 = asked(command)
    with pytest.raises(ProtocolError):
        say(pop3, b"+ \r\n")
    assert pop3.state is State.CLOSED


@pytest.mark.parametrize("greeting", [b"* OK hi\r\n", b"220 mx\r\n", b"+ok hi\r\n", b"HTTP/1\r\n"])
def test_a_greeting_that_is_none_closes_the_connection(greeting: bytes) -> None:
    pop3 = fresh()
    with pytest.raises(ProtocolError):
        say(pop3, greeting)
    assert pop3.state is State.CLOSED


def test_what_follows_the_login_belongs_to_the_client() -> None:
    pop3 = asked(PLAIN)
    pop3.receive_data(b"+OK in\r\n+OK what")
    assert pop3.next_event() == LoggedIn()
    assert pop3.trailing_data() == b"+OK what"


@pytest.mark.parametrize("command", [PLAIN, USER, EnableUTF8()])
def test_a_closed_gate_lets_no_byte_of_a_login_out(command: Command) -> None:
    pop3 = Machine(POP3Dialect(), closed_gate)
    say(pop3, GREETING)
    with pytest.raises(PolicyError):
        pop3.send(command)


_FIRST: dict[State, Command] = {
    State.DISCOVERING: Discover(),
    State.UPGRADING: StartTLS(),
    State.ENABLING: EnableUTF8(),
    State.AUTHENTICATING: Authenticate("PLAIN", None),
}

_KINDS = {b"+OK\r\n": Kind.OK, b"-ERR\r\n": Kind.NO, b"+ \r\n": Kind.CONTINUE}


@pytest.mark.parametrize(("state", "reply"), list(itertools.product(_FIRST, _KINDS)))
def test_a_reply_leads_where_the_table_says_or_closes_the_connection(
    state: State, reply: bytes
) -> None:
    kind = _KINDS[reply]
    pop3 = asked(_FIRST[state])
    if (state, kind) not in TRANSITIONS:
        with pytest.raises(ProtocolError):
            say(pop3, reply)
        assert pop3.state is State.CLOSED
        return
    if say(pop3, reply) is None:
        say(pop3, b".\r\n")
    assert pop3.state is TRANSITIONS[state, kind]


@given(st.lists(st.binary(max_size=60), max_size=12), st.sampled_from([None, *_FIRST]))
def test_any_bytes_give_an_event_or_one_of_our_errors(
    chunks: list[bytes], state: State | None
) -> None:
    pop3 = ready() if state is None else asked(_FIRST[state])
    try:
        for chunk in chunks:
            pop3.receive_data(chunk)
            while pop3.next_event() is not None:
                pass
    except SecureMailError:
        assert pop3.state is State.CLOSED
