# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to ask, and whose answer comes: an IMAP session after login (RFC 3501).

Knows neither transport nor client library; writes through a function it is given.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from securemail.aio.bell import Bell
from securemail.aio.fresh import fresh
from securemail.errors import ProtocolError, SecureMailError
from securemail.sasl.redactor import NOTHING, Redactor
from securemail.transports.pending import AnswerLine, Held, Pending, PushQueue
from securemail.wire.buffer import CRLF
from securemail.wire.responses import Chunk, Line, ResponseReader
from securemail.wire.text import words

_log: Final = logging.getLogger("securemail.transports.imap")

# These two begin with a number; all other untagged responses with their name.
_MESSAGE_DATA: Final = re.compile(rb"[0-9]+ (FETCH|EXPUNGE)(?: |\Z)", re.IGNORECASE)
_STATUSES: Final = {b"OK": "OK", b"NO": "NO", b"BAD": "BAD"}


def _say_nothing(_data: bytes) -> None:
    """Stand in for the way out, which was let go: it holds the dialog, too."""


class Dialog:
    """Commands out, answers in, strictly in the order in which they were asked for.

    A command starts when nothing before it waits and its slot is free: a synchronous one runs
    alone, others beside those that a different untagged response answers. Nothing here awaits, so
    that no two commands can both find the same slot free.
    """

    __slots__ = (
        "_held",
        "_reader",
        "_reads_into",
        "_waiting",
        "_write",
        "asynchronous",
        "idling",
        "last_words",
        "pushes",
        "redactor",
        "sync",
        "unheard",
    )

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.sync: Pending | None = None
        self.asynchronous: dict[str, Pending] = {}
        self.pushes = PushQueue()
        self.idling = Bell()
        self.last_words = ""
        self.redactor: Redactor = NOTHING
        # Untagged responses that nobody was there to hear, since a command was sent: who keeps an
        # eye on a mailbox has to look again then.
        self.unheard = 0
        self._write = write
        # A queue from whose middle a command can leave without a search, made when one waits.
        self._waiting: OrderedDict[Pending, None] | None = None
        self._held = Held()
        self._reader = ResponseReader()
        self._reads_into: Pending | None = None

    # Asking

    def ask(self, pending: Pending) -> None:
        """Send the command when its turn comes; await `pending.ended`."""
        if not self._waiting and self._is_free_for(pending):
            self._start(pending)
        else:
            self._waiting = self._waiting or OrderedDict()
            self._waiting[pending] = None

    def withdraw(self, pending: Pending) -> bool:
        """Forget a command that was not sent. Return False when it is too late for that."""
        if self._waiting and pending in self._waiting:
            del self._waiting[pending]
            self._start_ready()
        return pending not in self._running()

    def idle_done(self) -> Pending | None:
        """End the IDLE and return it, once.

        Without an IDLE, DONE would be a command that does not exist.
        """
        idle = self._idle()
        if idle is None or idle.is_done_sent:
            return None
        idle.is_done_sent = True
        self._write(b"DONE\r\n")
        return idle

    def is_idling(self, pending: Pending) -> bool:
        """Whether it is an IDLE that has begun and was not told to end."""
        return self._idle() is pending and self.idling.is_set() and not pending.is_done_sent

    def end(self, error: SecureMailError) -> None:
        """Fail everyone who waits, each with an error of his own, and hold nothing any more."""
        self._deliver_pushes()
        unfinished = [*self._running(), *(self._waiting or ())]
        self.sync, self._reads_into, self._waiting = None, None, None
        self.asynchronous.clear()
        self._reader, self._held = ResponseReader(), Held()
        self._write = _say_nothing
        for pending in unfinished:
            pending.end(fresh(error))
        self.pushes.fail(error)
        self.idling.set()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is asked, and nothing waits to be."""
        return not self._running() and not self._waiting

    def _running(self) -> list[Pending]:
        return [self.sync] if self.sync is not None else list(self.asynchronous.values())

    def _idle(self) -> Pending | None:
        return self.sync if self.sync is not None and self.sync.is_idle else None

    def _start_ready(self) -> None:
        while self._waiting and self._is_free_for(next(iter(self._waiting))):
            pending, _ = self._waiting.popitem(last=False)
            self._start(pending)

    def _is_free_for(self, pending: Pending) -> bool:
        if self.sync is not None:
            return False
        if pending.is_sync:
            return not self.asynchronous
        return pending.slot not in self.asynchronous

    def _start(self, pending: Pending) -> None:
        self.unheard = 0
        if pending.is_sync:
            self.sync = pending
        else:
            self.asynchronous[pending.slot] = pending
        pending.awaits_continuation = pending.literal is not None or pending.is_idle
        _log.debug("%s %s: %d bytes sent", pending.tag, pending.name, len(pending.wire))
        self._write(pending.wire)

    # Listening

    def receive(self, data: bytes) -> None:
        """Take what the server sent. Raises: `ProtocolError`, after which only `end` is allowed."""
        for piece in self._reader.feed(data):
            if isinstance(piece, Line):
                self._take_line(piece)
            else:
                self._take_chunk(piece)
        self._deliver_pushes()

    def _take_line(self, line: Line) -> None:
        text = line.text
        if not line.is_first:
            self._take_rest(text)
        elif text.startswith(b"* "):
            self._reads_into = self._take_untagged(text[2:])
        elif text.startswith(b"+"):
            self._take_continuation()
        elif text:
            self._take_status(text)
        if self._reads_into is None:
            return
        if line.literal is not None:
            self._hold(self._reads_into, bytearray(), line.literal)
        else:
            self._reads_into.complete = len(self._reads_into.lines)
            self._reads_into = None

    def _take_rest(self, text: bytes) -> None:
        if text and self._reads_into is not None:
            self._hold(self._reads_into, text, len(text))

    def _take_chunk(self, chunk: Chunk) -> None:
        if self._reads_into is not None:
            # _take_line() appended the bytearray, and counted all of it.
            self._reads_into.lines[-1] += chunk.data

    def _hold(self, pending: Pending, line: AnswerLine, size: int) -> None:
        meter = self.pushes if pending.is_idle else self._held
        meter.add(pending, size)
        pending.lines.append(line)

    def _take_untagged(self, text: bytes) -> Pending | None:
        pending, text = self._addressee(text)
        if pending is None:
            self.unheard += 1
        else:
            self._hold(pending, text, len(text))
        return pending

    def _addressee(self, text: bytes) -> tuple[Pending | None, bytes]:
        """Return the command that an untagged response answers, and the part it is to see."""
        name, _, rest = text.partition(b" ")
        if not name:
            raise ProtocolError("the server sent an untagged response without a name")
        if name.upper() == b"BYE":
            self.last_words = self.redactor.words(rest)
            if self.last_words != words(rest):
                # Whoever reads pushes tells of a farewell, too.
                text = b"BYE " + self.last_words.encode()
        if self.sync is not None:
            return self.sync, text
        if match := _MESSAGE_DATA.match(text):
            name, rest = match[1], text
        pending = self.asynchronous.get(name.upper().decode("latin-1"))
        if pending is not None:
            return pending, rest
        # A server may say anything to NOOP, that is what NOOP is for (RFC 3501 section 6.1.2).
        return self.asynchronous.get("NOOP"), text

    def _take_continuation(self) -> None:
        pending = self.sync
        if pending is None or not pending.awaits_continuation:
            raise ProtocolError("the server sent a continuation that nobody asked for")
        pending.awaits_continuation = False
        if pending.literal is None:
            self.idling.set()
            return
        literal, pending.literal = pending.literal, None
        _log.debug("%s %s: literal of %d bytes sent", pending.tag, pending.name, len(literal))
        self._write(literal)
        self._write(CRLF)

    def _take_status(self, line: bytes) -> None:
        tag, _, rest = line.partition(b" ")
        status, _, text = rest.partition(b" ")
        result = _STATUSES.get(status.upper())
        pending = next((p for p in self._running() if p.tag.encode() == tag), None)
        if pending is None or result is None:
            raise ProtocolError(f"the server sent a line of {len(line)} bytes that answers nothing")
        if result == "OK" and pending.literal is not None:
            raise ProtocolError("the server said OK to a message that was not sent yet")
        self._finish(pending, result, text)

    def _finish(self, pending: Pending, result: str, text: bytes) -> None:
        _log.debug("%s %s: %s, %d bytes", pending.tag, pending.name, result, pending.size)
        if pending.is_idle:
            self._deliver_pushes()
            if pending.awaits_continuation:
                self.idling.set()  # whoever waits for it to begin is to see that it has ended
            self.idling.clear()
        else:
            self._held.give_back(pending)
        if pending.is_sync:
            self.sync = None
        else:
            del self.asynchronous[pending.slot]
        pending.lines.append(text)
        pending.result = result
        pending.end()
        self._start_ready()

    def _deliver_pushes(self) -> None:
        idle = self._idle()
        if idle is not None and idle.complete:
            self.pushes.put_nowait(idle.take_complete())
