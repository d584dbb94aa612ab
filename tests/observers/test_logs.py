"""What the log says of a session, and how loud."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from securemail import (
    CertificateError,
    CertificateReason,
    Confidentiality,
    ConnectError,
    Endpoint,
    Event,
    Level,
    LoggingObserver,
    Service,
    Shortfall,
    TLSMode,
    TLSVersion,
    Trust,
)
from securemail.events import (
    ConnectFailed,
    ConnectStarted,
    Dialled,
    Ending,
    Failure,
    Greeted,
    LoggedIn,
    LoginMethod,
    Protection,
    Reconnecting,
    Refused,
    Secured,
    SessionClosed,
    SessionLost,
    Step,
    Stopped,
    Subject,
    Traffic,
)
from securemail.reconnect import Reason

SUBJECT = Subject(
    0xBEEF, "alice@example.org", Service.IMAP, Endpoint("mail.example.org", 993, TLSMode.IMPLICIT)
)
FACTS = (SUBJECT, 0.25, Traffic(1200, 300))
SHORTFALLS = frozenset({Shortfall.CERTIFICATE, Shortfall.NO_DANE})
PROTECTION = Protection.of(
    Confidentiality(
        level=Level.CONFIDENTIAL,
        shortfalls=frozenset(),
        tls_version=TLSVersion.TLS_1_3,
        trust=Trust.PKIX,
    )
)
EXPIRED = Failure(CertificateError, CertificateReason.EXPIRED)
CUT = Failure(ConnectError)

CASES: list[tuple[Event, int, str]] = [
    (ConnectStarted(*FACTS), logging.DEBUG, "connecting"),
    (Dialled(*FACTS, ip_address("192.0.2.1")), logging.DEBUG, "connected to 192.0.2.1 in 0.250 s"),
    (Dialled(*FACTS, None), logging.DEBUG, "connected to it in 0.250 s"),
    (
        Secured(*FACTS, PROTECTION),
        logging.DEBUG,
        "TLSv1.3, trust PKIX, confidential in 0.250 s",
    ),
    (Greeted(*FACTS), logging.DEBUG, "greeted in 0.250 s"),
    (
        Refused(*FACTS, SHORTFALLS),
        logging.ERROR,
        (
            "refused: the server was not authenticated by DANE; "
            "the server's certificate was not validated"
        ),
    ),
    (
        LoggedIn(*FACTS, LoginMethod.PLAIN, is_bound=False, protection=PROTECTION),
        logging.INFO,
        "logged in by PLAIN, confidential, in 0.250 s",
    ),
    (
        ConnectFailed(*FACTS, Step.TLS, EXPIRED),
        logging.WARNING,
        "failed in step tls after 0.250 s: CertificateError (expired)",
    ),
    (SessionClosed(*FACTS), logging.INFO, "closed after 0.250 s, 1200 bytes in, 300 out"),
    (
        SessionLost(*FACTS, Ending.CLOSED_BY_SERVER, None),
        logging.INFO,
        "lost after 0.250 s, 1200 bytes in, 300 out: closed by the server",
    ),
    (
        SessionLost(*FACTS, Ending.FAILED, CUT),
        logging.WARNING,
        "lost after 0.250 s, 1200 bytes in, 300 out: failed: ConnectError",
    ),
    (
        Reconnecting(SUBJECT, Reason.LINE, CUT, wait_s=1.25, up_s=60.0),
        logging.INFO,
        "connecting again in 1.2 s: the line was lost, or not to be had",
    ),
    (
        Stopped(SUBJECT, Reason.CERTIFICATE, EXPIRED),
        logging.ERROR,
        "not tried again: the certificate is not valid: CertificateError (expired)",
    ),
]


@pytest.mark.parametrize(("event", "level", "words"), CASES)
def test_an_event_is_one_line_that_names_the_server_and_nobody(
    caplog: pytest.LogCaptureFixture, event: Event, level: int, words: str
) -> None:
    with caplog.at_level(logging.DEBUG, "securemail"):
        LoggingObserver()(event)
    (record,) = caplog.records
    assert record.levelno == level
    assert record.getMessage() == f"IMAP at mail.example.org:993 [0000beef]: {words}"
    assert record.__dict__["event"] is event


def test_the_account_is_named_where_that_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "mine"):
        LoggingObserver(logging.getLogger("mine"), with_addresses=True)(ConnectStarted(*FACTS))
    assert caplog.messages == [
        "IMAP of alice@example.org at mail.example.org:993 [0000beef]: connecting"
    ]


def test_what_nobody_listens_to_is_not_put_into_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "securemail"):
        LoggingObserver()(ConnectStarted(*FACTS))
    assert caplog.messages == []


@dataclass(frozen=True, slots=True)
class Novelty(Event):
    """An event of a kind that the observer does not know."""


def test_an_event_of_another_kind_is_told_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "securemail"):
        LoggingObserver()(Novelty())
    assert caplog.messages == ["Novelty"]
