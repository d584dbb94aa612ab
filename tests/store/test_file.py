"""The file itself: who may have it, what else may be there, and a disk that gives out."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from securemail import AccountStore, StoreError, StoreReason, UsageError
from tests.store.accounts import PLAIN

ROOT = Path(__file__).parents[2]


async def add(store: AccountStore, count: int) -> None:
    for _ in range(count):
        await store.add(PLAIN)


async def refused(path: Path, reason: StoreReason) -> StoreError:
    """Open what is there, read it, and return the error, which must have this reason."""
    with pytest.raises(StoreError) as caught:
        async with AccountStore(path, busy_s=0.01) as store:
            await store.list()
    assert caught.value.reason is reason, caught.value
    return caught.value


# --- who may have it


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


async def test_the_file_is_its_owners_alone_whatever_the_umask(path: Path) -> None:
    with umask(0):
        async with AccountStore(path) as store:
            await store.add(PLAIN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_sqlite_writes_beside_it_is_its_owners_alone(filled: Path) -> None:
    with umask(0), closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE account SET revision = 2")
        journal = filled.with_name("accounts.db-journal")
        assert stat.S_IMODE(journal.stat().st_mode) == 0o600
        connection.execute("ROLLBACK")


async def test_the_file_has_its_mode_before_it_has_a_byte(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    connect = sqlite3.connect

    def look(*args: object, **kwargs: object) -> sqlite3.Connection:
        seen.append((stat.S_IMODE(path.stat().st_mode), path.stat().st_size))
        return connect(*args, **kwargs)  # type: ignore[no-any-return, call-overload]  # whatever sqlite3 takes

    monkeypatch.setattr(sqlite3, "connect", look)
    with umask(0):
        async with AccountStore(path):
            pass
    assert seen[0] == (0o600, 0)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
async def test_a_file_that_others_can_read_or_change_is_refused(filled: Path, mode: int) -> None:
    filled.chmod(mode)
    error = await refused(filled, StoreReason.UNSAFE)
    assert f"{mode:04o}" in str(error)


@pytest.mark.parametrize("mode", [0o1777, 0o702, 0o770])
async def test_a_folder_in_which_others_can_lay_a_journal_is_refused(
    filled: Path, mode: int
) -> None:
    filled.parent.chmod(mode)
    await refused(filled, StoreReason.UNSAFE)
    await refused(filled.with_name("other.db"), StoreReason.UNSAFE)
    assert not filled.with_name("other.db").exists()


@pytest.mark.parametrize("make", ["link", "dangling", "folder", "fifo"])
async def test_what_is_no_file_is_refused(filled: Path, make: str) -> None:
    other = filled.with_name("other")
    match make:
        case "link":
            other.symlink_to(filled)
        case "dangling":
            other.symlink_to(filled.with_name("gone"))
        case "folder":
            other.mkdir(mode=0o700)
        case "fifo":
            os.mkfifo(other, 0o600)
    await refused(other, StoreReason.UNSAFE)
    assert not filled.with_name("gone").exists()


@contextmanager
def not_root(folder: Path) -> Iterator[None]:
    """Be somebody whom the modes of files concern, and have `folder`."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that whoever is not root can reach."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


async def test_in_a_folder_that_is_read_only_nothing_is_made(open_folder: Path) -> None:
    open_folder.chmod(0o500)
    with not_root(open_folder):
        await refused(open_folder / "accounts.db", StoreReason.FORBIDDEN)


async def test_in_a_folder_that_is_read_only_accounts_can_be_read(open_folder: Path) -> None:
    path = open_folder / "accounts.db"
    async with AccountStore(path) as store:
        stored = await store.add(PLAIN)
    open_folder.chmod(0o500)
    with not_root(open_folder):
        async with AccountStore(path) as store:
            assert await store.list() == (stored,)
            with pytest.raises(StoreError) as caught:
                await store.add(PLAIN)
            assert caught.value.reason is StoreReason.FORBIDDEN
            assert await store.list() == (stored,)


async def test_another_users_file_is_refused(filled: Path) -> None:
    if os.geteuid() == 0:
        os.chown(filled, 65534, 65534)
        await refused(filled, StoreReason.UNSAFE)
    else:
        await refused(Path("/etc/passwd"), StoreReason.UNSAFE)


async def test_a_path_that_is_none_is_refused(path: Path) -> None:
    await refused(path / "accounts.db", StoreReason.UNREACHABLE)
    with pytest.raises(UsageError):
        AccountStore("a\0b")


async def test_the_names_that_sqlite_does_not_write_to_disk_are_files_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with AccountStore(":memory:") as store:
        await store.add(PLAIN)
    assert (tmp_path / ":memory:").stat().st_size > 0


# --- a disk that gives out


async def test_a_full_disk_is_said_and_what_was_there_stays(filled: Path) -> None:
    async with AccountStore(filled) as store:
        before = await store.list()
        await store._run(lambda db: db.execute("PRAGMA max_page_count = 1").fetchall())
        with pytest.raises(StoreError) as caught:
            await add(store, 200)
        assert caught.value.reason is StoreReason.FULL
        assert (await store.list())[: len(before)] == before
    async with AccountStore(filled) as store:
        assert (await store.list())[: len(before)] == before


WRITES_WITHOUT_END = """
    import asyncio, resource, sys
    from securemail import AccountStore, StoreError, StoreReason
    from tests.store.accounts import PLAIN

    async def main(path):
        async with AccountStore(path) as store:
            before = await store.list()
            size = 4096 * 20
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            try:
                while True:
                    await store.add(PLAIN)
            except StoreError as exc:
                print(exc.reason.name)
            assert (await store.list())[: len(before)] == before
    asyncio.run(main(sys.argv[1]))
"""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


async def test_a_file_that_may_not_grow_is_said_and_what_was_there_stays(filled: Path) -> None:
    with child(WRITES_WITHOUT_END, str(filled)) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.strip() in {"UNREACHABLE", "FULL"}
    async with AccountStore(filled) as store:
        assert len(await store.list()) >= 50


KILLED = """
    import os, signal, sqlite3, sys
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM account WHERE id > 1")
    connection.execute("UPDATE account SET document = hex(zeroblob(100000))")
    os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_a_program_that_was_killed_while_it_wrote_has_lost_nothing(filled: Path) -> None:
    async with AccountStore(filled) as store:
        before = await store.list()
    with child(KILLED, str(filled)) as process:
        process.wait(timeout=60)
    assert filled.with_name("accounts.db-journal").stat().st_size > 0
    async with AccountStore(filled) as store:
        assert await store.list() == before
