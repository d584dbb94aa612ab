"""Files of our own that must be whole, whenever the program is killed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def write_all(handle: int, data: bytes) -> None:
    """Write all of it; it is on the disk when this returns. Raises: OSError."""
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)


def digest(text: str) -> str:
    """Return a short name for `text`, fit for a file's."""
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def write_through(path: Path, data: bytes) -> None:
    """Write a file, for nobody else's eyes, that is on the disk when this returns. Raises: OSError.

    It replaces one of that name.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o600)
    try:
        write_all(handle, data)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk. Raises: OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
