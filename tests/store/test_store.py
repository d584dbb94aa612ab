"""Accounts in the store: added, listed, changed, ordered, removed; pins and floors with them."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from securemail import (
    AccountStore,
    Policy,
    SecureMailError,
    Service,
    StoreError,
    StoreReason,
    UsageError,
)
from securemail.policy.confidentiality import confidentiality
from securemail.store import Floor, Format
from tests.store.accounts import PLAIN, full_account, given_up, plain
from tests.values import GOOD_PROOF

GOOD = confidentiality(Policy(), GOOD_PROOF)


async def test_an_account_comes_back_as_it_was_but_for_its_secrets(store: AccountStore) -> None:
    account = full_account()
    stored = await store.add(account)
    again = await store.get(stored.id)
    assert again == stored
    assert plain(again.account) == plain(account)
    assert again.account.trust.label == account.trust.label
    assert again.account.credentials is None
    assert again.account.client_certificate is None
    assert again.login is not None
    assert again.login.username == "alice"


async def test_what_was_stored_is_there_when_the_file_is_opened_again(path: Path) -> None:
    async with AccountStore(path) as store:
        stored = await store.add(full_account())
        await store.remember(stored, Service.IMAP, GOOD)
    async with AccountStore(path) as store:
        assert await store.list() == (stored,)
        assert await store.floor(stored, Service.IMAP) == Floor.of(GOOD)


async def test_accounts_are_listed_in_the_order_that_a_person_wants(store: AccountStore) -> None:
    one, two, three = [await store.add(replace(PLAIN, prefer_external=True)) for _ in range(3)]
    assert await store.ids() == (one.id, two.id, three.id)
    await store.reorder([three.id, one.id, two.id])
    four = await store.add(PLAIN)
    assert [each.id for each in await store.list()] == [three.id, one.id, two.id, four.id]
    assert await store.get(one.id) == one  # the order is no part of an account


@pytest.mark.parametrize("order", [[], [1], [1, 1], [1, 3], [1, 2, 3]])
async def test_an_order_of_other_accounts_is_refused(store: AccountStore, order: list[int]) -> None:
    for _ in range(2):
        await store.add(PLAIN)
    with pytest.raises(StoreError) as caught:
        await store.reorder(order)
    assert caught.value.reason is StoreReason.CHANGED


async def test_a_removed_account_is_gone_and_its_id_is_not_used_again(store: AccountStore) -> None:
    first = await store.add(full_account())
    await store.remember(first, Service.IMAP, GOOD)
    await store.remove(first)
    assert await store.list() == ()
    second = await store.add(PLAIN)
    assert second.id != first.id
    assert await store.pins(first) == ()
    for call in (store.get(first.id), store.remove(first), store.replace(first, PLAIN)):
        with pytest.raises(StoreError) as caught:
            await call
        assert caught.value.reason is StoreReason.NOT_FOUND
    with pytest.raises(StoreError) as caught:
        await store.remember(first, Service.IMAP, GOOD)
    assert caught.value.reason is StoreReason.NOT_FOUND


@pytest.mark.parametrize("identifier", [0, -1, 7, 2**63, -(2**80)])
async def test_an_account_that_never_was_is_not_there(store: AccountStore, identifier: int) -> None:
    with pytest.raises(StoreError) as caught:
        await store.get(identifier)
    assert caught.value.reason is StoreReason.NOT_FOUND


async def test_a_change_made_from_an_older_revision_is_refused(store: AccountStore) -> None:
    old = await store.add(PLAIN)
    new = await store.replace(old, replace(PLAIN, prefer_external=True))
    assert new.revision == old.revision + 1
    for call in (store.replace(old, PLAIN), store.remove(old), store.log_out(old)):
        with pytest.raises(StoreError) as caught:
            await call
        assert caught.value.reason is StoreReason.CHANGED
    assert await store.get(old.id) == new


async def test_what_could_not_be_read_again_is_not_stored(store: AccountStore) -> None:
    stored = await store.add(PLAIN)
    bad = replace(PLAIN, policy=given_up("x" * 5000))
    with pytest.raises(UsageError):
        await store.add(bad)
    with pytest.raises(UsageError):
        await store.replace(stored, bad)
    assert await store.list() == (stored,)


async def test_a_change_keeps_how_the_account_logs_in(store: AccountStore) -> None:
    stored = await store.add(full_account())
    changed = await store.replace(stored, replace(stored.account, prefer_external=False))
    assert changed.entry.login == stored.entry.login
    assert changed.entry.certificate == stored.entry.certificate
    out = await store.log_out(changed)
    assert out.login is None
    assert out.entry.certificate == b""
    assert await store.get(out.id) == out


async def test_authorities_are_kept_once_for_all_and_go_with_the_last(
    path: Path, store: AccountStore
) -> None:
    account = replace(full_account(), pins=frozenset())
    one, two = await store.add(account), await store.add(account)
    size = path.stat().st_size
    assert (await store.get(two.id)).account.trust == account.trust
    await store.remove(one)
    assert (await store.get(two.id)).account.trust == account.trust
    await store.remove(two)
    assert account.trust.pem is not None
    assert account.trust.pem[:200] not in path.read_bytes()
    assert path.stat().st_size <= size


# --- files


@pytest.mark.parametrize("form", Format)
async def test_accounts_move_to_another_store(
    store: AccountStore, path: Path, form: Format
) -> None:
    stored = await store.add(full_account())
    text = await store.export_accounts(form)
    async with AccountStore(path.with_name("other.db")) as other:
        (moved,) = await other.import_accounts(text, form, with_pins=True, with_trust=True)
        assert moved.entry == stored.entry
        assert await other.list() == (moved,)


async def test_an_account_without_a_minimum_warns_when_it_is_read_from_a_file(
    store: AccountStore,
) -> None:
    await store.add(replace(PLAIN, policy=given_up()))
    text = await store.export_accounts()
    with pytest.warns(match="alice@example.org has no minimum confidentiality"):
        await store.import_accounts(text, with_trust=True)


async def test_of_a_file_with_one_bad_account_none_is_taken(store: AccountStore) -> None:
    await store.add(PLAIN)
    text = (await store.export_accounts()).replace(
        "[", '[{"address": "bob@example.org"}, {"x": 1},', 1
    )
    with pytest.raises(UsageError):
        await store.import_accounts(text)
    assert len(await store.list()) == 1


# --- open and closed


async def test_a_closed_store_says_so(path: Path) -> None:
    store = AccountStore(path)
    with pytest.raises(UsageError):
        await store.list()
    async with store:
        with pytest.raises(UsageError):
            await store.open()
        assert await store.list() == ()
    await store.aclose()
    with pytest.raises(UsageError):
        await store.list()
    async with store:
        assert await store.list() == ()


async def test_what_was_called_before_the_end_is_done(path: Path) -> None:
    store = AccountStore(path)
    await store.open()
    calls = [asyncio.ensure_future(store.add(PLAIN)) for _ in range(5)]
    await asyncio.sleep(0)
    await store.aclose()
    await asyncio.gather(*calls)
    async with store:
        assert len(await store.list()) == 5


async def test_a_cancelled_call_is_done_whole_or_not_at_all(store: AccountStore) -> None:
    calls = [asyncio.ensure_future(store.add(full_account())) for _ in range(5)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    assert all(
        isinstance(each, asyncio.CancelledError)
        for each in await asyncio.gather(*calls, return_exceptions=True)
    )
    for stored in await store.list():
        assert len(await store.pins(stored)) == 2
        assert stored.account.trust.pem is not None


async def test_an_opening_that_is_cancelled_leaves_nothing_open(path: Path) -> None:
    store = AccountStore(path)
    opening = asyncio.ensure_future(store.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with store:
        assert await store.list() == ()


def test_an_error_of_the_store_is_one_of_ours_and_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(StoreError("it", reason=StoreReason.FULL)))
    assert isinstance(error, StoreError)
    assert isinstance(error, SecureMailError)
    assert error.reason is StoreReason.FULL
    assert str(error) == "it: no space left"
