"""What else may be in the file: nothing, another program's, another version's, or rubbish."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from securemail import AccountStore, StoreError, StoreReason
from securemail.store.schema import APPLICATION, STEPS, prepare
from tests.store.accounts import PLAIN
from tests.store.test_file import refused


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


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
