"""Which failures are worth another handshake, with less on offer."""

from __future__ import annotations

import pytest

from securemail import (
    CertificateError,
    CertificateReason,
    ConnectError,
    DeadlineError,
    ProtocolError,
    SecureMailError,
    TLSError,
)
from securemail.tls.hello import Hello, less

SILENCE = (
    ConnectError("the server hung up", phase="tls"),
    DeadlineError("the handshake took longer", phase="tls", seconds=20),
)
BROKEN = (
    *SILENCE,
    ConnectError("the connection was closed", phase="waiting for the greeting"),
    ConnectError("the connection was cut", phase="read", is_truncated=True),
    TLSError("internal error", alert="internal error"),
)
UNRELATED = (
    ConnectError("nobody answers", phase="connect"),
    DeadlineError("the greeting took longer", phase="greeting", seconds=20),
    CertificateError("expired", reason=CertificateReason.EXPIRED, certificate=None),
    ProtocolError("that is no greeting"),
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


@pytest.mark.parametrize("is_silent", [False, True])
@pytest.mark.parametrize("failure", BROKEN, ids=repr)
def test_a_session_that_is_not_taken_up_well_is_followed_by_a_full_handshake(
    failure: SecureMailError, is_silent: bool
) -> None:
    again = less(Hello(), failure, is_silent=is_silent, is_resuming=True)
    # And nothing else is less: silence costs the hybrid group only after that.
    assert again == Hello(may_resume=False)
    assert less(again, failure, is_silent=False, is_resuming=False) is None


@pytest.mark.parametrize("failure", UNRELATED, ids=repr)
def test_what_has_nothing_to_do_with_the_session_is_not_tried_again(
    failure: SecureMailError,
) -> None:
    assert less(Hello(), failure, is_silent=False, is_resuming=True) is None


def test_each_thing_is_left_out_once() -> None:
    hello: Hello | None = Hello()
    tries = 0
    while hello is not None:
        hello = less(hello, SILENCE[0], is_silent=True, is_resuming=hello.may_resume)
        tries += 1
    assert tries == 3  # a full handshake, then one without the hybrid group


def test_a_certificate_that_the_server_does_not_take_is_left_out_of_one_more_handshake() -> None:
    ended = TLSError("the client certificate stays here")
    again = less(Hello(is_hybrid=False), ended, is_silent=False, is_unwelcome=True)
    assert again == Hello(is_hybrid=False, shows_certificate=False)
    assert less(again, ended, is_silent=False, is_unwelcome=True) is None
