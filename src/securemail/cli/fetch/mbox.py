"""Messages into an mbox: one file, `From ` lines between, and ">" before those inside (mboxrd)."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from pathlib import Path
from typing import Final

from securemail.cli.fetch.batch import Batch
from securemail.cli.fetch.journal import Journal
from securemail.cli.files import digest, open_mailbox, open_own, sync_folder, write_through
from securemail.cli.local import LocalError

_FROM: Final = re.compile(rb"^(>*From )", re.MULTILINE)


class Mbox:
    """An mbox, made where there is none, which no other program may change meanwhile.

    What is to be appended is first in a file beside it. An append that was interrupted is finished
    from there, if what the mbox has is its beginning; if not, somebody else has written to it, and
    nothing is touched.

    Raises: OSError; LocalError for one that is in use.
    """

    def __init__(self, path: Path, source: str) -> None:
        name = digest(source)
        self._path = path
        self._pending = path.with_name(f".{path.name}.securemail-{name}.pending")
        self._handle = open_mailbox(path)
        try:
            self._lock()
            self.journal: Final = Journal(path.with_name(f".{path.name}.securemail-{name}"), source)
        except BaseException:
            os.close(self._handle)
            raise
        try:
            self._recover()
        except BaseException:
            self.close()
            raise

    def store(self, batch: Batch) -> None:
        """Append these messages. Raises: OSError; LocalError when somebody else has appended."""
        keys = [key for key, _ in batch]
        start = os.fstat(self._handle).st_size
        text = self._gap(start) + b"".join(_entry(message) for _, message in batch)
        head = json.dumps({"start": start, "keys": keys}).encode()
        half = self._pending.with_suffix(".half")
        write_through(half, head + b"\n" + text)
        half.rename(self._pending)
        sync_folder(self._pending.parent)
        self.journal.note(keys)
        self._append(start, text)

    def close(self) -> None:
        """Let others use it."""
        self.journal.close()
        os.close(self._handle)

    def _lock(self) -> None:
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise LocalError(f"{self._path} is in use by another program") from None

    def _recover(self) -> None:
        self._pending.with_suffix(".half").unlink(missing_ok=True)
        try:
            handle = open_own(self._pending, os.O_RDONLY)
        except FileNotFoundError:
            return
        with os.fdopen(handle, "rb") as file:
            head, _, text = file.read().partition(b"\n")
        try:
            values = json.loads(head)
            start, keys = int(values["start"]), [str(key) for key in values["keys"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise LocalError(f"{self._pending} is damaged: move it away") from None
        # Noted in part is noted: the whole batch is here.
        if self.journal.keys.isdisjoint(keys):
            self._pending.unlink()
            return
        self.journal.note(keys)
        self._append(start, text)

    def _gap(self, size: int) -> bytes:
        """Return what is missing of the empty line that stands before each message."""
        end = os.pread(self._handle, 2, max(size - 2, 0))
        return b"" if not size or end == b"\n\n" else b"\n" if end.endswith(b"\n") else b"\n\n"

    def _append(self, start: int, text: bytes) -> None:
        size = os.fstat(self._handle).st_size
        there = os.pread(self._handle, min(max(size - start, 0), len(text)), start)
        if size < start or not text.startswith(there):
            raise LocalError(f"another program has changed {self._path} in the middle of a fetch")
        at, rest = start + len(there), memoryview(text)[len(there) :]
        while rest:
            written = os.pwrite(self._handle, rest, at)
            at, rest = at + written, rest[written:]
        os.fsync(self._handle)
        self._pending.unlink()


def _entry(message: bytes) -> bytes:
    text = _FROM.sub(rb">\1", message.replace(b"\r\n", b"\n"))
    end = b"\n" if text.endswith(b"\n") else b"\n\n"
    return f"From - {time.asctime(time.gmtime())}\n".encode() + text + end
