"""Which errors lead to another connection, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import (
    Attempt,
    AuthenticationError,
    CertificateError,
    CertificateReason,
    CommandError,
    ConfirmationRequired,
    ConnectError,
    DeadlineError,
    DiscoveryError,
    DiscoveryReason,
    InjectionError,
    LimitExceeded,
    PolicyError,
    ProtocolError,
    SecureMailError,
    Shortfall,
    SubmissionError,
    TLSError,
    UIDValidityError,
    UnknownOutcome,
    UsageError,
)
from securemail.reconnect import (
    _DISAGREEMENTS,
    Backoff,
    Remedy,
    Setback,
    Trouble,
    again,
    remedy,
)
from securemail.tls.handshake import ALERTS

RETRY, RENEW, STOP = Remedy.RETRY, Remedy.RENEW, Remedy.STOP


def refused(*answers: str) -> AuthenticationError:
    return AuthenticationError("no", attempts=[Attempt("PLAIN", answer) for answer in answers])


def caused(error: SecureMailError, cause: Exception) -> SecureMailError:
    error.__cause__ = cause
    return error


CUT = ConnectError("cut", phase="command", is_truncated=True)
CLOSED = ConnectError("closed", phase="command")
LOST = ConnectError("lost", phase="connect")

# The error, and what helps an account with a password, and one with a token.
ERRORS = [
    (LOST, RETRY, RETRY),
    (DeadlineError("slow", phase="tls", seconds=1), RETRY, RETRY),
    (ProtocolError("nonsense"), RETRY, RETRY),
    (LimitExceeded("long", limit=1), RETRY, RETRY),
    (TLSError("a damaged record"), RETRY, RETRY),
    (TLSError("no", alert="protocol version"), STOP, STOP),
    (TLSError("no", alert="certificate revoked"), STOP, STOP),
    (TLSError("no", alert="internal error"), RETRY, RETRY),
    (TLSError("no", alert="alert 20"), RETRY, RETRY),
    (InjectionError("bytes", size=1), STOP, STOP),
    (PolicyError("no", shortfalls=[Shortfall.NO_TLS]), STOP, STOP),
    *(
        (CertificateError("no", reason=reason, certificate=None), STOP, STOP)
        for reason in CertificateReason
    ),
    (UsageError("no", field="x"), STOP, STOP),
    (ConfirmationRequired("ask", hosts=["x"]), STOP, STOP),
    (UnknownOutcome("?"), STOP, STOP),
    (UIDValidityError("INBOX", expected=1, found=2), STOP, STOP),
    *(
        (DiscoveryError("no", reason=reason), *[STOP if reason.name == "BOGUS" else RETRY] * 2)
        for reason in DiscoveryReason
    ),
    (CommandError("no", command="EXAMINE", words="[NONEXISTENT] none"), STOP, STOP),
    (CommandError("no", command="EXAMINE", words="[NOPERM] not yours"), STOP, STOP),
    (CommandError("no", command="EXAMINE", words="[INUSE] later"), RETRY, RETRY),
    (CommandError("no", command="EXAMINE", words="[SERVERBUG] oops"), RETRY, RETRY),
    (CommandError("no", command="EXAMINE", words="Mailbox doesn't exist: Lists"), STOP, STOP),
    (CommandError("no", command="UIDL", words="[SYS/PERM] broken"), STOP, STOP),
    (SubmissionError("no", step="MAIL", code=451), RETRY, RETRY),
    (SubmissionError("no", step="MAIL", code=550), STOP, STOP),
    (refused(), STOP, RENEW),
    (refused("nothing that we know"), STOP, RENEW),
    (refused("[AUTHENTICATIONFAILED] wrong"), STOP, RENEW),
    (refused("[EXPIRED] change it"), STOP, RENEW),
    (refused("535 5.7.8 wrong"), STOP, RENEW),
    (refused("[UNAVAILABLE] the database is down"), RETRY, RETRY),
    (refused("[LIMIT] too many connections"), RETRY, RETRY),
    (refused("[INUSE] locked"), RETRY, RETRY),
    (refused("[IN-USE] locked"), RETRY, RETRY),
    (refused("[LOGIN-DELAY] too soon"), RETRY, RETRY),
    (refused("[SYS/TEMP] later"), RETRY, RETRY),
    (refused("454 4.7.0 temporary"), RETRY, RETRY),
    (refused("[UNAVAILABLE] down", "[AUTHENTICATIONFAILED] wrong"), STOP, RENEW),
    (refused("[LIMITLESS] no such code"), STOP, RENEW),
    (refused("not [UNAVAILABLE] at its beginning"), STOP, RENEW),
    (caused(refused("x"), TimeoutError("the token endpoint")), RETRY, RETRY),
    (caused(refused("x"), PolicyError("the program's own", shortfalls=())), STOP, RENEW),
    (caused(refused("x"), CUT), RETRY, RETRY),
    (caused(refused("x"), CLOSED), RENEW, RENEW),
]


@pytest.mark.parametrize(("error", "password", "token"), ERRORS)
def test_what_helps_follows_from_who_must_act(
    error: SecureMailError, password: Remedy, token: Remedy
) -> None:
    assert remedy(error, has_token=False) is password
    assert remedy(error, has_token=True) is token


def test_every_alert_that_stops_us_is_one_that_the_engine_names() -> None:
    assert set(ALERTS.values()) >= _DISAGREEMENTS


def test_a_policy_that_is_not_met_is_never_tried_again() -> None:
    error = PolicyError("no", shortfalls=[Shortfall.NO_TLS])
    setback = Setback(error, up_s=1e6, has_token=True)
    assert again(Trouble(), setback, backoff=Backoff(), chance=0.5) is None


def test_a_password_that_was_refused_is_never_tried_again() -> None:
    setback = Setback(refused("[AUTHENTICATIONFAILED] wrong"), up_s=1e6, has_token=False)
    assert again(Trouble(), setback, backoff=Backoff(), chance=0.5) is None


def test_a_token_is_renewed_once_and_again_only_after_a_stable_session() -> None:
    no = refused("[AUTHENTICATIONFAILED] expired")
    first = again(Trouble(), Setback(no, 0, has_token=True), backoff=Backoff(), chance=0)
    assert first is not None
    assert first.trouble.is_renewed
    lost = again(first.trouble, Setback(LOST, 0, has_token=True), backoff=Backoff(), chance=0)
    assert lost is not None
    second = Setback(no, 0, has_token=True)
    assert again(lost.trouble, second, backoff=Backoff(), chance=0) is None
    stable = Setback(no, up_s=60, has_token=True)
    assert again(lost.trouble, stable, backoff=Backoff(), chance=0) is not None


def test_the_wait_doubles_up_to_its_ceiling() -> None:
    backoff = Backoff(base=1, ceiling=300)
    longest = [backoff.longest(failures) for failures in range(1, 12)]
    assert longest == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert backoff.longest(10**9) == 300


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 10**6))
def test_all_of_the_wait_is_chance(chance: float, failures: int) -> None:
    setback = Setback(LOST, up_s=0, has_token=False)
    plan = again(Trouble(failures), setback, backoff=Backoff(), chance=chance)
    assert plan is not None
    assert plan.wait_s == chance * Backoff().longest(failures + 1)
    assert 0 <= plan.wait_s < 300


def test_only_a_session_that_proved_stable_begins_anew() -> None:
    for up_s, failures in ((0, 6), (59.9, 6), (60, 1)):
        setback = Setback(LOST, up_s, has_token=False)
        plan = again(Trouble(5), setback, backoff=Backoff(stable=60), chance=0)
        assert plan is not None
        assert plan.trouble.failures == failures


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "1", True, None])
@pytest.mark.parametrize("name", ["base", "ceiling", "stable"])
def test_a_backoff_wants_positive_seconds(name: str, seconds: object) -> None:
    with pytest.raises(UsageError) as caught:
        Backoff(**{name: seconds})  # type: ignore[arg-type]  # that is the point
    assert caught.value.field == f"Backoff.{name}"


def test_a_ceiling_is_not_below_the_base() -> None:
    with pytest.raises(UsageError):
        Backoff(base=10, ceiling=5)
