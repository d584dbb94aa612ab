"""The account of the soak finds what is missing and what came twice, and a short one is exact."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.soak.account import FAULTS, account
from benchmarks.soak.journal import Books
from benchmarks.soak.memory import Memory, Sample
from benchmarks.soak.server import Journaled, users

from securemail.testing import MailServer

ROOT = Path(__file__).parents[2]
NAMES = users(2)  # the first by IMAP with UIDVALIDITY 1, the second by POP3 with 2
JOURNAL = ("d user0", "d user0", "x user0 1", "r user0", "d user0", "d user0", "x user0 2")
TOLD = ("n user0 1 1", "n user0 1 2", "e user0 1 1", "v user0 3 2", "n user0 3 2:3", "e user0 3 2")
DROPPED = ("d user1", "d user1", "x user1 1", "d user1")
LISTED = ("m user1 2.1 2.2", "m user1 2.3")


def faults(*heard: str, journal: tuple[str, ...] = JOURNAL + DROPPED) -> dict[str, int]:
    found = account(Books.of(NAMES, journal), heard, frozenset(NAMES[1:]))
    assert found.is_exact is not any(found.numbers[name] for name in FAULTS)
    return {name: found.numbers[name] for name in FAULTS if found.numbers[name]}


def test_what_was_told_as_it_happened_is_exact() -> None:
    found = account(Books.of(NAMES, JOURNAL + DROPPED), TOLD + LISTED, frozenset(NAMES[1:]))
    assert found.is_exact
    assert found.numbers["announced once"] == found.numbers["delivered"] == 4
    assert found.numbers["unique ids announced once"] == found.numbers["unique ids in POP3"] == 3


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ((*TOLD[:4], "n user0 3 2", TOLD[5]), {"missing": 1}),
        ((*TOLD, "n user0 3 3"), {"announced twice": 1}),
        ((*TOLD, "n user0 3 1"), {"announced twice": 1}),  # as UID 2 of before
        ((*TOLD, "n user0 3 4"), {"never delivered": 1}),
        ((*TOLD, "n user0 2 1"), {"never delivered": 1}),
        (TOLD[:5], {"expunges missing": 1}),
        ((*TOLD, "e user0 3 2"), {"expunges told twice": 1}),
        ((*TOLD, "e user0 3 3"), {"expunges that were none": 1}),
    ],
)
def test_a_watch_that_errs_is_found_out(changed: tuple[str, ...], fault: dict[str, int]) -> None:
    assert faults(*changed, *LISTED) == fault


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (LISTED[:1], {"missing": 1}),
        ((*LISTED, "m user1 2.3"), {"announced twice": 1}),
        ((*LISTED, "m user1 2.4"), {"never delivered": 1}),
        (("m user1 2.2 2.3",), {}),  # the first was gone before anybody looked
    ],
)
def test_a_maildrop_that_errs_is_found_out(changed: tuple[str, ...], fault: dict[str, int]) -> None:
    assert faults(*TOLD, *changed) == fault


def test_messages_that_are_in_the_list_after_a_change_of_uidvalidity_are_not_missing() -> None:
    assert faults("v user0 3 4", *LISTED) == {}
    assert faults("v user0 3 3", *LISTED) == {"missing": 1}


def test_the_books_say_what_a_server_has_that_was_killed(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    mail = Journaled(MailServer(dict.fromkeys(NAMES, "x")), journal)
    for line in JOURNAL + DROPPED:
        mail.act(*line.split())
    again = Journaled(MailServer(dict.fromkeys(NAMES, "x")), journal)
    lines = journal.read_text().splitlines()
    again.replay(lines)
    boxes = Books.of(NAMES, lines).boxes
    booked = {user: (box.uidvalidity, list(box.present)) for user, box in boxes.items()}
    assert mail.state() == again.state() == booked
    mail.close()
    again.close()


def held(*resident_kib: float) -> Memory:
    samples = [Sample(float(n), kib, 1, 1, 1) for n, kib in enumerate(resident_kib)]
    return Memory(samples)


def test_one_step_is_no_drift_and_a_leak_is_one() -> None:
    step = held(*[100.0] * 10, *[105.0] * 5)
    leak = held(*(100.0 + n for n in range(15)))
    assert step.drift("resident_kib") == 0
    assert step.slope("resident_kib") > 0.002
    assert leak.drift("resident_kib") > 0.005 > step.drift("resident_kib")
    assert held(1.0, 2.0).drift("resident_kib") == 0


def test_a_look_while_the_server_is_down_is_none() -> None:
    full, empty = (Sample(0.0, 100.0, objects, files, 1) for objects, files in ((90, 9), (10, 1)))
    looks = [replace(empty if n in (6, 7) else full, minute=float(n)) for n in range(15)]
    assert Memory(looks).slope("objects") == 0
    assert Memory([replace(full, minute=float(n), objects=90 + n) for n in range(15)]).slope(
        "objects"
    )


@pytest.mark.full
def test_a_short_soak_is_exact() -> None:
    command = ["benchmarks.soak", "--minutes", "0.15", "--mailboxes", "20", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr}{done.stdout}"
    found = json.loads(done.stdout)
    assert found["verdict"] == "exact"
    assert found["the account"]["announced once"] > 50
    assert found["files and tasks left over"] == [0, 0]
