"""The arguments of IMAP commands: atoms, strings, sets, flags and dates. No I/O here.

RFC 3501 section 9. A literal stands inline, as `{5}` CRLF and its octets.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from securemail.testing.store import SYSTEM_FLAGS

ATOM: Final = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
ASTRING_ATOM: Final = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
LIST_MAILBOX: Final = re.compile(rb'[^\x00-\x20(){"\\\x7f-\xff]+')
QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"')
LITERAL: Final = re.compile(rb"\{(\d{1,10})\}\r\n")
SPACE: Final = re.compile(rb" ")
NUMBER: Final = re.compile(rb"\d{1,10}")
_RANGE: Final = rb"(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?"
SEQUENCE_SET: Final = re.compile(rb"%b(?:,%b)*" % (_RANGE, _RANGE))
FLAG: Final = re.compile(rb'\\?[^\x00-\x20(){%*"\\\]\x7f-\xff]+')

_DATE_TIME: Final = re.compile(
    r'"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"'
)
_DATE: Final = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
# strftime would follow the locale.
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_FLAGS_BY_LOWER: Final = {flag.lower(): flag for flag in SYSTEM_FLAGS}


class BadCommandError(Exception):
    """What the client sent is no command, or none in this state: answered with BAD."""


class Arguments:
    """The rest of a command, from left to right. Raises `BadCommandError` where it is wrong."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Take what the pattern matches here, or nothing."""
        found = pattern.match(self._data, self._at)
        if found:
            self._at = found.end()
        return found

    def require(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """Take what the pattern must match here."""
        found = self.take(pattern)
        if not found:
            raise BadCommandError(f"{what} expected at octet {self._at} of the arguments")
        return found[0]

    def skip(self, octets: bytes) -> bool:
        """Take exactly these octets, if they are here."""
        is_here = self._data.startswith(octets, self._at)
        self._at += len(octets) * is_here
        return is_here

    def peek(self, octets: bytes) -> bool:
        """Tell whether these octets are here, and take nothing."""
        return self._data.startswith(octets, self._at)

    def space(self) -> None:
        """Take the one space between two arguments."""
        self.require(SPACE, "space")

    def end(self) -> None:
        """Nothing may follow."""
        if not self.at_end():
            raise BadCommandError(f"too many arguments, from octet {self._at} on")

    def at_end(self) -> bool:
        """Tell whether nothing follows."""
        return self._at == len(self._data)

    def atom(self) -> str:
        """Take an atom, in capitals."""
        return self.require(ATOM, "atom").decode("ascii").upper()

    def number(self) -> int:
        """Take a number."""
        return int(self.require(NUMBER, "number"))

    def astring(self, atom: re.Pattern[bytes] = ASTRING_ATOM) -> bytes:
        """Take an atom, a quoted string or a literal."""
        if (found := self.take(QUOTED)) is not None:
            return re.sub(rb'\\(["\\])', rb"\1", found[1])
        literal = self.literal()
        return self.require(atom, "string") if literal is None else literal

    def literal(self) -> bytes | None:
        """Take a literal, if one is here."""
        found = self.take(LITERAL)
        if found is None:
            return None
        start = self._at
        self._at += int(found[1])
        return self._data[start : self._at]

    def mailbox(self) -> str:
        """Take a mailbox name. Modified UTF-7 is kept as the ASCII that it is."""
        return _text(self.astring())

    def list_pattern(self) -> str:
        """Take a mailbox name with wildcards."""
        return _text(self.astring(LIST_MAILBOX))

    def flags(self) -> frozenset[str]:
        """Take flags, with or without parentheses."""
        is_list = self.skip(b"(")
        flags: list[str] = []
        while found := self.take(FLAG):
            flags.append(_flag(found[0]))
            if not self.skip(b" "):
                break
        if is_list and not self.skip(b")"):
            raise BadCommandError("the list of flags has no end")
        return frozenset(flags)

    def date_time(self) -> dt.datetime:
        """Take a quoted date with time and zone."""
        found = _DATE_TIME.match(self._data.decode("latin-1"), self._at)
        if not found:
            raise BadCommandError("date-time expected")
        self._at = found.end()
        day, month, year, hour, minute, second, sign, zone_h, zone_min = found.groups()
        offset = dt.timedelta(hours=int(zone_h), minutes=int(zone_min)) * (-1 if sign == "-" else 1)
        try:
            zone = dt.timezone(offset)
            date = _date(int(day), month, int(year))
            return dt.datetime.combine(date, dt.time(int(hour), int(minute), int(second)), zone)
        except ValueError as exc:
            raise BadCommandError(f"no such date: {exc}") from exc

    def date(self) -> dt.date:
        """Take a date without time, quoted or not."""
        found = _DATE.fullmatch(_text(self.astring()))
        if not found:
            raise BadCommandError("date expected")
        return _date(int(found[1]), found[2], int(found[3]))


def format_date_time(date: dt.datetime) -> str:
    """Return an INTERNALDATE without its quotes."""
    return f"{date.day:2}-{MONTHS[date.month - 1]}-{date:%Y %H:%M:%S %z}"


def quoted(text: str) -> str:
    """Return a quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _date(day: int, month: str, year: int) -> dt.date:
    try:
        return dt.date(year, MONTHS.index(month.capitalize()) + 1, day)
    except ValueError as exc:
        raise BadCommandError(f"no such date: {exc}") from exc


def _flag(raw: bytes) -> str:
    flag = raw.decode("ascii")
    if not flag.startswith("\\"):
        return flag
    if flag.lower() not in _FLAGS_BY_LOWER:
        raise BadCommandError(f"the flag {flag} cannot be set")
    return _FLAGS_BY_LOWER[flag.lower()]


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadCommandError("text that is not UTF-8") from exc
