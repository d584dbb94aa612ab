"""What may be tried after a refusal: the whole table, and never more shown than before."""

from __future__ import annotations

import pytest

from securemail import Password
from securemail.proof import ChannelBinding
from securemail.sasl import (
    External,
    GS2Header,
    LoginCommand,
    Plain,
    Refusal,
    Scram,
    Verdict,
    Way,
    why_not,
)

MINE = Password("alice", "secret")
BOUND = GS2Header(binding=ChannelBinding("tls-exporter", b"x" * 32))
PLUS = Scram("SCRAM-SHA-256-PLUS", MINE, BOUND, "nonce")
OTHER_PLUS = Scram("SCRAM-SHA-1-PLUS", MINE, BOUND, "nonce")
SCRAM = Scram("SCRAM-SHA-256", MINE, GS2Header(), "nonce")
PLAIN = Plain("alice", MINE.password)
COMMAND = LoginCommand("alice", MINE.password)
EXTERNAL = External()

REFUSED, WRONG, UNKNOWN = Verdict.REFUSED, Verdict.WRONG_SECRET, Verdict.BINDING_UNKNOWN


@pytest.mark.parametrize(
    ("refused", "verdict", "remaining"),
    [
        # Servers with hashed passwords have no key for SCRAM, and say so before the salt.
        (SCRAM, REFUSED, {PLAIN.name, COMMAND.name, PLUS.name, OTHER_PLUS.name}),
        # What a middleman wants: the same password without what gives him away.
        (PLUS, REFUSED, {OTHER_PLUS.name}),
        (PLUS, UNKNOWN, {SCRAM.name, PLAIN.name, COMMAND.name}),
        (PLUS, WRONG, set()),
        (SCRAM, WRONG, set()),
        (PLAIN, WRONG, set()),
        (COMMAND, WRONG, set()),
        (EXTERNAL, REFUSED, {way.name for way in (PLUS, OTHER_PLUS, SCRAM, PLAIN, COMMAND)}),
    ],
)
def test_a_refusal_leaves_only_ways_that_show_no_more(
    refused: Way, verdict: Verdict, remaining: set[str]
) -> None:
    ways: list[Way] = [PLUS, OTHER_PLUS, SCRAM, PLAIN, COMMAND]
    left = {
        way.name
        for way in ways
        if way is not refused
        and why_not(way, [Refusal(refused, verdict)], is_authenticated=True) is None
    }
    assert left == remaining


@pytest.mark.parametrize("way", [PLAIN, COMMAND], ids=lambda way: way.name)
def test_only_a_server_that_was_authenticated_gets_the_password_after_it_refused_scram(
    way: Way,
) -> None:
    refusals = [Refusal(SCRAM, REFUSED)]
    assert why_not(way, refusals, is_authenticated=True) is None
    reason = why_not(way, refusals, is_authenticated=False)
    assert reason is not None
    assert "right server" in reason


@pytest.mark.parametrize("verdict", [REFUSED, WRONG, UNKNOWN])
def test_external_may_follow_whatever_was_refused(verdict: Verdict) -> None:
    assert why_not(EXTERNAL, [Refusal(PLUS, verdict)], is_authenticated=False) is None


def test_one_refusal_among_several_is_enough() -> None:
    refusals = [Refusal(PLUS, UNKNOWN), Refusal(SCRAM, WRONG)]
    assert why_not(PLAIN, refusals, is_authenticated=True) is not None
