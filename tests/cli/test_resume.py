"""Killed at any moment, a fetch loses nothing and stores nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import cast

import pytest

from securemail.cli.fetch.batch import Store
from securemail.cli.fetch.journal import Journal
from securemail.cli.fetch.maildir import Maildir
from securemail.cli.fetch.mbox import Mbox
from securemail.cli.local import LocalError
from tests.cli.test_fetch import subjects

KINDS: list[tuple[Callable[[Path, str], Store], str]] = [(Maildir, "Maildir"), (Mbox, "all.mbox")]
MESSAGES = [(f"7/{n}", f"Subject: {n}\r\n\r\nHello.\r\n".encode()) for n in range(4)]


class Killed(BaseException):
    """The plug was pulled."""


CALLS = ("open", "write", "pwrite", "fsync", "rename", "unlink", "ftruncate")


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int | None], list[int]]]:
    """Pull the plug at the n-th call of the operating system; before it is done, as after it."""
    count = [0]
    limit: list[int | None] = [None]

    def cut(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            count[0] += 1
            if limit[0] is not None and count[0] > limit[0]:
                raise Killed(name)
            if name in ("write", "pwrite") and limit[0] is not None and count[0] == limit[0]:
                # The last write gets half as far.
                handle, data, *rest = arguments
                half = memoryview(cast("bytes", data))
                return real(handle, half[: len(half) // 2], *rest)
            return real(*arguments, **options)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, cut(name))

    def pull(at: int | None) -> list[int]:
        count[0], limit[0] = 0, at
        return count

    yield pull
    pull(None)


@pytest.mark.parametrize(("make", "name"), KINDS, ids=["maildir", "mbox"])
def test_killed_at_any_call_of_the_system_nothing_is_lost_and_nothing_is_there_twice(
    make: Callable[[Path, str], Store],
    name: str,
    tmp_path: Path,
    plug: Callable[[int | None], list[int]],
) -> None:
    count = plug(None)
    _store_all(make, tmp_path / "whole" / name)
    calls = count[0]
    assert calls > len(MESSAGES)
    for at in range(calls):
        target = tmp_path / str(at) / name
        plug(at)
        with suppress(Killed):
            _store_all(make, target)
        plug(None)
        _read_mail(target)
        _store_all(make, target)
        assert subjects(target) == ["0", "1", "2", "3"], f"killed at call {at}"


def _read_mail(target: Path) -> None:
    """Do to a Maildir what a mail program does meanwhile."""
    new = target / "new"
    for path in list(new.iterdir()) if new.is_dir() and (target / "cur").is_dir() else ():
        path.rename(target / "cur" / f"moved.{path.name}:2,S")


def _store_all(make: Callable[[Path, str], Store], target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    with closing(make(target, "source")) as store:
        for batch in (MESSAGES[:3], MESSAGES[3:]):
            wanted = [each for each in batch if each[0] not in store.journal.keys]
            if wanted:
                store.store(wanted)


def test_an_mbox_that_somebody_else_has_changed_in_between_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / "all.mbox"
    with closing(Mbox(target, "source")) as store:
        store.store(MESSAGES[:1])
    pending = tmp_path / f"{next(tmp_path.glob('.all.mbox.securemail-*')).name}.pending"
    size = target.stat().st_size
    pending.write_bytes(b'{"start": %d, "keys": ["7/0"]}\nFrom - ours' % size)
    with target.open("ab") as file:
        file.write(b"From somebody else\n\nText.\n\n")
    before = target.read_bytes()
    with pytest.raises(LocalError, match="another program"):
        Mbox(target, "source")
    assert target.read_bytes() == before


@pytest.mark.parametrize(("make", "name"), KINDS, ids=["maildir", "mbox"])
def test_two_fetches_of_one_mailbox_do_not_run_at_once(
    make: Callable[[Path, str], Store], name: str, tmp_path: Path
) -> None:
    target = tmp_path / name
    program = (
        f"from pathlib import Path; from {make.__module__} import {make.__name__} as make; "
        f"make(Path({str(target)!r}), 'source')"
    )
    with closing(make(target, "source")):
        other = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=False,
        )
    assert "in use" in other.stderr


def test_a_line_that_was_not_finished_is_no_note(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", "source") as journal:
        journal.note(["7/1"])
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"7/12")
    with Journal(tmp_path / "journal", "source") as journal:
        assert journal.keys == {"7/1"}
        journal.note(["7/123"])
    with Journal(tmp_path / "journal", "source") as journal:
        assert journal.keys == {"7/1", "7/123"}


@pytest.mark.parametrize(
    "text", ["something else\n", "no line", "securemail fetch 1 another\n7/1\n"]
)
def test_what_is_no_journal_of_this_mailbox_is_refused_and_left_alone(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "journal").write_text(text)
    with pytest.raises(LocalError, match="no journal"):
        Journal(tmp_path / "journal", "source")
    assert (tmp_path / "journal").read_text() == text
