"""Secrets are in the keyring, and nowhere else."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail
from keyring.errors import KeyringError

from securemail import (
    AccountStore,
    OAuthToken,
    Password,
    Proxy,
    ProxyKind,
    Secret,
    StoreError,
    StoreReason,
    SystemKeyring,
    UsageError,
)
from securemail.store import Entry, Format
from securemail.store.document import entry_table
from securemail.store.entry import secrets_of
from securemail.store.schema import STEPS, prepare
from tests.store.accounts import (
    CANARY,
    PLAIN,
    TOLL,
    CleartextBackend,
    MemoryBackend,
    everything_in,
    full_account,
    with_token,
)


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
async def store(tmp_path: Path, backend: MemoryBackend) -> AsyncIterator[AccountStore]:
    async with AccountStore(tmp_path / "accounts.db", keyring=SystemKeyring(backend)) as store:
        yield store


def spellings(secret: str) -> list[bytes]:
    """Return the ways in which a secret could have got into a file."""
    found = []
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
        raw = secret.encode(encoding)
        found += [raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)[:-4]]
        found += [base64.b64encode(b"x" * n + raw)[4:-4] for n in (1, 2)]
    return [*found, secret.encode("unicode_escape"), secret[::-1].encode()]


async def test_no_secret_is_in_the_file_or_beside_it(tmp_path: Path, store: AccountStore) -> None:
    account = full_account()
    key = secrets_of(account).key
    assert key is not None
    stored = await store.add(account)
    stored = await store.replace(stored, account)
    await store.add(with_token())
    # A journal that stays, as after a crash: everything that was ever in the file.
    await store._run(lambda db: db.execute("PRAGMA journal_mode = PERSIST").fetchall())
    stored = await store.replace(stored, replace(account, prefer_external=False))
    await store._run(lambda db: db.execute("PRAGMA journal_mode = WAL").fetchall())
    await store.replace(stored, account)
    assert {path.name for path in tmp_path.iterdir()} >= {"accounts.db", "accounts.db-wal"}
    content = everything_in(tmp_path) + (await store.export_accounts(Format.TOML)).encode()
    for secret in (CANARY, TOLL, *key.reveal().splitlines()[1:-1]):
        assert [each for each in spellings(secret) if each in content] == []
    assert b"alice" in content


async def test_secrets_come_back_from_the_keyring(
    store: AccountStore, backend: MemoryBackend
) -> None:
    account = full_account()
    stored = await store.add(account)
    unlocked = await store.unlock(await store.get(stored.id))
    assert unlocked == account
    assert unlocked.client_certificate is not None
    assert account.client_certificate is not None
    assert (
        unlocked.client_certificate.key.private_numbers()  # type: ignore[union-attr]  # it has one
        == account.client_certificate.key.private_numbers()  # type: ignore[union-attr]  # it has one
    )
    assert unlocked.proxy is not None
    assert unlocked.proxy.password.reveal() == TOLL
    assert all(name.startswith("alice@example.org ") for _, name in backend.kept)
    assert len(backend.kept) == 3


async def test_an_access_token_is_never_kept_but_asked_for(
    store: AccountStore, backend: MemoryBackend
) -> None:
    account = with_token()
    assert isinstance(account.credentials, OAuthToken)
    stored = await store.add(account)
    assert backend.kept == {}
    assert await store.unlock(stored, fetch=account.credentials.fetch) == account
    with pytest.raises(UsageError):
        await store.unlock(stored)


async def test_a_new_password_takes_the_place_of_the_old_one(
    store: AccountStore, backend: MemoryBackend
) -> None:
    stored = await store.add(full_account())
    changed = await store.replace(
        stored, replace(stored.account, credentials=Password("alice", "new"))
    )
    assert (await store.unlock(changed)).credentials == Password("alice", "new")
    assert (await store.unlock(changed)).client_certificate is not None
    assert CANARY not in backend.kept.values()
    assert len(backend.kept) == 3


async def test_a_change_that_is_refused_leaves_the_old_password(
    store: AccountStore, backend: MemoryBackend
) -> None:
    old = await store.add(PLAIN)
    current = await store.replace(old, old.account)
    with pytest.raises(StoreError) as caught:
        await store.replace(old, replace(PLAIN, credentials=Password("alice", "new")))
    assert caught.value.reason is StoreReason.CHANGED
    assert list(backend.kept.values()) == [CANARY]
    assert (await store.unlock(current)).credentials == PLAIN.credentials


async def test_secrets_go_with_the_account(store: AccountStore, backend: MemoryBackend) -> None:
    await store.remove(await store.add(full_account()))
    assert backend.kept == {}


async def test_who_logs_out_keeps_the_way_to_the_server(
    store: AccountStore, backend: MemoryBackend
) -> None:
    out = await store.log_out(await store.add(full_account()))
    assert list(backend.kept.values()) == [TOLL]
    assert out.login is None
    assert (await store.unlock(out)).proxy == full_account().proxy


# --- the proxy's password


async def test_a_change_that_lacks_the_proxys_password_leaves_it(
    store: AccountStore, backend: MemoryBackend
) -> None:
    stored = await store.add(full_account())
    assert stored.account.proxy is not None
    assert not stored.account.proxy.username
    changed = await store.replace(stored, replace(stored.account, ehlo_name="pc.example.org"))
    assert changed.proxy_username == "ali"
    assert (await store.unlock(await store.get(stored.id))).proxy == full_account().proxy
    assert len(backend.kept) == 3


@pytest.mark.parametrize(
    "proxy", [None, Proxy(ProxyKind.HTTP_CONNECT, "192.0.2.10", 3128)], ids=["none", "another"]
)
async def test_the_password_for_one_proxy_goes_to_no_other(
    store: AccountStore, backend: MemoryBackend, proxy: Proxy | None
) -> None:
    stored = await store.add(full_account())
    changed = await store.replace(stored, replace(stored.account, proxy=proxy))
    assert changed.proxy_username == ""
    assert (await store.unlock(changed)).proxy == proxy
    assert TOLL not in backend.kept.values()


async def test_a_new_password_for_the_proxy_takes_the_place_of_the_old_one(
    store: AccountStore, backend: MemoryBackend
) -> None:
    stored = await store.add(full_account())
    new = Proxy(ProxyKind.HTTP_CONNECT, "192.0.2.9", 3128, username="ali", password="new")
    changed = await store.replace(stored, replace(stored.account, proxy=new))
    assert (await store.unlock(changed)).proxy == new
    assert TOLL not in backend.kept.values()
    assert len(backend.kept) == 3


async def test_a_proxy_that_was_moved_wants_its_password_anew(store: AccountStore) -> None:
    await store.add(full_account())
    text = await store.export_accounts()
    assert "192.0.2.9" in text
    (moved,) = await store.import_accounts(text, with_pins=True, with_trust=True)
    assert moved.proxy_username == "ali"
    with pytest.raises(UsageError):
        await store.unlock(moved)


async def test_without_a_keyring_the_program_has_the_password(tmp_path: Path) -> None:
    async with AccountStore(tmp_path / "accounts.db") as store:
        stored = await store.add(PLAIN)
        with pytest.raises(UsageError) as caught:
            await store.unlock(stored)
        assert caught.value.field == "password"
        assert stored.login is not None
        password = Password(stored.login.username, CANARY)
        assert replace(stored.account, credentials=password) == PLAIN


class Broken(MemoryBackend):
    """A keyring that repeats the secret when it fails."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringError(f"cannot keep {password}")


async def test_a_keyring_that_fails_keeps_the_account_out_and_the_secret_in(tmp_path: Path) -> None:
    async with AccountStore(tmp_path / "a.db", keyring=SystemKeyring(Broken())) as store:
        with pytest.raises(StoreError) as caught:
            await store.add(PLAIN)
        assert caught.value.reason is StoreReason.KEYRING
        assert await store.list() == ()
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in str(error)
        frame = error.__traceback__
        while frame is not None:
            assert CANARY not in repr(frame.tb_frame.f_locals) or "test_" in (
                frame.tb_frame.f_code.co_name
            )
            frame = frame.tb_next
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("backend", [CleartextBackend(), fail.Keyring()])  # type: ignore[no-untyped-call]  # keyring has no types here
async def test_a_keyring_that_is_not_safe_is_refused(
    tmp_path: Path, backend: MemoryBackend
) -> None:
    async with AccountStore(tmp_path / "a.db", keyring=SystemKeyring(backend)) as store:
        with pytest.raises(StoreError) as caught:
            await store.add(PLAIN)
        assert caught.value.reason is StoreReason.KEYRING
        assert await store.list() == ()
    assert getattr(backend, "kept", {}) == {}


async def test_a_secret_that_the_keyring_has_lost_is_said(
    store: AccountStore, backend: MemoryBackend
) -> None:
    stored = await store.add(PLAIN)
    backend.kept.clear()
    with pytest.raises(StoreError) as caught:
        await store.unlock(stored)
    assert caught.value.reason is StoreReason.KEYRING
    await store.remove(stored)  # nothing is left to forget


async def test_the_systems_own_keyring_is_asked_where_none_is_named() -> None:
    before = keyring.get_keyring()
    backend = MemoryBackend()
    keyring.set_keyring(backend)
    try:
        SystemKeyring(service="a test").save("name", Secret("word"))
        assert backend.kept == {("a test", "name"): "word"}
    finally:
        keyring.set_keyring(before)


async def test_accounts_from_before_there_were_proxies_are_read(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    document = json.dumps(entry_table(Entry.of(PLAIN)))
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        prepare(connection, STEPS[:1])
        row = "INSERT INTO account (position, revision, document) VALUES (1, 1, ?)"
        connection.execute(row, (document,))
    async with AccountStore(path) as store:
        (stored,) = await store.list()
        assert stored.entry == Entry.of(PLAIN)
        assert (await store.replace(stored, stored.account)).revision == 2
