# SPDX-License-Identifier: Apache-2.0
"""What IMAP commands and pushes hold until somebody takes them, within bounds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from securemail import limits
from securemail.aio.bell import Bell
from securemail.aio.fresh import fresh
from securemail.errors import DeadlineError, LimitExceeded, SecureMailError

# aioimaplib's shape: a line is bytes, a literal a bytearray, and programs tell them apart by type.
AnswerLine: TypeAlias = bytes | bytearray

Late: TypeAlias = Callable[[str, str, float], SecureMailError]


def late(peer: str, command: str, seconds: float) -> SecureMailError:
    """Return the error of a command that was not answered in time."""
    message = f"{peer}: no answer to {command} for {seconds:g} s"
    return DeadlineError(message, phase="command", seconds=seconds)


@dataclass(slots=True, eq=False)
class Pending:
    """One command, from the call to its tagged status.

    One that `is_patient` has its time since it last got any further, not since it was asked for.
    `slot` is the untagged response that answers it, `literal` what it sends on a continuation. More
    than `max_bytes` of an answer end the session. The first `complete` lines are those of whole
    responses. `ended` is set exactly once: then `error`, or `result` and `lines`, say how. `late`
    makes the error of one that has timed out, from peer, name and seconds.

    Its repr tells no content: asyncio's debug mode logs it, as the argument of a slow callback.
    """

    name: str
    tag: str
    slot: str
    is_sync: bool
    wire: bytes = field(repr=False)
    ended: asyncio.Future[None]
    late: Late = field(default=late, repr=False)
    literal: bytes | None = field(default=None, repr=False)
    max_bytes: int | None = None
    lines: list[AnswerLine] = field(default_factory=list, repr=False)
    complete: int = 0
    size: int = 0
    awaits_continuation: bool = False
    is_done_sent: bool = False
    is_patient: bool = False
    result: str = "Init"
    error: SecureMailError | None = field(default=None, repr=False)
    timer: asyncio.TimerHandle | None = None
    progress: tuple[int, ...] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether its lines are pushes."""
        return self.name == "IDLE"

    def end(self, error: SecureMailError | None = None) -> None:
        """Let the waiter go on, once: a later end does not count."""
        # The error is no exception of the future, so that nobody need retrieve it.
        if not self.ended.done():
            self.error = error
            self.ended.set_result(None)

    def take_complete(self) -> list[AnswerLine]:
        """Hand over the lines of complete responses, and keep what is still being read."""
        taken, self.lines = self.lines[: self.complete], self.lines[self.complete :]
        self.complete = 0
        self.size -= _cost(taken)
        return taken


def _cost(lines: list[AnswerLine]) -> int:
    """Return what pushed lines count for."""
    return sum(map(len, lines)) + limits.LINE_OVERHEAD_BYTES * len(lines)


class Held:
    """What all unfinished answers of a session hold together.

    Per answer would not do: a program may have an answer of each kind pending at once.
    """

    __slots__ = ("lines", "size")

    def __init__(self) -> None:
        self.size = 0
        self.lines = 0

    def add(self, pending: Pending, size: int) -> None:
        """Count one more line or literal, before it is buffered. Raises: `LimitExceeded`."""
        pending.size += size
        self.size += size
        self.lines += 1
        if pending.max_bytes is not None and pending.size > (limit := pending.max_bytes):
            raise LimitExceeded(f"the answer is larger than {limit} bytes", limit=limit)
        if self.size > (limit := limits.ANSWER_BYTES):
            raise LimitExceeded(f"the answer is larger than {limit} bytes", limit=limit)
        if self.lines > (limit := limits.ANSWER_LINES):
            raise LimitExceeded(f"the answer has more than {limit} lines", limit=limit)

    def give_back(self, pending: Pending) -> None:
        """Forget the lines of an answer that is complete."""
        self.size -= pending.size
        self.lines -= len(pending.lines)


class StateLock(asyncio.Lock):
    """What aioimaplib takes while a command changes the state; its Condition has 1 KiB."""

    def notify_all(self) -> None:
        """Do nothing: who waits for a state waits in `IMAPProtocol.wait`."""


class PushQueue:
    """What the server pushed during IDLE and the program has not taken yet.

    Read like an `asyncio.Queue`, which would take 4 KiB for each session at rest. `get` raises the
    session's error once it is empty and the line is down. `size` counts octets.
    """

    __slots__ = ("_change", "_failure", "_pushes", "size")

    def __init__(self) -> None:
        self.size = 0
        self._pushes: deque[list[AnswerLine]] | None = None
        self._failure: SecureMailError | None = None
        self._change = Bell()

    def empty(self) -> bool:
        """Return whether there is nothing to be taken."""
        return not self._pushes

    def qsize(self) -> int:
        """Return how many pushes there are."""
        return len(self._pushes or ())

    def add(self, pending: Pending, size: int) -> None:
        """Count one more line or literal of an IDLE, before it is buffered.

        Raises: `LimitExceeded` when the program is `PUSHED_BYTES` behind.
        """
        pending.size += size + limits.LINE_OVERHEAD_BYTES
        if self.size + pending.size > (limit := limits.PUSHED_BYTES):
            raise LimitExceeded(f"more than {limit} bytes of pushes are waiting", limit=limit)

    def fail(self, error: SecureMailError) -> None:
        """Let everyone who waits, now or later, raise an error like this once nothing is left."""
        self._failure = error
        self._wake()

    def change(self, timeout_s: float | None = None) -> Awaitable[None]:
        """Wait until something is pushed, the session ends, or the time is over."""
        return self._change.wait(timeout_s)

    def check(self) -> None:
        """Raise why there will be no push any more; what there is comes first."""
        if self.empty() and self._failure is not None:
            raise fresh(self._failure)

    async def get(self) -> list[AnswerLine]:
        """Return the next push. Raises: the session's error when there will be none."""
        while self.empty():
            self.check()
            await self.change()
        return self.get_nowait()

    def put_nowait(self, item: list[AnswerLine]) -> None:
        """Add a push; `add` has seen to it that they are not too many."""
        self._pushes = self._pushes or deque()
        self._pushes.append(item)
        self.size += _cost(item)
        self._wake()

    async def put(self, item: list[AnswerLine]) -> None:
        """Add a push, as aioimaplib does."""
        self.put_nowait(item)

    def get_nowait(self) -> list[AnswerLine]:
        """Return the next push. Raises: `asyncio.QueueEmpty`."""
        if not self._pushes:
            raise asyncio.QueueEmpty
        item = self._pushes.popleft()
        self.size -= _cost(item)
        if not self._pushes:
            self._pushes = None
        return item

    def _wake(self) -> None:
        # Whoever waits now is woken, whoever comes later waits.
        self._change.set()
        self._change.clear()
