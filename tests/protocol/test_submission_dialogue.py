"""The submission dialogue up to login, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.errors import (
    ConnectError,
    InjectionError,
    LimitExceeded,
    ProtocolError,
    SecureMailError,
    UsageError,
)
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Challenge,
    Discover,
    Discovered,
    Event,
    Goodbye,
    Greeted,
    LoggedIn,
    LogIn,
    Refused,
    Respond,
    StartTLS,
    State,
    UpgradeAgreed,
)
from securemail.protocol.machine import Machine
from securemail.protocol.submission import SubmissionDialect
from securemail.secret import Secret, SecretBytes
from tests.protocol.gates import open_gate

GREETING = b"220 mail.example.org ESMTP\r\n"
OFFER = b"250-mail.example.org at your service\r\n250-size 1000\r\n250 AUTH PLAIN EXTERNAL\r\n"
PLAIN = Authenticate("PLAIN", SecretBytes(b"\0alice\0secret"))


def fresh(name: str = "") -> Machine:
    return Machine(SubmissionDialect(name), open_gate)


def say(smtp: Machine, data: bytes) -> Event | None:
    smtp.receive_data(data)
    return smtp.next_event()


def ready() -> Machine:
    smtp = fresh()
    assert say(smtp, GREETING) == Greeted()
    return smtp


def known() -> Machine:
    smtp = ready()
    smtp.send(Discover())
    assert say(smtp, OFFER) == Discovered()
    return smtp


def challenged() -> Machine:
    smtp = known()
    smtp.send(Authenticate("PLAIN", None))
    assert say(smtp, b"334 \r\n") == Challenge(b"")
    return smtp


def test_the_commands_are_written_as_the_rfc_writes_them() -> None:
    smtp = known()
    assert smtp.send(PLAIN) == b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"
    assert ready().send(StartTLS()) == b"STARTTLS\r\n"
    assert ready().send(Discover()) == b"EHLO [127.0.0.1]\r\n"


def test_the_configured_name_is_said_inside_tls_and_not_before() -> None:
    smtp = fresh("laptop.example.org")
    say(smtp, GREETING)
    assert smtp.send(Discover()) == b"EHLO [127.0.0.1]\r\n"
    say(smtp, OFFER)
    smtp.send(StartTLS())
    assert say(smtp, b"220 go ahead\r\n") == UpgradeAgreed()
    smtp.tls_established()
    assert smtp.send(Discover()) == b"EHLO laptop.example.org\r\n"


def test_capabilities_are_the_lines_in_upper_case_with_their_parameters() -> None:
    smtp = known()
    assert smtp.capabilities == frozenset({"SIZE 1000", "AUTH PLAIN EXTERNAL"})
    assert smtp.mechanisms == {"PLAIN", "EXTERNAL"}
    assert not smtp.has_login_command


def test_a_server_that_offers_nothing_is_a_server() -> None:
    smtp = ready()
    smtp.send(Discover())
    assert say(smtp, b"250 mail.example.org\r\n") == Discovered()
    assert smtp.capabilities == frozenset()


def test_the_old_way_to_offer_mechanisms_is_read() -> None:
    smtp = ready()
    smtp.send(Discover())
    say(smtp, b"250-x\r\n250 AUTH=LOGIN PLAIN\r\n")
    assert smtp.mechanisms == {"LOGIN", "PLAIN"}


def test_a_capability_that_is_nothing_but_an_equals_sign_offers_no_mechanism() -> None:
    smtp = ready()
    smtp.send(Discover())
    say(smtp, b"250-x\r\n250-=\r\n250-==PLAIN\r\n250 AUTH LOGIN\r\n")
    assert smtp.mechanisms == {"LOGIN"}


def test_what_was_learnt_before_tls_is_forgotten_after_it() -> None:
    smtp = known()
    smtp.send(StartTLS())
    say(smtp, b"220 go ahead\r\n")
    smtp.tls_established()
    assert smtp.capabilities is None
    smtp.send(Discover())
    say(smtp, b"250-x\r\n250 SIZE\r\n")
    assert smtp.mechanisms == frozenset()


def test_the_capabilities_of_before_the_login_are_those_after_it() -> None:
    smtp = known()
    smtp.send(PLAIN)
    assert say(smtp, b"235 2.7.0 welcome\r\n") == LoggedIn()
    assert smtp.capabilities == frozenset({"SIZE 1000", "AUTH PLAIN EXTERNAL"})


def test_an_empty_initial_response_is_not_the_same_as_none() -> None:
    assert known().send(Authenticate("EXTERNAL", SecretBytes(b""))) == b"AUTH EXTERNAL =\r\n"
    assert known().send(Authenticate("EXTERNAL", None)) == b"AUTH EXTERNAL\r\n"


def test_a_response_goes_in_base64_and_a_cancellation_as_an_asterisk() -> None:
    smtp = challenged()
    assert smtp.send(Respond(SecretBytes(b"hello"))) == b"aGVsbG8=\r\n"
    assert say(smtp, b"334 Zm9v\r\n") == Challenge(b"foo")
    assert smtp.send(CancelExchange()) == b"*\r\n"
    assert say(smtp, b"501 5.7.0 cancelled\r\n") == Refused("501 5.7.0 cancelled")


@pytest.mark.parametrize(("size", "fits"), [(0, True), (372, True), (373, False), (5000, False)])
def test_an_initial_response_keeps_within_the_512_octets_of_a_command(
    size: int, fits: bool
) -> None:
    smtp = known()
    assert smtp.carries_initial_response("PLAIN", size) is fits
    line = smtp.send(Authenticate("PLAIN", SecretBytes(b"x" * size)))
    assert (len(line) <= 512) is fits


def test_there_is_no_login_command() -> None:
    with pytest.raises(UsageError):
        known().send(LogIn("alice", Secret("secret")))


@pytest.mark.parametrize("code", [b"421", b"450", b"554", b"521"])
def test_a_server_that_greets_with_a_refusal_says_goodbye(code: bytes) -> None:
    assert say(fresh(), code + b" busy\r\n") == Goodbye(f"{code.decode()} busy")


@pytest.mark.parametrize(
    "line", [b"250 hi", b"221 bye", b"334 ", b"235 in", b"* OK hi", b"+OK hi", b"HTTP/1.1 400 x"]
)
def test_another_greeting_is_no_greeting(line: bytes) -> None:
    smtp = fresh()
    with pytest.raises(ProtocolError):
        say(smtp, line + b"\r\n")
    assert smtp.state is State.CLOSED


@pytest.mark.parametrize("code", [b"454", b"501", b"502", b"530", b"554"])
@pytest.mark.parametrize("command", [Discover(), StartTLS(), PLAIN])
def test_4xx_and_5xx_are_a_refusal_of_whatever_was_asked(
    command: Discover | StartTLS | Authenticate, code: bytes
) -> None:
    smtp = ready()
    smtp.send(command)
    assert say(smtp, code + b" no\r\n") == Refused(f"{code.decode()} no")
    assert smtp.state is State.READY


@pytest.mark.parametrize(
    ("command", "answers"),
    [
        (Discover(), [b"220 hi", b"235 in", b"334 ", b"354 go", b"251 x"]),
        (StartTLS(), [b"250 ok", b"235 in", b"334 ", b"221 bye"]),
        (PLAIN, [b"220 hi", b"250 ok", b"354 go"]),
    ],
)
def test_a_code_that_answers_something_else_closes_the_connection(
    command: Discover | StartTLS | Authenticate, answers: list[bytes]
) -> None:
    for answer in answers:
        smtp = ready()
        smtp.send(command)
        with pytest.raises(ProtocolError, match="is no answer to"):
            say(smtp, answer + b"\r\n")
        assert smtp.state is State.CLOSED


@pytest.mark.parametrize("reply", [b"220 again\r\n", b"250 ok\r\n", b"250-more\r\n", b"500 no\r\n"])
def test_a_reply_before_the_command_closes_the_connection(reply: bytes) -> None:
    smtp = ready()
    smtp.receive_data(reply)
    with pytest.raises(ProtocolError, match="before it was asked"):
        smtp.send(Discover())


def test_a_reply_before_the_response_to_a_challenge_closes_the_connection() -> None:
    smtp = challenged()
    smtp.receive_data(b"235 in already\r\n")
    with pytest.raises(ProtocolError, match="before it was asked"):
        smtp.send(Respond(SecretBytes(b"x")))


@pytest.mark.parametrize("smtp", [ready, known, challenged])
def test_421_is_goodbye_at_any_time(smtp) -> None:  # type: ignore[no-untyped-def]  # a fixture
    assert say(smtp(), b"421 4.3.2 shutting down\r\n") == Goodbye("421 4.3.2 shutting down")


def test_421_before_the_command_says_goodbye_instead_of_sending_it() -> None:
    smtp = ready()
    smtp.receive_data(b"421 bye\r\n")
    with pytest.raises(ConnectError, match="421 bye"):
        smtp.send(Discover())


def test_the_codes_of_a_reply_must_agree() -> None:
    smtp = ready()
    smtp.send(Discover())
    with pytest.raises(ProtocolError, match="begins with 250, then has 220"):
        say(smtp, b"250-x\r\n220 y\r\n")


def test_a_reply_without_end_is_bounded() -> None:
    smtp = ready()
    smtp.send(Discover())
    with pytest.raises(LimitExceeded):
        say(smtp, b"250-x\r\n" * 200)


def test_a_challenge_of_two_lines_is_refused() -> None:
    smtp = known()
    smtp.send(PLAIN)
    with pytest.raises(ProtocolError, match="challenge of 2 lines"):
        say(smtp, b"334-Zm9v\r\n334 Zm9v\r\n")


def test_a_challenge_that_is_not_base64_is_refused() -> None:
    smtp = known()
    smtp.send(PLAIN)
    with pytest.raises(ProtocolError, match="not base64"):
        say(smtp, b"334 no!\r\n")


@pytest.mark.parametrize("extra", [b"2", b"250 injected\r\n", b"\x16\x03\x01", b"220 again\r\n"])
def test_bytes_behind_the_220_of_starttls_close_the_connection(extra: bytes) -> None:
    smtp = ready()
    smtp.send(StartTLS())
    smtp.receive_data(b"220 go ahead\r\n" + extra)
    with pytest.raises(InjectionError) as caught:
        smtp.next_event()
    assert caught.value.size == len(extra)
    assert smtp.state is State.CLOSED


@given(
    st.lists(st.binary(max_size=40)),
    st.sampled_from([fresh, ready, known, challenged]),
    st.sampled_from([Discover(), StartTLS(), PLAIN]),
)
def test_any_bytes_in_any_chunks_give_an_event_or_our_error(chunks, begun, command) -> None:  # type: ignore[no-untyped-def]  # what Hypothesis draws
    smtp = begun()
    try:
        if smtp.state is State.READY:
            smtp.send(command)
        for chunk in chunks:
            smtp.receive_data(chunk)
            while smtp.next_event() is not None:
                pass
    except SecureMailError:
        assert smtp.state is State.CLOSED
