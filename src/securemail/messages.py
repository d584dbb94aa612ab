"""The messages of an IMAP mailbox as octets (RFC 3501 section 6.4.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Final

from securemail import limits
from securemail.errors import ProtocolError, UsageError
from securemail.session import SecureSession
from securemail.transports.commands import Commands, commands_of
from securemail.uids import UIDSet, UIDValidityError
from securemail.wire.fetch import responses
from securemail.wire.mailbox import Code, mailbox_argument, parse_items

# What one FETCH asks for at once: enough that the way there and back does not count.
_BATCH_BYTES: Final = 4 * 1024 * 1024
_BATCH_MESSAGES: Final = 50


async def fetch_messages(
    session: SecureSession[Any],
    uids: Iterable[int],
    *,
    uidvalidity: int,
    mailbox: str = "INBOX",
    max_bytes: int | None = None,
) -> AsyncIterator[tuple[int, bytes]]:
    r"""Yield the UID and the octets of each of these messages, in ascending order.

        async for uid, octets in fetch_messages(session, new, uidvalidity=cursor.uidvalidity):
            message = email.message_from_bytes(octets)

    The mailbox is opened read-only, no message becomes \Seen, and one that is not there any more
    is left out. Of each no more than the first `max_bytes` are asked for, held and returned; None
    is all of it, up to `limits.LITERAL_BYTES`, one message after the other. Afterwards the mailbox
    is still open read-only: `client.select()` before anything else that needs one.

    Raises: UIDValidityError when the mailbox is not the one that the UIDs are of, and CommandError
    when the server refuses, in both cases the session can be used; LimitExceeded and ProtocolError
    when the server says too much, or nonsense; DeadlineError; why the session ended. UsageError
    for a session of another kind, or a `max_bytes` that is not positive.
    """
    if max_bytes is not None and max_bytes < 1:
        raise UsageError(f"{max_bytes!r} is not a positive number", field="max_bytes")
    commands = commands_of(session.client)
    await _open(commands, mailbox, uidvalidity)
    part = "" if max_bytes is None else f"<0.{max_bytes}>"
    most_bytes = limits.LITERAL_BYTES if max_bytes is None else max_bytes
    for some in _batches(UIDSet.of(uids), most_bytes):
        answer = await commands.ask(
            f"UID FETCH {some} (UID BODY.PEEK[]{part})",
            max_bytes=len(some) * most_bytes + limits.BESIDE_BYTES,
        )
        # A server that knows nothing of parts sends the whole.
        texts = {uid: text[:most_bytes] for uid, text, _ in responses(answer) if text is not None}
        for uid in some:
            if uid in texts:
                yield uid, texts.pop(uid)


async def _open(commands: Commands, mailbox: str, uidvalidity: int) -> None:
    answer = await commands.ask(f"EXAMINE {mailbox_argument(mailbox)}")
    found = [
        item.value
        for item in parse_items(answer)
        if isinstance(item, Code) and item.name == "UIDVALIDITY"
    ]
    if not found:
        raise ProtocolError("the server gives no UIDVALIDITY: nobody knows whose UIDs these are")
    if found[-1] != uidvalidity:
        raise UIDValidityError(mailbox, expected=uidvalidity, found=found[-1])


def _batches(uids: UIDSet, most_bytes: int) -> Iterator[UIDSet]:
    """Cut `uids` into sets that can be asked for at once."""
    count = min(max(_BATCH_BYTES // most_bytes, 1), _BATCH_MESSAGES)
    some: list[int] = []
    for uid in uids:
        some.append(uid)
        if len(some) == count:
            yield UIDSet.of(some)
            some = []
    if some:
        yield UIDSet.of(some)
