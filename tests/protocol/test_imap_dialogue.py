"""The IMAP dialogue up to login, byte for byte."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import limits
from securemail.errors import (
    ConnectError,
    InjectionError,
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
    Challenge,
    Command,
    ConfirmAndAuthenticate,
    Discover,
    Discovered,
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
    UpgradeAgreed,
)
from securemail.protocol.imap import IMAPDialect
from securemail.protocol.machine import Machine
from securemail.secret import Secret, SecretBytes

PLAIN = Authenticate("PLAIN", SecretBytes(b"\0alice\0secret"))
GREETING = b"* OK hi\r\n"


def open_gate(intent: Intent) -> None:
    """Let everything pass."""


def closed_gate(intent: Intent) -> None:
    if intent not in {Intent.DISCOVER, Intent.UPGRADE}:
        raise PolicyError("closed", shortfalls=())


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


# --- STARTTLS


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


# --- PREAUTH, BYE, data and remarks in cleartext


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


# --- limits and nonsense


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
