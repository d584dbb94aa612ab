"""One thing, done until it works: again after what may mend, and never after what does not."""

from __future__ import annotations

import pytest

from securemail import (
    AuthenticationError,
    Backoff,
    ConnectError,
    PolicyError,
    SecureMailError,
    Shortfall,
    SubmissionError,
    UnknownOutcome,
    keep_trying,
)

SOON = Backoff(base=1e-6, ceiling=1e-6)
LOST = ConnectError("lost", phase="connect")
LATER = SubmissionError("later", step="MAIL", code=451)
REFUSED = AuthenticationError("no")


class Work:
    """Fails with these errors in turn, and then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = [*errors]
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_what_may_mend_is_tried_again_and_told() -> None:
    told: list[tuple[SecureMailError, float]] = []
    work = Work(LOST, LATER)
    assert await keep_trying(work, backoff=SOON, on_failure=lambda *each: told.append(each)) == (
        "done"
    )
    assert [error for error, _ in told] == [LOST, LATER]
    assert all(0 <= wait_s <= SOON.ceiling for _, wait_s in told)


@pytest.mark.parametrize(
    "error",
    [
        UnknownOutcome("?"),
        SubmissionError("no", step="RCPT", code=550),
        PolicyError("no", shortfalls=[Shortfall.NO_TLS]),
        REFUSED,
        ValueError("the program's own"),
    ],
)
async def test_what_somebody_must_act_on_is_raised_at_once(error: Exception) -> None:
    work = Work(error)
    with pytest.raises(type(error)) as caught:
        await keep_trying(work, backoff=SOON)
    assert caught.value is error
    assert work.calls == 1


async def test_a_token_is_renewed_once() -> None:
    work = Work(REFUSED, LOST)
    assert await keep_trying(work, backoff=SOON, has_token=True) == "done"
    work = Work(REFUSED, REFUSED)
    with pytest.raises(AuthenticationError):
        await keep_trying(work, backoff=SOON, has_token=True)
    assert work.calls == 2
