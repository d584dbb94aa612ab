"""What got worse is said, whatever it is; what did not, is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import Level, Policy, TLSVersion, UsageError
from securemail.policy.confidentiality import confidentiality
from securemail.records import TLSARecord
from securemail.store import Floor
from tests.values import GOOD_PROOF, UNVALIDATED_PROOF

BEST = Floor(
    level=Level.CONFIDENTIAL,
    tls_version=TLSVersion.TLS_1_3,
    is_post_quantum=True,
    is_dane=True,
)
FLOORS = st.builds(
    Floor,
    level=st.sampled_from(Level),
    tls_version=st.none() | st.sampled_from(TLSVersion),
    is_post_quantum=st.booleans(),
    is_dane=st.booleans(),
)


def test_it_is_what_the_connection_proved() -> None:
    proof = replace(GOOD_PROOF, tlsa=TLSARecord(3, 1, 1, b"x"))
    assert Floor.of(confidentiality(Policy(), proof)) == BEST
    assert Floor.of(confidentiality(Policy(), None)) == Floor()


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Floor(), "the connection: it was confidential, and is cleartext"),
        (replace(BEST, level=Level.PINNED), "the connection: it was confidential, and is pinned"),
        (
            replace(BEST, tls_version=TLSVersion.TLS_1_2),
            "the version: it was TLSv1.3, and is TLSv1.2",
        ),
        (
            replace(BEST, is_post_quantum=False),
            "the key exchange: it was safe from a quantum computer, and is not any more",
        ),
        (
            replace(BEST, is_dane=False),
            "the server: it was authenticated by DANE, and is not any more",
        ),
    ],
)
def test_each_thing_that_got_worse_is_said_in_words(seen: Floor, words: str) -> None:
    assert [str(fall) for fall in BEST.falls(seen)] == [words]


def test_all_that_got_worse_is_said_at_once() -> None:
    worst = Floor(level=Level.UNAUTHENTICATED, tls_version=TLSVersion.TLS_1_2)
    assert len(BEST.falls(worst)) == 4


def test_a_policy_that_asks_for_more_is_no_fall_of_the_server() -> None:
    more = Floor.of(confidentiality(Policy(require_dane=True), GOOD_PROOF))
    assert more.level is Level.REDUCED
    assert Floor.of(confidentiality(Policy(), GOOD_PROOF)).falls(more) == ()


def test_a_server_that_nobody_vouches_for_raises_nothing_but_the_level() -> None:
    seen = Floor.of(confidentiality(Policy(), UNVALIDATED_PROOF))
    assert seen.is_post_quantum
    assert Floor().raised_by(seen) == Floor(level=Level.UNAUTHENTICATED)


@given(FLOORS, FLOORS)
def test_nothing_falls_below_what_it_has_raised(floor: Floor, seen: Floor) -> None:
    raised = floor.raised_by(seen)
    assert raised.raised_by(seen) == raised
    assert raised.falls(BEST) == ()
    if seen.level not in {Level.NONE, Level.UNAUTHENTICATED}:
        assert raised.falls(seen) == floor.falls(seen)
        assert floor.falls(raised) == ()


@given(FLOORS)
def test_it_survives_being_stored(floor: Floor) -> None:
    assert Floor.from_dict(floor.to_dict(), "floor") == floor


@pytest.mark.parametrize(
    "data", [{}, [], BEST.to_dict() | {"level": "x"}, BEST.to_dict() | {"x": 1}]
)
def test_what_is_no_floor_is_refused(data: object) -> None:
    with pytest.raises(UsageError):
        Floor.from_dict(data, "floor")
