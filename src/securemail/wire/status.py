"""What a server says about mailboxes by name (RFC 3501 7.2.4, RFC 5465, RFC 7162). No I/O here."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from securemail.errors import ProtocolError
from securemail.uids import HIGHEST_UID
from securemail.wire.mailbox import HIGHEST_MODSEQ, malformed

# What shows that a mailbox has changed, and how far each may count.
HIGHEST: Final = {
    "MESSAGES": HIGHEST_UID,
    "UIDNEXT": HIGHEST_UID + 1,
    "UIDVALIDITY": HIGHEST_UID,
    "HIGHESTMODSEQ": HIGHEST_MODSEQ,
}

_STATUS: Final = re.compile(
    rb'STATUS (?:"((?:[^"\\]|\\.)*)"|([^ "(){]+)) \((.*)\) ?\Z', re.IGNORECASE | re.DOTALL
)
_BY_LITERAL: Final = re.compile(rb"STATUS \{[0-9]{1,20}\}\Z", re.IGNORECASE)
_ITEM: Final = re.compile(
    rb"(?:\A| )(MESSAGES|UIDNEXT|UIDVALIDITY|HIGHESTMODSEQ) ([0-9]{1,20})(?= |\Z)", re.IGNORECASE
)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_ENCODED: Final = re.compile(r"&([A-Za-z0-9+,]*)-")


@dataclass(frozen=True, slots=True)
class Status:
    """Some of a mailbox's numbers: those of `HIGHEST`, whatever else the server tells."""

    mailbox: str
    values: dict[str, int]


Answer = bytes | bytearray


def take_statuses(lines: Iterable[Answer]) -> tuple[list[Status], list[Answer]]:
    """Return the STATUS responses among `lines`, and the other lines.

    The name may come as a literal: a `bytearray`, and the rest of the response behind it.

    Raises: ProtocolError for a malformed one.
    """
    statuses: list[Status] = []
    others: list[Answer] = []
    rest = iter(lines)
    for line in rest:
        if isinstance(line, bytearray) or line[:7].upper() != b"STATUS ":
            others.append(line)
        elif _BY_LITERAL.match(line):
            name = bytes(next(rest, b""))
            statuses.append(_status(b"STATUS x" + next(rest, b""), name))
        else:
            statuses.append(_status(line, None))
    return statuses, others


def _status(line: bytes, name: bytes | None) -> Status:
    match = _STATUS.match(line)
    if match is None:
        raise malformed(line)
    if name is None:
        name = match[2] if match[1] is None else _ESCAPED.sub(rb"\1", match[1])
    values: dict[str, int] = {}
    for item in _ITEM.finditer(match[3]):
        key, value = item[1].decode("ascii").upper(), int(item[2])
        if value > HIGHEST[key]:
            raise ProtocolError(f"the server sent a {key} of {value}")
        values[key] = value
    return Status(mailbox_name(name), values)


def mailbox_name(raw: bytes) -> str:
    """Return a name as people write it, from modified UTF-7 (RFC 3501 5.1.3) or UTF-8 (RFC 6855).

    What is neither stays as it is: it is the name of no mailbox that anybody asked for.
    """
    return _ENCODED.sub(_decoded, raw.decode("utf-8", "replace"))


def same_name(name: str) -> str:
    """Return what two names of one mailbox have in common: INBOX has no case."""
    return "INBOX" if name.upper() == "INBOX" else name


def _decoded(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    encoded = match[1].replace(",", "/")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-16-be")
    except (binascii.Error, ValueError):
        return match[0]
