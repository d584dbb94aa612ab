"""Files of our own that must be whole, whenever the program is killed, and nobody else's doing.

A folder may be one in which others lay files, such as /tmp.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from securemail.cli.local import LocalError

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
# A pipe that nobody writes to must not hold us up.
_CAREFULLY: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def write_all(handle: int, data: bytes) -> None:
    """Write all of it; it is on the disk when this returns. Raises: OSError."""
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)


def digest(text: str) -> str:
    """Return a short name for `text`, fit for a file's.

    A server chooses its keys: of 80 bits it finds two with one name, and a message is overwritten.
    """
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write_through(path: Path, data: bytes) -> None:
    """Write a file, for nobody else's eyes, that is on the disk when this returns. Raises: OSError.

    It replaces one of that name, which is never written to: whoever has made it could read along.
    """
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFULLY, 0o600)
    try:
        write_all(handle, data)
    finally:
        os.close(handle)


def open_own(path: Path, flags: int) -> int:
    """Open a file that only we can have written.

    Raises: OSError; LocalError for one that somebody else has made or may change, or no file.
    """
    handle = os.open(path, flags | _CAREFULLY, 0o600)
    if _is_own(handle) and not os.fstat(handle).st_mode & _OTHERS_WRITE:
        return handle
    os.close(handle)
    raise LocalError(f"{path} may be somebody else's doing: move it away")


def open_mailbox(path: Path) -> int:
    """Open a file of messages, made where there is none; who may read it is for its owner to say.

    Raises: OSError; LocalError for one of another user, or no file.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    handle = os.open(path, flags, 0o600)
    if _is_own(handle):
        return handle
    os.close(handle)
    raise LocalError(f"{path} is no file of yours")


def _is_own(handle: int) -> bool:
    found = os.fstat(handle)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk. Raises: OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
