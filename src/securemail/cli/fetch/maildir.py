"""Messages into a Maildir: each in a file of its own, whose name follows from its key."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from securemail.cli.fetch.batch import Batch
from securemail.cli.fetch.journal import Journal
from securemail.cli.files import digest, sync_folder, write_through

_FOLDERS: Final = ("tmp", "new", "cur")


class Maildir:
    """A Maildir, made where there is none; other programs may use it at the same time.

    Raises: OSError; LocalError for a journal that is in use.
    """

    def __init__(self, path: Path, source: str) -> None:
        for folder in (path, *(path / name for name in _FOLDERS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._source = digest(source)
        self.journal: Final = Journal(path / f".securemail-{self._source}", source)
        try:
            self._recover()
        except BaseException:
            self.journal.close()
            raise

    def store(self, batch: Batch) -> None:
        """Store these messages, with lines that end as they do here. Raises: OSError."""
        for key, message in batch:
            write_through(self._hidden(key), message.replace(b"\r\n", b"\n"))
        sync_folder(self._path / "tmp")
        self.journal.note(key for key, _ in batch)
        for key, _ in batch:
            self._show(self._hidden(key))

    def close(self) -> None:
        """Let others fetch."""
        self.journal.close()

    def _recover(self) -> None:
        left = list((self._path / "tmp").glob(f"{self._source}.*"))
        noted = {self._hidden(key) for key in self.journal.keys} if left else set()
        for path in left:
            if path in noted:
                self._show(path)
            else:
                path.unlink()

    def _hidden(self, key: str) -> Path:
        return self._path / "tmp" / f"{self._source}.{digest(key)}.securemail"

    def _show(self, hidden: Path) -> None:
        hidden.rename(self._path / "new" / hidden.name)
