"""Sets of UIDs as ranges (RFC 3501 section 9, sequence-set). No I/O here."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, Self

from securemail.errors import ProtocolError, SecureMailError

HIGHEST_UID: Final = 2**32 - 1

_RANGE: Final = re.compile(rb"([0-9]{1,10})(?::([0-9]{1,10}))?(?:,|\Z)")


class UIDValidityError(SecureMailError):
    """The mailbox was made anew: its UIDs are others than those that the program knows.

    `expected` is the UIDVALIDITY that the program has, `found` that of the mailbox. List it anew
    (RFC 3501 section 2.3.1.1); a watch says so, too, with `UIDValidityChanged`.
    """

    def __init__(self, mailbox: str, *, expected: int, found: int) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"{mailbox}: the UIDVALIDITY is {found}, and not {expected}")


class UIDSet:
    """Unique identifiers of messages in one mailbox: a value, and 8 octets for each range.

    `len()`, `in`, iteration in ascending order, `|`, `-` and `&` work as with sets; `str()` is the
    sequence set that IMAP commands want: "1:5,7".
    """

    __slots__ = ("_bounds",)

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """Take ranges in any order, both ends included; they may overlap.

        Raises: ProtocolError for a UID that cannot be.
        """
        bounds = array("I")
        for low, high in sorted(ranges):
            if not 0 < low <= high <= HIGHEST_UID:
                raise ProtocolError(f"{low}:{high} is no range of UIDs")
            if bounds and low <= bounds[-1] + 1:
                bounds[-1] = max(bounds[-1], high)
            else:
                bounds.extend((low, high))
        self._bounds: Final = bounds

    @classmethod
    def of(cls, uids: Iterable[int]) -> Self:
        """Return the set of `uids`. Raises: ProtocolError for one that cannot be."""
        return cls(_runs(sorted(uids)))

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return what a sequence set says. Raises: ProtocolError for anything else."""
        ranges, at = [], 0
        while at < len(text):
            match = _RANGE.match(text, at)
            if match is None:
                raise ProtocolError(f"no set of UIDs at octet {at} of {len(text)}")
            low, high = int(match[1]), int(match[2] or match[1])
            ranges.append((min(low, high), max(low, high)))
            at = match.end()
        if not ranges or text.endswith(b","):
            raise ProtocolError(f"no set of UIDs in {len(text)} octets")
        return cls(ranges)

    @property
    def ranges(self) -> Iterator[tuple[int, int]]:
        """The ranges, ascending, both ends included."""
        return zip(self._bounds[::2], self._bounds[1::2], strict=True)

    @property
    def range_count(self) -> int:
        """How many ranges there are: what the set costs."""
        return len(self._bounds) // 2

    @property
    def highest(self) -> int:
        """The highest UID, 0 where there is none."""
        return self._bounds[-1] if self._bounds else 0

    def within(self, low: int, high: int = HIGHEST_UID) -> UIDSet:
        """Return those from `low` to `high`, both included."""
        if low > high:
            return NO_UIDS
        parts = (
            (max(first, low), min(last, high))
            for first, last in self.ranges
            if last >= low and first <= high
        )
        return UIDSet(parts) or NO_UIDS

    def at(self, *numbers: int) -> list[int]:
        """Return the UIDs with these numbers, from 1, in ascending order of UIDs.

        Raises: IndexError for a number that there is not.
        """
        sizes = list(accumulate(high - low + 1 for low, high in self.ranges))
        found = []
        for number in numbers:
            index = bisect_right(sizes, number - 1)
            if number < 1 or index >= len(sizes):
                raise IndexError(f"message {number} of {sizes[-1] if sizes else 0}")
            found.append(self._bounds[2 * index + 1] - (sizes[index] - number))
        return found

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __bool__(self) -> bool:
        return bool(self._bounds)

    def __iter__(self) -> Iterator[int]:
        for low, high in self.ranges:
            yield from range(low, high + 1)

    def __contains__(self, uid: object) -> bool:
        if not isinstance(uid, int) or not 0 < uid <= HIGHEST_UID:
            return False
        # An odd place is inside a range; an even one is inside if it is the range's end.
        index = bisect_right(self._bounds, uid)
        return index % 2 == 1 or (index > 0 and self._bounds[index - 1] == uid)

    def __or__(self, other: UIDSet) -> UIDSet:
        if not self or not other:
            return self or other
        return UIDSet((*self.ranges, *other.ranges))

    def __and__(self, other: UIDSet) -> UIDSet:
        return self - (self - other)

    def __sub__(self, other: UIDSet) -> UIDSet:
        left: list[tuple[int, int]] = []
        gaps = list(other.ranges)
        at = 0
        for first, last in self.ranges:
            low = first
            while at < len(gaps) and gaps[at][1] < low:
                at += 1
            index = at
            while index < len(gaps) and gaps[index][0] <= last:
                if gaps[index][0] > low:
                    left.append((low, gaps[index][0] - 1))
                low = max(low, gaps[index][1] + 1)
                index += 1
            if low <= last:
                left.append((low, last))
        return UIDSet(left) or NO_UIDS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UIDSet) and self._bounds == other._bounds

    def __hash__(self) -> int:
        return hash((UIDSet, self._bounds.tobytes()))

    def __str__(self) -> str:
        return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in self.ranges)

    def __repr__(self) -> str:
        text = str(self)
        shown = text if len(text) <= 80 else f"{text[:80]}…"
        return f"UIDSet({shown})"


# One for all: most of what is told of a mailbox is that nothing was expunged, and no flag changed.
NO_UIDS: Final = UIDSet()


def _runs(uids: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges of `uids`, which ascend. Not a pair for each UID: ten times as much."""
    at = 0
    while at < len(uids):
        end = at + 1
        while end < len(uids) and uids[end] - uids[end - 1] <= 1:
            end += 1
        yield uids[at], uids[end - 1]
        at = end
