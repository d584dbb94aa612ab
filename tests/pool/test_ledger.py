"""The pool's book-keeping: places, queues and who is next."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from securemail.pool.ledger import Kept, Ledger, Place
from securemail.pool.values import PoolLimits

LIMITS = PoolLimits(maximum=2, per_host=3, idle=10, maximum_age=100)


class Desk:
    """A ledger whose tickets are numbers, and what it has answered."""

    def __init__(self, limits: PoolLimits = LIMITS) -> None:
        self.ledger: Ledger[str, str, int] = Ledger(limits)
        self.given: dict[int, Place[str]] = {}
        self.gone: set[int] = set()

    def wait(self, ticket: int, key: str, host: str = "h") -> bool:
        self.ledger.wait(key, host, ticket)
        self.serve(host)
        return ticket in self.given

    def serve(self, host: str = "h") -> None:
        self.given.update(self.ledger.served(host, self.gone.__contains__))

    def back(self, key: str, session: str, *, now: float = 0, host: str = "h") -> None:
        self.ledger.put(key, Kept(session, 0, now))
        self.serve(host)


def test_a_session_that_was_given_back_is_used_again() -> None:
    desk = Desk()
    assert desk.wait(1, "a")
    desk.back("a", "s1")
    assert desk.wait(2, "a")
    kept = desk.given[2].kept
    assert kept is not None
    assert kept.session == "s1"


def test_the_maximum_of_a_key_makes_wait_and_the_first_comes_first() -> None:
    desk = Desk()
    assert [desk.wait(ticket, "a") for ticket in range(5)] == [True, True, False, False, False]
    desk.back("a", "s0")
    assert sorted(desk.given) == [0, 1, 2]
    desk.ledger.drop("a")
    desk.serve()
    assert sorted(desk.given) == [0, 1, 2, 3]


def test_nobody_overtakes_who_waits_for_the_same_key() -> None:
    desk = Desk()
    for ticket in range(3):
        desk.wait(ticket, "a")
    desk.ledger.put("a", Kept("s0", 0, 0))
    desk.ledger.wait("a", "h", 9)
    desk.serve()
    assert sorted(desk.given) == [0, 1, 2]


def test_who_waits_for_one_key_does_not_hold_up_another() -> None:
    desk = Desk()
    assert [desk.wait(ticket, "a") for ticket in range(3)] == [True, True, False]
    assert desk.wait(3, "b")


def test_a_host_has_no_more_than_its_limit_over_all_keys() -> None:
    desk = Desk()
    assert [desk.wait(n, key) for n, key in enumerate("aabb")] == [True, True, True, False]
    assert desk.wait(9, "c", host="another")
    desk.ledger.drop("a")
    desk.serve()
    assert 3 in desk.given


def test_on_a_full_host_the_session_that_idled_longest_makes_room() -> None:
    desk = Desk()
    for ticket, key in enumerate("aab"):
        desk.wait(ticket, key)
    desk.back("a", "young", now=5)
    desk.back("b", "old", now=3)
    assert desk.wait(3, "c")
    assert desk.given[3] == Place(evicted="old")
    assert desk.ledger.places == 3


def test_a_place_is_not_lost_on_who_has_given_up() -> None:
    desk = Desk()
    for ticket in range(4):
        desk.wait(ticket, "a")
    desk.gone.add(2)
    desk.back("a", "s")
    assert 2 not in desk.given
    assert 3 in desk.given
    desk.ledger.leave("a", 2)
    assert desk.ledger.waiting == 0


def test_what_idles_too_long_or_is_too_old_or_dead_is_taken_out() -> None:
    for now, dead, expected in ((9, "", 0), (10, "", 1), (99, "", 1), (5, "s", 1)):
        desk = Desk()
        desk.wait(1, "a")
        desk.back("a", "s", now=0)
        assert len(desk.ledger.too_old(now, dead.__eq__)) == expected


def test_the_minimum_is_kept_though_it_idles_but_not_though_it_is_old() -> None:
    for now, expected in ((50, 1), (100, 2)):
        desk = Desk(PoolLimits(maximum=2, minimum=1, idle=10, maximum_age=100))
        desk.wait(1, "a")
        desk.wait(2, "a")
        desk.back("a", "s1")
        desk.back("a", "s2")
        assert len(desk.ledger.too_old(now, lambda _: False)) == expected


def test_a_minimum_is_reserved_as_long_as_the_host_has_room() -> None:
    ledger: Ledger[str, str, int] = Ledger(PoolLimits(maximum=3, minimum=2, per_host=3))
    assert [ledger.reserve("a", "h") for _ in range(3)] == [True, True, False]
    assert [ledger.reserve("b", "h") for _ in range(2)] == [True, False]


def test_a_ledger_that_is_empty_remembers_nobody() -> None:
    desk = Desk()
    desk.wait(1, "a")
    desk.ledger.drop("a")
    assert not desk.ledger._shelves
    assert not desk.ledger._hosts


def test_who_waits_costs_nothing_when_somebody_else_is_served() -> None:
    desk, asked = Desk(), 0

    def is_gone(_: int) -> bool:
        nonlocal asked
        asked += 1
        return False

    for ticket in range(1000):
        desk.ledger.wait("abcde"[ticket % 5], "h", ticket)
    served = [ticket for ticket, _ in desk.ledger.served("h", is_gone)]
    assert (served, asked) == ([0, 1, 2], 4)
    desk.ledger.drop("a")
    assert [ticket for ticket, _ in desk.ledger.served("h", is_gone)] == [3]
    assert asked == 6


class Traffic(RuleBasedStateMachine):
    """Users that come, go and give up, in any order: the limits hold, and nobody is forgotten."""

    held = Bundle("held")

    @initialize()
    def begin(self) -> None:
        self.desk = Desk()
        self.keys: dict[int, str] = {}
        self.taken: dict[int, str] = {}
        self.number = 0

    def _collect(self) -> list[int]:
        new = [ticket for ticket in self.desk.given if ticket in self.keys]
        for ticket in new:
            self.taken[ticket] = self.keys.pop(ticket)
        return new

    @rule(target=held, key=st.sampled_from("abc"))
    def come(self, key: str) -> object:
        self.number += 1
        self.keys[self.number] = key
        self.desk.wait(self.number, key)
        return multiple(*self._collect())

    @rule(target=held, ticket=consumes(held), survives=st.booleans())
    def go(self, ticket: int, survives: bool) -> object:
        key = self.taken.pop(ticket)
        if survives:
            self.desk.back(key, f"s{ticket}")
        else:
            self.desk.ledger.drop(key)
            self.desk.serve()
        return multiple(*self._collect())

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        if self.keys:
            ticket = data.draw(st.sampled_from(sorted(self.keys)))
            self.desk.ledger.leave(self.keys.pop(ticket), ticket)

    @invariant()
    def limits_hold_and_nobody_waits_for_what_is_free(self) -> None:
        ledger, taken = self.desk.ledger, list(self.taken.values())
        assert ledger.places == ledger.idle + len(taken) <= LIMITS.per_host
        assert all(taken.count(key) <= LIMITS.maximum for key in "abc")
        assert ledger.waiting == len(self.keys)
        for key in self.keys.values():
            assert taken.count(key) == LIMITS.maximum or len(taken) == LIMITS.per_host


TestTraffic = Traffic.TestCase
