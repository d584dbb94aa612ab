"""What the store remembers of an account beside it: pins, their history, and what it once had."""

from __future__ import annotations

from dataclasses import replace

import pytest

from securemail import (
    AccountStore,
    Endpoint,
    Policy,
    Service,
    StoreError,
    StoreReason,
    TLSMode,
    TLSVersion,
    UsageError,
    configuration_changes,
    pin_offer,
)
from securemail.policy.confidentiality import confidentiality
from securemail.setup import SRV
from securemail.store import Floor
from tests.setup.dns import Zone, srv
from tests.store.accounts import IMAP, PLAIN, a_pin, given_up
from tests.store.test_store import GOOD
from tests.values import GOOD_PROOF

WORSE = confidentiality(Policy(), replace(GOOD_PROOF, tls_version=TLSVersion.TLS_1_2))


async def test_pins_are_listed_and_undone_and_their_history_stays(store: AccountStore) -> None:
    account = replace(PLAIN, pins=frozenset({a_pin(), a_pin(Service.POP3)}))
    stored = await store.add(account)
    imap = next(pin for pin in account.pins if pin.service is Service.IMAP)
    changed = await store.undo_pin(stored, imap)
    assert changed.account.pins == account.pins - {imap}
    assert (await store.get(stored.id)).account.pins == account.pins - {imap}
    records = {record.pin: record.undone_at for record in await store.pins(stored)}
    assert records.keys() == account.pins
    undone_at = records[imap]
    assert undone_at is not None
    assert undone_at >= imap.made_at
    with pytest.raises(UsageError):
        await store.undo_pin(changed, imap)


async def test_a_pin_that_is_made_again_has_both_its_lives_in_the_history(
    store: AccountStore,
) -> None:
    pin = a_pin()
    stored = await store.add(replace(PLAIN, pins=frozenset({pin})))
    stored = await store.undo_pin(stored, pin)
    stored = await store.replace(stored, replace(stored.account, pins=frozenset({pin})))
    first, second = await store.pins(stored)
    assert first.undone_at is not None
    assert second.undone_at is None
    assert stored.account.pins == {pin}


async def test_a_stored_account_is_an_existing_one_and_gets_no_pin_offer(
    store: AccountStore,
) -> None:
    account = replace(PLAIN, credentials=None, policy=given_up())
    stored = await store.add(account)
    for each in (stored.account, (await store.get(stored.id)).account):
        with pytest.raises(UsageError) as caught:
            await pin_offer(each, Service.IMAP)
        assert caught.value.field == "Account.is_existing"


async def test_changes_of_the_provider_are_applied_to_what_they_were_made_for(
    store: AccountStore,
) -> None:
    account = replace(PLAIN, imap=Endpoint("mail.example.org", 143, TLSMode.STARTTLS))
    stored = await store.add(account)
    zone = Zone({"_imaps._tcp.example.org": (srv("mail.example.org"),)})
    changes = await configuration_changes(stored.account, resolver=zone, sources=[SRV()])
    upgraded = await store.replace(stored, changes.accept(*changes))
    assert upgraded.account.imap is not None
    assert upgraded.account.imap.tls is TLSMode.IMPLICIT
    assert upgraded.login == stored.login
    with pytest.raises(StoreError) as caught:
        await store.replace(stored, changes.accept(*changes))
    assert caught.value.reason is StoreReason.CHANGED


async def test_what_got_worse_is_told_each_time_until_a_person_knows(store: AccountStore) -> None:
    stored = await store.add(PLAIN)
    assert await store.remember(stored, Service.IMAP, GOOD) == ()
    assert await store.remember(stored, Service.IMAP, GOOD) == ()
    for _ in range(2):
        (fall,) = await store.remember(stored, Service.IMAP, WORSE)
        assert str(fall) == "the version: it was TLSv1.3, and is TLSv1.2"
    assert await store.floor(stored, Service.IMAP) == Floor.of(GOOD)
    await store.forget_floor(stored, Service.IMAP)
    assert await store.remember(stored, Service.IMAP, WORSE) == ()
    assert await store.floor(stored, Service.IMAP) == Floor.of(WORSE)


async def test_each_service_of_each_account_has_a_floor_of_its_own(store: AccountStore) -> None:
    one, two = await store.add(PLAIN), await store.add(PLAIN)
    await store.remember(one, Service.IMAP, GOOD)
    assert await store.floor(one, Service.POP3) == Floor()
    assert await store.floor(two, Service.IMAP) == Floor()


async def test_a_floor_outlives_a_change_of_the_account_and_is_no_change(
    store: AccountStore,
) -> None:
    stored = await store.add(PLAIN)
    await store.remember(stored, Service.IMAP, GOOD)
    moved = await store.replace(stored, replace(stored.account, imap=replace_host("new.example")))
    assert await store.floor(moved, Service.IMAP) == Floor.of(GOOD)


def replace_host(host: str) -> Endpoint:
    return Endpoint(host, IMAP.port, IMAP.tls)
