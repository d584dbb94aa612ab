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
from securemail.store import Entry, Format
from securemail.store.exchange import write
from securemail.store.schema import APPLICATION, STEPS, prepare
from tests.store.accounts import PLAIN

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
async def filled(path: Path) -> Path:
    """Return a file with fifty accounts."""
    async with AccountStore(path) as store:
        await store.import_accounts(write([Entry.of(PLAIN)] * 50, Format.JSON), with_trust=True)
    return path


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


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


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
        return connect(*args, **kwargs)  # type: ignore[no-any-return, call-overload]

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


# --- what else may be there


async def test_an_empty_file_becomes_ours(path: Path) -> None:
    path.touch(mode=0o600)
    async with AccountStore(path) as store:
        assert await store.list() == ()


@pytest.mark.parametrize(
    "content", [b"dear diary, " * 100, b"x", b"y" * 511, b"z" * 512, bytes(99), bytes(4096)]
)
async def test_what_is_not_ours_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    await refused(path, StoreReason.NOT_OURS)
    assert path.read_bytes() == content


@pytest.mark.parametrize("statement", ["CREATE TABLE diary (day)", "PRAGMA application_id = 7"])
async def test_another_programs_database_is_left_alone(path: Path, statement: str) -> None:
    path.touch(mode=0o600)
    sql(path, statement)
    before = path.read_bytes()
    await refused(path, StoreReason.NOT_OURS)
    assert path.read_bytes() == before


async def test_a_newer_file_is_refused_and_left_alone(filled: Path) -> None:
    sql(filled, f"PRAGMA user_version = {len(STEPS) + 1}")
    before = filled.read_bytes()
    error = await refused(filled, StoreReason.NEWER)
    assert f"version {len(STEPS) + 1}" in str(error)
    assert filled.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON pin BEGIN DELETE FROM pin; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE floor",
        "ALTER TABLE account ADD COLUMN x",
    ],
)
async def test_a_file_whose_tables_were_changed_is_refused(filled: Path, statement: str) -> None:
    sql(filled, statement)
    await refused(filled, StoreReason.DAMAGED)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET document = '{' WHERE id = 7",
        "UPDATE account SET document = 7 WHERE id = 7",
        "UPDATE account SET document = x'ff' WHERE id = 7",
        'UPDATE account SET document = \'{"address": "x"}\' WHERE id = 7',
        "UPDATE account SET document = replace(document, '{\"a', '{\"b\":1, \"a') WHERE id = 7",
        "UPDATE account SET trust = 4711 WHERE id = 7",
        "INSERT INTO trust VALUES (1, 'x', 'y', x'00'); UPDATE account SET trust = 1 WHERE id = 7",
        "INSERT INTO pin (account, document) VALUES (7, '{}')",
        "UPDATE account SET revision = 'x' WHERE id = 7",
        "UPDATE account SET revision = 1.5 WHERE id = 7",
        "UPDATE account SET password_name = x'00' WHERE id = 7",
        "UPDATE account SET key_name = x'00' WHERE id = 7",
    ],
)
async def test_a_row_that_is_none_of_ours_is_refused(filled: Path, statement: str) -> None:
    sql(filled, "PRAGMA foreign_keys = OFF", *statement.split("; "))
    error = await refused(filled, StoreReason.DAMAGED)
    assert "account 7" in str(error) or "authorities" in str(error)
    async with AccountStore(filled) as store:
        assert (await store.get(8)).account.address == PLAIN.address


async def test_a_row_that_is_too_long_is_refused(filled: Path) -> None:
    sql(filled, "UPDATE account SET document = zeroblob(9000000) WHERE id = 7")
    await refused(filled, StoreReason.DAMAGED)


@pytest.mark.parametrize("part", [1, 3, 5, 7])
async def test_a_file_that_is_cut_or_overwritten_is_refused(filled: Path, part: int) -> None:
    content = filled.read_bytes()
    at = len(content) * part // 8
    filled.write_bytes(content[:at])
    await refused(filled, StoreReason.DAMAGED)
    filled.write_bytes(content[:at] + b"\xa5" * (len(content) - at))
    with pytest.raises(StoreError):
        async with AccountStore(filled) as store:
            await store.list()


# --- new versions


def test_a_file_of_an_older_version_gets_the_steps_that_it_lacks() -> None:
    steps = [*STEPS, ("ALTER TABLE account ADD COLUMN colour TEXT",)]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        prepare(connection, STEPS)
        connection.execute("INSERT INTO account (position, revision, document) VALUES (1, 1, '{}')")
        prepare(connection, steps)
        prepare(connection, steps)
        assert connection.execute("SELECT document, colour FROM account").fetchall() == [
            ("{}", None)
        ]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)


def test_a_step_that_fails_leaves_the_older_version() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        prepare(connection, STEPS)
        steps = [*STEPS, ("CREATE TABLE colour (name)", "CREATE TABLE colour (name)")]
        with pytest.raises(sqlite3.OperationalError):
            prepare(connection, steps)
        prepare(connection, STEPS)


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
