"""The items of FETCH: what a client asks for, and what a message answers. No I/O here.

RFC 3501 sections 6.4.5 and 7.4.2, without BODYSTRUCTURE, ENVELOPE and the parts of a MIME message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from securemail.testing.imap.session import RefusedError
from securemail.testing.imap.syntax import Arguments, BadCommandError, format_date_time
from securemail.testing.store import Message

MACROS: Final = {"FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE")}

_SECTION: Final = re.compile(
    rb"BODY(\.PEEK)?\[([^\]\r\n]*)\](?:<(\d{1,10})\.(\d{1,10})>)?", re.IGNORECASE
)
_NAME: Final = re.compile(rb"[A-Za-z0-9.]+")
_FIELDS: Final = re.compile(r"HEADER\.FIELDS(\.NOT)? \(([^()]+)\)", re.IGNORECASE)
_FIELD: Final = re.compile(rb"[^\r\n:]+:[^\n]*\n(?:[ \t][^\n]*\n)*")

_ATTRIBUTES: Final = frozenset({"FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE"})
# Old names: their section, and whether reading it marks the message as seen.
_OLD: Final = {
    "RFC822": ("", True),
    "RFC822.HEADER": ("HEADER", False),
    "RFC822.TEXT": ("TEXT", True),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `section` is None for an attribute; `start` and `size` are octets."""

    label: str
    section: str | None = None
    sets_seen: bool = False
    start: int = 0
    size: int | None = None


def parse_items(arguments: Arguments) -> list[Item]:
    """Read one item, a macro, or a list in parentheses."""
    if not arguments.skip(b"("):
        return _item_or_macro(arguments)
    items = _item_or_macro(arguments)
    while arguments.skip(b" "):
        items += _item_or_macro(arguments)
    if not arguments.skip(b")"):
        raise BadCommandError("the list of items has no end")
    return items


def render(item: Item, message: Message, flags: str) -> bytes:
    """Return an item of the answer; `flags` as the session sees them."""
    if item.section is not None:
        data = section(message.data, item.section)
        end = None if item.size is None else item.start + item.size
        data = data[item.start : end]
        return b"%b {%d}\r\n%b" % (item.label.encode(), len(data), data)
    match item.label:
        case "FLAGS":
            value = flags
        case "UID":
            value = str(message.uid)
        case "INTERNALDATE":
            value = f'"{format_date_time(message.internal_date)}"'
        case _:
            value = str(len(message.data))
    return f"{item.label} {value}".encode()


def section(data: bytes, name: str) -> bytes:
    """Return a section of a message. Raises `RefusedError` for one that is not served here."""
    if not name:
        return data
    header, text = split(data)
    if name == "HEADER":
        return header
    if name == "TEXT":
        return text
    found = _FIELDS.fullmatch(name)
    if not found:
        raise RefusedError(f"[CANNOT] the section {name} is not served here")
    wanted = {field.strip('"').encode() for field in found[2].upper().split()}
    return _fields(header, wanted, is_exclusion=bool(found[1]))


def split(data: bytes) -> tuple[bytes, bytes]:
    """Return the header with its empty line, and the text."""
    if data.startswith(b"\r\n"):
        return data[:2], data[2:]
    header, separator, text = data.partition(b"\r\n\r\n")
    return header + separator, text


def _fields(header: bytes, wanted: set[bytes], *, is_exclusion: bool) -> bytes:
    kept = [
        field
        for field in _FIELD.findall(header)
        if (field.split(b":", 1)[0].strip().upper() in wanted) is not is_exclusion
    ]
    return b"".join(kept) + b"\r\n"


def _item_or_macro(arguments: Arguments) -> list[Item]:
    if found := arguments.take(_SECTION):
        return [_section_item(found)]
    name = arguments.require(_NAME, "item").decode("ascii").upper()
    if name in MACROS:
        return [Item(part) for part in MACROS[name]]
    if name in _ATTRIBUTES:
        return [Item(name)]
    if name in _OLD:
        old, sets_seen = _OLD[name]
        return [Item(name, section=old, sets_seen=sets_seen)]
    raise BadCommandError(f"FETCH has no {name} here")


def _section_item(found: re.Match[bytes]) -> Item:
    name = found[2].decode("latin-1").upper()
    label = f"BODY[{name}]"
    if found[3] is None:
        return Item(label, section=name, sets_seen=not found[1])
    start, size = int(found[3]), int(found[4])
    return Item(f"{label}<{start}>", section=name, sets_seen=not found[1], start=start, size=size)
