"""The file that accounts are kept in: who may have it, and what SQLite says of it.

Nothing secret is in it, but whoever can write to it decides which server gets the password next,
and can make pins. So it is for its owner alone from its first byte on.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from securemail import limits
from securemail.store.errors import StoreError, StoreReason
from securemail.store.schema import STEPS, prepare

_MODE: Final = 0o600
_SMALLEST: Final = 512  # SQLite's smallest page; it takes a file of one byte for an empty one
_REASONS: Final = {
    sqlite3.SQLITE_BUSY: StoreReason.BUSY,
    sqlite3.SQLITE_LOCKED: StoreReason.BUSY,
    sqlite3.SQLITE_FULL: StoreReason.FULL,
    sqlite3.SQLITE_CORRUPT: StoreReason.DAMAGED,
    sqlite3.SQLITE_TOOBIG: StoreReason.DAMAGED,
    sqlite3.SQLITE_NOTADB: StoreReason.NOT_OURS,
    sqlite3.SQLITE_READONLY: StoreReason.FORBIDDEN,
    sqlite3.SQLITE_PERM: StoreReason.FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: StoreReason.FORBIDDEN,
}
_ERRNO: Final = {
    errno.EACCES: StoreReason.FORBIDDEN,
    errno.EPERM: StoreReason.FORBIDDEN,
    errno.EROFS: StoreReason.FORBIDDEN,
    errno.ENOSPC: StoreReason.FULL,
    errno.EDQUOT: StoreReason.FULL,
}


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """Return a connection to the accounts in `path`; what is not there is made.

    Raises: StoreError.
    """
    with mapped(path):
        _check_folder(path.parent)
        _create(path)
        _check(path)
        connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
        try:
            _configure(connection)
            prepare(connection, STEPS)
        except BaseException:
            connection.close()
            raise
        return connection


def _check_folder(folder: Path) -> None:
    # In one like /tmp anybody could lay a journal beside the file, which SQLite would play back, or
    # put another file into its place between one look and the next. OpenSSH wants the same.
    found = folder.stat()
    if found.st_mode & 0o022 or found.st_uid not in {0, os.geteuid()}:
        words = f"others can write in {folder}, mode {stat.S_IMODE(found.st_mode):04o}"
        raise StoreError(words, reason=StoreReason.UNSAFE)


def _create(path: Path) -> None:
    # SQLite would make it as the umask has it, and whoever opens it then can read it for ever.
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.close(os.open(path, flags, _MODE))
    except FileExistsError:
        return


def _check(path: Path) -> None:
    """Return if nobody but this user can change the file, and it can be one of ours.

    It is not opened here: to close a second descriptor would take away SQLite's lock (POSIX).
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no regular file"
        raise StoreError(f"{path} is {kind}", reason=StoreReason.UNSAFE)
    if found.st_mode & 0o077 or found.st_uid != os.geteuid():
        mode = f"{path} has mode {stat.S_IMODE(found.st_mode):04o} and owner {found.st_uid}"
        raise StoreError(mode, reason=StoreReason.UNSAFE)
    if 0 < found.st_size < _SMALLEST:
        raise StoreError(f"{path} has {found.st_size} bytes", reason=StoreReason.NOT_OURS)


def _configure(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * limits.STORED_LONG_CHARS)
    for pragma in (
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "foreign_keys = ON",
        "secure_delete = ON",  # an account that was removed is not left in free pages
        "synchronous = EXTRA",  # what was said to be stored is there after a power cut
    ):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Raise a StoreError for what SQLite or the operating system says."""
    try:
        yield
    except sqlite3.Error as exc:
        # Without a code it comes from Python, which could not make sense of what it read.
        code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        reason = _REASONS.get(code, StoreReason.UNREACHABLE)
        raise StoreError(f"{path} ({exc})", reason=reason) from exc
    except OSError as exc:
        reason = _ERRNO.get(exc.errno or 0, StoreReason.UNREACHABLE)
        raise StoreError(f"{path} ({exc.strerror})", reason=reason) from exc
