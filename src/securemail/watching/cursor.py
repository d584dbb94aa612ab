"""Where a watch has come to, to be stored by the program (RFC 3501, 7162, 1939). No I/O here."""

from __future__ import annotations

import base64
import binascii
import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from securemail import limits
from securemail.errors import ProtocolError, UsageError
from securemail.uids import HIGHEST_UID, UIDSet
from securemail.wire.mailbox import HIGHEST_MODSEQ

_FIELD: Final = "Cursor"
_DIGEST_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Cursor:
    """What of an IMAP mailbox was announced: a watch that begins with it goes on from there.

    Messages below `uidnext` were. `modseq` is there where the server counts changes (CONDSTORE);
    without QRESYNC `uids` are those that were there, None where they are too many to be kept: then
    what is expunged while nobody watches is not announced.

    Raises: UsageError for numbers that cannot be.
    """

    uidvalidity: int
    uidnext: int
    modseq: int | None = None
    uids: UIDSet | None = None

    def __post_init__(self) -> None:
        _check(self.uidvalidity, "uidvalidity", HIGHEST_UID)
        _check(self.uidnext, "uidnext", HIGHEST_UID + 1)
        if self.modseq is not None:
            _check(self.modseq, "modseq", HIGHEST_MODSEQ)
        if not isinstance(self.uids, UIDSet | None):
            raise UsageError("not a UIDSet", field=f"{_FIELD}.uids")

    def to_json(self) -> dict[str, object]:
        """Return it as a dict that JSON can hold."""
        return {
            "uidvalidity": self.uidvalidity,
            "uidnext": self.uidnext,
            "modseq": self.modseq,
            "uids": None if self.uids is None else str(self.uids),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """Return what `to_json` made. Raises: UsageError for anything else."""
        uids = _only(stored, {"uidvalidity", "uidnext", "modseq", "uids"})["uids"]
        if not isinstance(uids, str | None):
            raise UsageError("neither a text nor null", field=f"{_FIELD}.uids")
        return cls(
            uidvalidity=_number(stored, "uidvalidity"),
            uidnext=_number(stored, "uidnext"),
            modseq=None if stored["modseq"] is None else _number(stored, "modseq"),
            uids=None if uids is None else _uids(uids),
        )


@dataclass(frozen=True, slots=True)
class MaildropCursor:
    """Which messages of a POP3 mailbox were announced: digests of those that were there last.

    8 octets for each message, in ascending order. A unique id is never used again (RFC 1939
    section 7), so that those which are gone need not be kept.

    Raises: UsageError for digests that are not sorted, or too many.
    """

    seen: bytes

    def __post_init__(self) -> None:
        digests = _digests(self.seen) if isinstance(self.seen, bytes) else None
        if digests is None or len(self.seen) % _DIGEST_BYTES:
            raise UsageError("not a whole number of digests", field="MaildropCursor.seen")
        if len(digests) > limits.CURSOR_UNIQUE_IDS or digests != sorted(set(digests)):
            raise UsageError("digests that are none of ours", field="MaildropCursor.seen")

    def to_json(self) -> dict[str, object]:
        """Return it as a dict that JSON can hold."""
        return {"seen": base64.b64encode(self.seen).decode("ascii")}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """Return what `to_json` made. Raises: UsageError for anything else."""
        seen = _only(stored, {"seen"})["seen"]
        if not isinstance(seen, str):
            raise UsageError("not a text", field="MaildropCursor.seen")
        try:
            return cls(base64.b64decode(seen, validate=True))
        except (binascii.Error, ValueError) as exc:
            if isinstance(exc, UsageError):
                raise
            raise UsageError("not base64", field="MaildropCursor.seen") from exc

    @classmethod
    def of(cls, unique_ids: Iterable[str]) -> Self:
        """Return the cursor of a mailbox that has these.

        Raises: ProtocolError for more than anybody has.
        """
        digests = sorted({_digest(unique_id) for unique_id in unique_ids})
        if len(digests) > (limit := limits.CURSOR_UNIQUE_IDS):
            raise ProtocolError(f"{len(digests)} messages are more than {limit}")
        return cls(b"".join(digests))

    def is_new(self, unique_id: str) -> bool:
        """Return whether the message was not there."""
        digest = _digest(unique_id)
        # Searched where it stands: a set of 100,000 digests would take 7 MB, this takes 0.8.
        count = len(self.seen) // _DIGEST_BYTES
        at = bisect_left(range(count), digest, key=lambda n: _at(self.seen, n))
        return at == count or _at(self.seen, at) != digest


def _digest(unique_id: str) -> bytes:
    return hashlib.blake2b(unique_id.encode(), digest_size=_DIGEST_BYTES).digest()


def _at(seen: bytes, number: int) -> bytes:
    return seen[number * _DIGEST_BYTES : (number + 1) * _DIGEST_BYTES]


def _digests(seen: bytes) -> list[bytes]:
    return [_at(seen, number) for number in range(len(seen) // _DIGEST_BYTES)]


def _check(value: object, name: str, highest: int) -> None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or not isinstance(value, int) or not 0 < value <= highest:
        raise UsageError(f"{value!r} cannot be", field=f"{_FIELD}.{name}")


def _only(stored: Mapping[str, object], names: set[str]) -> Mapping[str, object]:
    if not isinstance(stored, Mapping) or set(stored) != names:
        raise UsageError(f"wants {', '.join(sorted(names))} and nothing else", field=_FIELD)
    return stored


def _number(stored: Mapping[str, object], name: str) -> int:
    value = stored[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{value!r} is not a number", field=f"{_FIELD}.{name}")
    return value


def _uids(text: str) -> UIDSet:
    try:
        return UIDSet.parse(text.encode()) if text else UIDSet()
    except ProtocolError as exc:
        raise UsageError(str(exc), field=f"{_FIELD}.uids") from exc
