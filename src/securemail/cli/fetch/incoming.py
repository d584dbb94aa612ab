"""The messages of a mailbox, by POP3 or IMAP, each with a key that it has in every session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from securemail import limits
from securemail.errors import CommandError, LimitExceeded, ProtocolError
from securemail.session import SecureSession
from securemail.transports.commands import commands_of
from securemail.transports.pending import AnswerLine
from securemail.transports.pop3 import POP3Client
from securemail.uids import UIDSet
from securemail.wire.fetch import responses
from securemail.wire.mailbox import Code, Found, mailbox_argument, parse_items

# What one FETCH asks for at once: enough that the way there and back does not count, and no more
# than may be lost when it is interrupted.
_BATCH_BYTES: Final = 4 * 1024 * 1024
_BATCH_MESSAGES: Final = 50
# Messages whose sizes are asked for at once: a line of 6 KiB at most (RFC 7162 section 4: 8 KiB).
_SIZES: Final = 500
# Messages that POP3 is asked for in one go: after a refusal the rest of them is asked for again.
_RETRIEVED: Final = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message at the server: its number there, its key, and its size in octets."""

    number: int
    key: str
    octets: int


Message = tuple[Waiting, bytes | None]
"""A message, and None where the server did not hand it out."""


class Incoming(Protocol):
    """A mailbox that is open."""

    async def waiting(self, stored: Container[str]) -> list[Waiting]:
        """Return all messages that are there; sizes for those that are not in `stored`.

        Raises: SecureMailError.
        """

    def messages(self, wanted: Sequence[Waiting]) -> AsyncIterator[Message]:
        """Yield these messages, in this order. Raises: SecureMailError."""


@dataclass(frozen=True, slots=True)
class Maildrop:
    """A POP3 mailbox; the key is the unique id (RFC 1939 section 7)."""

    client: POP3Client

    async def waiting(self, stored: Container[str]) -> list[Waiting]:  # noqa: ARG002 - as above
        """Return all messages that are there, one of each key."""
        sizes = {each.number: each.octets for each in await self.client.list()}
        keys = {each.uid: each.number for each in reversed(await self.client.uidl())}
        found = [Waiting(number, key, sizes.get(number, 0)) for key, number in keys.items()]
        return sorted(found, key=lambda each: each.number)

    async def messages(self, wanted: Sequence[Waiting]) -> AsyncIterator[Message]:
        """Yield these messages; one that the server refuses does not keep us from the rest."""
        at = 0
        while at < len(wanted):
            try:
                some = [each.number for each in wanted[at : at + _RETRIEVED]]
                async with aclosing(self.client.retr_many(some)) as texts:
                    async for text in texts:
                        yield wanted[at], text
                        at += 1
            except CommandError:
                yield wanted[at], None
                at += 1


@dataclass(slots=True)
class Folder:
    """An IMAP mailbox, opened read-only; the key is UIDVALIDITY/UID (RFC 3501 section 2.3.1.1)."""

    session: SecureSession[Any]
    mailbox: str
    timeout_s: float
    uidvalidity: int = field(default=0, init=False)

    async def waiting(self, stored: Container[str]) -> list[Waiting]:
        """Return all messages that are there; sizes for those that are not in `stored`."""
        opened = parse_items(await self._ask(f"EXAMINE {mailbox_argument(self.mailbox)}"))
        for item in opened:
            if isinstance(item, Code) and item.name == "UIDVALIDITY":
                self.uidvalidity = item.value
        if not self.uidvalidity:
            raise ProtocolError("the server gives no UIDVALIDITY: nothing can be resumed")
        uids = await self._uids()
        wanted = [uid for uid in uids if self.key(uid) not in stored]
        sizes: dict[int, int] = {}
        for at in range(0, len(wanted), _SIZES):
            some = UIDSet.of(wanted[at : at + _SIZES])
            answer = await self._ask(f"UID FETCH {some} (UID RFC822.SIZE)")
            sizes |= {uid: size for uid, _, size in responses(answer)}
        return [Waiting(uid, self.key(uid), sizes.get(uid, 0)) for uid in uids]

    async def _uids(self) -> list[int]:
        found = UIDSet()
        for item in parse_items(await self._ask("UID SEARCH ALL")):
            if isinstance(item, Found):
                found |= item.uids
        # Two numbers on the wire can name four thousand million messages.
        if len(found) > (limit := limits.ANSWER_LINES):
            raise LimitExceeded(f"the mailbox has more than {limit} messages", limit=limit)
        return list(found)

    def key(self, uid: int) -> str:
        """Return the key of the message with that UID."""
        return f"{self.uidvalidity}/{uid}"

    async def messages(self, wanted: Sequence[Waiting]) -> AsyncIterator[Message]:
        r"""Yield these messages, without making them \Seen."""
        for some in _batches(wanted):
            uids = ",".join(str(each.number) for each in some)
            answer = await self._ask(f"UID FETCH {uids} (UID BODY.PEEK[])")
            texts = {uid: text for uid, text, _ in responses(answer) if text is not None}
            for each in some:
                yield each, texts.pop(each.number, None)

    async def _ask(self, text: str) -> list[AnswerLine]:
        return await commands_of(self.session.client, timeout_s=self.timeout_s).ask(text)


def _batches(wanted: Sequence[Waiting]) -> Iterator[list[Waiting]]:
    some: list[Waiting] = []
    octets = 0
    for each in wanted:
        if some and (len(some) == _BATCH_MESSAGES or octets + each.octets > _BATCH_BYTES):
            yield some
            some, octets = [], 0
        some.append(each)
        octets += each.octets
    if some:
        yield some
