"""SASLprep: one form for names and passwords that look the same (RFC 4013, RFC 3454). No I/O here.

The tables are those of Unicode 3.2, as the RFC has it.
"""

from __future__ import annotations

import stringprep
from collections.abc import Callable
from typing import Final
from unicodedata import ucd_3_2_0

# RFC 4013 section 2.3, with what each table holds.
_PROHIBITED: Final[tuple[tuple[Callable[[str], bool], str], ...]] = (
    (stringprep.in_table_c12, "a space that is not ASCII"),
    (stringprep.in_table_c21_c22, "a control character"),
    (stringprep.in_table_c3, "a private-use character"),
    (stringprep.in_table_c4, "a non-character"),
    (stringprep.in_table_c5, "a surrogate"),
    (stringprep.in_table_c6, "a character that is not for plain text"),
    (stringprep.in_table_c7, "a character that describes others"),
    (stringprep.in_table_c8, "a character that changes how others are shown"),
    (stringprep.in_table_c9, "a tagging character"),
)


class ProhibitedError(ValueError):
    """The text cannot be prepared. The message says why and not what it is."""


def saslprep(text: str, *, allow_unassigned: bool) -> str:
    """Return `text` prepared.

    RFC 4013 section 2.5 sends queries (what a client logs in with) with code points that Unicode
    3.2 had not assigned, emoji among them, and keeps them out of stored strings.

    Raises: ProhibitedError.
    """
    if text.isascii() and text.isprintable():
        return text  # as nearly all are, and the tables take 40 us
    prepared = ucd_3_2_0.normalize("NFKC", _mapped(text))
    for is_prohibited, name in _PROHIBITED:
        if any(map(is_prohibited, prepared)):
            raise ProhibitedError(f"SASLprep does not allow {name}")
    if not allow_unassigned and any(map(stringprep.in_table_a1, prepared)):
        raise ProhibitedError("SASLprep does not allow a character newer than Unicode 3.2")
    _check_directions(prepared)
    return prepared


def _mapped(text: str) -> str:
    """RFC 4013 section 2.1: other spaces become the ASCII one, what is invisible goes."""
    return "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if not stringprep.in_table_b1(char)
    )


def _check_directions(text: str) -> None:
    """RFC 3454 section 6: text from right to left is that from end to end."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    is_framed = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if not is_framed or any(map(stringprep.in_table_d2, text)):
        raise ProhibitedError("SASLprep does not allow this mixture of writing directions")
