# SPDX-License-Identifier: Apache-2.0
"""A message made ready for submission, and not a byte of it changed unasked (RFC 5322, RFC 6532).

No I/O here.
"""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string, policy
from email.errors import MessageError
from email.generator import BytesGenerator
from email.message import EmailMessage
from itertools import chain
from typing import Any, Final

from securemail import limits
from securemail.errors import UsageError
from securemail.wire.smtp import PIECE_BYTES, stuffed

_STRAY: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_END_OF_HEADER: Final = re.compile(rb"\A\r?\n|\r?\n(\r?\n)")
_BLIND: Final = re.compile(
    rb"^(?:Resent-)?Bcc[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE
)
# What email raises for a message that was put together wrongly, or whose parts are nested deeper
# than it can follow.
_UNWRITABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    MessageError,
    RecursionError,
)
_SENDERS: Final = ("Sender", "From")
_RECIPIENTS: Final = ("To", "Cc", "Bcc")
_FIELD: Final = "submit.message"
# What email says of a part of an address list that it has passed over.
_UNREAD: Final = "invalid address"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What goes behind DATA: `head` without Bcc, then `data` from `body_at` on.

    `size` is counted as RFC 1870 does: with CRLFs, without the dots that are added.
    """

    head: bytes
    data: bytes
    body_at: int
    size: int
    has_8bit: bool
    has_utf8_header: bool

    def pieces(self) -> Iterator[bytes]:
        """Yield it as it goes over the wire, in pieces of about 64 KiB."""
        kept = b""
        for piece in chain(stuffed(self.head), stuffed(self.data, self.body_at)):
            if kept and len(kept) + len(piece) > PIECE_BYTES:
                yield kept
                kept = b""
            kept += piece
        yield kept


def outgoing(data: bytes) -> Outgoing:
    """Return a message given as bytes. Nothing but its Bcc is taken out.

    All lines end in CRLF, or all in LF, which become CRLF. A mixture is refused: servers that
    disagree on what ends a line can be made to see two messages in one (SMTP smuggling).

    Raises: UsageError for lone CRs or LFs, NULs, and lines above 998 octets.
    """
    has_cr = b"\r" in data
    if has_cr:
        _refuse_strays(data)
    if b"\0" in data:
        raise UsageError("a message has no NUL (RFC 5322 section 2.2)", field=_FIELD)
    _refuse_long_lines(data, limits.MESSAGE_LINE_BYTES + (2 if has_cr else 1))
    body_at = _body_at(data)
    head = data[:body_at]
    if head and not head.endswith(b"\n"):
        head += b"\r\n" if has_cr else b"\n"
    head = _BLIND.sub(b"", head)
    return Outgoing(
        head=head,
        data=data,
        body_at=body_at,
        size=_size(head, data, body_at, has_cr=has_cr),
        has_8bit=not data.isascii(),
        has_utf8_header=not head.isascii(),
    )


def _refuse_strays(data: bytes) -> None:
    pairs = data.count(b"\r\n")
    if data.count(b"\r") == pairs == data.count(b"\n"):
        return
    at = next(match.start() for match in _STRAY.finditer(data))
    line = data.count(b"\n", 0, at) + 1
    raise UsageError(f"line {line} has a lone CR or LF, and there are others", field=_FIELD)


def _refuse_long_lines(data: bytes, most: int) -> None:
    at = 0
    while len(data) - at >= most:
        end = data.rfind(b"\n", at, at + most)
        if end < 0:
            line = data.count(b"\n", 0, at) + 1
            raise UsageError(
                f"line {line} is longer than {limits.MESSAGE_LINE_BYTES} octets: servers would "
                "break it (RFC 5321 section 4.5.3.1.6)",
                field=_FIELD,
            )
        at = end + 1


def _size(head: bytes, data: bytes, body_at: int, *, has_cr: bool) -> int:
    size = len(head) + len(data) - body_at
    if body_at < len(data) and not data.endswith(b"\n"):
        size += len(b"\r\n")
    if not has_cr:
        size += head.count(b"\n") + data.count(b"\n", body_at)
    return size


def _body_at(data: bytes) -> int:
    match = _END_OF_HEADER.search(data)
    return match.end() if match else len(data)


def flattened(message: EmailMessage, *, is_utf8: bool, is_8bit: bool) -> bytes:
    """Return the message as bytes, without its Bcc.

    With `is_utf8` its header is in UTF-8 (RFC 6532), else in encoded words. Without `is_8bit` parts
    in 8 bits are encoded anew, unless somebody has signed them.

    Raises: UsageError for a message that cannot be written in that form.
    """
    bare = copy.copy(message)
    del bare["Bcc"]
    del bare["Resent-Bcc"]
    form = policy.SMTPUTF8 if is_utf8 else policy.SMTP
    with io.BytesIO() as buffer:
        try:
            generator = BytesGenerator(
                buffer, policy=form.clone(cte_type="8bit" if is_8bit else "7bit")
            )
            generator.flatten(bare)
        except _UNWRITABLE as exc:
            raise UsageError(f"the message cannot be written: {exc}", field=_FIELD) from exc
        return buffer.getvalue()


def is_signed(message: EmailMessage) -> bool:
    """Return whether a part would not survive being encoded anew (RFC 1847 section 2.1)."""
    try:
        return any(part.get_content_type() == "multipart/signed" for part in message.walk())
    except _UNWRITABLE as exc:
        raise UsageError(f"the message cannot be read: {exc}", field=_FIELD) from exc


def header_of(data: bytes) -> EmailMessage:
    """Return the header of a message given as bytes; it may be in UTF-8 (RFC 6532)."""
    # Not message_from_bytes(): it takes every octet above 127 for damage, addresses in UTF-8 too.
    text = data[: _body_at(data)].decode("utf-8", "surrogateescape")
    message = message_from_string(text, policy=policy.SMTPUTF8)
    if not isinstance(message, EmailMessage):  # what the policy makes; mypy cannot know
        raise UsageError("the header cannot be read", field=_FIELD)
    return message


def sender_in(message: EmailMessage) -> str:
    """Return the address in Sender, or else the one in From (RFC 5322 section 3.6.2).

    Raises: UsageError where there is none, or more than one.
    """
    for name in _names(message, _SENDERS):
        found = _whole_addresses(message, [name])
        if len(found) > 1:
            raise UsageError(f"{name} has {len(found)} addresses: say which", field="submit.sender")
        if found:
            return found[0]
    raise UsageError("neither Sender nor From has an address", field="submit.sender")


def recipients_in(message: EmailMessage) -> list[str]:
    """Return the addresses in To, Cc and Bcc. Raises: UsageError where there are none."""
    found = _whole_addresses(message, _names(message, _RECIPIENTS))
    if not found:
        raise UsageError("neither To nor Cc nor Bcc has an address", field="submit.recipients")
    return found


def has_utf8_address(message: EmailMessage) -> bool:
    """Return whether an address in the header can only be written in UTF-8 (RFC 6532)."""
    names = [*_SENDERS, *_RECIPIENTS, "Reply-To"]
    resent = [f"Resent-{name}" for name in names]
    return any(not address.isascii() for address in _addresses(_fields(message, [*names, *resent])))


def _names(message: EmailMessage, names: tuple[str, ...]) -> list[str]:
    # Not get_all(), which would parse the dates.
    blocks = sum(name.lower() == "resent-date" for name in message)
    if blocks > 1:
        # RFC 5322 section 3.6.6: which block is the last one cannot be told from a parsed header.
        raise UsageError(
            f"the message was resent {blocks} times: say from and to whom", field=_FIELD
        )
    return [f"Resent-{name}" for name in names] if blocks else list(names)


def _whole_addresses(message: EmailMessage, names: list[str]) -> list[str]:
    """Return the addresses, if email has read the lists to their ends.

    "a@b.example; c@d.example" and "a@b.example <c@d.example>" are a@b.example to it, and c would be
    left out without a word.
    """
    fields = _fields(message, names)
    for name, value in fields:
        if any(_UNREAD in str(defect) for defect in value.defects):
            raise UsageError(f"{name} has more than addresses: say who", field=_FIELD)
    return _addresses(fields)


def _fields(message: EmailMessage, names: list[str]) -> list[tuple[str, Any]]:
    try:
        return [(name, value) for name in names for value in message.get_all(name, [])]
    except Exception as exc:
        raise UsageError(f"an address cannot be read: {exc}", field=_FIELD) from exc


def _addresses(fields: list[tuple[str, Any]]) -> list[str]:
    try:
        found = [address.addr_spec for _, value in fields for address in value.addresses]
    except Exception as exc:
        raise UsageError(f"an address cannot be read: {exc}", field=_FIELD) from exc
    return [address for address in found if address not in ("", "<>")]
