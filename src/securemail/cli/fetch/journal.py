"""Which messages were stored, so that a fetch goes on where it was interrupted, at any moment.

Messages are first written where nobody sees them, then noted here, then made visible. Whoever is
killed in between finds, the next time, whether the note is there: then what is hidden is made
visible, and else it is thrown away and fetched again. So nothing is lost, and nothing is there
twice.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from securemail.cli.files import open_own, write_all
from securemail.cli.local import LocalError

_VERSION: Final = b"securemail fetch 1 "


class Journal:
    """The keys of the messages of one `source` that are stored, a line for each in a file.

    Nobody else can use it meanwhile.

    Raises: LocalError when another program has it, or it is none, or not ours: who can write to it
    can have messages passed over; OSError.
    """

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._handle = open_own(path, os.O_RDWR | os.O_CREAT)
        try:
            _lock(self._handle, path)
            self.keys: Final = self._read(_VERSION + source.encode() + b"\n")
        except BaseException:
            os.close(self._handle)
            raise

    def note(self, keys: Iterable[str]) -> None:
        """Note that these are stored; they are on the disk when this returns. Raises: OSError."""
        new = [key for key in keys if key not in self.keys]
        if new:
            write_all(self._handle, "".join(f"{key}\n" for key in new).encode())
            self.keys.update(new)

    def _read(self, header: bytes) -> set[str]:
        with os.fdopen(os.dup(self._handle), "rb") as file:
            text = file.read()
        if not (text.startswith(header) or header.startswith(text)):
            raise LocalError(f"{self._path} is no journal of this mailbox: move it away")
        whole = text[: text.rfind(b"\n") + 1]
        # What is behind the last line end is a line that nobody finished.
        os.ftruncate(self._handle, len(whole))
        os.lseek(self._handle, 0, os.SEEK_END)
        if not whole:
            write_all(self._handle, header)
        return set(whole[len(header) :].decode("utf-8", "replace").split("\n")[:-1])

    def close(self) -> None:
        """Let others use it."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LocalError(f"{path} is in use: another fetch of this mailbox runs") from None
