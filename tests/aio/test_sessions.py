"""The store of sessions: whose they are, how many, and for how long."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import cast

import pytest
from OpenSSL import SSL

from securemail import limits
from securemail.aio.sessions import Sessions
from securemail.tls.resumption import Evidence, Resumable, SessionKey
from tests.tls.test_resumption import NOW, evidence, key

PROVED = evidence()
KEY, OTHER = key(), key(address="bob@example.org")
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def resumable(found: Evidence = PROVED) -> Resumable:
    return Resumable(cast("SSL.Session", object()), found)


def test_a_session_is_found_by_its_own_key_and_once() -> None:
    sessions, mine = Sessions(), resumable()
    sessions.keep(KEY, mine)
    assert sessions.take(OTHER) is None
    assert sessions.take(KEY) is mine
    assert sessions.take(KEY) is None


def test_the_newest_comes_first_and_few_are_kept_for_one_server() -> None:
    sessions = Sessions()
    made = [resumable() for _ in range(10)]
    for each in made:
        sessions.keep(KEY, each)
    assert len(sessions) == limits.RESUMABLE_PER_SERVER
    assert [sessions.take(KEY) for _ in range(4)] == made[:-5:-1]


def test_a_connection_that_is_given_more_tickets_leaves_the_last() -> None:
    sessions, first, last = Sessions(), resumable(), resumable()
    sessions.keep(KEY, first)
    sessions.keep(KEY, last, instead_of=first)
    assert (sessions.take(KEY), sessions.take(KEY)) == (last, None)
    sessions.keep(KEY, first, instead_of=last)  # which another connection has taken
    assert len(sessions) == 1


def test_when_there_are_too_many_servers_the_one_not_used_for_longest_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "RESUMABLE_SERVERS", 3)
    sessions = Sessions()
    keys = [key(address=f"{number}@example.org") for number in range(4)]
    for each in (*keys[:3], keys[0], keys[3]):
        sessions.keep(each, resumable())
    assert sessions.take(keys[1]) is None
    assert all(sessions.take(keys[place]) for place in (0, 2, 3))


def test_what_is_too_old_is_forgotten() -> None:
    sessions = Sessions()
    sessions.keep(KEY, resumable(replace(PROVED, at=NOW - DAY)))
    sessions.keep(OTHER, resumable())
    sessions.purge(NOW)
    assert sessions.take(KEY) is None
    assert sessions.take(OTHER) is not None


def test_what_a_connection_costs_does_not_grow_with_the_accounts_that_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed: list[SessionKey] = []
    sessions, original = Sessions(), SessionKey.__hash__

    def counting(self: SessionKey) -> int:
        hashed.append(self)
        return original(self)

    monkeypatch.setattr(SessionKey, "__hash__", counting)
    counts = []
    for number in range(100):
        hashed.clear()
        sessions.keep(key(address=f"{number}@example.org"), resumable())
        sessions.purge(NOW)
        counts.append(len(hashed))
    assert counts[99] == counts[9]


def test_a_server_that_breaks_resumed_handshakes_is_left_alone_for_an_hour() -> None:
    sessions = Sessions()
    sessions.keep(KEY, resumable())
    sessions.bar(KEY, NOW)
    assert sessions.take(KEY) is None
    assert sessions.is_barred(KEY, NOW + HOUR / 2)
    assert not sessions.is_barred(OTHER, NOW)
    assert not sessions.is_barred(KEY, NOW + HOUR)


def test_a_clock_set_back_does_not_bar_it_for_longer() -> None:
    sessions = Sessions()
    sessions.bar(KEY, NOW)
    assert not sessions.is_barred(KEY, NOW - DAY)


def test_no_more_servers_are_barred_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RESUMABLE_SERVERS", 3)
    sessions = Sessions()
    keys = [key(address=f"{number}@example.org") for number in range(9)]
    for each in keys:
        sessions.bar(each, NOW)
    assert [sessions.is_barred(each, NOW) for each in keys] == [False] * 6 + [True] * 3
