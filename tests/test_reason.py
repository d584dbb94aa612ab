"""What errors are called in statistics of reconnects."""

from __future__ import annotations

import pytest

from securemail import (
    AuthenticationError,
    CertificateError,
    CertificateReason,
    CommandError,
    ConnectError,
    DeadlineError,
    DiscoveryError,
    DiscoveryReason,
    PolicyError,
    ProtocolError,
    SecureMailError,
    Shortfall,
    TLSError,
    UsageError,
    VersionError,
)
from securemail.reconnect import Reason, reason
from tests.test_reconnect import CLOSED, CUT, LOST, caused, refused

BOGUS = DiscoveryError("no", reason=DiscoveryReason.BOGUS)


@pytest.mark.parametrize(
    ("error", "password", "token"),
    [
        (LOST, Reason.LINE, Reason.LINE),
        (caused(ConnectError("x", phase="connect"), BOGUS), Reason.NAME, Reason.NAME),
        (BOGUS, Reason.NAME, Reason.NAME),
        (DeadlineError("slow", phase="tls", seconds=1), Reason.DEADLINE, Reason.DEADLINE),
        (TLSError("a damaged record"), Reason.TLS, Reason.TLS),
        (VersionError("old"), Reason.POLICY, Reason.POLICY),
        (PolicyError("no", shortfalls=[Shortfall.NO_TLS]), Reason.POLICY, Reason.POLICY),
        (
            CertificateError("no", reason=CertificateReason.EXPIRED, certificate=None),
            Reason.CERTIFICATE,
            Reason.CERTIFICATE,
        ),
        (ProtocolError("nonsense"), Reason.SERVER, Reason.SERVER),
        (CommandError("no", command="NOOP", words="[NOPERM]"), Reason.SERVER, Reason.SERVER),
        (CommandError("no", command="NOOP", words="[LIMIT]"), Reason.THROTTLED, Reason.THROTTLED),
        (refused("[AUTHENTICATIONFAILED] wrong"), Reason.LOGIN, Reason.TOKEN),
        (refused("[UNAVAILABLE] later"), Reason.THROTTLED, Reason.THROTTLED),
        (caused(refused("x"), CUT), Reason.LINE, Reason.LINE),
        (caused(refused("x"), CLOSED), Reason.LOGIN, Reason.TOKEN),
        (caused(refused("x"), OSError("away at night")), Reason.TOKEN, Reason.TOKEN),
        (UsageError("no", field="x"), Reason.OTHER, Reason.OTHER),
        (SecureMailError("?"), Reason.OTHER, Reason.OTHER),
    ],
)
def test_an_error_has_a_reason(error: SecureMailError, password: Reason, token: Reason) -> None:
    assert reason(error, has_token=False) is password
    assert reason(error, has_token=True) is token


def test_no_reason_is_without_a_sentence_of_its_own() -> None:
    assert len({each.value for each in Reason}) == len(Reason)
    assert isinstance(refused("x"), AuthenticationError)
