"""What a provider advertises now against what an account has: told, offered, never applied."""

from __future__ import annotations

import pytest

from securemail import (
    Account,
    ConfirmationRequired,
    Endpoint,
    Policy,
    Service,
    TLSMode,
    UsageError,
)
from securemail.discovery.changes import Change, ChangeKind, Changes, changes_between
from securemail.discovery.finding import Finding
from securemail.discovery.plan import Plan
from securemail.records import DNSSEC
from tests.discovery.records import ADDRESS, plan, planned, server
from tests.values import no_minimum

HERE = "mail.example.org"
STRENGTH = [TLSMode.NONE, TLSMode.STARTTLS, TLSMode.IMPLICIT]


def account(tls: TLSMode = TLSMode.IMPLICIT, host: str = HERE, **fields: object) -> Account:
    values: dict[str, object] = {"policy": no_minimum(), **fields}
    return Account(ADDRESS, imap=Endpoint(host, 993, tls), **values)  # type: ignore[arg-type]  # what its fields are of


def changes(mine: Account, advertised: Plan) -> Changes:
    return Changes(account=mine, found=changes_between(mine, advertised))


@pytest.mark.parametrize("had", STRENGTH)
@pytest.mark.parametrize("now", STRENGTH)
def test_more_protection_is_better_less_is_worse_and_the_same_is_no_change(
    had: TLSMode, now: TLSMode
) -> None:
    found = changes(account(had), planned(server(HERE, now), policy=no_minimum()))
    gain = STRENGTH.index(now) - STRENGTH.index(had)
    kinds = [change.kind for change in found]
    assert kinds == ([ChangeKind.BETTER] if gain > 0 else [ChangeKind.WORSE] if gain else [])
    assert bool(found) is bool(gain)


@pytest.mark.parametrize("had", STRENGTH)
@pytest.mark.parametrize("now", STRENGTH)
def test_an_offer_has_the_exact_new_endpoint_and_worse_is_never_applied(
    had: TLSMode, now: TLSMode
) -> None:
    mine = account(had, "old.example.org")
    (change,) = found = changes(mine, planned(server(HERE, now), policy=no_minimum()))
    if STRENGTH.index(now) >= STRENGTH.index(had):
        assert change.is_offer
        assert found.accept(change).imap == Endpoint(HERE, 993, now)
        return
    assert change.kind is ChangeKind.WORSE
    assert not change.is_offer
    with pytest.raises(UsageError):
        found.accept(change)


def test_another_host_in_the_same_mode_has_moved() -> None:
    (change,) = changes(account(host="old.example.org"), planned(server(HERE)))
    assert change.kind is ChangeKind.MOVED
    assert change.advertised == Endpoint(HERE, 993, TLSMode.IMPLICIT)
    assert "the account has old.example.org:993" in str(change)


def test_a_server_that_is_still_named_among_others_has_not_moved() -> None:
    now = planned(server("new.example.org"), server(HERE, preference=9))
    assert not changes(account(), now)


def test_only_servers_below_the_minimum_are_a_change_for_the_worse() -> None:
    mine = account(policy=Policy())
    (change,) = found = changes(mine, planned(server(HERE, TLSMode.NONE)))
    assert change.kind is ChangeKind.WORSE
    with pytest.raises(UsageError):
        found.accept(change)


def test_a_service_that_is_not_offered_any_more_was_withdrawn() -> None:
    gone = plan(Finding(source="SRV", not_offered=frozenset({Service.IMAP})))
    (change,) = found = changes(account(), gone)
    assert change.kind is ChangeKind.WITHDRAWN
    with pytest.raises(UsageError):
        found.accept(change)


def test_a_service_of_which_nothing_is_known_has_not_changed() -> None:
    assert not changes(account(), planned())


def test_a_service_that_the_account_does_not_have_has_not_changed() -> None:
    assert not changes(account(), planned(server(HERE), server(HERE, service=Service.POP3)))


def test_a_new_host_that_nobody_vouches_for_is_taken_only_confirmed() -> None:
    (change,) = found = changes(account(), planned(server("mail.example.net")))
    assert change.needs_confirmation
    with pytest.raises(ConfirmationRequired) as caught:
        found.accept(change)
    assert caught.value.hosts == ("mail.example.net",)
    moved = found.accept(change, confirm=["mail.example.net"])
    assert moved.imap == Endpoint("mail.example.net", 993, TLSMode.IMPLICIT)


def test_a_signed_new_host_needs_no_confirmation() -> None:
    now = planned(server("mail.example.net", dnssec=DNSSEC.SECURE))
    (change,) = found = changes(account(), now)
    assert not change.needs_confirmation
    assert found.accept(change).imap


def test_the_host_in_use_was_accepted_at_setup() -> None:
    mine = account(TLSMode.STARTTLS, "mail.example.net")
    (change,) = found = changes(mine, planned(server("mail.example.net")))
    assert change.kind is ChangeKind.BETTER
    assert found.accept(change).imap == Endpoint("mail.example.net", 993, TLSMode.IMPLICIT)


def test_a_better_server_that_is_believed_comes_before_one_to_be_confirmed() -> None:
    now = plan(
        Finding(source="SRV", servers=(server("mail.example.net"),)),
        Finding(source="later", servers=(server(HERE),)),
    )
    (change,) = changes(account(TLSMode.STARTTLS), now)
    assert change.advertised == Endpoint(HERE, 993, TLSMode.IMPLICIT)


def test_the_same_host_keeps_the_addresses_that_skip_the_dns() -> None:
    mine = Account(ADDRESS, imap=Endpoint(HERE, 143, TLSMode.STARTTLS, addresses=["192.0.2.1"]))
    (change,) = found = changes(mine, planned(server(HERE)))
    taken = found.accept(change).imap
    assert taken is not None
    assert taken.addresses == ("192.0.2.1",)


def test_where_tls_has_come_the_minimum_can_be_turned_on_with_it() -> None:
    mine = account(TLSMode.NONE)
    (change,) = found = changes(mine, planned(server(HERE), policy=no_minimum()))
    assert found.accept(change, policy=Policy()).policy.has_minimum
    with pytest.raises(UsageError):
        found.accept(policy=Policy())


def test_a_change_of_another_account_is_not_accepted() -> None:
    stranger = Change(
        service=Service.IMAP,
        kind=ChangeKind.MOVED,
        configured=Endpoint(HERE, 993, TLSMode.IMPLICIT),
        candidate=planned(server("evil.example.org")).candidates(Service.IMAP)[0],
    )
    with pytest.raises(UsageError):
        changes(account(), planned()).accept(stranger)


def test_the_account_stays_as_it_is() -> None:
    mine = account(TLSMode.STARTTLS)
    assert changes(mine, planned(server(HERE))).account is mine
    assert mine.imap == Endpoint(HERE, 993, TLSMode.STARTTLS)
