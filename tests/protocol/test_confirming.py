"""Capabilities and login in one flight: what is assumed, and what the answers may be."""

from __future__ import annotations

import pytest

from securemail import Service
from securemail.errors import LimitExceeded, PolicyError, ProtocolError, UsageError
from securemail.intent import Intent
from securemail.protocol.dialects import new_dialect
from securemail.protocol.dialogue import (
    Authenticate,
    Challenge,
    ConfirmAndAuthenticate,
    Discovered,
    Event,
    Goodbye,
    LoggedIn,
    Refused,
    StartTLS,
    State,
)
from securemail.protocol.machine import Machine
from securemail.secret import SecretBytes
from tests.protocol.gates import open_gate

PLAIN = ConfirmAndAuthenticate(Authenticate("PLAIN", SecretBytes(b"\0alice\0secret")))
GREETINGS = {Service.IMAP: b"* OK hi\r\n", Service.POP3: b"+OK hi\r\n"}
SENT = {
    Service.IMAP: b"T1 CAPABILITY\r\nT2 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==\r\n",
    Service.POP3: b"CAPA\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n",
}
LISTED = {
    Service.IMAP: b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nT1 OK listed\r\n",
    Service.POP3: b"+OK\r\nSASL PLAIN\r\nPIPELINING\r\n.\r\n",
}
YES = {Service.IMAP: b"T2 OK welcome\r\n", Service.POP3: b"+OK welcome\r\n"}
NO = {Service.IMAP: b"T2 NO never\r\n", Service.POP3: b"-ERR never\r\n"}
ASK = {Service.IMAP: b"+ aGk=\r\n", Service.POP3: b"+ aGk=\r\n"}
BOTH = pytest.mark.parametrize("service", GREETINGS)


def closed_gate(intent: Intent) -> None:
    if intent is Intent.AUTHENTICATE:
        raise PolicyError("closed", shortfalls=())


def greeted(service: Service) -> Machine:
    machine = Machine(new_dialect(service, "T"), open_gate, is_secured=True)
    machine.receive_data(GREETINGS[service])
    machine.next_event()
    return machine


def asked(service: Service) -> Machine:
    machine = greeted(service)
    assert machine.send(PLAIN) == SENT[service]
    return machine


def events(machine: Machine, data: bytes) -> list[Event]:
    machine.receive_data(data)
    return list(iter(machine.next_event, None))


@BOTH
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_both_answers_are_read_in_turn_whatever_the_segments(service: Service, size: int) -> None:
    machine, answers = asked(service), LISTED[service] + YES[service]
    came = [e for i in range(0, len(answers), size) for e in events(machine, answers[i : i + size])]
    assert came == [Discovered(), LoggedIn()]


@BOTH
def test_the_login_may_be_refused_or_go_on_with_a_challenge(service: Service) -> None:
    said = events(asked(service), LISTED[service] + NO[service])
    assert said == [Discovered(), Refused("never")]
    assert events(asked(service), LISTED[service] + ASK[service]) == [
        Discovered(),
        Challenge(b"hi"),
    ]


@pytest.mark.parametrize(
    ("service", "early"),
    [
        (Service.IMAP, YES[Service.IMAP]),
        (Service.IMAP, NO[Service.IMAP]),
        (Service.IMAP, ASK[Service.IMAP]),
        (Service.POP3, ASK[Service.POP3]),
    ],
)
def test_nothing_but_the_capabilities_is_an_answer_to_the_first_command(
    service: Service, early: bytes
) -> None:
    machine = asked(service)
    with pytest.raises(ProtocolError):
        events(machine, early)
    assert machine.state is State.CLOSED


def test_an_answer_without_capabilities_closes() -> None:
    machine = asked(Service.IMAP)
    with pytest.raises(ProtocolError):
        events(machine, b"T1 OK listed\r\n")


def test_a_server_without_capa_lists_nothing() -> None:
    machine = asked(Service.POP3)
    assert events(machine, b"-ERR what\r\n") == [Discovered()]
    assert machine.capabilities == frozenset()


def test_a_server_that_says_goodbye_is_heard() -> None:
    assert events(asked(Service.IMAP), b"* BYE later\r\n") == [Goodbye("later")]


def test_the_lines_of_both_answers_are_bounded_together() -> None:
    machine = asked(Service.IMAP)
    with pytest.raises(LimitExceeded):
        events(machine, b"* 3 EXISTS\r\n" * 10_000)


@BOTH
def test_the_gate_is_asked_for_the_login_and_nothing_is_sent(service: Service) -> None:
    machine = Machine(new_dialect(service, "T"), closed_gate, is_secured=True)
    machine.receive_data(GREETINGS[service])
    machine.next_event()
    with pytest.raises(PolicyError):
        machine.send(PLAIN)


def test_submission_has_no_such_command() -> None:
    machine = Machine(new_dialect(Service.SUBMISSION, "T"), open_gate, is_secured=True)
    machine.receive_data(b"220 hi\r\n")
    machine.next_event()
    machine.assume(frozenset({"AUTH PLAIN"}))
    assert not machine.may_confirm
    with pytest.raises(UsageError):
        machine.send(PLAIN)


@BOTH
def test_nothing_is_assumed_in_cleartext(service: Service) -> None:
    machine = Machine(new_dialect(service, "T"), open_gate)
    with pytest.raises(UsageError):
        machine.assume(frozenset({"AUTH=PLAIN"}))


def test_what_is_assumed_counts_until_the_server_has_spoken() -> None:
    machine = greeted(Service.IMAP)
    machine.assume(frozenset({"AUTH=SCRAM-SHA-256", "SASL-IR"}))
    assert machine.may_confirm
    assert machine.takes_initial_response
    assert machine.mechanisms == {"SCRAM-SHA-256"}
    machine.send(PLAIN)
    events(machine, LISTED[Service.IMAP])
    assert machine.mechanisms == {"PLAIN"}


def test_pop3_sends_both_only_where_pipelining_was_listed() -> None:
    machine = greeted(Service.POP3)
    counts = []
    for listed in ({"SASL PLAIN"}, {"SASL PLAIN", "PIPELINING"}):
        machine.assume(frozenset(listed))
        counts.append(machine.may_confirm)
    assert counts == [False, True]


def test_tls_is_not_asked_for_in_between() -> None:
    machine = asked(Service.IMAP)
    with pytest.raises(UsageError):
        machine.send(StartTLS())
