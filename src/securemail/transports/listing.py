# SPDX-License-Identifier: Apache-2.0
"""What POP3 servers list, as values (RFC 1939 section 5, RFC 6856 section 3). No I/O here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.pop3 import parse_numbers, parse_unique_id
from securemail.wire.text import words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MailboxSize:
    """How many messages there are that are not marked as deleted, and their octets together."""

    messages: int
    octets: int


@dataclass(frozen=True, slots=True)
class MessageSize:
    """A message's number in this session, and its octets as the server counts them."""

    number: int
    octets: int


@dataclass(frozen=True, slots=True)
class UniqueID:
    """A message's number in this session, and its name in every session."""

    number: int
    uid: str


@dataclass(frozen=True, slots=True)
class Language:
    """A language that the server speaks (RFC 5646), and its name in that language."""

    tag: str
    name: str


def lines_of(name: str, text: bytes) -> list[bytes]:
    """Return the lines of the answer to `name`.

    Raises: LimitExceeded for more than anybody waits for.
    """
    count = text.count(b"\r\n")
    if count > (limit := limits.ANSWER_LINES):
        raise LimitExceeded(f"the answer to {name} has more than {limit} lines", limit=limit)
    return text.split(b"\r\n")[:-1]


def mailbox_size(text: bytes) -> MailboxSize:
    """Return what STAT says. Raises: ProtocolError."""
    return MailboxSize(*parse_numbers(text, 2))


def message_size(line: bytes) -> MessageSize:
    """Return what a line of LIST says. Raises: ProtocolError."""
    return MessageSize(*parse_numbers(line, 2))


def unique_id(line: bytes) -> UniqueID:
    """Return what a line of UIDL says. Raises: ProtocolError."""
    return UniqueID(*parse_unique_id(line))


def about(name: str, number: int, parse: Callable[[bytes], T], text: bytes) -> T:
    """Return what the answer to `name number` says. Raises: ProtocolError, as `parse` does."""
    if parse_numbers(text, 1) != (number,):
        raise ProtocolError(f"the answer to {name} {number} is about another message")
    return parse(text)


def language(line: bytes) -> Language:
    """Return what a line of LANG says."""
    tag, _, name = line.partition(b" ")
    return Language(tag.decode("ascii", "replace"), words(name))
