# SPDX-License-Identifier: Apache-2.0
"""One POP3 command and its answer, as far as it has come. No I/O here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from securemail.errors import LimitExceeded, SecureMailError
from securemail.wire.pop3 import Status


@dataclass(slots=True, eq=False)
class Request:
    """One command, from the call to the end of its answer.

    `max_bytes` bounds the text of a multi-line answer; None says that the answer has one line. A
    streamed text is taken piece by piece as it comes, any other is kept to its end. One that does
    not overlap is alone on its way. `news` is set when there is more of a streamed text, or
    `is_over`: then `error` or `status` says how it ended.

    Its repr tells no content: asyncio's debug mode logs it, as the argument of a slow callback.
    """

    name: str
    wire: bytes = field(repr=False)
    max_bytes: int | None = None
    is_streamed: bool = False
    may_overlap: bool = True
    is_abandoned: bool = False
    is_over: bool = False
    status: Status | None = field(default=None, repr=False)
    error: SecureMailError | None = field(default=None, repr=False)
    size: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    # Not a list of pieces: one octet in each would take forty times its memory.
    _text: bytearray = field(default_factory=bytearray, repr=False)

    def count(self, size: int) -> None:
        """Take note of so much more of the answer.

        Raises: LimitExceeded when it is more than anybody waits for.
        """
        self.size += size
        if self.max_bytes is not None and self.size > self.max_bytes:
            raise LimitExceeded(
                f"the answer to {self.name} is larger than {self.max_bytes} bytes",
                limit=self.max_bytes,
            )

    def add(self, text: bytes) -> None:
        """Keep `text` until it is taken."""
        self._text += text
        if self.is_streamed:
            self.news.set()

    def take(self) -> bytes:
        """Return what has come since the last call, and hold it no longer."""
        text = bytes(self._text)
        self._text = bytearray()
        return text

    @property
    def held(self) -> int:
        """How many octets nobody has taken yet."""
        return len(self._text)

    def end(self, error: SecureMailError | None = None) -> None:
        """Let whoever waits go on, once: a later end does not count."""
        if not self.is_over:
            self.is_over = True
            self.error = error
            self.news.set()
