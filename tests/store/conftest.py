"""A store, and a file that one has filled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from securemail import AccountStore
from securemail.store import Entry, Format
from securemail.store.exchange import write
from tests.store.accounts import PLAIN


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[AccountStore]:
    async with AccountStore(path) as store:
        yield store


@pytest.fixture
async def filled(path: Path) -> Path:
    """Return a file with fifty accounts."""
    async with AccountStore(path) as store:
        await store.import_accounts(write([Entry.of(PLAIN)] * 50, Format.JSON), with_trust=True)
    return path
