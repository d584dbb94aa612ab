"""Which failures are worth another handshake, with less on offer."""

from __future__ import annotations

import pytest

from securemail import (
    CertificateError,
    CertificateReason,
    ConnectError,
    DeadlineError,
    SecureMailError,
    TLSError,
)
from securemail.tls.hello import Hello, less

SILENCE = (
    ConnectError("the server hung up", phase="tls"),
    DeadlineError("the handshake took longer", phase="tls", seconds=20),
)
OTHERS = (
    ConnectError("the server hung up", phase="connect"),
    DeadlineError("the greeting took longer", phase="greeting", seconds=20),
    TLSError("handshake failure", alert="handshake failure"),
    CertificateError("expired", reason=CertificateReason.EXPIRED, certificate=None),
)


@pytest.mark.parametrize("failure", SILENCE, ids=repr)
def test_a_server_that_is_silent_is_greeted_once_more_without_the_hybrid_group(
    failure: SecureMailError,
) -> None:
    again = less(Hello(), failure, is_silent=True)
    assert again == Hello(is_hybrid=False)
    assert less(again, failure, is_silent=True) is None


@pytest.mark.parametrize("failure", SILENCE, ids=repr)
def test_a_server_that_has_said_something_is_offered_nothing_less(
    failure: SecureMailError,
) -> None:
    assert less(Hello(), failure, is_silent=False) is None


@pytest.mark.parametrize("failure", OTHERS, ids=repr)
def test_no_other_failure_is_a_reason_to_offer_less(failure: SecureMailError) -> None:
    assert less(Hello(), failure, is_silent=True) is None
