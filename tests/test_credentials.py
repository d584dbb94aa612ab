"""What an account logs in with shows nowhere, not even where it is refused."""

from __future__ import annotations

import functools
import traceback

import pytest

from securemail import Account, OAuthToken, Password, Secret, UsageError

# Put together here, so that no line of source has it.
CANARY = "-".join(("canary", "pass", "word"))
REFUSED = {
    "a private-use character": CANARY + "\ue000",
    "two directions": "\u0627" + CANARY,
    "NUL": CANARY + "\0",
    "a line end": CANARY + "\r\n",
    "a surrogate": CANARY + "\udcff",
}


def show(error: BaseException) -> str:
    """Return all that a traceback can show, but the frame of the test."""
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(error)


@pytest.mark.parametrize("wrap", [str, Secret])
@pytest.mark.parametrize("what", REFUSED)
def test_no_local_of_a_traceback_holds_a_password_that_is_refused(
    what: str, wrap: type[str | Secret]
) -> None:
    with pytest.raises(UsageError) as caught:
        Password("alice", wrap(REFUSED[what]))
    assert caught.value.field == "Password.password"
    assert caught.value.__context__ is None
    assert "canary" not in show(caught.value)


def test_no_local_of_a_traceback_holds_a_password_whose_name_is_refused() -> None:
    for username, mechanisms in (("", ()), ("a\0b", ()), ("alice", "PLAIN")):
        with pytest.raises(UsageError) as caught:
            Password(username, CANARY, mechanisms=mechanisms)
        assert "canary" not in show(caught.value)


async def _refreshed(secret: str) -> str:
    return secret


def test_what_a_token_is_fetched_with_does_not_show() -> None:
    token = OAuthToken("alice", functools.partial(_refreshed, CANARY))
    for value in (token, Account("alice@example.org", credentials=token)):
        assert "canary" not in repr(value)
        assert "alice" in repr(value)
