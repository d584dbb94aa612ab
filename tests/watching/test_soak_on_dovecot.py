"""The soak on a real Dovecot: its account finds what is wrong, and a short one is exact."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.soak.account import FAULTS, Account
from benchmarks.soak.truth import Done, Told, compare

from securemail.uids import UIDSet

ROOT = Path(__file__).parents[2]
Event = tuple[set[int], set[int], set[int]]

# New, expunged, other flags: messages 1 to 4 come, 2 is expunged, and 3 has other flags.
TOLD: tuple[Event, ...] = (({1, 2}, set(), set()), ({3, 4}, {2}, set()), (set(), set(), {3}))
DONE = Done(expunged={2, 5}, flagged={3: 3})
PRESENT = UIDSet.of([1, 3, 4])


def faults(*events: Event, made_anew: int = 0) -> dict[str, int]:
    told, found = Told(made_anew=made_anew), Account()
    for number, sets in enumerate(events, 1):
        told.note(number, *map(UIDSet.of, sets))
    compare("INBOX", told, DONE, PRESENT, found)
    assert found.is_exact is not any(found.numbers[name] for name in FAULTS)
    return {name: found.numbers[name] for name in FAULTS if found.numbers[name]}


def test_what_was_told_as_it_happened_is_exact() -> None:
    assert faults(*TOLD) == {}


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ((({1, 2, 3}, set(), set()), (set(), {2}, {3}), TOLD[2]), {"missing": 1}),
        ((*TOLD, ({4}, set(), set())), {"announced twice": 1}),
        ((*TOLD, ({6}, {6}, set())), {"never delivered": 1, "expunges that were none": 1}),
        ((({1, 2}, set(), set()), ({3, 4}, set(), set()), TOLD[2]), {"expunges missing": 1}),
        ((*TOLD, (set(), {2}, set())), {"expunges told twice": 1}),
        ((*TOLD, (set(), {1}, set())), {"expunges that were none": 1}),
        (TOLD[:2], {"flags missing": 1}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_watch_that_errs_is_found_out(events: tuple[Event, ...], fault: dict[str, int]) -> None:
    assert faults(*events) == fault


def test_a_mailbox_that_was_made_anew_by_nobody_is_found_out() -> None:
    assert faults(*TOLD, made_anew=1) == {"UIDVALIDITY changed": 1}


@pytest.mark.full
@pytest.mark.dovecot
def test_a_short_soak_is_exact() -> None:
    command = ["benchmarks.soak.dovecot", "--minutes", "0.3", "--mailboxes", "20"]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr}{done.stdout}"
    assert json.loads(done.stdout)["the account"]["announced once"] > 10
