"""Replies that the table of the IMAP dialogue has, does not have, and cannot have."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import limits
from securemail.errors import (
    LimitExceeded,
    PolicyError,
    ProtocolError,
    SecureMailError,
    UsageError,
)
from securemail.intent import Intent
from securemail.protocol.dialogue import (
    COMMANDS,
    TRANSITIONS,
    Authenticate,
    CancelExchange,
    Command,
    ConfirmAndAuthenticate,
    Discover,
    Discovered,
    EnableUTF8,
    Kind,
    LogIn,
    LogInByDigest,
    Proceed,
    Respond,
    StartTLS,
    State,
)
from securemail.protocol.imap import IMAPDialect
from securemail.protocol.machine import Machine
from securemail.secret import Secret, SecretBytes
from tests.protocol.gates import closed_gate
from tests.protocol.test_imap_dialogue import GREETING, PLAIN, fresh, ready, say


def test_untagged_lines_at_the_limit_pass_and_one_more_does_not() -> None:
    line, most = b"* OK still here\r\n", limits.LOGIN_UNTAGGED_LINES
    imap = ready()
    imap.send(Discover())
    assert say(imap, line * (most - 2) + b"* CAPABILITY X\r\nT1 OK x\r\n") == Discovered()
    imap.send(Discover())
    with pytest.raises(LimitExceeded):
        say(imap, line * (most + 1))


def test_a_hundred_thousand_untagged_lines_are_refused_in_bounded_memory() -> None:
    imap = ready()
    imap.send(Discover())
    flood = b"* OK still here\r\n" * 100_000
    with pytest.raises(LimitExceeded):
        imap.receive_data(flood)


@given(st.lists(st.binary(max_size=60), max_size=12), st.booleans(), st.sampled_from(list(State)))
def test_any_bytes_give_an_event_or_one_of_our_errors(
    chunks: list[bytes], is_secured: bool, state: State
) -> None:
    imap = fresh(is_secured=is_secured)
    imap.state = state
    try:
        for chunk in chunks:
            imap.receive_data(chunk)
            while imap.next_event() is not None:
                pass
    except SecureMailError:
        assert imap.state is State.CLOSED


COMMAND_VALUES: list[Command] = [
    Discover(),
    StartTLS(),
    EnableUTF8(),
    PLAIN,
    ConfirmAndAuthenticate(PLAIN),
    LogIn("alice", Secret("secret")),
    LogInByDigest("alice", Secret("digest")),
    Respond(SecretBytes(b"x")),
    Proceed(),
    CancelExchange(),
]


@pytest.mark.parametrize("command", COMMAND_VALUES, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("state", State)
def test_a_command_out_of_turn_makes_no_bytes(state: State, command: Command) -> None:
    imap = ready()
    imap.state = state
    if (state, type(command)) in COMMANDS:
        return
    with pytest.raises(UsageError):
        imap.send(command)
    assert imap.state is state


@pytest.mark.parametrize("command", COMMAND_VALUES, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("state", State)
def test_a_closed_gate_lets_no_byte_of_a_login_out(state: State, command: Command) -> None:
    imap = Machine(IMAPDialect("T"), closed_gate)
    say(imap, GREETING)
    imap.state = state
    if command.intent in {Intent.DISCOVER, Intent.UPGRADE}:
        return
    with pytest.raises(PolicyError):
        imap.send(command)
    assert imap.state is state


def test_every_command_declares_its_intent() -> None:
    assert {type(command) for command in COMMAND_VALUES} == {kind for _, kind in COMMANDS}
    assert all(isinstance(command.intent, Intent) for command in COMMAND_VALUES)


REPLIES = {
    Kind.OK: b"T1 OK x\r\n",
    Kind.NO: b"T1 NO x\r\n",
    Kind.CONTINUE: b"+ \r\n",
    Kind.PREAUTH: b"* PREAUTH x\r\n",
    Kind.BYE: b"* BYE x\r\n",
}


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        pair
        for pair in itertools.product(
            [State.READY, State.DISCOVERING, State.UPGRADING, State.AUTHENTICATING], REPLIES
        )
        if pair not in TRANSITIONS
    ],
    ids=lambda value: value.name,
)
def test_a_reply_that_the_table_does_not_have_closes_the_connection(
    state: State, kind: Kind
) -> None:
    imap = ready()
    if state is not State.READY:
        imap.send({v: k for k, v in _FIRST.items()}[state])
    with pytest.raises(ProtocolError):
        say(imap, REPLIES[kind])
    assert imap.state is State.CLOSED


_FIRST: dict[Command, State] = {
    Discover(): State.DISCOVERING,
    StartTLS(): State.UPGRADING,
    Authenticate("PLAIN", None): State.AUTHENTICATING,
}
