"""Two programs with one file at the same time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from securemail import AccountStore, StoreError, StoreReason
from tests.store.accounts import PLAIN
from tests.store.test_file import child

ADDS = """
    import asyncio, sys
    from dataclasses import replace
    from securemail import AccountStore
    from tests.store.accounts import PLAIN

    async def main(path, name):
        async with AccountStore(path, busy_s=60) as store:
            for number in range(20):
                await store.add(replace(PLAIN, address=f"{name}{number}@example.org"))
    asyncio.run(main(*sys.argv[1:]))
"""
COUNTS = """
    import asyncio, sys
    from dataclasses import replace
    from securemail import AccountStore, StoreError, StoreReason

    async def main(path):
        refused = done = 0
        async with AccountStore(path, busy_s=60) as store:
            while done < 20:
                stored = await store.get(1)
                count = int(stored.account.authorization_identity) + 1
                try:
                    await store.replace(
                        stored, replace(stored.account, authorization_identity=str(count))
                    )
                    done += 1
                except StoreError as exc:
                    assert exc.reason is StoreReason.CHANGED
                    refused += 1
        print(refused)
    asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


async def test_two_programs_make_one_file_and_neither_loses_an_account(path: Path) -> None:
    with child(ADDS, str(path), "a") as one, child(ADDS, str(path), "b") as two:
        assert one.wait(timeout=60) == two.wait(timeout=60) == 0
    async with AccountStore(path) as store:
        addresses = {stored.account.address for stored in await store.list()}
    assert addresses == {f"{name}{n}@example.org" for name in "ab" for n in range(20)}


async def test_two_programs_that_change_one_account_lose_no_update(path: Path) -> None:
    async with AccountStore(path) as store:
        await store.add(replace(PLAIN, authorization_identity="0"))
    with child(COUNTS, str(path)) as one, child(COUNTS, str(path)) as two:
        assert one.wait(timeout=60) == two.wait(timeout=60) == 0
        assert one.stdout is not None
        assert int(one.stdout.read()) >= 0
    async with AccountStore(path) as store:
        assert (await store.get(1)).account.authorization_identity == "40"


async def test_a_program_that_keeps_the_file_is_waited_for_and_then_told(path: Path) -> None:
    async with AccountStore(path, busy_s=0.05) as store:
        stored = await store.add(PLAIN)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await store.list() == (stored,)
            with pytest.raises(StoreError) as caught:
                await store.add(PLAIN)
            assert caught.value.reason is StoreReason.BUSY
            other.execute("COMMIT")
        await store.add(PLAIN)


async def test_the_same_file_twice_in_one_program_is_as_two_programs(path: Path) -> None:
    async with AccountStore(path) as one, AccountStore(path) as two:
        stored = await one.add(PLAIN)
        changed = await two.replace(stored, replace(PLAIN, prefer_external=True))
        with pytest.raises(StoreError):
            await one.replace(stored, PLAIN)
        assert await one.list() == (changed,)
